/* fuzz_request.c: the parser of speech requests: what it takes is within its limits, what it refuses has a sentence. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "server/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(enum request_kind kind, const uint8_t *data, size_t size)
{
    static const struct speech_limits limits = {.max_characters = 1000, .speed = 1};
    struct speech_request request;
    struct api_error error;
    if (!request_parse(kind, (const char *)data, size, &limits, &request, &error)) {
        size_t length = strlen(error.message);
        if (error.status != 400 || error.code == NULL || length == 0 ||
            utf8_first_invalid(error.message, length) != length)
            abort();
        return;
    }
    if (strlen(request.text) != request.text_bytes || request.text_bytes == 0 ||
        utf8_first_invalid(request.text, request.text_bytes) != request.text_bytes ||
        request.characters > 1000 || !(request.speed >= 0.25f && request.speed <= 4) ||
        !(request.volume >= 0 && request.volume <= 4) || (unsigned)request.format >= LT_FORMAT_COUNT ||
        request.language == NULL)
        abort();
    request_free(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (enum request_kind kind = 0; kind < REQUEST_KIND_COUNT; kind++)
        check(kind, data, size);
    return 0;
}
