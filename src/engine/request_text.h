/* request_text.h: the one reader of a request's text, whether it lies in memory or arrives through a
 * callback. */
#ifndef ENGINE_REQUEST_TEXT_H
#define ENGINE_REQUEST_TEXT_H

#include "litetts/litetts.h"

struct request_text {
    const lt_request *request;
    size_t size; /* of request->text; 0 when that is NULL */
    size_t at;   /* bytes of it that were read */
};

/* The text of a request, which must outlive it, from its beginning. */
struct request_text request_text_of(const lt_request *request);

/* A text_read_fn (text/frontend.h) whose `user` is a struct request_text. */
size_t request_text_read(void *user, char *buffer, size_t size);

#endif
