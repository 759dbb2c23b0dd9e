/* reply.h: answers: JSON, pages and errors, with the headers that every answer carries. */
#ifndef SERVER_REPLY_H
#define SERVER_REPLY_H

#include <jansson.h>

#include "server/state.h"

/* Answers with `response`, which it releases: adds x-request-id and the CORS headers, notes the status. NULL
 * (out of memory) cuts the connection. */
enum MHD_Result reply_send(struct exchange *x, int status, struct MHD_Response *response);

/* Answers with a JSON value, which it releases; NULL (out of memory) cuts the connection. */
enum MHD_Result reply_json(struct exchange *x, int status, json_t *value);

/* Answers with text, which it releases; text that failed (out of memory) cuts the connection. */
enum MHD_Result reply_text(struct exchange *x, const char *mime, struct str *text);

/* Answers with bytes that live as long as the program. */
enum MHD_Result reply_static(struct exchange *x, const char *mime, const void *bytes, size_t size);

/* Answers with an error in OpenAI's form, and WWW-Authenticate, Allow and Retry-After where they belong. */
enum MHD_Result reply_error(struct exchange *x, const struct api_error *error);

/* Answers OPTIONS: a browser's preflight, or which methods there are. */
enum MHD_Result reply_options(struct exchange *x);

#endif
