/* redis.c: clips in Redis or Valkey: the cache's level that several machines may share. */
#include "engine/redis.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "base/clock.h"
#include "base/str.h"
#include "engine/clip_key.h"
#include "engine/record.h"

static const double FIRST_PAUSE = 1, MOST_PAUSE = 30; /* seconds that it is left alone after a failure */

static const char PREFIX[] = "litetts:clip:";

enum { KEY_BYTES = sizeof PREFIX - 1 + CLIP_KEY_NAME, DEFAULT_PORT = 6379, MOST_ARGUMENTS = 5 };

/* A connection, made when it is first needed. */
struct link {
    pthread_mutex_t lock; /* guards the rest; held while Redis is asked */
    redisContext *context;
    double retry_at; /* clock_seconds() before which it is left alone; 0 after a success */
    double pause;    /* seconds that it is left alone after the next failure */
};

struct redis {
    char *user, *password, *host, *path, *database; /* NULL where the URL has none */
    int port;
    struct timeval timeout;
    int64_t ttl_seconds;
    struct link reading, writing;
    pthread_mutex_t lock; /* guards counts */
    struct level_counts counts;
};

/* A command: its words and their lengths. */
struct command {
    int count;
    const char *words[MOST_ARGUMENTS];
    size_t lengths[MOST_ARGUMENTS];
};

static void command_add(struct command *command, const void *word, size_t length)
{
    command->words[command->count] = word;
    command->lengths[command->count++] = length;
}

static void command_puts(struct command *command, const char *word)
{
    command_add(command, word, strlen(word));
}

static void count(struct redis *redis, uint64_t *counter)
{
    pthread_mutex_lock(&redis->lock);
    ++*counter;
    pthread_mutex_unlock(&redis->lock);
}

/* ---- The URL ---- */

/* The text from `begin` up to `end`; NULL when empty or out of memory (then *failed is set). */
static char *part(const char *begin, const char *end, bool *failed)
{
    if (begin >= end)
        return NULL;
    char *copy = strndup(begin, (size_t)(end - begin));
    *failed = *failed || copy == NULL;
    return copy;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Turns %XX in a user or password into what it stands for (RFC 3986, section 2.1), in place: else one with
 * an '@', ':' or '/' in it could not be written. False for a '%' without two digits, and for %00. */
static bool percent_decode(char *text)
{
    char *out = text;
    for (const char *c = text; text != NULL && *c != '\0'; c++) {
        if (*c == '%') {
            const int high = hex_digit(c[1]), low = high < 0 ? -1 : hex_digit(c[2]);
            if (low < 0 || (high == 0 && low == 0))
                return false;
            *out++ = (char)(high * 16 + low);
            c += 2;
        } else {
            *out++ = *c;
        }
    }
    if (text != NULL)
        *out = '\0';
    return true;
}

static bool parse_port(const char *text, const char *end, int *port)
{
    long value = 0;
    for (; text < end && *text >= '0' && *text <= '9' && value <= 65535; text++)
        value = value * 10 + (*text - '0');
    *port = (int)value;
    return text == end && value > 0 && value <= 65535;
}

/* [[user]:password@]host[:port][/database]; false when it is not like that. */
static bool parse_address(struct redis *redis, const char *at, bool *failed)
{
    const char *end = at + strcspn(at, "/"), *sign = memchr(at, '@', (size_t)(end - at));
    if (*end == '/') {
        redis->database = part(end + 1, end + strlen(end), failed);
        if (redis->database != NULL && strspn(redis->database, "0123456789") != strlen(redis->database))
            return false;
    }
    if (sign != NULL) {
        const char *colon = memchr(at, ':', (size_t)(sign - at));
        if (colon == NULL)
            return false;
        redis->user = part(at, colon, failed);
        redis->password = part(colon + 1, sign, failed);
        if (!percent_decode(redis->user) || !percent_decode(redis->password))
            return false;
        at = sign + 1;
    }
    const char *host_end = at[0] == '[' ? memchr(at, ']', (size_t)(end - at)) : NULL;
    const char *colon = host_end != NULL ? host_end + 1 : memchr(at, ':', (size_t)(end - at));
    if (colon != NULL && colon < end && (*colon != ':' || !parse_port(colon + 1, end, &redis->port)))
        return false;
    redis->host = host_end != NULL ? part(at + 1, host_end, failed)
                                   : part(at, colon != NULL && colon < end ? colon : end, failed);
    return redis->host != NULL || *failed;
}

static lt_status parse_url(struct redis *redis, const char *url, lt_error *error)
{
    bool failed = false, good = false;
    redis->port = DEFAULT_PORT;
    if (str_equal_nocase_n(url, "unix:", 5)) {
        const char *path = url + 5 + (strncmp(url + 5, "//", 2) == 0 ? 2 : 0);
        redis->path = part(path, path + strlen(path), &failed);
        good = redis->path != NULL;
    } else if (str_equal_nocase_n(url, "redis://", 8)) {
        good = parse_address(redis, url + 8, &failed);
    }
    if (failed)
        return error_memory(error, "the address of Redis");
    if (str_equal_nocase_n(url, "rediss:", 7))
        return error_set(
            error, LT_ERR_CONFIG,
            "cache.redis cannot be rediss://, because LiteTTS speaks to Redis without TLS: give a tunnel's "
            "address (stunnel, or 'ssh -L 6379:localhost:6379 HOST' and redis://localhost), or a unix:// "
            "path");
    return good ? LT_OK
                : error_set(error, LT_ERR_CONFIG,
                            "cache.redis takes redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], where %%40 "
                            "stands for an '@' in a password, or unix:///PATH, which the value given is not");
}

/* ---- Opening ---- */

lt_status redis_open(const char *url, int timeout_ms, int64_t ttl_seconds, struct redis **redis,
                     lt_error *error)
{
    struct redis *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return error_memory(error, "the connection to Redis");
    *opened = (struct redis){
        .timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000},
        .ttl_seconds = ttl_seconds,
        .reading = {.lock = PTHREAD_MUTEX_INITIALIZER, .pause = FIRST_PAUSE},
        .writing = {.lock = PTHREAD_MUTEX_INITIALIZER, .pause = FIRST_PAUSE},
        .lock = PTHREAD_MUTEX_INITIALIZER,
    };
    lt_status status = parse_url(opened, url, error);
    if (status != LT_OK) {
        redis_close(opened);
        return status;
    }
    *redis = opened;
    return LT_OK;
}

void redis_close(struct redis *redis)
{
    if (redis == NULL)
        return;
    struct link *links[] = {&redis->reading, &redis->writing};
    for (int i = 0; i < 2; i++) {
        if (links[i]->context != NULL)
            redisFree(links[i]->context);
        pthread_mutex_destroy(&links[i]->lock);
    }
    pthread_mutex_destroy(&redis->lock);
    free(redis->user);
    free(redis->password);
    free(redis->host);
    free(redis->path);
    free(redis->database);
    free(redis);
}

/* ---- Asking ---- */

/* hiredis writes with write(), which raises SIGPIPE when Redis has gone, and that would end a program that
 * knows nothing of Redis. So the signal is blocked for this thread, and taken away again. */
static void block_pipe_signal(sigset_t *before, bool *was_pending)
{
    sigset_t pipe, pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    *was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe, before);
}

static void restore_pipe_signal(const sigset_t *before, bool was_pending)
{
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    if (!was_pending)
        while (sigtimedwait(&pipe, NULL, &(struct timespec){0}) == -1 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

static redisReply *send_command(redisContext *context, const struct command *command)
{
    const char *words[MOST_ARGUMENTS];
    memcpy(words, command->words, sizeof words);
    return redisCommandArgv(context, command->count, words, command->lengths);
}

static void disconnect(struct link *link)
{
    if (link->context != NULL)
        redisFree(link->context);
    link->context = NULL;
}

/* Whether a command without an interesting reply went well. */
static bool tell(struct link *link, const struct command *command)
{
    redisReply *reply = send_command(link->context, command);
    bool good = reply != NULL && reply->type != REDIS_REPLY_ERROR;
    freeReplyObject(reply);
    return good;
}

static bool connect_link(const struct redis *redis, struct link *link)
{
    link->context = redis->path != NULL ? redisConnectUnixWithTimeout(redis->path, redis->timeout)
                                        : redisConnectWithTimeout(redis->host, redis->port, redis->timeout);
    bool good = link->context != NULL && link->context->err == 0 &&
                redisSetTimeout(link->context, redis->timeout) == REDIS_OK;
    if (good && redis->password != NULL) {
        struct command command = {0};
        command_puts(&command, "AUTH");
        if (redis->user != NULL)
            command_puts(&command, redis->user);
        command_puts(&command, redis->password);
        good = tell(link, &command);
    }
    if (good && redis->database != NULL) {
        struct command command = {0};
        command_puts(&command, "SELECT");
        command_puts(&command, redis->database);
        good = tell(link, &command);
    }
    if (!good)
        disconnect(link);
    return good;
}

/* Sends a command, over a new connection when the old one turns out to be closed. NULL: it failed. */
static redisReply *try_command(const struct redis *redis, struct link *link, const struct command *command)
{
    for (bool fresh = false; !fresh;) {
        fresh = link->context == NULL;
        if (fresh && !connect_link(redis, link))
            return NULL;
        redisReply *reply = send_command(link->context, command);
        if (reply != NULL && reply->type != REDIS_REPLY_ERROR)
            return reply;
        bool closed = link->context->err == REDIS_ERR_EOF ||
                      (link->context->err == REDIS_ERR_IO && (errno == EPIPE || errno == ECONNRESET));
        freeReplyObject(reply);
        disconnect(link);
        if (!closed)
            return NULL;
    }
    return NULL;
}

/* Takes the lock of a link, unless others hold it for longer than Redis may take: where it is slow, or its
 * name is being looked up, requests shall not wait for one another. By the wall clock, because thread sanitizers do not
 * know pthread_mutex_clocklock: when it is set back meanwhile, one request waits for others. */
static bool lock_in_time(const struct redis *redis, struct link *link)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += redis->timeout.tv_sec;
    until.tv_nsec += 1000 * redis->timeout.tv_usec;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return pthread_mutex_timedlock(&link->lock, &until) == 0;
}

/* The reply, to be freed; NULL when Redis failed now, is left alone since it failed, or is busy with others. */
static redisReply *ask(struct redis *redis, struct link *link, const struct command *command)
{
    redisReply *reply = NULL;
    bool asked = false;
    if (!lock_in_time(redis, link))
        return NULL;
    if (clock_seconds() >= link->retry_at) {
        asked = true;
        sigset_t before;
        bool was_pending;
        block_pipe_signal(&before, &was_pending);
        reply = try_command(redis, link, command);
        restore_pipe_signal(&before, was_pending);
        link->retry_at = reply != NULL ? 0 : clock_seconds() + link->pause;
        link->pause = reply != NULL                  ? FIRST_PAUSE
                      : link->pause * 2 < MOST_PAUSE ? link->pause * 2
                                                     : MOST_PAUSE;
    }
    pthread_mutex_unlock(&link->lock);
    if (asked && reply == NULL)
        count(redis, &redis->counts.errors);
    return reply;
}

/* ---- Clips ---- */

static void put_key(const struct clip *clip, char key[KEY_BYTES + 1])
{
    memcpy(key, PREFIX, sizeof PREFIX);
    clip_key_name(&clip->entry.key, key + sizeof PREFIX - 1);
}

bool redis_load(struct redis *redis, struct clip *clip)
{
    char key[KEY_BYTES + 1];
    struct command command = {0};
    put_key(clip, key);
    command_puts(&command, "GET");
    command_add(&command, key, KEY_BYTES);
    redisReply *reply = ask(redis, &redis->reading, &command);
    bool there = reply != NULL && reply->type == REDIS_REPLY_STRING;
    bool good = there && record_read(reply->str, reply->len, clip);
    freeReplyObject(reply);
    if (there && !good)
        count(redis, &redis->counts.errors); /* the clip is spoken again and written over it */
    count(redis, good ? &redis->counts.hits : &redis->counts.misses);
    return good;
}

void redis_save(struct redis *redis, const struct clip *clip, const void *record, size_t size)
{
    char key[KEY_BYTES + 1], seconds[24];
    struct command command = {0};
    put_key(clip, key);
    snprintf(seconds, sizeof seconds, "%lld", (long long)redis->ttl_seconds);
    command_puts(&command, "SET");
    command_add(&command, key, KEY_BYTES);
    command_add(&command, record, size);
    if (redis->ttl_seconds > 0) {
        command_puts(&command, "EX");
        command_puts(&command, seconds);
    }
    redisReply *reply = ask(redis, &redis->writing, &command);
    if (reply != NULL)
        count(redis, &redis->counts.added);
    freeReplyObject(reply);
}

void redis_look(struct redis *redis, struct level_counts *counts)
{
    pthread_mutex_lock(&redis->lock);
    *counts = redis->counts;
    pthread_mutex_unlock(&redis->lock);
    struct link *links[] = {&redis->reading, &redis->writing};
    for (int i = 0; i < 2; i++) {
        if (pthread_mutex_trylock(&links[i]->lock) != 0)
            continue; /* it is being asked */
        counts->down = counts->down || links[i]->retry_at > 0;
        pthread_mutex_unlock(&links[i]->lock);
    }
}
