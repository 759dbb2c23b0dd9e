/* level.h: what a level of the cache below memory counts. */
#ifndef ENGINE_LEVEL_H
#define ENGINE_LEVEL_H

#include <stdbool.h>
#include <stdint.h>

/* Since it was opened, but for the last four, which are of now. */
struct level_counts {
    uint64_t hits, misses, added, evictions;
    uint64_t errors; /* damaged entries, failed reads and writes, timeouts */
    uint64_t entries, bytes, limit;
    bool down; /* the last attempt failed: it is left alone for a while, then tried again */
};

#endif
