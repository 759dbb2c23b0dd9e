/* serve.c: `litetts serve`: the settings of the server as flags. */
#include <malloc.h>
#include <sys/resource.h>

#include "base/config.h"
#include "base/log.h"
#include "base/threads.h"
#include "cli/command.h"
#include "server/server.h"

static const struct option options[] = {
    {"host", 0, "ADDRESS", NULL, "server.host", NULL},
    {"port", 'p', "PORT", NULL, "server.port", NULL},
    {"api-key", 0, "KEY", NULL, "server.api_key", NULL},
    {"cors-origins", 0, "ORIGINS", NULL, "server.cors_origins", NULL},
    {"rate-limit", 0, "N", NULL, "server.rate_limit", NULL},
    {"tls-certificate", 0, "FILE", NULL, "server.tls_certificate", NULL},
    {"tls-key", 0, "FILE", NULL, "server.tls_key", NULL},
    {"max-concurrent", 0, "N", NULL, "server.max_concurrent", NULL},
    {"max-queue", 0, "N", NULL, "server.max_queue", NULL},
    {"max-connections", 0, "N", NULL, "server.max_connections", NULL},
    {"max-body-bytes", 0, "BYTES", NULL, "server.max_body_bytes", NULL},
    {"max-text-characters", 0, "N", NULL, "server.max_text_characters", NULL},
    {"read-timeout", 0, "SECONDS", NULL, "server.read_timeout_seconds", NULL},
    {"write-timeout", 0, "SECONDS", NULL, "server.write_timeout_seconds", NULL},
    {"grace", 0, "SECONDS", NULL, "server.grace_seconds", NULL},
    {"voice", 'v', "VOICE", NULL, "voice.default_voice", NULL},
    {"model", 'm', "FILE", NULL, "engine.model", NULL},
    {"isa", 0, "SET", NULL, "engine.isa", NULL},
    {"threads", 't', "N", NULL, "engine.threads", NULL},
    {"log-level", 0, "LEVEL", NULL, "log.level", NULL},
    {"log-format", 0, "FORM", NULL, "log.format", NULL},
    {NULL},
};

static lt_config *reload(void *user, lt_error *error)
{
    return arguments_config(user, error);
}

/* What glibc's malloc is told so that a server keeps little of what its requests have given back.
 *
 * Blocks from 16 KiB on (samples, rings, bodies, what the cache keeps) come from the kernel and go back to
 * it, up to a number far from the kernel's limit for a process. Else the limit rises to the largest block
 * that was ever freed, 32 MiB, and such blocks leave holes in heaps that never shrink: tens of MiB after
 * some thousand requests. There are as many heaps as threads that run at once, not eight times as many,
 * each of which would grow to what the largest request needs; one where `ulimit -v` is set, since each
 * reserves 64 MiB of addresses. M_TRIM_THRESHOLD stays at its 128 KiB: what is free at the end of a heap
 * and less than that stays there for good in all but the main one, the only end that malloc_trim gives
 * back. */
static void tune_malloc(void)
{
    struct rlimit limit;
    bool scarce = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    mallopt(M_MMAP_THRESHOLD, 16 * 1024);
    mallopt(M_MMAP_MAX, 16384);
    mallopt(M_ARENA_MAX, scarce ? 1 : threads_available());
}

static int run(const struct arguments *arguments)
{
    lt_error error;
    lt_config *config = arguments_config(arguments, &error);
    if (config == NULL)
        return command_fail(&error);
    tune_malloc();
    enum log_level level = LOG_INFO;
    log_parse_level(config_string(config, CONFIG_log_level), &level);
    log_setup(level, config_string(config, CONFIG_log_format)[0] == 'j');
    struct str found = {0};
    const char *file = arguments_config_path(arguments);
    if (file == NULL)
        config_find_file(&found);
    const struct server_source source = {
        .read = reload,
        .user = (void *)(uintptr_t)arguments,
        .file = file != NULL         ? file
                : found.data != NULL ? found.data
                                     : "",
    };
    int code = server_run(config, &source, &error);
    str_free(&found);
    lt_config_free(config);
    return code == EXIT_OK ? EXIT_OK : command_fail(&error);
}

const struct command serve_command = {
    .name = "serve",
    .operands = "",
    .summary = "Serve OpenAI's text-to-speech API over HTTP",
    .notes =
        "SIGTERM and Ctrl-C stop accepting, finish what is in flight within the grace period, then exit "
        "0.\n"
        "SIGHUP reads the configuration again. A key on the command line shows in the list of processes:\n"
        "prefer LITETTS_SERVER_API_KEY or the file.\n",
    .options = options,
    .run = run,
};
