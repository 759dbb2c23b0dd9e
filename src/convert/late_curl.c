/* late_curl.c: see late_curl.h. */
#include "convert/late_curl.h"

#include <pthread.h>

#define LIBRARY "libcurl.so.4" /* since 2006 */

static struct late_curl table;
static bool there;
static char why[LATE_WHY];

static void load(void)
{
#define LATE_TABLE table
    static const struct late_function functions[] = {LATE_CURL_FUNCTIONS(LATE_FUNCTION)};
    there = late_open(LIBRARY, functions, sizeof functions / sizeof *functions, why);
}

const struct late_curl *late_curl(lt_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    if (there)
        return &table;
    error_set(error, LT_ERR_UNSUPPORTED, "this needs " LIBRARY ": install the package libcurl4 (%s)", why);
    return NULL;
}
