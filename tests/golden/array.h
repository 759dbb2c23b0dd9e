/* array.h: the arrays of a golden folder. */
#ifndef GOLDEN_ARRAY_H
#define GOLDEN_ARRAY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct golden_array {
    double *data; /* owned; NULL when there is no array */
    size_t count;
    size_t rows; /* first dimension */
};

/* Reads `folder`/`name`.npy. Errors: LT_ERR_IO (absent), LT_ERR_MODEL (no .npy file), LT_ERR_MEMORY. */
lt_status array_read(const char *folder, const char *name, struct golden_array *array, lt_error *error);
void array_free(struct golden_array *array);

#endif
