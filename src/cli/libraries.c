/* libraries.c: versions of the libraries in use. A line for each; the libraries say it themselves where they
 * can. */
#include "cli/libraries.h"

#include <stdio.h>

#include <FLAC/format.h>
#include <alsa/asoundlib.h>
#include <flite/flite_version.h>
#include <jansson.h>
#include <lame/lame.h>
#include <libavcodec/version.h>
#include <libavutil/macros.h>
#include <microhttpd.h>
#include <opusenc.h>
#include <soxr.h>
#include <utf8proc.h>
#include <zip.h>

#include "convert/late_curl.h"

static const char *curl_library_version(void)
{
    const struct late_curl *lib = late_curl(NULL);
    return lib != NULL ? lib->curl_version_info(CURLVERSION_NOW)->version : "not installed";
}

static const char *flac_version(void)
{
    return FLAC__VERSION_STRING;
}

static const char *libavcodec_version(void)
{
    return AV_STRINGIFY(
        LIBAVCODEC_VERSION); /* of the headers: only this major version is opened, when AAC is */
}

static const char *flite_version(void)
{
    return FLITE_PROJECT_VERSION; /* of the headers: the library has no way to ask */
}

static const struct {
    const char *name;
    const char *(*version)(void);
} libraries[] = {
    {"alsa", snd_asoundlib_version},
    {"curl", curl_library_version},
    {"flac", flac_version},
    {"flite", flite_version},
    {"jansson", jansson_version_str},
    {"lame", get_lame_version},
    {"libavcodec", libavcodec_version},
    {"libmicrohttpd", MHD_get_version},
    {"libopusenc", ope_get_version_string},
    {"libzip", zip_libzip_version},
    {"soxr", soxr_version},
    {"utf8proc", utf8proc_version},
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
