/* server.c: start, signals and the orderly end of `litetts serve`. */
#include "server/server.h"

#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "server/http.h"
#include "server/speech.h"
#include "server/state.h"
#include "server/watch.h"

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

static void announce(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    char host[64] = "?", port[16] = "?";
    if (getsockname(fd, (struct sockaddr *)&address, &size) == 0)
        getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    bool v6 = strchr(host, ':') != NULL;
    char message[128];
    snprintf(message, sizeof message, "listening on http://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "",
             port);
    log_event(LOG_INFO, NULL, message, "version=%s", lt_version());
}

/* ---- Limits ---- */

static unsigned places(const lt_config *config)
{
    int64_t limit = config_integer(config, CONFIG_server_max_concurrent);
    if (limit > 0)
        return (unsigned)limit;
    int64_t threads = config_integer(config, CONFIG_engine_threads);
    cpu_set_t cpus;
    if (threads == 0)
        threads = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    return (unsigned)(2 * threads);
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

static void read_limits(struct server *server)
{
    const lt_config *config = server->config;
    server->max_body = (size_t)config_integer(config, CONFIG_server_max_body_bytes);
    server->limits.max_characters = (size_t)config_integer(config, CONFIG_server_max_text_characters);
    server->limits.speed = (float)config_number(config, CONFIG_voice_speed);
    server->read_timeout = config_number(config, CONFIG_server_read_timeout_seconds);
    server->write_timeout = config_number(config, CONFIG_server_write_timeout_seconds);
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

/* Waits until a stop signal comes or, where `seconds` is finite, until they are over or nothing is in flight. Returns
 * the signal or 0. */
static int wait_for_signal(struct server *server, const sigset_t *signals, double seconds)
{
    double end = clock_seconds() + seconds;
    while (true) {
        struct timespec tick = {.tv_nsec = 20000000};
        int signal = isinf(seconds) ? sigwaitinfo(signals, NULL) : sigtimedwait(signals, NULL, &tick);
        if (signal > 0)
            return signal;
        if (clock_seconds() >= end || (isfinite(seconds) && atomic_load(&server->exchanges) == 0))
            return 0;
    }
}

/* Blocks until a signal, then ends what is in flight in an orderly way. */
static void serve(struct server *server, const sigset_t *signals)
{
    double grace = config_number(server->config, CONFIG_server_grace_seconds);
    int signal = wait_for_signal(server, signals, INFINITY);
    log_event(LOG_INFO, NULL, "shutting down", "signal=%d in_flight=%u grace_seconds=%g", signal,
              atomic_load(&server->exchanges), grace);
    atomic_store(&server->draining, true);
    http_quiesce(server);
    signal = wait_for_signal(server, signals, grace);
    if (signal > 0) {
        log_event(LOG_WARNING, NULL, "ended by a second signal", "signal=%d in_flight=%u", signal,
                  atomic_load(&server->exchanges));
        _exit(128 + signal);
    }
    if (atomic_load(&server->exchanges) > 0)
        log_event(LOG_WARNING, NULL, "grace period is over", "in_flight=%u", atomic_load(&server->exchanges));
}

static lt_status start(struct server *server, int listening, lt_error *error)
{
    unsigned queue = (unsigned)config_integer(server->config, CONFIG_server_max_queue);
    server->most_jobs = places(server->config) + queue;
    server->pool = pool_new(places(server->config), queue);
    if (server->pool == NULL)
        return error_memory(error, "the server");
    if (watch_start(server, error) != LT_OK)
        return error->status;
    if (http_start(server, listening, error) != LT_OK) {
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

static lt_status run(struct server *server, const sigset_t *signals, lt_error *error)
{
    int listening = -1;
    if (open_socket(server->config, &listening, error) != LT_OK)
        return error->status;
    raise_file_limit(server->config);
    if (lt_engine_open(server->config, &server->engine, error) != LT_OK ||
        start(server, listening, error) != LT_OK) {
        close(listening);
        pool_free(server->pool);
        lt_engine_close(server->engine);
        return error->status;
    }
    announce(listening);
    serve(server, signals);
    stop(server);
    lt_engine_close(server->engine);
    log_event(LOG_INFO, NULL, "stopped", "requests=%llu", (unsigned long long)atomic_load(&server->requests));
    return LT_OK;
}

int server_run(const lt_config *config, lt_error *error)
{
    struct server server = {.config = config, .started = clock_seconds(), .next_id = 1};
    lt_error fault;
    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, &before); /* before any thread starts: only serve() takes them */
    struct sigaction ignore = {.sa_handler = SIG_IGN}, pipe_before;
    sigaction(SIGPIPE, &ignore, &pipe_before);
    pthread_mutex_init(&server.lock, NULL);
    counters_open(&server.counters, server.started);
    read_limits(&server);
    lt_status status = run(&server, &signals, error != NULL ? error : &fault);
    counters_close(&server.counters);
    pthread_mutex_destroy(&server.lock);
    sigaction(SIGPIPE, &pipe_before, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status == LT_OK ? 0 : 1;
}
