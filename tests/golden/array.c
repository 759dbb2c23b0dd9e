/* array.c: see array.h. */
#include "array.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "convert/npy.h"

static lt_status decode(const struct npy *npy, struct golden_array *array, lt_error *error)
{
    const size_t count = (size_t)npy->elements;
    float *values = malloc(count * sizeof *values);
    array->data = malloc(count * sizeof *array->data);
    if (!values || !array->data) {
        free(values);
        return error_memory(error, "a golden array");
    }
    element_decode(npy->type, npy->data, count, values);
    for (size_t i = 0; i < count; i++)
        array->data[i] = (double)values[i];
    free(values);
    array->count = count;
    array->rows = npy->dims ? (size_t)npy->shape[0] : 1;
    return LT_OK;
}

lt_status array_read(const char *folder, const char *name, struct golden_array *array, lt_error *error)
{
    *array = (struct golden_array){0};
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.npy", folder, name);
    struct str file = {0};
    struct npy npy;
    lt_status status = file_read(path, (size_t)1 << 30, &file, error);
    if (status == LT_OK)
        status = npy_read((const unsigned char *)file.data, file.length, path, &npy, error);
    if (status == LT_OK)
        status = decode(&npy, array, error);
    str_free(&file);
    return status;
}

void array_free(struct golden_array *array)
{
    free(array->data);
    *array = (struct golden_array){0};
}
