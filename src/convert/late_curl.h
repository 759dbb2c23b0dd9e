/* late_curl.h: libcurl, opened when something is first downloaded or asked for.
 *
 * It brings some 40 other libraries with it: linked, they made up 9 of the 25 ms in which every run of the program started,
 * measured on Debian 12, and took 1.8 MB of its memory. */
#ifndef CONVERT_LATE_CURL_H
#define CONVERT_LATE_CURL_H

#define CURL_DISABLE_TYPECHECK /* whose macros know functions by their names only */
#include <curl/curl.h>

#include "base/error.h"
#include "base/late.h"

#define LATE_CURL_FUNCTIONS(X)                                                                               \
    X(curl_easy_cleanup)                                                                                     \
    X(curl_easy_getinfo)                                                                                     \
    X(curl_easy_init)                                                                                        \
    X(curl_easy_perform)                                                                                     \
    X(curl_easy_reset)                                                                                       \
    X(curl_easy_setopt)                                                                                      \
    X(curl_easy_strerror)                                                                                    \
    X(curl_global_cleanup)                                                                                   \
    X(curl_global_init)                                                                                      \
    X(curl_slist_append)                                                                                     \
    X(curl_slist_free_all)                                                                                   \
    X(curl_version_info)

struct late_curl {
    LATE_CURL_FUNCTIONS(LATE_MEMBER)
};

/* libcurl's functions, for the life of the process; from any thread. NULL when it cannot be opened: late_open's errors. */
const struct late_curl *late_curl(lt_error *error);

#endif
