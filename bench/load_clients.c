/* load_clients.c: many clients on one thread. Each owns a curl handle, and with it a connection that it keeps. They ask for PCM, in which
 * bytes count samples and the first byte is sound. */
#include "load_clients.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <jansson.h>

#include "base/clock.h"
#include "litetts/litetts.h"
#include "load_server.h"

static const double BYTES_PER_SECOND = LT_SAMPLE_RATE * 2.0;

/* A refused client comes back after this many seconds. */
static const double REFUSED_PAUSE = 1;

struct run;

struct client {
    struct run *run;
    CURL *easy;
    char *body;
    double began, first_audio; /* clock; first_audio 0: none yet */
    double next;               /* closed loop: when an idle one begins again */
    bool busy, served;         /* served: has had an answer */
};

struct run {
    const struct load_plan *plan;
    struct load_result *result;
    CURLM *multi;
    struct curl_slist *headers;
    char url[256];
    struct client *clients; /* [plan->clients], in the open loop [LOAD_MOST_CLIENTS] */
    int client_count, served;
    uint64_t random;
    uint64_t seeds;      /* given to requests: a new one to each, so that none shares the speech of another */
    double next_arrival; /* open loop */
    double measured_from; /* clock; 0: not yet */
    double cpu_before;
    bool out_of_memory;
};

/* splitmix64 (Steele et al. 2014) */
static uint64_t random_bits(struct run *run)
{
    uint64_t z = run->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Seconds to the next arrival of a Poisson process. */
static double random_interval(struct run *run)
{
    double uniform = ((double)(random_bits(run) >> 11) + 1) * 0x1p-53; /* above 0 */
    return -log(uniform) / run->plan->rate;
}

static void add_time(struct run *run, struct load_times *times, double seconds)
{
    if (times->count == times->capacity) {
        size_t capacity = times->capacity ? 2 * times->capacity : 256;
        double *grown = realloc(times->seconds, capacity * sizeof *grown);
        if (grown == NULL) {
            run->out_of_memory = true;
            return;
        }
        times->seconds = grown;
        times->capacity = capacity;
    }
    times->seconds[times->count++] = seconds;
}

static size_t receive(char *bytes, size_t size, size_t count, void *user)
{
    (void)bytes;
    struct client *client = user;
    struct run *run = client->run;
    long status = 0;
    curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200) {
        if (client->first_audio == 0)
            client->first_audio = clock_seconds();
        if (run->measured_from > 0)
            run->result->audio_seconds += (double)(size * count) / BYTES_PER_SECOND;
    }
    return size * count;
}

static bool open_client(struct run *run, struct client *client)
{
    *client = (struct client){.run = run, .easy = curl_easy_init()};
    if (client->easy == NULL)
        return false;
    curl_easy_setopt(client->easy, CURLOPT_URL, run->url);
    curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, run->headers);
    curl_easy_setopt(client->easy, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(client->easy, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(client->easy, CURLOPT_PRIVATE, client);
    curl_easy_setopt(client->easy, CURLOPT_NOSIGNAL, 1L);
    return true;
}

static void begin_request(struct run *run, struct client *client, double now)
{
    const char *text = run->plan->texts[random_bits(run) % run->plan->text_count];
    json_t *body = json_pack("{s:s, s:s, s:f, s:I}", "input", text, "response_format", "pcm", "speed",
                             run->plan->speed, "seed", (json_int_t)++run->seeds);
    if (body != NULL && run->plan->voice != NULL)
        json_object_set_new(body, "voice", json_string(run->plan->voice));
    free(client->body);
    client->body = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (client->body == NULL) {
        run->out_of_memory = true;
        return;
    }
    curl_easy_setopt(client->easy, CURLOPT_POSTFIELDS, client->body);
    client->began = now;
    client->first_audio = 0;
    client->busy = true;
    if (curl_multi_add_handle(run->multi, client->easy) != CURLM_OK)
        run->out_of_memory = true;
}

/* Begins what is due and returns when the next request is (INFINITY: only after an answer). */
static double begin_due(struct run *run, double now)
{
    double next = INFINITY;
    bool open = run->plan->rate > 0;
    for (int i = 0; i < run->client_count && (!open || run->next_arrival <= now); i++) {
        struct client *client = &run->clients[i];
        if (client->busy)
            continue;
        if (open) {
            begin_request(run, client, run->next_arrival);
            run->next_arrival += random_interval(run);
        } else if (client->next <= now) {
            begin_request(run, client, now);
        } else {
            next = client->next < next ? client->next : next;
        }
    }
    return open ? run->next_arrival : next;
}

static void count_failure(struct run *run, CURLcode code, long status)
{
    struct load_result *result = run->result;
    result->failed++;
    if (code != CURLE_OK)
        snprintf(result->failure, sizeof result->failure, "%s", curl_easy_strerror(code));
    else
        snprintf(result->failure, sizeof result->failure, "status %ld%s", status,
                 status == 200 ? " without sound" : "");
}

static void end_request(struct run *run, struct client *client, CURLcode code, double now)
{
    struct load_result *result = run->result;
    long status = 0;
    curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(run->multi, client->easy);
    client->busy = false;
    client->next = now;
    if (!client->served)
        run->served++;
    client->served = true;
    if (code == CURLE_OK && (status == 429 || status == 503)) {
        result->refused++;
        client->next = now + REFUSED_PAUSE;
    } else if (code != CURLE_OK || status != 200 || client->first_audio == 0) {
        count_failure(run, code, status);
        client->next = now + REFUSED_PAUSE;
    } else if (run->measured_from > 0) {
        result->answered++;
        add_time(run, &result->first_audio, client->first_audio - client->began);
        add_time(run, &result->completion, now - client->began);
    }
}

static void end_requests(struct run *run, double now)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(run->multi, &left)) != NULL;) {
        struct client *client;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result; /* the message is gone after the removal */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &client);
        end_request(run, client, code, now);
    }
}

static double cpu_seconds(const struct run *run)
{
    return run->plan->server != NULL ? load_server_cpu_seconds(run->plan->server) : 0;
}

/* Whether the measured part is over; begins it when everybody has been served once. */
static bool is_over(struct run *run, double began, double now)
{
    const struct load_plan *plan = run->plan;
    if (run->measured_from == 0 && (run->served >= plan->clients || now >= began + plan->seconds)) {
        run->measured_from = now;
        run->cpu_before = cpu_seconds(run);
    }
    return run->measured_from > 0 && now >= run->measured_from + plan->seconds;
}

static bool exchange(struct run *run)
{
    double began = clock_seconds(), now = began;
    run->next_arrival = began;
    while (!is_over(run, began, now)) {
        int running;
        double wait = begin_due(run, now) - now;
        wait = wait < 0 ? 0 : wait > 0.1 ? 0.1 : wait;
        if (run->out_of_memory || curl_multi_perform(run->multi, &running) != CURLM_OK)
            return false;
        now = clock_seconds();
        end_requests(run, now);
        if (curl_multi_poll(run->multi, NULL, 0, (int)(1000 * wait), NULL) != CURLM_OK)
            return false;
        now = clock_seconds();
    }
    run->result->seconds = now - run->measured_from;
    run->result->cpu_seconds = cpu_seconds(run) - run->cpu_before;
    return true;
}

static bool open_run(struct run *run)
{
    const struct load_plan *plan = run->plan;
    run->client_count = plan->rate > 0 ? LOAD_MOST_CLIENTS : plan->clients;
    run->clients = calloc((size_t)run->client_count, sizeof *run->clients);
    run->multi = curl_multi_init();
    run->headers = curl_slist_append(NULL, "Content-Type: application/json");
    bool good = run->clients != NULL && run->multi != NULL && run->headers != NULL &&
                snprintf(run->url, sizeof run->url, "%s/v1/audio/speech", plan->url) < (int)sizeof run->url;
    if (good) /* one connection a client, all kept */
        curl_multi_setopt(run->multi, CURLMOPT_MAXCONNECTS, (long)run->client_count);
    for (int i = 0; good && i < run->client_count; i++)
        good = open_client(run, &run->clients[i]);
    return good;
}

static void close_run(struct run *run)
{
    for (int i = 0; run->clients != NULL && i < run->client_count; i++) {
        struct client *client = &run->clients[i];
        if (client->easy == NULL)
            continue;
        curl_multi_remove_handle(run->multi, client->easy);
        curl_easy_cleanup(client->easy);
        free(client->body);
    }
    curl_multi_cleanup(run->multi);
    curl_slist_free_all(run->headers);
    free(run->clients);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sort_times(struct load_times *times)
{
    if (times->count > 0)
        qsort(times->seconds, times->count, sizeof *times->seconds, compare_doubles);
}

bool load_run(const struct load_plan *plan, struct load_result *result)
{
    *result = (struct load_result){0};
    struct run run = {.plan = plan, .result = result, .random = plan->seed};
    bool good = open_run(&run) && exchange(&run) && !run.out_of_memory;
    close_run(&run);
    sort_times(&result->first_audio);
    sort_times(&result->completion);
    if (!good) {
        fprintf(stderr, "the clients failed: out of memory or of open files\n");
        load_result_free(result);
    }
    return good;
}

void load_result_free(struct load_result *result)
{
    free(result->first_audio.seconds);
    free(result->completion.seconds);
    *result = (struct load_result){0};
}

double load_percentile(const struct load_times *times, double part)
{
    if (times->count == 0)
        return NAN;
    size_t at = (size_t)(part * (double)times->count);
    return times->seconds[at < times->count ? at : times->count - 1];
}
