/* late.c: see late.h. */
#include "base/late.h"

#include <dlfcn.h>
#include <locale.h>
#include <string.h>

#include "base/str.h"

/* The linker's sentence for what failed last, in English; valid until the next call of a dl function. */
static const char *linker_reason(void)
{
    const locale_t before = uselocale(str_plain_locale());
    const char *reason = dlerror();
    uselocale(before);
    return reason != NULL ? reason : "a function is missing";
}

/* Whether that was want of memory or address space. The linker tells by nothing but its sentence: glibc sets no errno
 * (elf/dl-load.c, elf/dl-map-segments.h), musl has the system's words. */
static bool is_want_of_memory(const char *reason)
{
    static const char *const sentences[] = {"failed to map segment", "cannot map zero-fill pages",
                                            "annot allocate memory", "cannot create shared object descriptor",
                                            "Out of memory"};
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
        if (strstr(reason, sentences[i]) != NULL)
            return true;
    return false;
}

lt_status late_open(const char *user, const char *soname, const char *remedy,
                    const struct late_function *functions, size_t count, lt_error *error)
{
    void *library = dlopen(soname, RTLD_LAZY | RTLD_LOCAL);
    bool there = library != NULL;
    for (size_t i = 0; i < count && there; i++) {
        void *address = dlsym(library, functions[i].name);
        memcpy(functions[i].pointer, &address, sizeof address);
        there = address != NULL;
    }
    if (there)
        return error_none(error);
    const char *reason = linker_reason();
    if (library == NULL && is_want_of_memory(reason))
        return error_set(error, LT_ERR_MEMORY,
                         "there is no memory or address space for %s, which %s needs: try again later (%s)",
                         soname, user, reason);
    return error_set(error, LT_ERR_UNSUPPORTED, "%s needs %s: %s (%s)", user, soname, remedy, reason);
}
