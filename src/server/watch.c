/* watch.c: notices clients that left and clients that are too slow. */
#include "server/watch.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/threads.h"
#include "server/speech.h"

static const uint64_t STOP = 0; /* no connection has this id */

/* How long a request may still be arriving after its client has ended its sending side: libmicrohttpd has to read what came
 * before. It does not notice an end that arrives together with the last bytes of half a request. */
static const double ENDED_SECONDS = 5;

void watch_add(struct server *server, const struct connection *connection)
{
    /* RDHUP also means a client that only ended its sending side; like other servers we take it as gone,
     * for the two look the same until bytes are sent. Level-triggered, so that one who left before is seen
     * too. */
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.u64 = connection->id};
    epoll_ctl(server->watch_epoll, EPOLL_CTL_ADD, connection->fd, &event);
}

void watch_remove(struct server *server, const struct connection *connection)
{
    epoll_ctl(server->watch_epoll, EPOLL_CTL_DEL, connection->fd, NULL);
}

static void hang_up(struct server *server, uint64_t id)
{
    pthread_mutex_lock(&server->lock);
    for (struct connection *c = server->connections; c != NULL; c = c->next)
        if (c->id == id && c->exchange != NULL) /* both may have ended since the event */
            speech_abandon(c->exchange);
    pthread_mutex_unlock(&server->lock);
}

/* Ends a connection whose time is over. Shutting the socket down makes libmicrohttpd close it on its own
 * thread. While a request is arriving nothing else is written, so the answer can go to the socket
 * directly. */
static void cut(struct server *server, struct connection *c)
{
    static const char timeout[] =
        "HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nConnection: close\r\n"
        "Content-Length: 128\r\n\r\n"
        "{\"error\":{\"message\":\"The request did not arrive in time.\",\"type\":\"invalid_request_error\","
        "\"param\":null,\"code\":\"request_timeout\"}}";
    c->late = c->phase == PHASE_READING;
    if (c->late && !server->tls) /* there it would have to go through the encryption */
        send(c->fd, timeout, sizeof timeout - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (c->late && c->exchange == NULL) { /* else the exchange logs and counts it */
        log_event(LOG_INFO, NULL, "request", "path=%s status=408 client=%s", c->path, c->client);
        counters_record(&server->counters, &(struct request_record){.status = 408, .code = "request_timeout"},
                        clock_seconds());
    }
    shutdown(c->fd, SHUT_RDWR);
    c->deadline = INFINITY;
}

static bool has_ended(const struct connection *c)
{
    struct pollfd poll_fd = {.fd = c->fd, .events = POLLRDHUP};
    return poll(&poll_fd, 1, 0) > 0;
}

static void cut_late(struct server *server)
{
    double now = clock_seconds();
    pthread_mutex_lock(&server->lock);
    for (struct connection *c = server->connections; c != NULL; c = c->next) {
        if (c->phase == PHASE_READING && c->deadline < INFINITY && has_ended(c)) /* and was not cut */
            c->deadline = fmin(c->deadline, now + ENDED_SECONDS);
        if (c->deadline <= now)
            cut(server, c);
    }
    pthread_mutex_unlock(&server->lock);
}

/* Milliseconds between looks at the deadlines and the memory, of which no second shall be without. */
static int watch_period(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    double least = fmin(server->settings->read_timeout, server->settings->write_timeout);
    pthread_mutex_unlock(&server->lock);
    return (int)(1000 * fmin(fmax(least / 8, 0.02), 0.5));
}

static void *watch(void *user)
{
    struct server *server = user;
    double next = clock_seconds();
    while (true) {
        int period = watch_period(server);
        struct epoll_event events[64];
        int n = epoll_wait(server->watch_epoll, events, 64, period);
        for (int i = 0; i < n; i++) {
            if (events[i].data.u64 == STOP)
                return NULL;
            hang_up(server, events[i].data.u64);
        }
        if (clock_seconds() >= next) {
            cut_late(server);
            counters_note_memory(&server->counters, memory_read_field("/proc/self/status", "VmRSS"),
                                 clock_seconds());
            next = clock_seconds() + 1e-3 * period;
        }
    }
}

lt_status watch_start(struct server *server, lt_error *error)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = STOP};
    server->watch_epoll = epoll_create1(EPOLL_CLOEXEC);
    server->watch_stop = eventfd(0, EFD_CLOEXEC);
    if (server->watch_epoll < 0 || server->watch_stop < 0 ||
        epoll_ctl(server->watch_epoll, EPOLL_CTL_ADD, server->watch_stop, &event) != 0)
        error_errno(error, LT_ERR_IO, "cannot watch connections");
    else if ((errno = thread_start(&server->watcher, watch, server)) != 0)
        error_errno(error, LT_ERR_IO, "cannot start a thread");
    else
        return LT_OK;
    close(server->watch_epoll);
    close(server->watch_stop);
    return LT_ERR_IO;
}

void watch_stop(struct server *server)
{
    eventfd_write(server->watch_stop, 1);
    pthread_join(server->watcher, NULL);
    close(server->watch_epoll);
    close(server->watch_stop);
}
