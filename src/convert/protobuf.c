/* protobuf.c: the wire format: a tag (field number and kind), then a varint, 4 or 8 bytes, or a length and
 * bytes. */
#include "convert/protobuf.h"

#include <string.h>

bool protobuf_varint(struct span *bytes, uint64_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < 10 && i < bytes->size; i++) {
        *value |= (uint64_t)(bytes->data[i] & 0x7f) << (7 * i);
        if (bytes->data[i] < 0x80) {
            bytes->data += i + 1;
            bytes->size -= i + 1;
            return true;
        }
    }
    return false;
}

static bool take(struct span *message, size_t size, struct span *out)
{
    if (message->size < size)
        return false;
    *out = (struct span){message->data, size};
    message->data += size;
    message->size -= size;
    return true;
}

bool protobuf_next(struct span *message, struct protobuf_field *field, bool *damaged)
{
    enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };
    *field = (struct protobuf_field){0};
    if (message->size == 0)
        return false;
    uint64_t tag, length;
    struct span fixed;
    bool good = protobuf_varint(message, &tag) && tag >> 3 > 0 && tag >> 3 <= UINT32_MAX;
    if (good) {
        field->number = (uint32_t)(tag >> 3);
        switch (tag & 7) {
        case VARINT:
            good = protobuf_varint(message, &field->value);
            break;
        case FIXED64:
        case FIXED32:
            good = take(message, (tag & 7) == FIXED64 ? 8 : 4, &fixed);
            if (good)
                memcpy(&field->value, fixed.data, fixed.size);
            break;
        case BYTES:
            field->is_bytes = true;
            good = protobuf_varint(message, &length) && length <= message->size &&
                   take(message, (size_t)length, &field->bytes);
            break;
        default: /* groups, which nothing has used since proto2 */
            good = false;
        }
    }
    if (!good)
        *damaged = true;
    return good;
}
