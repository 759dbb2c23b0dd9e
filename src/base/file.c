/* file.c: whole files: mapped, read, replaced; and where the program keeps its things. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

lt_status file_map(const char *path, struct mapped_file *file, lt_error *error)
{
    *file = (struct mapped_file){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(error, LT_ERR_IO, "cannot open '%s'", path);
    struct stat info;
    lt_status status = LT_OK;
    if (fstat(fd, &info) != 0) {
        status = error_errno(error, LT_ERR_IO, "cannot read the size of '%s'", path);
    } else if (!S_ISREG(info.st_mode)) {
        status = error_set(error, LT_ERR_IO, "'%s' is not a regular file", path);
    } else if (info.st_size > 0) {
        void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
            status = error_errno(error, LT_ERR_IO, "cannot map '%s'", path);
        else
            *file = (struct mapped_file){.data = data, .size = (size_t)info.st_size};
    }
    close(fd);
    return status;
}

void file_unmap(struct mapped_file *file)
{
    if (file->data != NULL)
        munmap((void *)(uintptr_t)file->data, file->size);
    *file = (struct mapped_file){0};
}

lt_status file_read(const char *path, size_t limit, struct str *out, lt_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(error, LT_ERR_IO, "cannot open '%s'", path);
    lt_status status = LT_OK;
    size_t before = out->length;
    for (;;) {
        if (!str_reserve(out, 65536)) {
            status = error_memory(error, "a file's content");
            break;
        }
        ssize_t n = read(fd, out->data + out->length, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            status = error_errno(error, LT_ERR_IO, "cannot read '%s'", path);
        if (n <= 0)
            break;
        out->length += (size_t)n;
        if (out->length - before > limit) {
            status = error_set(error, LT_ERR_IO, "'%s' is larger than %zu bytes, the most that is read", path,
                               limit);
            break;
        }
    }
    if (out->data != NULL)
        out->data[out->length] = '\0';
    close(fd);
    return status;
}

struct file_stamp file_stamp(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return (struct file_stamp){0};
    return (struct file_stamp){.there = true,
                               .device = info.st_dev,
                               .inode = info.st_ino,
                               .seconds = info.st_mtim.tv_sec,
                               .nanoseconds = info.st_mtim.tv_nsec,
                               .size = info.st_size};
}

bool file_stamp_same(const struct file_stamp *a, const struct file_stamp *b)
{
    return a->there == b->there && a->device == b->device && a->inode == b->inode &&
           a->seconds == b->seconds && a->nanoseconds == b->nanoseconds && a->size == b->size;
}

lt_status file_make_parents(const char *path, lt_error *error)
{
    struct str folder = {0};
    str_puts(&folder, path);
    if (folder.failed)
        return error_memory(error, "a path");
    lt_status status = LT_OK;
    for (size_t i = 1; i < folder.length && status == LT_OK; i++) {
        if (folder.data[i] != '/')
            continue;
        folder.data[i] = '\0';
        if (mkdir(folder.data, 0777) != 0 && errno != EEXIST)
            status = error_errno(error, LT_ERR_IO, "cannot make the folder '%s'", folder.data);
        folder.data[i] = '/';
    }
    str_free(&folder);
    return status;
}

static lt_status write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return LT_ERR_IO;
        bytes += n;
        size -= (size_t)n;
    }
    return fsync(fd) == 0 ? LT_OK : LT_ERR_IO;
}

int file_make_temporary(const char *path, mode_t mode, struct str *name)
{
    int fd = -1;
    errno = EEXIST;
    for (int tries = 0; tries < 100 && fd < 0 && errno == EEXIST; tries++) {
        uint32_t random = 0;
        if (getrandom(&random, sizeof random, 0) < 0)
            return -1;
        str_clear(name);
        str_printf(name, "%s.%08x", path, random);
        errno = ENOMEM;
        fd = name->failed ? -1 : open(name->data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    }
    return fd;
}

/* `new_mode`: permissions of a file that was not there, before the umask. */
static lt_status replace(const char *path, const void *bytes, size_t size, mode_t new_mode, lt_error *error)
{
    lt_status status = file_make_parents(path, error);
    if (status != LT_OK)
        return status;
    struct stat old;
    const bool there = stat(path, &old) == 0;
    if (there && !S_ISREG(old.st_mode)) /* a rename would put a file in the place of a device */
        return error_set(error, LT_ERR_IO, "'%s' is no regular file: name another", path);
    struct str temporary = {0};
    int fd = file_make_temporary(path, there ? old.st_mode & 0600 : new_mode, &temporary);
    if (fd < 0) {
        status = error_errno(error, LT_ERR_IO, "cannot make a temporary file beside '%s'", path);
        str_free(&temporary);
        return status;
    }
    if (write_all(fd, bytes, size) != LT_OK || (there && fchmod(fd, old.st_mode & 0777) != 0))
        status = error_errno(error, LT_ERR_IO, "cannot write '%s'", path);
    close(fd);
    if (status == LT_OK && rename(temporary.data, path) != 0)
        status = error_errno(error, LT_ERR_IO, "cannot replace '%s'", path);
    if (status != LT_OK)
        unlink(temporary.data);
    str_free(&temporary);
    return status;
}

lt_status file_replace(const char *path, const void *bytes, size_t size, lt_error *error)
{
    return replace(path, bytes, size, 0666, error);
}

lt_status file_replace_private(const char *path, const void *bytes, size_t size, lt_error *error)
{
    return replace(path, bytes, size, 0600, error);
}

/* The program's folder of one kind by the XDG base directory specification. */
static void put_folder(const char *variable, const char *below_home, struct str *out)
{
    const char *xdg = getenv(variable), *home = getenv("HOME");
    if (xdg != NULL && xdg[0] == '/')
        str_printf(out, "%s/litetts", xdg);
    else if (home != NULL && home[0] == '/')
        str_printf(out, "%s/%s/litetts", home, below_home);
    else
        str_puts(out, "/var/lib/litetts");
}

void file_data_folder(const char *configured, struct str *out)
{
    if (configured != NULL && configured[0] != '\0')
        str_puts(out, configured);
    else
        put_folder("XDG_DATA_HOME", ".local/share", out);
}

void file_model(const char *configured, const char *data_folder, struct str *out)
{
    if (configured[0] != '\0') {
        str_puts(out, configured);
        return;
    }
    file_data_folder(data_folder, out);
    str_puts(out, "/kokoro.gguf");
}

void file_state_folder(struct str *out)
{
    put_folder("XDG_STATE_HOME", ".local/state", out);
}
