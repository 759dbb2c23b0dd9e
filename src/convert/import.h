/* import.h: from a published checkpoint to the project's model file. */
#ifndef CONVERT_IMPORT_H
#define CONVERT_IMPORT_H

#include <stdint.h>

#include "base/error.h"
#include "convert/checkpoint.h"
#include "kokoro/gguf.h"

struct import_options {
    const char *checkpoint;    /* .pth, .safetensors or .onnx */
    struct checkpoint *opened; /* instead of the file, or NULL; import_model closes it */
    const char *config;        /* config.json; NULL: the published values */
    const char *voices;        /* a file or folder; NULL: those of voice_files, which may be none */
    const char *const *voice_files;
    size_t voice_file_count;
    const char *output;  /* written beside and renamed when whole; a regular file when it is there */
    enum gguf_type type; /* of the product weights: GGUF_F32, F16, Q8_0 or Q4_0 */
    const char *name;    /* general.name; NULL: the checkpoint's file name without its ending */
    const char *license; /* general.license, an SPDX identifier; NULL: the published model's, apache-2.0 */
    /* Optional: told after each tensor how many of `total` bytes are written. Returns false to stop. */
    bool (*progress)(void *user, uint64_t done, uint64_t total);
    void *user;
};

/* Imports a model. What the engine would not take is refused before anything is written. It takes the memory
 * of the largest tensor (about 40 MiB for the published model). Errors: LT_ERR_ARGUMENT (the output is the
 * checkpoint), LT_ERR_IO, LT_ERR_MODEL, LT_ERR_MEMORY, LT_ERR_CANCELLED. */
lt_status import_model(const struct import_options *options, lt_error *error);

#endif
