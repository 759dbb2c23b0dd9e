/* fuzz_pickle.c: a pickle: it is refused with a sentence, or its values can be walked, to a bounded depth. */
#include <stdint.h>
#include <stdlib.h>

#include "convert/pickle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned walked;

static void walk(const struct pickle *pickle, const struct pickle_value *value, int depth)
{
    if (depth > 6 || ++walked > 4096)
        return;
    for (uint32_t item = value->first; item != 0;)
        walk(pickle, pickle_item(pickle, &item), depth + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pickle pickle;
    lt_error error = {0};
    walked = 0;
    if (pickle_read(data, size, "fuzz", &pickle, &error) == LT_OK)
        walk(&pickle, pickle_value(&pickle, pickle.root), 0);
    else if (error.message[0] == '\0')
        abort();
    pickle_free(&pickle);
    return 0;
}
