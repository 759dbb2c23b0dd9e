/* manifest.h: which files make a model, where they are published, and what they must hash to.
 *
 * A manifest is a text, one file a line: its SHA-256, its size in bytes, its path here, and its name there
 * where that is another; a line "base URL" says where the following files are, and '#' begins a comment. */
#ifndef CONVERT_MANIFEST_H
#define CONVERT_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { MANIFEST_SUM = 32, MANIFEST_PATH = 96 };

struct manifest_file {
    unsigned char sum[MANIFEST_SUM]; /* SHA-256 */
    uint64_t size;                   /* bytes */
    char path[MANIFEST_PATH];        /* below the download folder, or below a mirror: "voices/af_heart.bin" */
    char url[384];                   /* where it is published; just the path when no base was given */
};

struct manifest {
    struct manifest_file *files;
    size_t count, capacity;
    uint64_t bytes; /* of all files */
};

/* The text of the published model's manifest; static storage. */
const char *manifest_kokoro(void);

/* Reads the manifest at `path` (NULL: the published model's). The result is the caller's, freed with
 * manifest_free also after an error. Errors: LT_ERR_IO, LT_ERR_MODEL, LT_ERR_MEMORY. */
lt_status manifest_read(const char *path, struct manifest *manifest, lt_error *error);

/* The same from a text; `name` is what errors call it. */
lt_status manifest_parse(const char *text, const char *name, struct manifest *manifest, lt_error *error);
void manifest_free(struct manifest *manifest);

#endif
