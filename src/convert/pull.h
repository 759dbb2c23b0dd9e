/* pull.h: the published model, downloaded, checked and imported. */
#ifndef CONVERT_PULL_H
#define CONVERT_PULL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "kokoro/gguf.h"

struct pull_options {
    const char *folder; /* the data folder */
    const char *from; /* a URL or folder that holds the manifest's files by their paths; NULL: where they are
                         published */
    const char *manifest;          /* a manifest file; NULL: the built-in one */
    enum gguf_type type;           /* of the model's weights */
    unsigned stall_seconds, tries; /* as in download.h */
    bool keep;                     /* keep the downloaded checkpoint and voices */

    /* Optional, told of every step: item `index` of `count` ("voices/af_sky.bin", "importing"), how far it
     * is, and a note on a failed try (or NULL). Returns false to stop. */
    bool (*progress)(void *user, const char *item, size_t index, size_t count, uint64_t done, uint64_t total,
                     const char *note);
    void *user;
};

/* Brings FOLDER/kokoro.gguf and FOLDER/lexicon/NAME.json in place; downloads lie in FOLDER/download until
 * then. Only one pull works in a folder at a time. Errors: LT_ERR_BUSY (another one does), LT_ERR_IO,
 * LT_ERR_MODEL, LT_ERR_CANCELLED, LT_ERR_MEMORY. */
lt_status pull_kokoro(const struct pull_options *options, lt_error *error);

#endif
