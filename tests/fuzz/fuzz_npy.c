/* fuzz_npy.c: a NumPy array: it is refused with a sentence, or all its elements are there. */
#include <stdint.h>
#include <stdlib.h>

#include "convert/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct npy npy;
    lt_error error = {0};
    if (npy_read(data, size, "fuzz", &npy, &error) != LT_OK) {
        if (error.message[0] == '\0')
            abort();
        return 0;
    }
    float *values = malloc((size_t)npy.elements * sizeof *values);
    if (values != NULL)
        element_decode(npy.type, npy.data, (size_t)npy.elements, values);
    free(values);
    return 0;
}
