/* pickle.h: a restricted reader of Python pickles, for the tables of contents of PyTorch files.
 *
 * A pickle is a program for a stack machine, and Python's own reader runs whatever it names. This one knows
 * only the opcodes that plain containers need (protocols 2 to 5) and keeps calls as data: a name is accepted
 * only when it is in the list below, and "calling" it just records its arguments. Nothing is executed. */
#ifndef CONVERT_PICKLE_H
#define CONVERT_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The names that a state dict needs. */
enum pickle_name {
    PICKLE_ORDERED_DICT,      /* collections.OrderedDict */
    PICKLE_REBUILD_TENSOR,    /* torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ...) */
    PICKLE_REBUILD_PARAMETER, /* torch._utils._rebuild_parameter(tensor, ...) */
    PICKLE_FLOAT_STORAGE,     /* torch.FloatStorage ..., in the order of enum element_type */
    PICKLE_HALF_STORAGE,
    PICKLE_BFLOAT16_STORAGE,
    PICKLE_DOUBLE_STORAGE,
    PICKLE_CHAR_STORAGE,
    PICKLE_BYTE_STORAGE,
    PICKLE_SHORT_STORAGE,
    PICKLE_INT_STORAGE,
    PICKLE_LONG_STORAGE,
    PICKLE_NAME_COUNT
};

enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INTEGER,
    PICKLE_FLOAT,      /* read, its value is not kept: no state dict needs one */
    PICKLE_STRING,     /* text or bytes */
    PICKLE_TUPLE,      /* items */
    PICKLE_LIST,       /* items */
    PICKLE_DICT,       /* items are keys and values by turns; OrderedDict too */
    PICKLE_GLOBAL,     /* a name */
    PICKLE_PERSISTENT, /* items: one, the identifier */
    PICKLE_CALL        /* items: the name, then its arguments */
};

struct pickle_value {
    enum pickle_kind kind;
    int64_t integer;      /* PICKLE_BOOL, PICKLE_INTEGER, PICKLE_GLOBAL (enum pickle_name) */
    const char *text;     /* PICKLE_STRING: in the pickle's bytes, not NUL-terminated */
    size_t length;        /* bytes of `text` */
    uint32_t first, last; /* items, a list; 0: none. Read with pickle_item. */
    uint32_t count;       /* items */
};

struct pickle_item {
    uint32_t value, next;
};

/* A read pickle. Values and items are named by their numbers; number 0 is no value. Values may be shared, and
 * a hostile pickle may even contain itself: a walker must bound its depth and its work. */
struct pickle {
    struct pickle_value *values;
    uint32_t value_count, item_count;
    struct pickle_item *items;
    size_t value_capacity, item_capacity;
    uint32_t root;
};

/* A published model's has 68 thousand; values take up to 64 times as much memory. */
enum { PICKLE_MAX_BYTES = 1 << 20 };

/* Reads `size` bytes (at most PICKLE_MAX_BYTES), which must outlive *pickle, the caller's to free in every
 * case. `what` names the file in errors. Errors: LT_ERR_MODEL, LT_ERR_MEMORY. */
lt_status pickle_read(const unsigned char *bytes, size_t size, const char *what, struct pickle *pickle,
                      lt_error *error);
void pickle_free(struct pickle *pickle);

const struct pickle_value *pickle_value(const struct pickle *pickle, uint32_t number); /* number 0: a None */

/* Walks the items of a value: begin with `value->first`; *item is the next one's number, 0 after the last. */
const struct pickle_value *pickle_item(const struct pickle *pickle, uint32_t *item);

#endif
