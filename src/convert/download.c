/* download.c: downloads with libcurl.
 *
 * Only the size and the SHA-256 decide whether a file is good; everything that a server says about it is a
 * hint. A broken connection, a silent server and a server error are tried again with growing pauses as long
 * as bytes arrive in between. */
#include "convert/download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nettle/sha2.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "convert/late_curl.h"

struct downloader {
    struct download_options options;
    const struct late_curl *lib;
    CURL *curl;
    char reason[CURL_ERROR_SIZE];
};

/* One file being fetched. */
struct fetch {
    struct downloader *downloader;
    const struct manifest_file *expected;
    const char *url, *part;
    int fd;
    uint64_t done;      /* bytes in the .part file */
    double last_report; /* clock_seconds() */
    bool cancelled, too_long;
    int disk_error; /* errno of a failed write; 0: none */
};

lt_status downloader_open(const struct download_options *options, struct downloader **out, lt_error *error)
{
    *out = NULL;
    const struct late_curl *lib = late_curl(error);
    if (lib == NULL)
        return LT_ERR_UNSUPPORTED;
    if (lib->curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return error_set(error, LT_ERR_INTERNAL, "libcurl cannot be started");
    struct downloader *downloader = calloc(1, sizeof *downloader);
    if (downloader != NULL)
        downloader->curl = lib->curl_easy_init();
    if (downloader == NULL || downloader->curl == NULL) {
        free(downloader);
        lib->curl_global_cleanup();
        return error_memory(error, "a download");
    }
    downloader->options = *options;
    downloader->lib = lib;
    *out = downloader;
    return LT_OK;
}

void downloader_close(struct downloader *downloader)
{
    if (downloader == NULL)
        return;
    downloader->lib->curl_easy_cleanup(downloader->curl);
    downloader->lib->curl_global_cleanup();
    free(downloader);
}

/* ---- What libcurl calls ------------------------------------------------------------------------ */

static size_t take_bytes(char *bytes, size_t unit, size_t count, void *user)
{
    struct fetch *fetch = user;
    size_t size = unit * count;
    if (size > fetch->expected->size - fetch->done) {
        fetch->too_long = true;
        return CURL_WRITEFUNC_ERROR;
    }
    for (size_t at = 0; at < size;) {
        ssize_t n = write(fetch->fd, bytes + at, size - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            fetch->disk_error = errno;
            return CURL_WRITEFUNC_ERROR;
        }
        at += (size_t)n;
        fetch->done += (size_t)n;
    }
    return size;
}

static bool report(struct fetch *fetch, const char *note)
{
    const struct download_options *options = &fetch->downloader->options;
    if (options->progress != NULL &&
        !options->progress(options->user, fetch->done, fetch->expected->size, note))
        fetch->cancelled = true;
    return !fetch->cancelled;
}

static int show_progress(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return report(user, NULL) ? 0 : 1;
}

/* ---- One try ----------------------------------------------------------------------------------- */

/* Cuts the .part file to nothing: the next try asks for the whole file. */
static lt_status start_over(struct fetch *fetch, lt_error *error)
{
    fetch->done = 0;
    if (ftruncate(fetch->fd, 0) != 0 || lseek(fetch->fd, 0, SEEK_SET) < 0)
        return error_errno(error, LT_ERR_IO, "cannot write '%s'", fetch->part);
    return LT_OK;
}

static CURLcode perform(struct fetch *fetch, long *http)
{
    struct downloader *d = fetch->downloader;
    const struct late_curl *lib = d->lib;
    CURL *curl = d->curl;
    const char *schemes = strncasecmp(fetch->url, "https:", 6) == 0 ? "https" : "http,https";
    lib->curl_easy_reset(curl); /* the connection stays */
    lib->curl_easy_setopt(curl, CURLOPT_URL, fetch->url);
    lib->curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    lib->curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, schemes); /* never from https to plain http */
    lib->curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    lib->curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 8L);
    lib->curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    lib->curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    lib->curl_easy_setopt(curl, CURLOPT_USERAGENT, "litetts/" LITETTS_VERSION);
    lib->curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)d->options.stall_seconds);
    lib->curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    lib->curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)d->options.stall_seconds);
    lib->curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)fetch->done);
    lib->curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, d->reason);
    lib->curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    lib->curl_easy_setopt(curl, CURLOPT_WRITEDATA, fetch);
    lib->curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, show_progress);
    lib->curl_easy_setopt(curl, CURLOPT_XFERINFODATA, fetch);
    lib->curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    d->reason[0] = '\0';
    CURLcode code = lib->curl_easy_perform(curl);
    *http = 0;
    lib->curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, http);
    return code;
}

enum outcome {
    OUTCOME_DONE,    /* as many bytes as expected are there */
    OUTCOME_AGAIN,   /* worth another try, from where it stands */
    OUTCOME_RESTART, /* worth another try, from the beginning */
    OUTCOME_FAILED
};

/* An answer that may be another one soon. */
static bool may_pass_off(long http)
{
    return http >= 500 || http == 408 || http == 429;
}

static enum outcome judge(const struct fetch *fetch, CURLcode code, long http, bool resumed)
{
    if (fetch->cancelled || fetch->disk_error != 0)
        return OUTCOME_FAILED;
    if (fetch->too_long || (resumed && (code == CURLE_RANGE_ERROR || http == 416)))
        return resumed ? OUTCOME_RESTART : OUTCOME_FAILED;
    if (fetch->done == fetch->expected->size)
        return OUTCOME_DONE;
    switch (code) {
    case CURLE_HTTP_RETURNED_ERROR:
        return may_pass_off(http) ? OUTCOME_AGAIN : OUTCOME_FAILED;
    case CURLE_OK: /* fewer bytes than expected, whatever the server announced */
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return OUTCOME_AGAIN;
    default:
        return OUTCOME_FAILED;
    }
}

/* What is to be done about it. */
static const char *advice(const struct fetch *fetch, CURLcode code, long http)
{
    if (code == CURLE_HTTP_RETURNED_ERROR && may_pass_off(http))
        return ": try again later";
    if (code == CURLE_HTTP_RETURNED_ERROR || fetch->done == 0)
        return ": --from names another place";
    if (code == CURLE_RANGE_ERROR)
        return " and cannot be resumed: it is another file";
    return "; the same command goes on where it stopped";
}

/* `last`: there will be no other try, so that the user has to do something. */
static lt_status failure(const struct fetch *fetch, CURLcode code, long http, bool last, lt_error *error)
{
    const char *what = last ? advice(fetch, code, http) : "";
    if (fetch->cancelled)
        return error_set(error, LT_ERR_CANCELLED,
                         "the download was stopped; the same command goes on where it stopped");
    if (fetch->disk_error != 0) {
        errno = fetch->disk_error;
        return error_errno(error, LT_ERR_IO, "cannot write '%s'", fetch->part);
    }
    if (fetch->too_long)
        return error_set(error, LT_ERR_IO,
                         "%s sends more than the %llu bytes that the file has: it is another file",
                         fetch->url, (unsigned long long)fetch->expected->size);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return error_set(error, LT_ERR_IO, "nothing came from %s for %u s%s", fetch->url,
                         fetch->downloader->options.stall_seconds, what);
    if (code == CURLE_HTTP_RETURNED_ERROR)
        return error_set(error, LT_ERR_IO, "%s answers %ld%s", fetch->url, http, what);
    if (code == CURLE_OK || code == CURLE_RANGE_ERROR)
        return error_set(error, LT_ERR_IO, "%s ends after %llu of %llu bytes%s", fetch->url,
                         (unsigned long long)fetch->done, (unsigned long long)fetch->expected->size, what);
    const struct downloader *d = fetch->downloader;
    return error_set(error, LT_ERR_IO, "cannot download %s: %s%s", fetch->url,
                     d->reason[0] != '\0' ? d->reason : d->lib->curl_easy_strerror(code), what);
}

/* ---- Trying until it is there ------------------------------------------------------------------ */

/* Waits after `failed` tries that brought nothing: 1, 1, 2, 4 ... 16 seconds, still answering to the user. */
static void pause_before(struct fetch *fetch, unsigned failed)
{
    double until = clock_seconds() + (double)(1u << (failed > 5 ? 4 : failed > 0 ? failed - 1 : 0));
    while (clock_seconds() < until && report(fetch, NULL))
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
}

static void note_failure(struct fetch *fetch, CURLcode code, long http)
{
    lt_error why;
    failure(fetch, code, http, false, &why);
    report(fetch, why.message);
}

static lt_status fetch_all(struct fetch *fetch, lt_error *error)
{
    unsigned failed = 0; /* tries in a row that brought nothing */
    bool restarted = false;
    while (fetch->done < fetch->expected->size) {
        uint64_t before = fetch->done;
        long http;
        fetch->too_long = false;
        CURLcode code = perform(fetch, &http);
        enum outcome outcome = judge(fetch, code, http, before > 0);
        if (outcome == OUTCOME_DONE)
            break;
        if (outcome == OUTCOME_RESTART && !restarted) {
            restarted = true;
            lt_status status = start_over(fetch, error);
            if (status != LT_OK)
                return status;
            continue;
        }
        failed = fetch->done > before ? 0 : failed + 1;
        if (outcome != OUTCOME_AGAIN || failed >= fetch->downloader->options.tries)
            return failure(fetch, code, http, true, error);
        note_failure(fetch, code, http);
        pause_before(fetch, failed);
        if (fetch->cancelled)
            return failure(fetch, code, http, true, error);
    }
    return LT_OK;
}

/* ---- Checking ---------------------------------------------------------------------------------- */

static lt_status sum_file(int fd, const char *path, unsigned char sum[MANIFEST_SUM], lt_error *error)
{
    struct sha256_ctx context;
    sha256_init(&context);
    static const size_t size = 1 << 16;
    unsigned char *buffer = malloc(size);
    if (buffer == NULL)
        return error_memory(error, "a checksum");
    ssize_t n;
    off_t at = 0;
    while ((n = pread(fd, buffer, size, at)) > 0) {
        sha256_update(&context, (size_t)n, buffer);
        at += n;
    }
    free(buffer);
    if (n < 0)
        return error_errno(error, LT_ERR_IO, "cannot read '%s'", path);
    sha256_digest(&context, MANIFEST_SUM, sum);
    return LT_OK;
}

static lt_status check_open(int fd, const char *path, const struct manifest_file *expected, lt_error *error)
{
    struct stat info;
    unsigned char sum[MANIFEST_SUM];
    if (fstat(fd, &info) != 0)
        return error_errno(error, LT_ERR_IO, "cannot read '%s'", path);
    if ((uint64_t)info.st_size != expected->size)
        return error_set(error, LT_ERR_IO,
                         "'%s' has %lld bytes, not the %llu that the manifest says: get it again, or name "
                         "another place with --from",
                         path, (long long)info.st_size, (unsigned long long)expected->size);
    lt_status status = sum_file(fd, path, sum, error);
    if (status == LT_OK && memcmp(sum, expected->sum, sizeof sum) != 0)
        status = error_set(error, LT_ERR_IO,
                           "'%s' does not have the SHA-256 that the manifest says, so it is damaged or "
                           "another file: get it again, or name another place with --from",
                           path);
    return status;
}

lt_status download_check(const char *path, const struct manifest_file *expected, lt_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(error, LT_ERR_IO, "cannot open '%s'", path);
    lt_status status = check_open(fd, path, expected, error);
    close(fd);
    return status;
}

/* ---- The whole --------------------------------------------------------------------------------- */

/* Fetches into the open .part file and checks it. What was resumed and turns out wrong is fetched once more
 * as a whole: the file may have changed since its first part was downloaded. */
static lt_status fetch_checked(struct fetch *fetch, lt_error *error)
{
    off_t end = lseek(fetch->fd, 0, SEEK_END);
    bool resumed = end > 0;
    lt_status status = LT_OK;
    if (end < 0)
        return error_errno(error, LT_ERR_IO, "cannot read '%s'", fetch->part);
    fetch->done = (uint64_t)end;
    if (fetch->done > fetch->expected->size)
        status = start_over(fetch, error);
    if (status == LT_OK)
        status = fetch_all(fetch, error);
    if (status != LT_OK)
        return status;
    status = check_open(fetch->fd, fetch->part, fetch->expected, error);
    if (status == LT_ERR_IO && resumed) {
        status = start_over(fetch, error);
        if (status == LT_OK)
            status = fetch_all(fetch, error);
        if (status == LT_OK)
            status = check_open(fetch->fd, fetch->part, fetch->expected, error);
    }
    if (status == LT_ERR_IO && fetch->done == fetch->expected->size)
        unlink(fetch->part); /* whole and wrong: nothing to go on with */
    if (status == LT_OK && fsync(fetch->fd) != 0)
        status = error_errno(error, LT_ERR_IO, "cannot write '%s'", fetch->part);
    return status;
}

lt_status download(struct downloader *downloader, const char *url, const char *path,
                   const struct manifest_file *expected, lt_error *error)
{
    struct str part = {0};
    str_printf(&part, "%s.part", path);
    lt_status status = part.failed ? error_memory(error, "a path") : file_make_parents(path, error);
    struct fetch fetch = {
        .downloader = downloader, .expected = expected, .url = url, .part = part.data, .fd = -1};
    if (status == LT_OK && (fetch.fd = open(part.data, O_RDWR | O_CREAT | O_CLOEXEC, 0644)) < 0)
        status = error_errno(error, LT_ERR_IO, "cannot write '%s'", part.data);
    if (status == LT_OK)
        status = fetch_checked(&fetch, error);
    if (fetch.fd >= 0)
        close(fetch.fd);
    if (status == LT_OK && rename(part.data, path) != 0)
        status = error_errno(error, LT_ERR_IO, "cannot rename '%s'", part.data);
    str_free(&part);
    return status;
}
