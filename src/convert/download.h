/* download.h: one file over HTTP, resumed where it was broken off, checked against its size and SHA-256. */
#ifndef CONVERT_DOWNLOAD_H
#define CONVERT_DOWNLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "convert/manifest.h"

/* Told while bytes arrive, at least once a second; returns false to stop. `note` is NULL, or one line about a
 * failed try that will be repeated. */
typedef bool (*download_progress_fn)(void *user, uint64_t done, uint64_t total, const char *note);

struct download_options {
    unsigned stall_seconds; /* a server that is silent for so long is given up and tried again */
    unsigned tries;         /* tries without a single new byte before giving up */
    download_progress_fn progress;
    void *user;
};

struct downloader; /* a connection that is kept between files; used by one thread at a time */

/* Errors: LT_ERR_MEMORY, LT_ERR_UNSUPPORTED (there is no libcurl), LT_ERR_INTERNAL (it cannot start). */
lt_status downloader_open(const struct download_options *options, struct downloader **downloader,
                          lt_error *error);
void downloader_close(struct downloader *downloader); /* NULL is fine */

/* Fetches `url` into `path`, by way of `path`.part, which a later call goes on with. A server that cannot
 * resume, or whose file has changed since, is asked for the whole file once more. Errors: LT_ERR_IO (the
 * network, the server, the disk; or what came is not the expected file), LT_ERR_CANCELLED, LT_ERR_MEMORY. */
lt_status download(struct downloader *downloader, const char *url, const char *path,
                   const struct manifest_file *expected, lt_error *error);

/* LT_OK when the file at `path` has the expected size and SHA-256. LT_ERR_IO: it cannot be read, or is
 * another. */
lt_status download_check(const char *path, const struct manifest_file *expected, lt_error *error);

#endif
