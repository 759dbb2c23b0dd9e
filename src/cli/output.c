/* output.c: the file or pipe that audio is written to. */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *name_of(const struct output *output)
{
    return output->path != NULL ? output->path : "standard output";
}

static lt_status open_path(struct output *output, lt_error *error)
{
    output->fd = open(output->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    output->created = output->fd >= 0;
    if (output->fd < 0 && errno == EEXIST)
        output->fd = open(output->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (output->fd >= 0)
        return LT_OK;
    if (errno == EISDIR)
        return error_set(error, LT_ERR_IO, "'%s' is a folder: name a file in it", output->path);
    return error_errno(error, LT_ERR_IO, "cannot write '%s'", output->path);
}

lt_status output_open(struct output *output, const char *path, lt_error *error)
{
    *output = (struct output){.fd = STDOUT_FILENO, .path = path};
    if (path != NULL) {
        lt_status status = open_path(output, error);
        if (status != LT_OK)
            return status;
    }
    struct stat info;
    bool is_file = fstat(output->fd, &info) == 0 && S_ISREG(info.st_mode);
    output->regular = is_file && path != NULL;
    /* `litetts say > x.wav` can be seeked too; `>> x.wav` cannot: pwrite would append */
    int flags = fcntl(output->fd, F_GETFL);
    output->origin = is_file ? lseek(output->fd, 0, SEEK_CUR) : -1;
    output->seekable = output->origin >= 0 && flags >= 0 && (flags & O_APPEND) == 0;
    return error_none(error);
}

/* Writes all, at `offset`, or where the file stands when that is negative. */
static bool write_all(struct output *output, const char *bytes, size_t size, off_t offset)
{
    while (size > 0) {
        ssize_t n = offset < 0 ? write(output->fd, bytes, size) : pwrite(output->fd, bytes, size, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) { /* a standard output that another program made non-blocking */
            poll(&(struct pollfd){.fd = output->fd, .events = POLLOUT}, 1, -1);
            continue;
        }
        if (n < 0) {
            output->failure = errno;
            return false;
        }
        bytes += n;
        size -= (size_t)n;
        if (offset >= 0)
            offset += n;
    }
    return true;
}

bool output_write(struct output *output, const void *bytes, size_t size)
{
    if (output->failure != 0)
        return false;
    if (!output->started && output->regular && ftruncate(output->fd, 0) != 0) {
        output->failure = errno;
        return false;
    }
    output->started = true;
    return write_all(output, bytes, size, -1);
}

bool output_rewrite(struct output *output, uint64_t offset, const void *bytes, size_t size)
{
    return output->failure == 0 && write_all(output, bytes, size, output->origin + (off_t)offset);
}

bool output_is_broken_pipe(const struct output *output)
{
    return output->failure == EPIPE;
}

lt_status output_close(struct output *output, bool keep, lt_error *error)
{
    if (keep && !output->started && output->regular && ftruncate(output->fd, 0) != 0)
        output->failure = errno; /* nothing to say is an empty file, not the old one */
    if (output->path != NULL && close(output->fd) != 0 && output->failure == 0)
        output->failure = errno; /* NFS and quotas report a full disk here */
    bool whole = keep && output->failure == 0;
    if (!whole && output->regular && (output->started || output->created))
        unlink(output->path);
    if (output->failure == 0)
        return error_none(error);
    errno = output->failure;
    return error_errno(error, LT_ERR_IO, "cannot write '%s'%s", name_of(output),
                       output->regular ? ", which was removed" : "");
}
