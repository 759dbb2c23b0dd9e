/* request_text.c: the one reader of a request's text. */
#include "engine/request_text.h"

#include <string.h>

struct request_text request_text_of(const lt_request *request)
{
    struct request_text text = {.request = request};
    if (request->text != NULL)
        text.size = request->text_bytes == SIZE_MAX ? strlen(request->text) : request->text_bytes;
    return text;
}

size_t request_text_read(void *user, char *buffer, size_t size)
{
    struct request_text *text = user;
    const lt_request *request = text->request;
    if (request->text == NULL)
        return request->read(request->user, buffer, size);
    size_t left = text->size - text->at, n = left < size ? left : size;
    memcpy(buffer, request->text + text->at, n);
    text->at += n;
    return n;
}
