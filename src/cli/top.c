/* top.c: `litetts top`: a running server on the terminal: GET /stats, drawn every second. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/config.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "convert/late_curl.h"

static const struct option options[] = {
    {"url", 'u', "URL", "the server (default: the one that 'litetts serve' would be, http://HOST:PORT)", NULL,
     NULL},
    {"api-key", 0, "KEY", NULL, "server.api_key", NULL},
    {"interval", 'i', "SECONDS", "time between looks (default 1)", NULL, NULL},
    {"once", '1', NULL, "print it once, without colours", NULL, NULL},
    {"json", 0, NULL, "print the server's own JSON once", NULL, NULL},
    {NULL},
};

enum { ANSWER_MOST = 1 << 20, TIMEOUT_MS = 5000 };

/* ---- Asking the server ---- */

struct server {
    const struct late_curl *lib;
    CURL *curl;
    struct curl_slist *headers;
    struct str url, answer;
    char reason[CURL_ERROR_SIZE];
};

static size_t take(char *bytes, size_t size, size_t count, void *user)
{
    struct str *answer = user;
    if (answer->length + size * count > ANSWER_MOST)
        return 0;
    str_append(answer, bytes, size * count);
    return answer->failed ? 0 : size * count;
}

/* The server's address, from --url or the settings. */
static void put_url(const struct arguments *arguments, const lt_config *config, struct str *url)
{
    const char *given = arguments_value(arguments, "url");
    const char *host = config_string(config, CONFIG_server_host);
    if (given != NULL) {
        str_puts(url, given);
        while (url->length > 0 && url->data[url->length - 1] == '/')
            url->data[--url->length] = '\0';
    } else {
        if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
            host = "127.0.0.1";
        bool v6 = strchr(host, ':') != NULL;
        const char *scheme =
            config_string(config, CONFIG_server_tls_certificate)[0] != '\0' ? "https" : "http";
        str_printf(url, "%s://%s%s%s:%lld", scheme, v6 ? "[" : "", host, v6 ? "]" : "",
                   (long long)config_integer(config, CONFIG_server_port));
    }
    str_puts(url, "/stats");
}

static void server_close(struct server *server)
{
    if (server->lib != NULL) {
        server->lib->curl_easy_cleanup(server->curl);
        server->lib->curl_slist_free_all(server->headers);
        server->lib->curl_global_cleanup();
    }
    str_free(&server->url);
    str_free(&server->answer);
}

static lt_status server_open(const struct arguments *arguments, const lt_config *config,
                             struct server *server, lt_error *error)
{
    const char *key = config_string(config, CONFIG_server_api_key);
    key += strspn(key, " ,");
    struct str header = {0};
    const struct late_curl *lib = server->lib = late_curl(error);
    if (lib == NULL)
        return LT_ERR_UNSUPPORTED;
    lib->curl_global_init(CURL_GLOBAL_DEFAULT);
    server->curl = lib->curl_easy_init();
    put_url(arguments, config, &server->url);
    if (key[0] != '\0') { /* the first, where the server takes several */
        str_printf(&header, "Authorization: Bearer %.*s", (int)strcspn(key, " ,"), key);
        server->headers = header.failed ? NULL : lib->curl_slist_append(NULL, header.data);
    }
    bool made = server->curl != NULL && !server->url.failed && (key[0] == '\0' || server->headers != NULL);
    str_free(&header);
    if (!made)
        return error_memory(error, "the connection");
    lib->curl_easy_setopt(server->curl, CURLOPT_URL, server->url.data);
    lib->curl_easy_setopt(server->curl, CURLOPT_HTTPHEADER, server->headers);
    lib->curl_easy_setopt(server->curl, CURLOPT_WRITEFUNCTION, take);
    lib->curl_easy_setopt(server->curl, CURLOPT_WRITEDATA, &server->answer);
    lib->curl_easy_setopt(server->curl, CURLOPT_ERRORBUFFER, server->reason);
    lib->curl_easy_setopt(server->curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
    lib->curl_easy_setopt(server->curl, CURLOPT_NOSIGNAL, 1L);
    lib->curl_easy_setopt(server->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    return LT_OK;
}

/* Asks once; *stats is the caller's. Errors: LT_ERR_IO. */
static lt_status server_ask(struct server *server, json_t **stats, lt_error *error)
{
    str_clear(&server->answer);
    server->reason[0] = '\0';
    CURLcode code = server->lib->curl_easy_perform(server->curl);
    if (code != CURLE_OK)
        return error_set(error, LT_ERR_IO, "cannot reach %s: %s; is 'litetts serve' running there?",
                         server->url.data,
                         server->reason[0] != '\0' ? server->reason : server->lib->curl_easy_strerror(code));
    long status = 0;
    server->lib->curl_easy_getinfo(server->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 401)
        return error_set(error, LT_ERR_IO, "%s asks for a key: give it with --api-key or server.api_key",
                         server->url.data);
    *stats = status == 200 ? json_loadb(server->answer.data, server->answer.length, 0, NULL) : NULL;
    if (!json_is_object(json_object_get(*stats, "server"))) {
        json_decref(*stats);
        return error_set(error, LT_ERR_IO,
                         "%s answered %ld, and not as LiteTTS does: is it the right server?",
                         server->url.data, status);
    }
    return LT_OK;
}

/* ---- Drawing ---- */

struct view {
    const json_t *stats;
    struct str out;
    bool colours;
};

/* The number at "section.name"; NAN for one that is null or missing. */
static double at(const json_t *value, const char *path)
{
    while (value != NULL && *path != '\0') {
        size_t n = strcspn(path, ".");
        value = json_object_getn(value, path, n);
        path += n + (path[n] == '.');
    }
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static const char *text_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

/* Writes what the server sent. A control character would command the terminal, which the server may not. */
static void put_text(struct str *out, const char *text)
{
    const size_t size = strlen(text); /* valid UTF-8: jansson takes nothing else */
    uint32_t codepoint;
    for (size_t at = 0, n; (n = utf8_decode(text + at, size - at, &codepoint)) > 0; at += n)
        if (codepoint < 0x20 || (codepoint >= 0x7f && codepoint < 0xa0))
            str_putc(out, '?');
        else
            str_append(out, text + at, n);
}

static void put_duration(struct str *out, double seconds)
{
    if (seconds < 60)
        str_printf(out, "%.3g s", seconds);
    else if (seconds < 3600)
        str_printf(out, "%.0f min", floor(seconds / 60));
    else
        str_printf(out, "%.0f h %.0f min", floor(seconds / 3600), floor(fmod(seconds, 3600) / 60));
}

/* A target's value as people read it. */
static void put_value(struct str *out, const char *target, double value)
{
    if (isnan(value))
        str_puts(out, "-");
    else if (strcmp(target, "memory_bytes") == 0)
        str_printf(out, "%.1f MiB", value / (1 << 20));
    else if (strcmp(target, "success_rate") == 0)
        str_printf(out, "%.2f %%", 100 * value);
    else if (strcmp(target, "first_audio_ms") == 0)
        str_printf(out, "%.*f ms", value < 10 ? 1 : 0, value);
    else
        str_printf(out, "%.3g", value);
}

/* Pads what was written since `begin` to `width` columns; what is written here is ASCII. */
static void pad(struct str *out, size_t begin, size_t width)
{
    while (!out->failed && out->length - begin < width)
        str_putc(out, ' ');
}

static void put_verdict(struct view *view, const char *target, const json_t *verdict)
{
    const char *state = text_at(verdict, "state");
    const char *colour = strcmp(state, "met") == 0       ? "\033[32m"
                         : strcmp(state, "at_risk") == 0 ? "\033[33m"
                         : strcmp(state, "missed") == 0  ? "\033[31m"
                                                         : "\033[2m";
    size_t begin = view->out.length;
    put_value(&view->out, target, at(verdict, "value"));
    pad(&view->out, begin, 12);
    if (view->colours)
        str_puts(&view->out, colour);
    begin = view->out.length;
    put_text(&view->out, state);
    pad(&view->out, begin, 10);
    if (view->colours)
        str_puts(&view->out, "\033[0m");
}

static void put_targets(struct view *view)
{
    size_t i;
    const json_t *target, *list = json_object_get(view->stats, "targets");
    str_puts(&view->out, "\nTarget          wanted        last minute           last hour\n");
    json_array_foreach(list, i, target)
    {
        const char *name = text_at(target, "name");
        size_t begin = view->out.length;
        put_text(&view->out, name);
        pad(&view->out, begin, 16);
        begin = view->out.length;
        double wanted = at(target, "wanted");
        if (!isnan(wanted))
            str_puts(&view->out, strcmp(name, "success_rate") == 0 ? ">= " : "<= ");
        put_value(&view->out, name, wanted);
        pad(&view->out, begin, 14);
        put_verdict(view, name, json_object_get(target, "minute"));
        put_verdict(view, name, json_object_get(target, "hour"));
        while (view->out.length > 0 && view->out.data[view->out.length - 1] == ' ')
            view->out.data[--view->out.length] = '\0';
        str_putc(&view->out, '\n');
    }
}

/* One bar a second of the last minute, as high as its share of the highest. */
static void put_bars(struct view *view, const char *title, const char *series)
{
    static const char *const bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const json_t *value, *list = json_object_get(json_object_get(view->stats, "seconds"), series);
    double highest = 0;
    size_t i;
    json_array_foreach(list, i, value) highest = fmax(highest, json_number_value(value));
    str_printf(&view->out, "%-16s", title);
    json_array_foreach(list, i, value)
    {
        double share = highest > 0 ? json_number_value(value) / highest : 0;
        str_puts(&view->out, bars[(int)ceil(8 * fmin(fmax(share, 0), 1))]);
    }
    str_printf(&view->out, "| max %.3g\n", highest);
}

static void put_numbers(struct view *view)
{
    const json_t *s = view->stats;
    struct str *out = &view->out;
    str_printf(out, "Requests        %.0f in flight, %.0f connections; last minute %.0f, %.0f failed\n",
               at(s, "queue.requests"), at(s, "queue.connections"), at(s, "minute.requests"),
               at(s, "minute.failed"));
    str_printf(out, "Speaking        %.0f, %.0f queued, %.0f wait for their clients, room for %.0f\n",
               at(s, "queue.speaking"), at(s, "queue.queued"), at(s, "queue.waiting_for_clients"),
               at(s, "queue.limit"));
    str_puts(out, "Audio           ");
    put_duration(out, at(s, "minute.audio_seconds"));
    str_puts(out, " in the last minute, ");
    put_duration(out, at(s, "speech.audio_seconds"));
    str_puts(out, " since the start\n");
    double text = at(s, "speech.text_seconds"), speech = at(s, "speech.speech_seconds"),
           encode = at(s, "speech.encode_seconds"), all = fmax(text + speech + encode, 1e-9);
    str_printf(out, "Work            text %.1f %%, speech %.1f %%, encoding %.1f %%\n", 100 * text / all,
               100 * speech / all, 100 * encode / all);
    str_printf(out, "Memory          %.1f MiB, peak %.1f MiB\n", at(s, "memory.resident_bytes") / (1 << 20),
               at(s, "memory.peak_bytes") / (1 << 20));
    const char *code;
    const json_t *errors = json_object_get(json_object_get(s, "requests"), "errors"), *count;
    str_puts(out, "Errors          ");
    if (json_object_size(errors) == 0)
        str_puts(out, "none");
    const char *separator = "";
    json_object_foreach((json_t *)(uintptr_t)errors, code, count)
    {
        str_puts(out, separator);
        put_text(out, code);
        str_printf(out, " %lld", (long long)json_integer_value(count));
        separator = ", ";
    }
    str_puts(out, "\n\n");
}

/* Which optimisations are on. */
static void put_optimisations(struct view *view)
{
    const json_t *o = json_object_get(view->stats, "optimisations"), *level;
    const char *weights = text_at(o, "weights"), *separator = ", cache in ";
    const double threads = at(o, "threads");
    size_t i;
    str_puts(&view->out, "In force        ");
    put_text(&view->out, text_at(o, "isa"));
    str_puts(&view->out, ", ");
    put_text(&view->out, weights);
    str_printf(&view->out, "%s%.0f thread%s%s%s", weights[0] != '\0' ? " weights, " : "", threads,
               threads == 1 ? "" : "s",
               json_is_true(json_object_get(o, "pinned")) ? " on CPUs of their own" : "",
               json_is_true(json_object_get(o, "batching")) ? ", batches" : "");
    json_array_foreach(json_object_get(o, "caches"), i, level)
    {
        const char *name = json_string_value(level);
        str_puts(&view->out, separator);
        put_text(&view->out, name != NULL ? name : "");
        separator = " and ";
    }
    str_putc(&view->out, '\n');
}

static void draw(struct view *view)
{
    const json_t *server = json_object_get(view->stats, "server");
    static const char *const facts[][2] = {
        {"LiteTTS ", "version"}, {"   ", "model"}, {" on ", "isa"}, {"   voice ", "voice"}};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        str_puts(&view->out, facts[i][0]);
        put_text(&view->out, text_at(server, facts[i][1]));
    }
    str_puts(&view->out, "   up ");
    put_duration(&view->out, at(server, "uptime_seconds"));
    str_puts(&view->out, json_is_true(json_object_get(server, "draining")) ? "   SHUTTING DOWN\n" : "\n");
    put_targets(view);
    str_putc(&view->out, '\n');
    put_optimisations(view);
    put_numbers(view);
    put_bars(view, "Requests", "requests");
    put_bars(view, "Audio, s", "audio_seconds");
    put_bars(view, "First sound, ms", "first_audio_p95_ms");
}

/* Replaces what the terminal shows: every line ends with "clear the rest", and so does the screen. */
static void show(const struct view *view, bool terminal)
{
    if (!terminal) {
        fputs(view->out.data, stdout);
        return;
    }
    fputs("\033[H", stdout);
    for (const char *c = view->out.data; *c != '\0'; c++) {
        if (*c == '\n')
            fputs("\033[K", stdout);
        putchar(*c);
    }
    fputs("\033[J", stdout);
    fflush(stdout);
}

/* As ASCII, so that nothing in it commands a terminal. */
static lt_status print_json(const json_t *stats, lt_error *error)
{
    char *text = json_dumps(stats, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);
    if (text == NULL)
        return error_memory(error, "the answer");
    puts(text);
    free(text);
    return LT_OK;
}

static lt_status look(struct server *server, bool terminal, bool json, lt_error *error)
{
    json_t *stats = NULL;
    lt_status status = server_ask(server, &stats, error);
    if (status != LT_OK)
        return status;
    struct view view = {.stats = stats, .colours = terminal && getenv("NO_COLOR") == NULL};
    if (json) {
        status = print_json(stats, error);
    } else {
        draw(&view);
        if (view.out.failed)
            status = error_memory(error, "the view");
        else
            show(&view, terminal);
    }
    str_free(&view.out);
    json_decref(stats);
    return status;
}

/* Looks again and again until a signal comes; a server that is away for a while is waited for once it was
 * there. */
static lt_status watch(struct server *server, double interval, lt_error *error)
{
    lt_cancel *cancel;
    lt_status status = interrupt_setup(&cancel, error);
    bool seen = false;
    if (status == LT_OK)
        fputs("\033[?1049h\033[?25l", stdout); /* the other screen, no cursor */
    while (status == LT_OK && !lt_cancel_fired(cancel)) {
        status = look(server, true, false, error);
        if (status == LT_ERR_IO && seen) {
            printf("\033[H%s\033[K", error->message);
            fflush(stdout);
            status = LT_OK;
        }
        seen = true;
        if (status == LT_OK)
            interrupt_wait_seconds(interval);
    }
    fputs("\033[?25h\033[?1049l", stdout);
    fflush(stdout);
    return status;
}

static int run(const struct arguments *arguments)
{
    lt_error error;
    struct server server = {0};
    double interval;
    lt_config *config = arguments_config(arguments, &error);
    if (config == NULL || arguments_number(arguments, "interval", 0.1, 3600, 1, &interval, &error) != LT_OK) {
        lt_config_free(config);
        return command_fail(&error);
    }
    bool json = arguments_given(arguments, "json"), once = json || arguments_given(arguments, "once");
    lt_status status = server_open(arguments, config, &server, &error);
    if (status == LT_OK)
        status = once || !isatty(STDOUT_FILENO) ? look(&server, false, json, &error)
                                                : watch(&server, interval, &error);
    server_close(&server);
    lt_config_free(config);
    if (status != LT_OK)
        return command_fail(&error);
    int code = command_finish_output();
    return interrupt_signal() > 0 ? 128 + interrupt_signal() : code;
}

const struct command top_command = {
    .name = "top",
    .operands = "",
    .summary = "Show how a running server does",
    .notes = "The numbers are those of the server's /dashboard. Ctrl-C ends it. Where standard output is no "
             "terminal\nthey are printed once.\n",
    .options = options,
    .run = run,
};
