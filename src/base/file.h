/* file.h: whole files: mapped, read, replaced; and where the program keeps its things. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

/* A file mapped read-only. data is NULL and size 0 for an empty file. */
struct mapped_file {
    const unsigned char *data;
    size_t size;
};

/* Maps `path`. Errors: LT_ERR_IO. The mapping stays valid when the file is unlinked or replaced by rename. */
lt_status file_map(const char *path, struct mapped_file *file, lt_error *error);
void file_unmap(struct mapped_file *file);

/* Reads a whole file (or pipe) of at most `limit` bytes into *out. Errors: LT_ERR_IO, LT_ERR_MEMORY. */
lt_status file_read(const char *path, size_t limit, struct str *out, lt_error *error);

/* What tells one state of a file from another. */
struct file_stamp {
    bool there;
    uint64_t device, inode;
    int64_t seconds, nanoseconds; /* of its last change */
    int64_t size;
};
struct file_stamp file_stamp(const char *path);
bool file_stamp_same(const struct file_stamp *a, const struct file_stamp *b);

/* Replaces `path` with `size` bytes at once: temporary file in the same folder, fsync, rename. Missing
 * folders are made; the permissions of a file that was there stay, a new one has what the umask leaves; a
 * symbolic link is replaced, not followed. When it fails, what was there is as it was. Errors: LT_ERR_IO, LT_ERR_MEMORY. */
lt_status file_replace(const char *path, const void *bytes, size_t size, lt_error *error);

/* The same for what nobody else has to read: a new file is its owner's alone. */
lt_status file_replace_private(const char *path, const void *bytes, size_t size, lt_error *error);

/* Makes a file beside `path`, to be written and renamed to it, under a name that nothing has, and stores that name. Not
 * mkstemp, whose files are their owner's alone: the process's umask takes its part of `mode`. Returns the open file, closed
 * on exec; -1 with errno set. */
int file_make_temporary(const char *path, mode_t mode, struct str *name);

/* Makes the folders that lead to `path` (not `path` itself). Errors: LT_ERR_IO. */
lt_status file_make_parents(const char *path, lt_error *error);

/* Appends to *out the folder for models and lexicons: `configured` when not empty, else
 * $XDG_DATA_HOME/litetts, else $HOME/.local/share/litetts, else /var/lib/litetts. No final slash. */
void file_data_folder(const char *configured, struct str *out);

/* Appends to *out the Kokoro model file: `configured` when not empty, else kokoro.gguf in
 * file_data_folder(data_folder). */
void file_model(const char *configured, const char *data_folder, struct str *out);

/* Appends to *out the folder for what the program remembers from run to run: $XDG_STATE_HOME/litetts, else
 * $HOME/.local/state/litetts, else /var/lib/litetts. No final slash. */
void file_state_folder(struct str *out);

#endif
