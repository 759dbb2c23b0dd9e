/* npy.c: see npy.h. */
#include "npy.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* The header is a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), } */
static bool parse_header(const char *header, char type[4], struct npy *array)
{
    const char *descr = strstr(header, "'descr': '");
    const char *shape = strstr(header, "'shape': (");
    if (!descr || !shape || strstr(header, "'fortran_order': True"))
        return false;
    memcpy(type, descr + 10, 3);
    type[3] = 0;
    array->count = 1;
    array->rank = 0;
    for (const char *at = shape + 10; *at && *at != ')';) {
        char *end;
        const unsigned long long n = strtoull(at, &end, 10);
        if (end == at || array->rank == 3 || n > 1u << 30)
            return false;
        array->shape[array->rank++] = n;
        array->count *= n;
        for (at = end; *at == ',' || *at == ' '; at++)
            ;
    }
    return true;
}

static double element(const char *data, size_t i, const char *type)
{
    float f;
    double d;
    int32_t i4;
    int64_t i8;
    if (!strcmp(type, "<f4"))
        return memcpy(&f, data + 4 * i, 4), (double)f;
    if (!strcmp(type, "<f8"))
        return memcpy(&d, data + 8 * i, 8), d;
    if (!strcmp(type, "<i4"))
        return memcpy(&i4, data + 4 * i, 4), (double)i4;
    return memcpy(&i8, data + 8 * i, 8), (double)i8;
}

static lt_status parse(const struct str *file, const char *path, struct npy *array, lt_error *error)
{
    const unsigned char *bytes = (const unsigned char *)file->data;
    char type[4], header[4096];
    if (file->length < 12 || memcmp(bytes, "\x93NUMPY", 6))
        return error_set(error, LT_ERR_FORMAT, "'%s' is no .npy file", path);
    const bool short_header = bytes[6] == 1;
    const size_t begin = short_header ? 10 : 12;
    const size_t size = short_header ? bytes[8] | (size_t)bytes[9] << 8
                                     : bytes[8] | (size_t)bytes[9] << 8 | (size_t)bytes[10] << 16;
    if (size >= sizeof header || begin + size > file->length)
        return error_set(error, LT_ERR_FORMAT, "'%s': damaged header", path);
    memcpy(header, bytes + begin, size);
    header[size] = 0;
    if (!parse_header(header, type, array) || !strchr("fi", type[1]) || !strchr("48", type[2]))
        return error_set(error, LT_ERR_FORMAT, "'%s': only C-ordered float and int arrays are read", path);
    if (file->length - begin - size < array->count * (size_t)(type[2] - '0'))
        return error_set(error, LT_ERR_FORMAT, "'%s' is cut short", path);
    array->data = malloc((array->count ? array->count : 1) * sizeof *array->data);
    if (!array->data)
        return error_memory(error, path);
    for (size_t i = 0; i < array->count; i++)
        array->data[i] = element(file->data + begin + size, i, type);
    return LT_OK;
}

lt_status npy_read(const char *folder, const char *name, struct npy *array, lt_error *error)
{
    *array = (struct npy){0};
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.npy", folder, name);
    struct str file = {0};
    lt_status status = file_read(path, (size_t)1 << 32, &file, error);
    if (status == LT_OK)
        status = parse(&file, path, array, error);
    str_free(&file);
    return status;
}

void npy_free(struct npy *array)
{
    free(array->data);
    *array = (struct npy){0};
}
