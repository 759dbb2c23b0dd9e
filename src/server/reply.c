/* reply.c: answers and the headers that every answer carries. */
#include "server/reply.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/http.h"
#include "server/routes.h"

static const char *request_header(const struct exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->http, MHD_HEADER_KIND, name);
}

/* https://fetch.spec.whatwg.org/#http-cors-protocol */
static void add_cors(struct exchange *x, struct MHD_Response *response)
{
    const char *origins = config_string(x->settings->config, CONFIG_server_cors_origins);
    const char *origin = request_header(x, "Origin");
    bool any = str_list_has(origins, " ,", "*");
    if (!any)
        MHD_add_response_header(response, "Vary", "Origin");
    if (!any && (origin == NULL || !str_list_has(origins, " ,", origin)))
        return;
    MHD_add_response_header(response, "Access-Control-Allow-Origin", any ? "*" : origin);
    MHD_add_response_header(response, "Access-Control-Expose-Headers", "x-request-id, retry-after");
}

enum MHD_Result reply_send(struct exchange *x, int status, struct MHD_Response *response)
{
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, "x-request-id", x->id);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (atomic_load(&x->server->draining))
        MHD_add_response_header(response, "Connection", "close");
    add_cors(x, response);
    x->status = status;
    x->stage = STAGE_ANSWERED;
    http_set_phase(x, PHASE_ANSWERING, x->settings->write_timeout);
    enum MHD_Result result = MHD_queue_response(x->http, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static struct MHD_Response *json_response(struct exchange *x, json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    json_decref(value);
    if (text == NULL)
        return NULL;
    size_t size = strlen(text);
    struct MHD_Response *response = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(text);
        return NULL;
    }
    atomic_store(&x->sent, strcmp(x->method, "HEAD") == 0 ? 0 : size);
    MHD_add_response_header(response, "Content-Type", "application/json");
    return response;
}

enum MHD_Result reply_json(struct exchange *x, int status, json_t *value)
{
    return reply_send(x, status, json_response(x, value));
}

enum MHD_Result reply_text(struct exchange *x, const char *mime, struct str *text)
{
    struct MHD_Response *response =
        text->failed ? NULL
                     : MHD_create_response_from_buffer(text->length, text->data, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        str_free(text);
        return MHD_NO;
    }
    atomic_store(&x->sent, strcmp(x->method, "HEAD") == 0 ? 0 : text->length);
    *text = (struct str){0};
    MHD_add_response_header(response, "Content-Type", mime);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    return reply_send(x, MHD_HTTP_OK, response);
}

enum MHD_Result reply_static(struct exchange *x, const char *mime, const void *bytes, size_t size)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, (void *)(uintptr_t)bytes, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    atomic_store(&x->sent, strcmp(x->method, "HEAD") == 0 ? 0 : size);
    MHD_add_response_header(response, "Content-Type", mime);
    if (strncmp(mime, "text/html", 9) == 0) /* the pages need nothing from outside */
        MHD_add_response_header(
            response, "Content-Security-Policy",
            "default-src 'self' 'unsafe-inline'; media-src 'self' blob:; img-src 'self' data:");
    return reply_send(x, MHD_HTTP_OK, response);
}

static const char *error_type(int status)
{
    return status >= 500                          ? "server_error"
           : status == MHD_HTTP_UNAUTHORIZED      ? "authentication_error"
           : status == MHD_HTTP_TOO_MANY_REQUESTS ? "rate_limit_error"
                                                  : "invalid_request_error";
}

enum MHD_Result reply_error(struct exchange *x, const struct api_error *error)
{
    struct MHD_Response *response =
        json_response(x, json_pack("{s:{s:s,s:s,s:s?,s:s?}}", "error", "message", error->message, "type",
                                   error_type(error->status), "param", error->param, "code", error->code));
    if (response == NULL)
        return MHD_NO;
    x->error_code = error->code;
    if (error->status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer realm=\"litetts\"");
    if (error->status == MHD_HTTP_METHOD_NOT_ALLOWED && x->route != NULL)
        MHD_add_response_header(response, "Allow", x->route->allow);
    if (error->retry_after > 0) {
        char seconds[16];
        snprintf(seconds, sizeof seconds, "%u", error->retry_after);
        MHD_add_response_header(response, "Retry-After", seconds);
    }
    return reply_send(x, error->status, response);
}

/* Whether a browser's list of header names can be sent back to it. */
static bool header_names_are_sane(const char *names)
{
    return strlen(names) < 1024 &&
           strspn(names, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_, ") ==
               strlen(names);
}

enum MHD_Result reply_options(struct exchange *x)
{
    static char nothing[1];
    struct MHD_Response *response = MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, "Allow", x->route->allow);
    const char *wanted = request_header(x, "Access-Control-Request-Headers");
    if (request_header(x, "Access-Control-Request-Method") != NULL) {
        MHD_add_response_header(response, "Access-Control-Allow-Methods", x->route->allow);
        MHD_add_response_header(
            response, "Access-Control-Allow-Headers",
            wanted != NULL && header_names_are_sane(wanted) ? wanted : "authorization, content-type");
        MHD_add_response_header(response, "Access-Control-Max-Age", "86400");
    }
    return reply_send(x, MHD_HTTP_NO_CONTENT, response);
}
