/* checkpoint_fuzz.h: what the fuzz targets of all checkpoint formats do with a file that was accepted: read every tensor. */
#ifndef TESTS_CHECKPOINT_FUZZ_H
#define TESTS_CHECKPOINT_FUZZ_H

#include <stdlib.h>

#include "convert/checkpoint.h"

enum { FUZZ_MOST_ELEMENTS = 1 << 16 }; /* of a tensor that is read: larger ones only cost time */

static inline void read_all(struct checkpoint *checkpoint)
{
    for (size_t i = 0; i < checkpoint->count; i++) {
        const struct checkpoint_tensor *tensor = &checkpoint->tensors[i];
        if (tensor->elements > FUZZ_MOST_ELEMENTS)
            continue;
        lt_error error;
        float *values = malloc((size_t)tensor->elements * sizeof *values);
        if (values == NULL)
            continue;
        if (checkpoint_read(checkpoint, tensor, values, &error) != LT_OK && error.message[0] == '\0')
            abort();
        free(values);
    }
    checkpoint_close(checkpoint);
}

#endif
