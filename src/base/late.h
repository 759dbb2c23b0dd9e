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
 *     lt_status status = late_open("this", "liblib.so.1", "install the package liblib1", functions,
 *                                  sizeof functions / sizeof *functions, error);
 *     if (status == LT_OK)
 *         lib.first(); */
#ifndef BASE_LATE_H
#define BASE_LATE_H

#include <stddef.h>

#include "base/error.h"

struct late_function {
    const char *name;
    void *pointer; /* to the pointer that shall point to it */
};

#define LATE_MEMBER(name)   __typeof__(name) *name;
#define LATE_FUNCTION(name) {#name, &LATE_TABLE.name},

/* Opens a library under its soname, for the life of the process, and sets the pointers. `user` (who needs it: "AAC") and `remedy`
 * (what brings it: "install the package P") are for the error's sentence, which has the linker's words, too. Callers see to it that
 * nobody uses the pointers meanwhile, and to what threads see of them. Errors: LT_ERR_UNSUPPORTED (it or a function is not there),
 * LT_ERR_MEMORY (there is no memory or address space for it now: another time there may be). */
lt_status late_open(const char *user, const char *soname, const char *remedy,
                    const struct late_function *functions, size_t count, lt_error *error);

#endif
