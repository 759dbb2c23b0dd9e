/* fuzz_safetensors.c: a .safetensors file. It is refused with a sentence, or every tensor of it can be read.
 */
#include <stdint.h>

#include "checkpoint_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct checkpoint *checkpoint = NULL;
    lt_error error = {0};
    if (safetensors_open_memory(data, size, "/nowhere/fuzz", &checkpoint, &error) == LT_OK)
        read_all(checkpoint);
    else if (error.message[0] == '\0')
        abort();
    return 0;
}
