/* settings.c: exchanging configuration and engine while requests are in flight. */
#include "server/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct shared_engine {
    atomic_int holders;
    lt_engine *engine;
};

static bool in_section(const char *key, const char *section)
{
    size_t length = strlen(section);
    return strncmp(key, section, length) == 0 && key[length] == '.';
}

/* Whether the engine reads a setting; the rest is the server's and can change beside it. */
static bool is_engines(const char *key)
{
    return !in_section(key, "server") && !in_section(key, "target") && !in_section(key, "log");
}

static bool differs(const lt_config *a, const lt_config *b, const char *key)
{
    return strcmp(lt_config_get(a, key), lt_config_get(b, key)) != 0;
}

static bool same_engine(const lt_config *a, const lt_config *b)
{
    for (int i = 0; i < CONFIG_COUNT; i++) {
        const char *key = config_key((enum config_key)i)->name;
        if (is_engines(key) && differs(a, b, key))
            return false;
    }
    return true;
}

const char *settings_next_fixed(const lt_config *a, const lt_config *b, int *key)
{
    static const enum config_key fixed[] = {
        CONFIG_server_host,
        CONFIG_server_port,
        CONFIG_server_max_connections,
        CONFIG_server_max_queue,
        CONFIG_server_max_concurrent,
        CONFIG_server_tls_certificate,
        CONFIG_server_tls_key,
        CONFIG_log_level,
        CONFIG_log_format,
    };
    while (*key < (int)(sizeof fixed / sizeof *fixed)) {
        const char *name = config_key(fixed[(*key)++])->name;
        if (differs(a, b, name))
            return name;
    }
    return NULL;
}

static struct shared_engine *open_engine(const lt_config *config, const struct settings *before,
                                         lt_error *error)
{
    if (before != NULL && same_engine(config, before->config)) {
        atomic_fetch_add(&before->shared->holders, 1);
        return before->shared;
    }
    struct shared_engine *shared = calloc(1, sizeof *shared);
    if (shared == NULL) {
        error_memory(error, "the engine");
        return NULL;
    }
    atomic_init(&shared->holders, 1);
    if (lt_engine_open(config, &shared->engine, error) == LT_OK)
        return shared;
    free(shared);
    return NULL;
}

static void close_engine(struct shared_engine *shared)
{
    if (shared == NULL || atomic_fetch_sub(&shared->holders, 1) > 1)
        return;
    lt_engine_close(shared->engine);
    free(shared);
}

/* An eighth of the memory budget, but enough for one request of the largest size and its answer. The longest
 * utterance of a Kokoro voice takes three quarters, and has to fit beside it. */
static uint64_t most_held(const lt_config *config)
{
    const uint64_t limit = (uint64_t)config_integer(config, CONFIG_memory_limit_bytes);
    const uint64_t least = 16 * (uint64_t)config_integer(config, CONFIG_server_max_body_bytes);
    return limit == 0 ? UINT64_MAX : limit / 8 > least ? limit / 8 : least;
}

struct settings *settings_open(const lt_config *config, const struct settings *before, lt_error *error)
{
    struct settings *s = calloc(1, sizeof *s);
    lt_config *copy = config_copy(config);
    if (s == NULL || copy == NULL) {
        error_memory(error, "the settings");
        free(s);
        lt_config_free(copy);
        return NULL;
    }
    atomic_init(&s->holders, 1);
    s->config = copy;
    s->limits.max_characters = (size_t)config_integer(copy, CONFIG_server_max_text_characters);
    s->limits.speed = (float)config_number(copy, CONFIG_voice_speed);
    s->max_body = (size_t)config_integer(copy, CONFIG_server_max_body_bytes);
    s->max_held = most_held(copy);
    s->read_timeout = config_number(copy, CONFIG_server_read_timeout_seconds);
    s->write_timeout = config_number(copy, CONFIG_server_write_timeout_seconds);
    s->rates.a_minute = config_number(copy, CONFIG_server_rate_limit);
    s->shared = open_engine(copy, before, error);
    if (s->shared == NULL) {
        settings_release(s);
        return NULL;
    }
    s->engine = s->shared->engine;
    return s;
}

struct settings *settings_hold(struct settings *settings)
{
    atomic_fetch_add(&settings->holders, 1);
    return settings;
}

void settings_release(struct settings *settings)
{
    if (settings == NULL || atomic_fetch_sub(&settings->holders, 1) > 1)
        return;
    close_engine(settings->shared);
    lt_config_free(settings->config);
    free(settings);
}
