/* npy.c: NumPy's array format: a magic number, the length of a header, the header (a Python dict literal with
 * 'descr', 'fortran_order' and 'shape'), the elements. */
#include "convert/npy.h"

#include <string.h>

static lt_status damaged(const char *name, lt_error *error, const char *why)
{
    return error_set(error, LT_ERR_MODEL, "'%s' is not a usable .npy file: %s; save it anew with numpy", name,
                     why);
}

/* What follows 'key': in the header; NULL: the key is not there. */
static const char *find_value(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    if (at == NULL)
        return NULL;
    at += strlen(key);
    at += strspn(at, " ");
    if (*at++ != ':')
        return NULL;
    return at + strspn(at, " ");
}

static bool find_type(const char *header, enum element_type *type)
{
    static const struct {
        const char *descr;
        enum element_type type;
    } types[] = {
        {"'<f4'", ELEMENT_F32}, {"'<f2'", ELEMENT_F16}, {"'<f8'", ELEMENT_F64},
        {"'<i4'", ELEMENT_I32}, {"'<i8'", ELEMENT_I64},
    };
    const char *value = find_value(header, "'descr'");
    for (size_t i = 0; value != NULL && i < sizeof types / sizeof *types; i++) {
        if (strncmp(value, types[i].descr, strlen(types[i].descr)) == 0) {
            *type = types[i].type;
            return true;
        }
    }
    return false;
}

/* Reads "(510, 1, 256)". */
static bool read_shape(const char *header, struct npy *npy)
{
    const char *at = find_value(header, "'shape'");
    if (at == NULL || *at++ != '(')
        return false;
    npy->elements = 1;
    while (*at != ')') {
        uint64_t size = 0;
        at += strspn(at, " ");
        if (*at < '0' || *at > '9' || npy->dims == CHECKPOINT_MAX_DIMS)
            return false;
        for (; *at >= '0' && *at <= '9' && size <= CHECKPOINT_MAX_ELEMENTS; at++)
            size = size * 10 + (uint64_t)(*at - '0');
        npy->shape[npy->dims++] = size;
        npy->elements *= size;
        if (size == 0 || size > CHECKPOINT_MAX_ELEMENTS || npy->elements > CHECKPOINT_MAX_ELEMENTS)
            return false;
        at += strspn(at, " ");
        if (*at == ',')
            at += 1 + strspn(at + 1, " ");
        else if (*at != ')')
            return false;
    }
    return true;
}

lt_status npy_read(const unsigned char *bytes, size_t size, const char *name, struct npy *npy,
                   lt_error *error)
{
    *npy = (struct npy){0};
    if (size < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0 || bytes[6] < 1 || bytes[6] > 3)
        return damaged(name, error, "it does not begin as one");
    size_t start = bytes[6] == 1 ? 10 : 12;
    uint32_t length = 0;
    memcpy(&length, bytes + 8, bytes[6] == 1 ? 2 : 4);
    char header[1024];
    if (length >= sizeof header || length > size - start)
        return damaged(name, error, "its header is cut off or too long");
    memcpy(header, bytes + start, length);
    header[length] = '\0';
    const char *order = find_value(header, "'fortran_order'");
    if (order == NULL || strncmp(order, "False", 5) != 0)
        return damaged(name, error, "its array is not in C order (numpy.ascontiguousarray)");
    if (!find_type(header, &npy->type))
        return damaged(name, error, "its elements are not little-endian floats");
    if (!read_shape(header, npy))
        return damaged(name, error, "its shape is malformed, empty or too large");
    npy->data = bytes + start + length;
    if (npy->elements * element_bytes(npy->type) > size - start - length)
        return damaged(name, error, "it is cut off");
    return LT_OK;
}
