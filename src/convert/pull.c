/* pull.c: all files of a manifest, then the import. A pull that was stopped goes on where it stopped: whole
 * files are checked and kept, the one that was under way is resumed. */
#include "convert/pull.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "convert/download.h"
#include "convert/import.h"
#include "convert/manifest.h"

struct pull {
    const struct pull_options *options;
    struct manifest manifest;
    struct str source; /* folder that the files lie in: FOLDER/download, or the one that --from names */
    bool local;        /* --from names a folder: nothing is downloaded */
    size_t index;      /* of the item under way */
    const char *item;
    lt_error *error;
};

static bool report(struct pull *pull, uint64_t done, uint64_t total, const char *note)
{
    const struct pull_options *o = pull->options;
    return o->progress == NULL ||
           o->progress(o->user, pull->item, pull->index, pull->manifest.count + 1, done, total, note);
}

static bool download_progress(void *user, uint64_t done, uint64_t total, const char *note)
{
    return report(user, done, total, note);
}

static bool import_progress(void *user, uint64_t done, uint64_t total)
{
    return report(user, done, total, NULL);
}

static lt_status stopped(struct pull *pull)
{
    return error_set(pull->error, LT_ERR_CANCELLED,
                     "the pull was stopped; the same command goes on where it stopped");
}

/* ---- One pull at a time ------------------------------------------------------------------------ */

/* Takes the folder's lock; *fd is to be closed, which gives it back. */
static lt_status lock(struct pull *pull, int *fd)
{
    struct str path = {0};
    str_printf(&path, "%s/pull.lock", pull->options->folder);
    lt_status status =
        path.failed ? error_memory(pull->error, "a path") : file_make_parents(path.data, pull->error);
    if (status == LT_OK && (*fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0644)) < 0)
        status = error_errno(pull->error, LT_ERR_IO, "cannot write '%s'", path.data);
    if (status == LT_OK && flock(*fd, LOCK_EX | LOCK_NB) != 0)
        status = errno == EWOULDBLOCK ? error_set(pull->error, LT_ERR_BUSY,
                                                  "another pull is at work in '%s': wait until it is done",
                                                  pull->options->folder)
                                      : error_errno(pull->error, LT_ERR_IO, "cannot lock '%s'", path.data);
    str_free(&path);
    return status;
}

/* ---- Files ------------------------------------------------------------------------------------- */

/* Where a file of the manifest lies; "" is the whole folder. */
static lt_status path_of(struct pull *pull, const char *file, struct str *path)
{
    str_clear(path);
    str_printf(path, "%s/%s", pull->source.data, file);
    return path->failed ? error_memory(pull->error, "a path") : LT_OK;
}

static lt_status choose_source(struct pull *pull)
{
    const char *from = pull->options->from;
    struct stat info;
    pull->local = from != NULL && strstr(from, "://") == NULL;
    if (pull->local && (stat(from, &info) != 0 || !S_ISDIR(info.st_mode)))
        return error_set(pull->error, LT_ERR_ARGUMENT, "'%s' is neither a folder nor a URL (https://...)",
                         from);
    if (from != NULL && !pull->local && strncasecmp(from, "https://", 8) != 0 &&
        strncasecmp(from, "http://", 7) != 0)
        return error_set(pull->error, LT_ERR_ARGUMENT,
                         "'%s' is no URL to download from: it must begin with https:// or http://", from);
    if (pull->local)
        str_puts(&pull->source, from);
    else
        str_printf(&pull->source, "%s/download", pull->options->folder);
    return pull->source.failed ? error_memory(pull->error, "a path") : LT_OK;
}

static lt_status fetch(struct pull *pull, struct downloader *downloader, const struct manifest_file *file,
                       const char *path)
{
    const char *from = pull->options->from;
    if (access(path, F_OK) == 0 && download_check(path, file, NULL) == LT_OK) /* from an earlier pull */
        return LT_OK;
    if (from == NULL && strstr(file->url, "://") == NULL)
        return error_set(pull->error, LT_ERR_ARGUMENT,
                         "the manifest does not say where '%s' is published: --from must name a place",
                         file->path);
    struct str url = {0};
    size_t length = from != NULL ? strlen(from) : 0;
    while (length > 0 && from[length - 1] == '/')
        length--;
    if (from != NULL)
        str_printf(&url, "%.*s/%s", (int)length, from, file->path);
    else
        str_puts(&url, file->url);
    lt_status status = url.failed ? error_memory(pull->error, "a URL")
                                  : download(downloader, url.data, path, file, pull->error);
    str_free(&url);
    return status;
}

/* Checks a file of the folder that --from names. */
static lt_status check_local(struct pull *pull, const struct manifest_file *file, const char *path)
{
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return error_set(
            pull->error, LT_ERR_IO,
            "there is no '%s': the folder has to hold the files that 'litetts pull --list' names, "
            "by their paths",
            path);
    return download_check(path, file, pull->error);
}

/* Downloads what is missing, and checks everything. */
static lt_status fetch_all(struct pull *pull)
{
    struct download_options options = {.stall_seconds = pull->options->stall_seconds,
                                       .tries = pull->options->tries,
                                       .progress = download_progress,
                                       .user = pull};
    struct downloader *downloader = NULL;
    struct str path = {0};
    lt_status status = pull->local ? LT_OK : downloader_open(&options, &downloader, pull->error);
    for (size_t i = 0; i < pull->manifest.count && status == LT_OK; i++) {
        const struct manifest_file *file = &pull->manifest.files[i];
        pull->index = i;
        pull->item = file->path;
        if (!report(pull, 0, file->size, NULL))
            status = stopped(pull);
        if (status == LT_OK)
            status = path_of(pull, file->path, &path);
        if (status == LT_OK)
            status =
                pull->local ? check_local(pull, file, path.data) : fetch(pull, downloader, file, path.data);
    }
    downloader_close(downloader);
    str_free(&path);
    return status;
}

/* ---- Putting things in place ------------------------------------------------------------------- */

static bool is_checkpoint(const char *path)
{
    const char *dot = strrchr(path, '.');
    return strchr(path, '/') == NULL && dot != NULL &&
           (strcmp(dot, ".pth") == 0 || strcmp(dot, ".safetensors") == 0 || strcmp(dot, ".onnx") == 0);
}

static lt_status install_lexicons(struct pull *pull)
{
    struct str from = {0}, to = {0}, content = {0};
    lt_status status = LT_OK;
    for (size_t i = 0; i < pull->manifest.count && status == LT_OK; i++) {
        const struct manifest_file *file = &pull->manifest.files[i];
        if (strncmp(file->path, "lexicon/", 8) != 0)
            continue;
        str_clear(&to);
        str_clear(&content);
        str_printf(&to, "%s/%s", pull->options->folder, file->path);
        status = to.failed ? error_memory(pull->error, "a path") : path_of(pull, file->path, &from);
        if (status == LT_OK)
            status = file_read(from.data, (size_t)file->size, &content, pull->error);
        if (status == LT_OK)
            status = file_replace(to.data, content.data, content.length, pull->error);
    }
    str_free(&from);
    str_free(&to);
    str_free(&content);
    return status;
}

/* The paths of what is imported. Of voices only those that the manifest lists and that were checked: others
 * may lie beside them. */
struct sources {
    struct str checkpoint, config;
    const char **voices; /* owned, and so are the strings */
    size_t voice_count;
};

static lt_status find_sources(struct pull *pull, struct sources *sources)
{
    struct str path = {0};
    lt_status status = LT_OK;
    sources->voices = calloc(pull->manifest.count, sizeof *sources->voices);
    if (sources->voices == NULL)
        return error_memory(pull->error, "a list of files");
    for (size_t i = 0; i < pull->manifest.count && status == LT_OK; i++) {
        const char *file = pull->manifest.files[i].path;
        if (is_checkpoint(file)) {
            status = path_of(pull, file, &sources->checkpoint);
        } else if (strcmp(file, "config.json") == 0) {
            status = path_of(pull, file, &sources->config);
        } else if (strncmp(file, "voices/", 7) == 0) {
            status = path_of(pull, file, &path);
            const char *voice = status == LT_OK ? strdup(path.data) : NULL;
            if (status == LT_OK && voice == NULL)
                status = error_memory(pull->error, "a path");
            if (voice != NULL)
                sources->voices[sources->voice_count++] = voice;
        }
    }
    str_free(&path);
    if (status == LT_OK && sources->checkpoint.length == 0)
        status =
            error_set(pull->error, LT_ERR_MODEL,
                      "the manifest lists no checkpoint: a .pth, .safetensors or .onnx at its top is needed");
    return status;
}

static void sources_free(struct sources *sources)
{
    for (size_t i = 0; i < sources->voice_count; i++)
        free((void *)(uintptr_t)sources->voices[i]);
    free(sources->voices);
    str_free(&sources->checkpoint);
    str_free(&sources->config);
}

static lt_status import_files(struct pull *pull)
{
    struct sources sources = {0};
    struct str output = {0};
    lt_status status = find_sources(pull, &sources);
    str_printf(&output, "%s/kokoro.gguf", pull->options->folder);
    if (status == LT_OK && output.failed)
        status = error_memory(pull->error, "a path");
    const struct import_options import = {.checkpoint = sources.checkpoint.data,
                                          .config = sources.config.data,
                                          .voice_files = (const char *const *)sources.voices,
                                          .voice_file_count = sources.voice_count,
                                          .output = output.data,
                                          .type = pull->options->type,
                                          .name = pull->options->manifest == NULL ? "Kokoro-82M" : NULL,
                                          .progress = import_progress,
                                          .user = pull};
    pull->index = pull->manifest.count;
    pull->item = "importing";
    if (status == LT_OK)
        status = import_model(&import, pull->error);
    sources_free(&sources);
    str_free(&output);
    return status;
}

/* Removes the downloads, now that everything is in its place. What cannot be removed stays: it does no harm.
 */
static void remove_downloads(struct pull *pull)
{
    struct str path = {0};
    static const char *const folders[] = {"voices", "lexicon", ""};
    for (size_t i = 0; i < pull->manifest.count; i++)
        if (path_of(pull, pull->manifest.files[i].path, &path) == LT_OK)
            unlink(path.data);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (path_of(pull, folders[i], &path) == LT_OK)
            rmdir(path.data);
    str_free(&path);
}

static lt_status pull_locked(struct pull *pull)
{
    lt_status status = choose_source(pull);
    if (status == LT_OK)
        status = fetch_all(pull);
    if (status == LT_OK)
        status = install_lexicons(pull);
    if (status == LT_OK)
        status = import_files(pull);
    if (status == LT_OK && !pull->local && !pull->options->keep)
        remove_downloads(pull);
    return status;
}

lt_status pull_kokoro(const struct pull_options *options, lt_error *error)
{
    struct pull pull = {.options = options, .error = error};
    int fd = -1;
    lt_status status = manifest_read(options->manifest, &pull.manifest, error);
    if (status == LT_OK)
        status = lock(&pull, &fd);
    if (status == LT_OK)
        status = pull_locked(&pull);
    if (fd >= 0)
        close(fd);
    manifest_free(&pull.manifest);
    str_free(&pull.source);
    return status;
}
