/* npy.h: reads and compares NumPy's .npy files (format 1.0 to 3.0, little-endian, C order). */
#ifndef GOLDEN_NPY_H
#define GOLDEN_NPY_H

#include <stddef.h>

#include "base/error.h"

/* An array as float64 (of float32, float64, int32 or int64 in the file), up to 3 dimensions. */
struct npy {
    double *data; /* owned; NULL when there is no array */
    size_t count;
    size_t shape[3];
    int rank;
};

/* Reads `folder`/`name`.npy. Errors: LT_ERR_IO (absent), LT_ERR_FORMAT, LT_ERR_MEMORY. */
lt_status npy_read(const char *folder, const char *name, struct npy *array, lt_error *error);
void npy_free(struct npy *array);

#endif
