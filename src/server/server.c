/* server.c: start, signals and the orderly end of `litetts serve`. */
#include "server/server.h"

#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/threads.h"
#include "server/http.h"
#include "server/reload.h"
#include "server/speech.h"
#include "server/state.h"
#include "server/systemd.h"
#include "server/watch.h"

/* How often what requests have given back goes to the kernel. */
static const double TRIM_SECONDS = POOL_IDLE_SECONDS + 1;

/* ---- The listening socket ---- */

static int listen_on(const struct addrinfo *address)
{
    int yes = 1, no = 0;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (address->ai_family == AF_INET6) /* "::" takes IPv4 as well */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

static lt_status open_socket(const lt_config *config, int *fd, lt_error *error)
{
    const char *host = config_string(config, CONFIG_server_host),
               *port = lt_config_get(config, "server.port");
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV},
                    *addresses;
    int failure = getaddrinfo(host, port, &hints, &addresses);
    if (failure != 0)
        return error_set(error, LT_ERR_CONFIG, "cannot listen on server.host '%s': %s", host,
                         gai_strerror(failure));
    *fd = -1;
    for (const struct addrinfo *a = addresses; a != NULL && *fd < 0; a = a->ai_next)
        *fd = listen_on(a);
    if (*fd < 0)
        error_errno(error, LT_ERR_IO, "cannot listen on %s port %s", host, port);
    freeaddrinfo(addresses);
    return *fd < 0 ? LT_ERR_IO : LT_OK;
}

static void announce(const struct server *server)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    char host[64] = "?", port[16] = "?";
    if (getsockname(server->listening, (struct sockaddr *)&address, &size) == 0)
        getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    bool v6 = strchr(host, ':') != NULL;
    char message[128];
    snprintf(message, sizeof message, "listening on %s://%s%s%s:%s", server->tls ? "https" : "http",
             v6 ? "[" : "", host, v6 ? "]" : "", port);
    log_event(LOG_INFO, NULL, message, "version=%s", lt_version());
}

/* ---- Limits ---- */

/* Requests at once where they are spoken in batches: a full one. So many of any length fit the default
 * memory budget, so that none of them waits for room while others are spoken. */
enum { BATCHING_PLACES = 16 };

static unsigned places(const struct settings *settings)
{
    int64_t limit = config_integer(settings->config, CONFIG_server_max_concurrent);
    if (limit > 0)
        return (unsigned)limit;
    int64_t threads = config_integer(settings->config, CONFIG_engine_threads);
    if (threads == 0)
        threads = threads_available();
    lt_stats stats;
    lt_engine_stats(settings->engine, &stats);
    return stats.batching && 2 * threads < BATCHING_PLACES ? BATCHING_PLACES : (unsigned)(2 * threads);
}

/* Each connection is a file, and may have a temporary one. */
static void raise_file_limit(const lt_config *config)
{
    rlim_t wanted = 64 + 2 * (rlim_t)config_integer(config, CONFIG_server_max_connections);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted)
        log_event(LOG_WARNING, NULL, "few open files are allowed", "limit=%llu wanted=%llu",
                  (unsigned long long)limit.rlim_cur, (unsigned long long)wanted);
}

/* ---- The end ---- */

static void abandon_all(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    for (struct connection *c = server->connections; c != NULL; c = c->next)
        if (c->exchange != NULL)
            speech_abandon(c->exchange);
    pthread_mutex_unlock(&server->lock);
}

/* Gives the kernel what the heaps keep of answered requests, whose blocks lie between others and would
 * hold tens of MiB after some thousand requests. Takes a few milliseconds of one thread, so not at each
 * request; a last time when none came for a while, since by then the workers, which keep blocks of their
 * own, have ended. */
static void trim_memory(struct server *server)
{
    const uint64_t answered = atomic_load(&server->requests);
    const double now = clock_seconds();
    const bool resting = answered == server->trimmed.requests;
    if (now < server->trimmed.when + TRIM_SECONDS || (resting && server->trimmed.resting))
        return;
    free(atomic_exchange(&server->spare_ring, NULL)); /* how much of it was touched is chance */
    malloc_trim(0);
    server->trimmed.resting = resting;
    server->trimmed.requests = answered;
    server->trimmed.when = now;
}

/* Says so when the engine's memory grows from thousand requests to thousand, and when that is over. */
static void watch_growth(struct server *server)
{
    lt_stats stats;
    lt_engine_stats(server->settings->engine, &stats);
    if (stats.growing && !server->growing)
        log_event(LOG_WARNING, NULL, "memory grows with the requests: a leak?", "bytes_per_1000=%.0f",
                  stats.growth_bytes_per_1000);
    else if (!stats.growing && server->growing)
        log_event(LOG_INFO, NULL, "memory does not grow any more", "bytes_per_1000=%.0f",
                  stats.growth_bytes_per_1000);
    server->growing = stats.growing;
}

/* Waits for a signal; a changed configuration file counts as SIGHUP where that is wanted. */
static int wait_for_reason(struct server *server, const sigset_t *signals, struct reload_watch *watch)
{
    const struct timespec second = {.tv_sec = 1};
    while (true) {
        bool watching = strcmp(config_string(server->settings->config, CONFIG_server_reload), "auto") == 0;
        int signal = sigtimedwait(signals, NULL, &second);
        if (signal > 0)
            return signal;
        pool_tidy(server->pool);
        trim_memory(server);
        watch_growth(server);
        if (watching && reload_watch_look(watch))
            return SIGHUP;
    }
}

/* Waits until a stop signal comes, `seconds` are over or nothing is in flight. Returns the signal or 0. */
static int wait_for_end(struct server *server, const sigset_t *signals, double seconds)
{
    double end = clock_seconds() + seconds;
    while (true) {
        struct timespec tick = {.tv_nsec = 20000000};
        int signal = sigtimedwait(signals, NULL, &tick);
        if (signal > 0)
            return signal;
        if (clock_seconds() >= end || atomic_load(&server->exchanges) == 0)
            return 0;
    }
}

/* Blocks until a signal, then ends what is in flight in an orderly way. */
static void serve(struct server *server, const sigset_t *signals, const struct server_source *source)
{
    int signal;
    struct reload_watch watch = reload_watch_open(source->file);
    while ((signal = wait_for_reason(server, signals, &watch)) == SIGHUP)
        reload_settings(server, source);
    double grace = config_number(server->settings->config, CONFIG_server_grace_seconds);
    sigset_t ends = *signals;
    sigdelset(&ends, SIGHUP);
    systemd_notify("STOPPING=1");
    atomic_store(&server->draining, true);
    http_quiesce(server);
    /* only now, so that whoever acts on the line meets a server that drains */
    log_event(LOG_INFO, NULL, "shutting down", "signal=%d in_flight=%u grace_seconds=%g", signal,
              atomic_load(&server->exchanges), grace);
    signal = wait_for_end(server, &ends, grace);
    if (signal > 0) {
        log_event(LOG_WARNING, NULL, "ended by a second signal", "signal=%d in_flight=%u", signal,
                  atomic_load(&server->exchanges));
        _exit(128 + signal);
    }
    if (atomic_load(&server->exchanges) > 0)
        log_event(LOG_WARNING, NULL, "grace period is over", "in_flight=%u", atomic_load(&server->exchanges));
}

static lt_status start(struct server *server, lt_error *error)
{
    const struct settings *settings = server->settings;
    unsigned queue = (unsigned)config_integer(settings->config, CONFIG_server_max_queue);
    unsigned count = places(settings);
    server->most_jobs = count + queue;
    server->pool = pool_new(count, queue);
    if (server->pool == NULL)
        return error_memory(error, "the server");
    if (watch_start(server, error) != LT_OK)
        return error->status;
    if (http_start(server, error) != LT_OK) {
        watch_stop(server);
        return error->status;
    }
    return LT_OK;
}

static void stop(struct server *server)
{
    abandon_all(server);
    pool_finish(server->pool); /* every worker has resumed its connection when it ends */
    http_stop(server);
    watch_stop(server);
    pool_free(server->pool);
}

/* Serves until a signal. */
static lt_status run_on(struct server *server, const sigset_t *signals, const struct server_source *source,
                        lt_error *error)
{
    if (start(server, error) != LT_OK) {
        close(server->listening);
        pool_free(server->pool);
        return error->status;
    }
    announce(server);
    systemd_notify("READY=1");
    serve(server, signals, source);
    stop(server);
    free(atomic_load(&server->spare_ring));
    log_event(LOG_INFO, NULL, "stopped", "requests=%llu", (unsigned long long)atomic_load(&server->requests));
    return LT_OK;
}

static lt_status run(struct server *server, const lt_config *config, const sigset_t *signals,
                     const struct server_source *source, lt_error *error)
{
    server->listening = systemd_socket();
    server->activated = server->listening >= 0;
    if (!server->activated && open_socket(config, &server->listening, error) != LT_OK)
        return error->status;
    raise_file_limit(config);
    server->settings = settings_open(config, NULL, error);
    if (server->settings == NULL) {
        close(server->listening);
        return error->status;
    }
    lt_status status = run_on(server, signals, source, error);
    settings_release(server->settings);
    return status;
}

int server_run(const lt_config *config, const struct server_source *source, lt_error *error)
{
    struct server server = {.started = clock_seconds(), .next_id = 1};
    lt_error fault;
    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, &before); /* before any thread starts: only serve() takes them */
    struct sigaction ignore = {.sa_handler = SIG_IGN}, pipe_before;
    sigaction(SIGPIPE, &ignore, &pipe_before);
    pthread_mutex_init(&server.lock, NULL);
    counters_open(&server.counters, server.started);
    lt_status status = run(&server, config, &signals, source, error != NULL ? error : &fault);
    counters_close(&server.counters);
    pthread_mutex_destroy(&server.lock);
    sigaction(SIGPIPE, &pipe_before, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status == LT_OK ? 0 : 1;
}
