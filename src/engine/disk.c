/* disk.c: clips in files: the cache's level that outlives the process. */
#include "engine/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "engine/clip_key.h"
#include "engine/record.h"

enum { NAME_BYTES = CLIP_KEY_NAME, STALE_SECONDS = 3600 };

/* When files are too many bytes, so many are removed that this part of the limit is left: looking through
 * the folder is then rare. */
static const double LEFT_OVER = 0.9;

/* The folder is looked through when so many parts of the limit were written, too: others may write to it. */
enum { LOOKS = 10 };

struct disk {
    char *folder;
    pthread_mutex_t lock; /* guards what follows; never held during a system call but those of a clean-up */
    struct level_counts counts;
    uint64_t written; /* bytes since the folder was looked through */
};

/* A file that a clean-up found. */
struct found_file {
    char name[NAME_BYTES + 1];
    struct timespec used;
    uint64_t bytes;
};

struct found_files {
    struct found_file *items;
    size_t count, capacity;
    uint64_t bytes;
};

/* ---- Names ---- */

/* FOLDER/ab/abcdef..., into *path. */
static void put_path(const struct disk *disk, const char *name, struct str *path)
{
    str_printf(path, "%s/%.2s/%s", disk->folder, name, name);
}

static void put_clip_path(const struct disk *disk, const struct clip *clip, struct str *path)
{
    char name[NAME_BYTES + 1];
    clip_key_name(&clip->entry.key, name);
    put_path(disk, name, path);
}

/* ---- Cleaning up ---- */

static bool note_file(struct found_files *files, const char *name, const struct stat *info)
{
    if (files->count == files->capacity) {
        size_t capacity = files->capacity * 2 + 64;
        struct found_file *grown = realloc(files->items, capacity * sizeof *grown);
        if (grown == NULL)
            return false;
        files->items = grown;
        files->capacity = capacity;
    }
    struct found_file *file = &files->items[files->count++];
    memcpy(file->name, name, NAME_BYTES + 1);
    file->used = info->st_mtim;
    file->bytes = (uint64_t)info->st_size;
    files->bytes += file->bytes;
    return true;
}

/* Notes the clips of one folder and removes what a crashed writer left long ago. */
static bool look_through(const char *path, struct found_files *files)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return true; /* not made yet */
    bool noted = true;
    for (struct dirent *entry; noted && (entry = readdir(folder)) != NULL;) {
        struct stat info;
        if (fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode))
            continue;
        if (strlen(entry->d_name) == NAME_BYTES)
            noted = note_file(files, entry->d_name, &info);
        else if (strchr(entry->d_name, '.') != NULL && info.st_mtim.tv_sec < time(NULL) - STALE_SECONDS)
            unlinkat(dirfd(folder), entry->d_name, 0);
    }
    closedir(folder);
    return noted;
}

static int longest_unused_first(const void *a, const void *b)
{
    const struct found_file *x = a, *y = b;
    if (x->used.tv_sec != y->used.tv_sec)
        return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
    return (x->used.tv_nsec > y->used.tv_nsec) - (x->used.tv_nsec < y->used.tv_nsec);
}

/* Counts what is there, and removes what is too much; the lock is held. */
static void clean_up(struct disk *disk)
{
    struct found_files files = {0};
    bool noted = true;
    for (int i = 0; i < 256 && noted; i++) {
        struct str path = {0};
        str_printf(&path, "%s/%02x", disk->folder, (unsigned)i);
        noted = !path.failed && look_through(path.data, &files);
        str_free(&path);
    }
    disk->counts.bytes = files.bytes;
    disk->counts.entries = files.count;
    disk->written = 0;
    uint64_t limit = disk->counts.limit;
    if (limit > 0 && files.bytes > limit) {
        qsort(files.items, files.count, sizeof *files.items, longest_unused_first);
        for (size_t i = 0; i < files.count && (double)disk->counts.bytes > LEFT_OVER * (double)limit; i++) {
            struct str path = {0};
            put_path(disk, files.items[i].name, &path);
            if (!path.failed && unlink(path.data) == 0) {
                disk->counts.bytes -= files.items[i].bytes;
                disk->counts.entries--;
                disk->counts.evictions++;
            }
            str_free(&path);
        }
    }
    free(files.items);
}

/* ---- Opening ---- */

lt_status disk_open(const char *folder, uint64_t limit, struct disk **disk, lt_error *error)
{
    struct disk *opened = calloc(1, sizeof *opened);
    if (opened == NULL || (opened->folder = strdup(folder)) == NULL ||
        pthread_mutex_init(&opened->lock, NULL) != 0) {
        if (opened != NULL)
            free(opened->folder);
        free(opened);
        return error_memory(error, "the cache on disk");
    }
    opened->counts.limit = limit;
    lt_status status = file_make_parents(folder, error);
    if (status == LT_OK && mkdir(folder, 0700) != 0 && errno != EEXIST)
        status = error_errno(error, LT_ERR_IO, "cannot make the folder '%s' of cache.disk_folder", folder);
    if (status == LT_OK && access(folder, R_OK | W_OK | X_OK) != 0)
        status = error_errno(error, LT_ERR_IO, "cannot use the folder '%s' of cache.disk_folder", folder);
    if (status != LT_OK) {
        disk_close(opened);
        return status;
    }
    clean_up(opened); /* nobody else knows it yet */
    *disk = opened;
    return LT_OK;
}

void disk_close(struct disk *disk)
{
    if (disk == NULL)
        return;
    pthread_mutex_destroy(&disk->lock);
    free(disk->folder);
    free(disk);
}

/* ---- Loading and saving ---- */

static void count(struct disk *disk, uint64_t *counter)
{
    pthread_mutex_lock(&disk->lock);
    ++*counter;
    pthread_mutex_unlock(&disk->lock);
}

/* Removes a damaged file. Another server may have put it there, so it need not have been counted. */
static void remove_damaged(struct disk *disk, const char *path, uint64_t bytes)
{
    if (unlink(path) != 0)
        return;
    pthread_mutex_lock(&disk->lock);
    struct level_counts *counts = &disk->counts;
    counts->entries -= counts->entries > 0;
    counts->bytes -= bytes < counts->bytes ? bytes : counts->bytes;
    pthread_mutex_unlock(&disk->lock);
}

bool disk_load(struct disk *disk, struct clip *clip)
{
    struct str path = {0}, record = {0};
    put_clip_path(disk, clip, &path);
    bool there = !path.failed && access(path.data, F_OK) == 0;
    bool read = there && file_read(path.data, RECORD_MOST_BYTES, &record, NULL) == LT_OK;
    bool good = read && record_read(record.data, record.length, clip);
    if (good)
        utimensat(AT_FDCWD, path.data, NULL, 0); /* used now */
    else if (read) /* damaged; one that could not be read now, for want of memory or files, may be good */
        remove_damaged(disk, path.data, record.length);
    if (there && !good)
        count(disk, &disk->counts.errors);
    count(disk, good ? &disk->counts.hits : &disk->counts.misses);
    str_free(&path);
    str_free(&record);
    return good;
}

/* Writes under another name, then renames. No fsync: what a power cut tears, the checksum tells. */
static bool write_file(const char *path, const void *record, size_t size)
{
    struct str temporary = {0};
    str_printf(&temporary, "%s.XXXXXX", path);
    int file = temporary.failed ? -1 : mkostemp(temporary.data, O_CLOEXEC);
    bool written = file >= 0;
    for (size_t at = 0; written && at < size;) {
        ssize_t n = write(file, (const char *)record + at, size - at);
        written = n > 0 || (n < 0 && errno == EINTR);
        at += n > 0 ? (size_t)n : 0;
    }
    if (file >= 0)
        written = close(file) == 0 && written;
    if (file >= 0 && !(written && rename(temporary.data, path) == 0)) {
        unlink(temporary.data);
        written = false;
    }
    str_free(&temporary);
    return written;
}

void disk_save(struct disk *disk, const struct clip *clip, const void *record, size_t size)
{
    struct str path = {0};
    put_clip_path(disk, clip, &path);
    bool written =
        !path.failed && file_make_parents(path.data, NULL) == LT_OK && write_file(path.data, record, size);
    str_free(&path);
    pthread_mutex_lock(&disk->lock);
    if (written) {
        disk->counts.added++;
        disk->counts.entries++;
        disk->counts.bytes += size;
        disk->written += size;
        const uint64_t limit = disk->counts.limit;
        if (limit > 0 && (disk->counts.bytes > limit || disk->written > limit / LOOKS))
            clean_up(disk);
    } else {
        disk->counts.errors++;
    }
    pthread_mutex_unlock(&disk->lock);
}

void disk_look(struct disk *disk, struct level_counts *counts)
{
    pthread_mutex_lock(&disk->lock);
    *counts = disk->counts;
    pthread_mutex_unlock(&disk->lock);
}
