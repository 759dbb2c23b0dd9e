/* http.c: between libmicrohttpd and the routes. */
#include "server/http.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/threads.h"
#include "server/reply.h"
#include "server/routes.h"
#include "server/speech.h"
#include "server/watch.h"

/* A refused body up to this size is read and dropped, so that the client gets to read the answer: closing a
 * connection with unread bytes resets it. */
static const uint64_t DROP_BYTES = 64 << 20;

/* ---- Exchanges ---- */

void http_set_phase(struct exchange *x, enum phase phase, double seconds)
{
    pthread_mutex_lock(&x->server->lock);
    x->connection->phase = phase;
    x->connection->deadline = clock_seconds() + seconds;
    pthread_mutex_unlock(&x->server->lock);
}

/* What is held is counted in steps of so many bytes, since it may come in small pieces. */
enum { HOLD_BYTES = 4096 };

bool http_hold(struct exchange *x, uint64_t bytes)
{
    if (bytes <= x->held - x->held_used) {
        x->held_used += bytes;
        return true;
    }
    const uint64_t missing = bytes - (x->held - x->held_used),
                   more = (missing + HOLD_BYTES - 1) / HOLD_BYTES * HOLD_BYTES;
    const uint64_t before = atomic_fetch_add(&x->server->held_bytes, more);
    if (before + more > x->settings->max_held || !lt_engine_hold(x->settings->engine, more)) {
        atomic_fetch_sub(&x->server->held_bytes, more);
        return false;
    }
    x->held += more;
    x->held_used += bytes;
    return true;
}

static void let_go(struct exchange *x)
{
    if (x->held == 0)
        return;
    atomic_fetch_sub(&x->server->held_bytes, x->held);
    lt_engine_let_go(x->settings->engine, x->held);
}

static void log_exchange(struct exchange *x)
{
    struct str line = {0};
    double seconds = clock_seconds() - x->begun;
    str_printf(&line, "method=%s path=%s status=%d bytes=%llu seconds=%.3f", x->method, x->path, x->status,
               (unsigned long long)x->sent, seconds);
    const struct speech *speech = &x->speech;
    bool text = request_kind_is_text(speech->request.kind);
    if (x->speaking && text)
        str_printf(&line, " characters=%zu", speech->request.characters);
    else if (x->speaking) {
        str_printf(&line, " audio=%.3f first_audio=%.3f format=%s characters=%zu voice=",
                   speech->result.audio_seconds, speech->result.first_audio_seconds,
                   lt_format_name(speech->request.format), speech->request.characters);
        /* the client chose it: keep it one field */
        for (const char *c = speech->request.voice; *c != '\0'; c++)
            str_putc(&line, isgraph((unsigned char)*c) && *c != '=' ? *c : '_');
    }
    if (x->speaking && speech->status != LT_OK)
        str_printf(&line, " speech=%s", lt_status_name(speech->status));
    str_printf(&line, " end=%s client=%s", x->complete ? "complete" : "cut", x->client);
    if (!line.failed)
        log_event(LOG_INFO, x->id, "request", "%s", line.data);
    str_free(&line);
}

static void count_exchange(struct exchange *x)
{
    const struct speech *speech = &x->speech;
    const lt_result *result = &speech->result;
    bool work = x->route != NULL && x->route->post != NULL;
    bool broke_off = x->speaking && speech->status != LT_OK && speech->status != LT_ERR_CANCELLED;
    bool full = x->status == MHD_HTTP_TOO_MANY_REQUESTS && !x->refused; /* the queue, not the client's rate */
    struct request_record record = {
        .route = x->route != NULL ? x->route->path : NULL,
        .status = x->status,
        .code = x->error_code,
        /* what the client got wrong says nothing about the server, nor does one that left */
        .failed = full || x->status >= 500 || (broke_off && x->status == MHD_HTTP_OK),
        .complete = x->complete,
        .spoken = x->speaking && !request_kind_is_text(speech->request.kind),
        .audio_seconds = result->audio_seconds,
        .first_audio_seconds = result->first_audio_seconds,
        .text_seconds = result->text_seconds,
        .speech_seconds = result->speech_seconds,
        .encode_seconds = result->encode_seconds,
        .characters = speech->request.characters,
    };
    record.judged = work && (record.failed || (x->status == MHD_HTTP_OK && x->complete));
    counters_record(&x->server->counters, &record, clock_seconds());
}

void http_release(struct exchange *x)
{
    if (atomic_fetch_sub(&x->holders, 1) > 1)
        return;
    struct server *server = x->server;
    struct settings *settings = x->settings;
    log_exchange(x);
    count_exchange(x);
    speech_free(x);
    str_free(&x->body);
    let_go(x);
    pthread_cond_destroy(&x->speech.room);
    pthread_mutex_destroy(&x->lock);
    free(x);
    settings_release(settings);
    atomic_fetch_add(&server->requests, 1);
    atomic_fetch_sub(&server->exchanges, 1);
}

static const char *header(const struct exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->http, MHD_HEADER_KIND, name);
}

/* The client's own x-request-id where it is sane, else a new one. */
static void set_id(struct exchange *x)
{
    static const char sane[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:";
    const char *given = header(x, "x-request-id");
    if (given != NULL && given[0] != '\0' && strlen(given) < sizeof x->id &&
        strspn(given, sane) == strlen(given)) {
        strcpy(x->id, given);
        return;
    }
    unsigned char random[12] = {0};
    if (getrandom(random, sizeof random, 0) < 0) /* only ever on a kernel without it: ids may then repeat */
        memcpy(random, &x->begun, sizeof x->begun);
    int length = snprintf(x->id, sizeof x->id, "req_");
    for (size_t i = 0; i < sizeof random; i++)
        length += snprintf(x->id + length, sizeof x->id - (size_t)length, "%02x", random[i]);
}

static struct connection *connection_of(struct MHD_Connection *http)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(http, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

static struct exchange *exchange_new(struct server *server, struct MHD_Connection *http, const char *method)
{
    struct connection *connection = connection_of(http);
    struct exchange *x = connection != NULL ? calloc(1, sizeof *x) : NULL;
    if (x == NULL)
        return NULL;
    x->server = server;
    x->http = http;
    x->connection = connection;
    x->begun = clock_seconds();
    x->speech.file = -1;
    atomic_init(&x->holders, 1);
    pthread_mutex_init(&x->lock, NULL);
    pthread_cond_init(&x->speech.room, NULL);
    snprintf(x->method, sizeof x->method, "%s", method);
    memcpy(x->path, connection->path, sizeof x->path);
    memcpy(x->client, connection->client, sizeof x->client);
    set_id(x);
    atomic_fetch_add(&server->exchanges, 1);
    pthread_mutex_lock(&server->lock);
    x->settings = settings_hold(server->settings);
    connection->exchange = x;
    pthread_mutex_unlock(&server->lock);
    return x;
}

/* ---- Whether a request is let in ---- */

static bool refuse(struct exchange *x, int status, const char *code, const char *message)
{
    x->refused = true;
    return api_error_set(&x->refusal, status, code, NULL, "%s", message);
}

/* Compares in a time that depends on the given key's length only. */
static bool same_key(const char *given, const char *key, size_t key_length)
{
    size_t length = strlen(given);
    size_t different = length ^ key_length;
    for (size_t i = 0; i < length; i++)
        different |= (unsigned char)given[i] ^ (unsigned char)key[i % key_length];
    return different == 0;
}

/* Whether the request brought one of the keys that are asked for, if any are; *number is which. */
static bool authorised(const struct exchange *x, unsigned *number)
{
    const char *keys = config_string(x->settings->config, CONFIG_server_api_key);
    size_t length;
    *number = 0;
    const char *key = rates_next_key(&keys, &length);
    if (key == NULL)
        return true;
    const char *given = header(x, "Authorization");
    if (given == NULL || strncasecmp(given, "Bearer ", 7) != 0)
        return false;
    bool found = false;
    for (unsigned i = 0; key != NULL; key = rates_next_key(&keys, &length), i++)
        if (same_key(given + 7, key, length)) {
            found = true;
            *number = i;
        }
    return found;
}

/* "application/json" with or without parameters, and no header at all. */
static bool is_json(const char *type)
{
    static const char json[] = "application/json";
    if (type == NULL)
        return true;
    type += strspn(type, " \t");
    size_t length = strcspn(type, "; \t");
    return length == sizeof json - 1 && strncasecmp(type, json, length) == 0;
}

/* Counts the request against the rate of its key: 0, or the seconds it has to wait. */
static unsigned take_rate(struct exchange *x, unsigned key)
{
    pthread_mutex_lock(&x->server->lock);
    const unsigned wait = rates_take(&x->settings->rates, key, x->begun);
    pthread_mutex_unlock(&x->server->lock);
    return wait;
}

static bool let_in(struct exchange *x)
{
    bool get = strcmp(x->method, "GET") == 0 || strcmp(x->method, "HEAD") == 0;
    bool post = strcmp(x->method, "POST") == 0;
    if (x->route == NULL)
        return refuse(x, 404, "not_found", "There is nothing at this path; GET /docs lists what there is.");
    if (strcmp(x->method, "OPTIONS") == 0)
        return true; /* a browser asks without the key */
    if (!(get && x->route->get != NULL) && !(post && x->route->post != NULL))
        return refuse(x, 405, "method_not_allowed",
                      "This path does not take this method; see the Allow header.");
    unsigned key = 0, wait;
    if (!x->route->open && !authorised(x, &key))
        return refuse(x, 401, "invalid_api_key",
                      "This server asks for an API key: send it as 'Authorization: Bearer KEY'.");
    if (post && !is_json(header(x, "Content-Type")))
        return refuse(x, 415, "unsupported_media_type",
                      "The body has to be JSON, sent with 'Content-Type: application/json'.");
    if (x->route->post != NULL && (wait = take_rate(x, key)) > 0) {
        refuse(x, 429, "rate_limit_exceeded", "This key has sent as many requests as it may for now.");
        x->refusal.retry_after = wait;
        return false;
    }
    return true;
}

static void refuse_large(struct exchange *x)
{
    if (x->refused)
        return;
    refuse(x, 413, "request_too_large", "");
    snprintf(x->refusal.message, sizeof x->refusal.message,
             "The body of the request is larger than this server's limit of %zu bytes; split the text.",
             x->settings->max_body);
    str_free(&x->body);
}

/* ---- libmicrohttpd's callbacks, all on its one thread ---- */

/* The header of a request has arrived. Its body, if any, follows, unless we answer now, which closes the
 * connection: only where reading on would be a waste. */
static enum MHD_Result begin(struct exchange *x, const char *url)
{
    x->route = route_find(url, &x->argument);
    let_in(x);
    const char *length = header(x, "Content-Length");
    uint64_t declared = length != NULL ? strtoull(length, NULL, 10) : 0;
    if (declared > x->settings->max_body)
        refuse_large(x);
    if (x->refused && (declared > DROP_BYTES || header(x, "Expect") != NULL))
        return reply_error(x, &x->refusal);
    return MHD_YES;
}

static void keep_body(struct exchange *x, const char *data, size_t size)
{
    if (http_hold(x, size)) {
        str_append(&x->body, data, size);
        return;
    }
    refuse(x, 503, "out_of_memory", "Too many requests are arriving at once; try again later.");
    x->refusal.retry_after = 1;
    str_free(&x->body);
}

static enum MHD_Result receive(struct exchange *x, const char *data, size_t size)
{
    x->body_bytes += size;
    if (x->body_bytes > DROP_BYTES && x->refused)
        return MHD_NO;
    if (x->body_bytes > x->settings->max_body)
        refuse_large(x);
    if (!x->refused && x->route->post != NULL && strcmp(x->method, "POST") == 0)
        keep_body(x, data, size);
    return MHD_YES;
}

static enum MHD_Result finish(struct exchange *x, const char *url)
{
    if (x->stage == STAGE_SPEAKING)
        return speech_answer(x);
    if (x->body.failed)
        refuse(x, 503, "out_of_memory", "The server is out of memory; try again later.");
    if (x->refused)
        return reply_error(x, &x->refusal);
    if (strcmp(x->method, "OPTIONS") == 0)
        return reply_options(x);
    route_find(url, &x->argument); /* `url` of an earlier call may be gone */
    return strcmp(x->method, "POST") == 0 ? x->route->post(x) : x->route->get(x);
}

static enum MHD_Result handle(void *user, struct MHD_Connection *http, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **context)
{
    (void)version;
    struct exchange *x = *context;
    if (x == NULL) {
        x = *context = exchange_new(user, http, method);
        return x != NULL ? begin(x, url) : MHD_NO;
    }
    if (*size == 0)
        return x->stage == STAGE_ANSWERED ? MHD_YES : finish(x, url);
    enum MHD_Result result = receive(x, data, *size);
    *size = 0;
    return result;
}

/* The exchange is over on the HTTP side: answered in full, or cut. */
static void completed(void *user, struct MHD_Connection *http, void **context,
                      enum MHD_RequestTerminationCode how)
{
    struct server *server = user;
    struct exchange *x = *context;
    (void)http;
    if (x == NULL)
        return;
    struct connection *connection = x->connection;
    if (x->speaking)
        watch_remove(server, connection);
    pthread_mutex_lock(&server->lock);
    connection->exchange = NULL;
    connection->phase = PHASE_IDLE;
    connection->deadline = clock_seconds() + server->settings->read_timeout;
    if (connection->late && x->status == 0)
        x->status = MHD_HTTP_REQUEST_TIMEOUT;
    pthread_mutex_unlock(&server->lock);
    x->complete = how == MHD_REQUEST_TERMINATED_COMPLETED_OK;
    if (!x->complete)
        speech_abandon(x);
    *context = NULL;
    http_release(x);
}

/* The request line has arrived. Notes its path for the log; what could be mistaken there is replaced. */
static void *note_path(void *user, const char *uri, struct MHD_Connection *http)
{
    struct server *server = user;
    struct connection *connection = connection_of(http);
    if (connection == NULL)
        return NULL;
    size_t n = 0;
    pthread_mutex_lock(&server->lock);
    for (const char *c = uri; *c != '\0' && *c != '?' && n < sizeof connection->path - 1; c++)
        connection->path[n++] = isgraph((unsigned char)*c) && *c != '=' ? *c : '_';
    connection->path[n] = '\0';
    connection->phase = PHASE_READING;
    connection->deadline = clock_seconds() + server->settings->read_timeout;
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

static void connected(struct server *server, struct MHD_Connection *http, void **context)
{
    const union MHD_ConnectionInfo *socket = MHD_get_connection_info(http, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct connection *connection = socket != NULL ? calloc(1, sizeof *connection) : NULL;
    *context = connection;
    if (connection == NULL)
        return; /* its requests will be cut by exchange_new */
    connection->fd = socket->connect_fd;
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getpeername(connection->fd, (struct sockaddr *)&address, &size) != 0 ||
        getnameinfo((struct sockaddr *)&address, size, connection->client, sizeof connection->client, NULL, 0,
                    NI_NUMERICHOST) != 0)
        strcpy(connection->client, "-");
    pthread_mutex_lock(&server->lock);
    connection->deadline = clock_seconds() + server->settings->read_timeout;
    connection->id = server->next_id++;
    connection->next = server->connections;
    if (connection->next != NULL)
        connection->next->previous = connection;
    server->connections = connection;
    server->connection_count++;
    pthread_mutex_unlock(&server->lock);
}

static void disconnected(struct server *server, struct connection *connection)
{
    pthread_mutex_lock(&server->lock);
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        server->connections = connection->next;
    server->connection_count--;
    pthread_mutex_unlock(&server->lock);
    free(connection);
}

static void notify_connection(void *user, struct MHD_Connection *http, void **context,
                              enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        connected(user, http, context);
    else if (*context != NULL)
        disconnected(user, *context);
}

static void log_message(void *user, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void log_message(void *user, const char *format, va_list arguments)
{
    char message[256];
    (void)user;
    vsnprintf(message, sizeof message, format, arguments);
    message[strcspn(message, "\n")] = '\0';
    log_event(LOG_DEBUG, NULL, "http", "said=%s", message);
}

/* ---- Start and end ---- */

/* The certificate and its key, PEM, as text; both empty when the server speaks HTTP. */
static lt_status read_certificate(const lt_config *config, struct str *certificate, struct str *key,
                                  lt_error *error)
{
    enum { PEM_MOST = 1 << 20 };
    const char *certificate_file = config_string(config, CONFIG_server_tls_certificate),
               *key_file = config_string(config, CONFIG_server_tls_key);
    if (certificate_file[0] == '\0' && key_file[0] == '\0')
        return LT_OK;
    if (certificate_file[0] == '\0' || key_file[0] == '\0')
        return error_set(error, LT_ERR_CONFIG,
                         "server.tls_certificate and server.tls_key go together: set both, or none for HTTP");
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return error_set(error, LT_ERR_UNSUPPORTED,
                         "this libmicrohttpd cannot do TLS: put a proxy in front of the server");
    lt_status status = file_read(certificate_file, PEM_MOST, certificate, error);
    if (status == LT_OK)
        status = file_read(key_file, PEM_MOST, key, error);
    if (status == LT_OK &&
        (certificate->length == 0 || key->length == 0)) /* never HTTP where HTTPS was wanted */
        status = error_set(error, LT_ERR_CONFIG, "'%s' is empty: it has to be a PEM file",
                           key->length == 0 ? key_file : certificate_file);
    return status;
}

static struct MHD_Daemon *start_daemon(struct server *server, char *certificate, char *key)
{
    unsigned limit = (unsigned)config_integer(server->settings->config, CONFIG_server_max_connections);
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    static char protocols[] = "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1";
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, protocols},
        {MHD_OPTION_END, 0, NULL},
    };
    if (!server->tls)
        tls[0].option = MHD_OPTION_END;
    return MHD_start_daemon(
        server->tls ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, handle, server, MHD_OPTION_EXTERNAL_LOGGER,
        log_message, NULL, MHD_OPTION_LISTEN_SOCKET, server->listening, MHD_OPTION_CONNECTION_LIMIT, limit,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_NOTIFY_COMPLETED, completed, server,
        MHD_OPTION_NOTIFY_CONNECTION, notify_connection, server, MHD_OPTION_URI_LOG_CALLBACK, note_path,
        server, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_THREAD_STACK_SIZE,
        (size_t)THREAD_STACK_BYTES, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

lt_status http_start(struct server *server, lt_error *error)
{
    struct str certificate = {0}, key = {0};
    lt_status status = read_certificate(server->settings->config, &certificate, &key, error);
    server->tls = status == LT_OK && key.length > 0;
    if (status == LT_OK)
        server->daemon = start_daemon(server, certificate.data, key.data);
    if (status == LT_OK && server->daemon == NULL)
        status = server->tls ? error_set(error, LT_ERR_CONFIG,
                                         "cannot start the HTTPS server: are server.tls_certificate and "
                                         "server.tls_key PEM files that belong together?")
                             : error_set(error, LT_ERR_IO, "cannot start the HTTP server");
    if (key.data != NULL) /* libmicrohttpd has read it */
        explicit_bzero(key.data, key.capacity);
    str_free(&certificate);
    str_free(&key);
    return status;
}

void http_quiesce(struct server *server)
{
    MHD_quiesce_daemon(server->daemon);
    /* Its thread may still be in a call with the socket's number, which must not come to name another file
     * meanwhile: so the socket ceases to listen, but stays open. */
    if (!server->activated)
        shutdown(server->listening, SHUT_RD);
}

void http_stop(struct server *server)
{
    MHD_stop_daemon(server->daemon);
    close(server->listening);
}
