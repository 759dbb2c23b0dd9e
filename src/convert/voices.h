/* voices.h: the voice tables that an import puts into the model: files as Kokoro's voices are published.
 *
 * .pt (a PyTorch file with one tensor [rows][1][width]), .npy, .npz and numpy's renamed .bin (a zip of .npy,
 * one a voice), and raw .bin (float32). What a file is, its content says. */
#ifndef CONVERT_VOICES_H
#define CONVERT_VOICES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { VOICE_NAME = 48, VOICE_MAX_COUNT = 1024, VOICE_MAX_ROWS = 4096 };

struct voice_file {
    char name[VOICE_NAME + 1]; /* "af_heart": letters, digits, '_', '-' and '.' */
    char *path;
    char *member; /* of a .npz; NULL: the file itself */
    uint64_t rows;
};

struct voice_list {
    struct voice_file *voices; /* sorted by name */
    size_t count, capacity;
    uint64_t width;      /* of a row */
    uint64_t least_rows; /* of a raw file, which has no header to tell whether it is whole */
};

/* Finds the voices in `path`, a file or a folder (of whose files those that end in .pt, .bin, .npy or .npz
 * are read), for a model of which `list` names `width` and `least_rows`; the rest of it is {0} and filled in. The list is
 * the caller's, freed with voice_list_free also after an error. Errors: LT_ERR_IO, LT_ERR_MODEL (a file that is no voice
 * or not a whole one, a bad or doubled name, none at all), LT_ERR_MEMORY. */
lt_status voice_list_read(const char *path, struct voice_list *list, lt_error *error);

/* The same for `count` files, and nothing else that may lie beside them. */
lt_status voice_list_read_files(const char *const *paths, size_t count, struct voice_list *list,
                                lt_error *error);
void voice_list_free(struct voice_list *list);

/* Reads one voice: rows * width floats into *values, to be freed. Errors as above. */
lt_status voice_read(const struct voice_list *list, const struct voice_file *voice, float **values,
                     lt_error *error);

#endif
