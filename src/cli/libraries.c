/* libraries.c: versions of the libraries in use. A line for each; the libraries say it themselves where they can. */
#include "cli/libraries.h"

#include <stdio.h>

#include <flite/flite_version.h>
#include <jansson.h>
#include <soxr.h>

static const char *flite_version(void)
{
    return FLITE_PROJECT_VERSION; /* of the headers: the library has no way to ask */
}

static const struct {
    const char *name;
    const char *(*version)(void);
} libraries[] = {
    {"flite", flite_version},
    {"jansson", jansson_version_str},
    {"soxr", soxr_version},
};

const int library_count = sizeof libraries / sizeof *libraries;

const char *library_name(int index)
{
    return libraries[index].name;
}

void library_version(int index, char version[LIBRARY_VERSION_SIZE])
{
    snprintf(version, LIBRARY_VERSION_SIZE, "%s", libraries[index].version());
}
