/* late.h: libraries that are opened when they are first needed.
 *
 * Some that few runs need bring dozens of others with them: linked, they would cost every run of the program milliseconds of start,
 * and memory that relocation writes to. A file that uses such a library is compiled with its header, lists the functions that it
 * calls, and calls them through a table:
 *
 *     #define FUNCTIONS(X) X(first) X(second)
 *     static struct { FUNCTIONS(LATE_MEMBER) } lib;
 *     #define LATE_TABLE lib
 *     static const struct late_function functions[] = {FUNCTIONS(LATE_FUNCTION)};
 *     ...
 *     if (late_open("liblib.so.1", functions, sizeof functions / sizeof *functions, why))
 *         lib.first(); */
#ifndef BASE_LATE_H
#define BASE_LATE_H

#include <stdbool.h>
#include <stddef.h>

enum { LATE_WHY = 256 };

struct late_function {
    const char *name;
    void *pointer; /* to the pointer that shall point to it */
};

#define LATE_MEMBER(name)   __typeof__(name) *name;
#define LATE_FUNCTION(name) {#name, &LATE_TABLE.name},

/* Opens a library under its soname, for the life of the process, and sets the pointers. When it or a function is not there: false,
 * and `why` says so in the linker's words. Each library is opened once: callers see to that, and to what threads see of it. */
bool late_open(const char *soname, const struct late_function *functions, size_t count, char why[LATE_WHY]);

#endif
