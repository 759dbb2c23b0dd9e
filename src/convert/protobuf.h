/* protobuf.h: reading the wire format of Protocol Buffers (protobuf.dev/programming-guides/encoding) in
 * place. */
#ifndef CONVERT_PROTOBUF_H
#define CONVERT_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a message, or a string or array in one. */
struct span {
    const unsigned char *data;
    size_t size;
};

struct protobuf_field {
    uint32_t number;
    bool is_bytes;  /* a string, an array or a message: `bytes`; else `value` */
    uint64_t value; /* varint, or the 32 or 64 bits of a fixed field */
    struct span bytes;
};

/* Takes the next field off the front of *message. False at its end, and (with *damaged set) when what comes
 * is no field. */
bool protobuf_next(struct span *message, struct protobuf_field *field, bool *damaged);

/* Takes a varint off the front of a packed array; false at its end or when it is damaged. */
bool protobuf_varint(struct span *bytes, uint64_t *value);

#endif
