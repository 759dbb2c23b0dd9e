/* late_curl.c: see late_curl.h. */
#include "convert/late_curl.h"

#include <pthread.h>

#define LIBRARY "libcurl.so.4" /* since 2006 */

static struct late_curl table;
#define LATE_TABLE table

const struct late_curl *late_curl(lt_error *error)
{
    static const struct late_function functions[] = {LATE_CURL_FUNCTIONS(LATE_FUNCTION)};
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static bool open; /* guarded by mutex */
    pthread_mutex_lock(&mutex);
    open = open || late_open("this", LIBRARY, "install the package libcurl4", functions,
                             sizeof functions / sizeof *functions, error) == LT_OK;
    const bool there = open;
    pthread_mutex_unlock(&mutex);
    return there ? &table : NULL;
}
