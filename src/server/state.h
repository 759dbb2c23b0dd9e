/* state.h: the server's own structures: the server, its connections, and the exchange of a request and its
 * answer.
 *
 * Threads: one thread of libmicrohttpd runs every HTTP callback; the pool's workers speak; the watcher
 * looks for clients that left or are too slow; the main thread waits for signals. An exchange is held by
 * the HTTP side and, while it is spoken, by its worker; who lets go last logs and frees it.
 *
 * Locks, outermost first: server.lock, exchange.lock, the pool's own. */
#ifndef SERVER_STATE_H
#define SERVER_STATE_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/config.h"
#include "base/str.h"
#include "server/captions.h"
#include "server/counters.h"
#include "server/pool.h"
#include "server/request.h"
#include "server/settings.h"

struct route;

enum { CLIENT_BYTES = 64, PATH_BYTES = 200, ID_BYTES = 72 };

/* What a connection is doing, which says what its deadline means. */
enum phase {
    PHASE_IDLE,     /* between requests: may go away silently at the deadline */
    PHASE_READING,  /* its request is arriving: answered 408 at the deadline */
    PHASE_WORKING,  /* the server is at work: no deadline */
    PHASE_ANSWERING /* bytes are on their way to the client: cut at the deadline */
};

/* One TCP connection. Belongs to the HTTP thread; the fields are under server.lock, because the watcher
 * reads them. */
struct connection {
    struct connection *next, *previous; /* in server.connections */
    uint64_t id;
    int fd;
    enum phase phase;
    double deadline;           /* clock_seconds() when it is cut; INFINITY: never */
    bool late;                 /* it was answered 408 */
    struct exchange *exchange; /* the one in progress, or NULL */
    char client[CLIENT_BYTES]; /* numeric address */
    char path[PATH_BYTES];     /* of the request as sent, without its query, made safe for the log */
};

/* The audio of an exchange on its way from the worker to the client; under exchange.lock once it is
 * submitted. */
struct speech {
    struct pool_job job;
    struct speech_request request;
    lt_cancel *cancel;
    pthread_cond_t room;          /* the ring has room again, or the client has gone */
    char *ring;                   /* encoded bytes not yet sent, for a streamed answer */
    size_t ring_begin, ring_used; /* first byte and number of bytes */
    int file;                     /* the whole answer when it is not streamed, else -1 */
    uint64_t file_size;
    int file_error;           /* errno of a write to it that failed; the worker's */
    struct captions captions; /* of REQUEST_CAPTIONED_SPEECH; the worker's until that has ended */
    uint64_t captions_held;   /* bytes of their words that http_hold knows of */
    double submitted;         /* clock_seconds() when all of the request was there */
    struct str spelled;       /* the whole answer when that is text */
    struct str event;         /* server-sent event that is being sent */
    size_t event_sent;        /* bytes of it that have been */
    bool answering;           /* the answer has begun: every new byte is sent at once */
    bool ended, finished;     /* lt_speak has returned; the last event has been made */
    lt_status status;         /* what it returned; the rest belongs to it */
    lt_error error;
    lt_result result; /* its first sound counts from `submitted` on */
};

enum stage { STAGE_RECEIVING, STAGE_SPEAKING, STAGE_ANSWERED };

/* One request and its answer. */
struct exchange {
    struct server *server;
    struct settings *settings; /* held: those that it began with */
    struct MHD_Connection *http;
    struct connection *connection;
    atomic_int holders; /* HTTP side, worker */
    char id[ID_BYTES];  /* x-request-id */
    char method[12];
    char path[PATH_BYTES];
    char client[CLIENT_BYTES];
    const struct route *route;
    const char *argument; /* what a route with a parameter leaves open of the path; valid while routing */
    bool refused;         /* `refusal` is the answer; the body is read and dropped */
    struct api_error refusal;
    struct str body;
    uint64_t body_bytes; /* received, kept or not */
    uint64_t held;       /* bytes counted for its body and its answer, in server.held_bytes */
    uint64_t held_used;  /* of them, that there are */
    double begun;        /* clock_seconds() */
    enum stage stage;
    bool complete;          /* the client has been sent all of it */
    int status;             /* of the answer; 0 before */
    const char *error_code; /* static; of an error that was answered, else NULL */
    _Atomic uint64_t sent;  /* bytes of the answer's body that were handed to the connection */

    pthread_mutex_t lock; /* over what follows */
    bool suspended;       /* http waits for MHD_resume_connection */
    bool gone;            /* the client left, or was cut */
    bool speaking;        /* `speech` was submitted */
    struct speech speech;
};

struct server {
    struct settings *settings; /* in force: for new exchanges; under `lock` */
    struct {
        uint64_t done, failed;
        char error[sizeof((lt_error *)0)->message]; /* why the last one failed; empty: it did not */
    } reloads;                                      /* of the configuration, under `lock` */
    bool tls;
    int listening;  /* the socket; closed in http_stop */
    bool activated; /* it is systemd's, for whom it has to stay one that listens */
    struct pool *pool;
    unsigned most_jobs; /* that the pool takes: its places and its queue */
    struct MHD_Daemon *daemon;
    double started;
    atomic_bool draining;  /* SIGTERM has come: new speech is refused */
    atomic_uint exchanges; /* alive */
    /* of an answer that has been sent, for the next one: its pages are there already; NULL: none */
    _Atomic(char *) spare_ring;
    _Atomic uint64_t requests; /* answered since the start */
    /* Of bodies and of answers made of text, which clients may send and take as slowly as they like: so they
     * have a bound together within the engine's budget. */
    _Atomic uint64_t held_bytes;
    struct counters counters;

    pthread_mutex_t lock; /* over the connections and which settings are in force */
    struct connection *connections;
    unsigned connection_count;
    uint64_t next_id;

    struct {
        uint64_t requests; /* answered by then */
        double when;       /* clock_seconds() */
        bool resting;      /* no request was answered between the last two times */
    } trimmed;             /* the heaps, the last time; the main thread's, as is: */
    bool growing;          /* the engine's memory grew when that was last looked at */

    pthread_t watcher;
    int watch_epoll; /* the sockets of clients that wait for speech */
    int watch_stop;  /* eventfd */
};

#endif
