/* late.c: see late.h. */
#include "base/late.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

bool late_open(const char *soname, const struct late_function *functions, size_t count, char why[LATE_WHY])
{
    void *library = dlopen(soname, RTLD_LAZY | RTLD_LOCAL);
    bool there = library != NULL;
    for (size_t i = 0; i < count && there; i++) {
        void *address = dlsym(library, functions[i].name);
        memcpy(functions[i].pointer, &address, sizeof address);
        there = address != NULL;
    }
    const char *reason = there ? "" : dlerror();
    snprintf(why, LATE_WHY, "%s", reason != NULL ? reason : "a function is missing");
    return there;
}
