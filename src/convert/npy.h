/* npy.h: the array format of NumPy, version 1 to 3 (numpy/lib/format.py). */
#ifndef CONVERT_NPY_H
#define CONVERT_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "convert/checkpoint.h"

struct npy {
    enum element_type type;
    int dims; /* 0 to 4 */
    uint64_t shape[CHECKPOINT_MAX_DIMS];
    uint64_t elements;         /* product of the shape, at most CHECKPOINT_MAX_ELEMENTS */
    const unsigned char *data; /* in the given bytes, all there */
};

/* Reads the head of the .npy file in `bytes`; `name` is what errors call it. Errors: LT_ERR_MODEL. */
lt_status npy_read(const unsigned char *bytes, size_t size, const char *name, struct npy *npy,
                   lt_error *error);

#endif
