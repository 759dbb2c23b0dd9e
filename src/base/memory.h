/* memory.h: how much memory the process uses, as the kernel counts it. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdint.h>

/* Most resident memory that this program has had so far, in bytes; 0 where /proc is not mounted. Not
 * getrusage's ru_maxrss: that one keeps the peak of the process that called exec, so a small program
 * started by a large one would look as large. */
uint64_t memory_peak_bytes(void);

/* The value of `name` in a file of lines as "Name:   123 kB" (/proc/self/status, /proc/meminfo), in bytes;
 * 0 when it is not there. */
uint64_t memory_read_field(const char *path, const char *name);

#endif
