/* counters.c: sums and rings of what the server has done. */
#include "server/counters.h"

#include <math.h>
#include <string.h>

const double first_audio_bounds[FIRST_AUDIO_BUCKETS] = {0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2,
                                                        0.3,   0.5,   0.75, 1,     1.5,  2.5, 5,    INFINITY};

void counters_open(struct counters *counters, double now)
{
    memset(counters, 0, sizeof *counters);
    pthread_mutex_init(&counters->lock, NULL);
    counters->counts.second = (int64_t)now;
}

void counters_close(struct counters *counters)
{
    pthread_mutex_destroy(&counters->lock);
}

static struct span *second_slot(struct counts *c)
{
    return &c->seconds[c->second % SLOTS];
}

static struct span *minute_slot(struct counts *c)
{
    return &c->minutes[c->second / 60 % SLOTS];
}

/* Empties the slots between the newest second and `now`. The lock is held. */
static void advance(struct counts *c, double now)
{
    int64_t second = (int64_t)now;
    if (second - c->second > 60 * SLOTS) /* all slots are old */
        c->second = second - 60 * SLOTS;
    while (c->second < second) {
        int64_t minute = c->second / 60;
        c->second++;
        *second_slot(c) = (struct span){0};
        if (c->second / 60 != minute)
            *minute_slot(c) = (struct span){0};
    }
}

static void count_answer(struct counts *c, const char *route, int status)
{
    int i = 0;
    while (i < c->answer_count && (c->answers[i].status != status || strcmp(c->answers[i].route, route) != 0))
        i++;
    if (i == ANSWERS_MOST)
        return;
    if (i == c->answer_count)
        c->answers[c->answer_count++] = (struct answer_count){route, status, 0};
    c->answers[i].count++;
}

static void count_code(struct counts *c, const char *code)
{
    int i = 0;
    while (i < c->code_count && strcmp(c->codes[i].code, code) != 0)
        i++;
    if (i == CODES_MOST)
        return;
    if (i == c->code_count)
        c->codes[c->code_count++] = (struct code_count){code, 0};
    c->codes[i].count++;
}

static int bucket_of(double seconds)
{
    int i = 0;
    while (seconds > first_audio_bounds[i])
        i++;
    return i;
}

static void count_speech(struct counts *c, const struct request_record *r)
{
    c->spoken++;
    c->cut += !r->complete;
    c->characters += r->characters;
    c->text_seconds += r->text_seconds;
    c->speech_seconds += r->speech_seconds;
    c->encode_seconds += r->encode_seconds;
    c->audio_seconds += r->audio_seconds;
    struct span *spans[] = {second_slot(c), minute_slot(c)};
    for (int i = 0; i < 2; i++) {
        spans[i]->audio_seconds += r->audio_seconds;
        spans[i]->work_seconds += r->text_seconds + r->speech_seconds + r->encode_seconds;
    }
    if (r->first_audio_seconds <= 0)
        return;
    int bucket = bucket_of(r->first_audio_seconds);
    c->first_audio_seconds += r->first_audio_seconds;
    c->first_audio[bucket]++;
    for (int i = 0; i < 2; i++)
        spans[i]->first_audio[bucket]++;
}

void counters_record(struct counters *counters, const struct request_record *r, double now)
{
    struct counts *c = &counters->counts;
    pthread_mutex_lock(&counters->lock);
    advance(c, now);
    count_answer(c, r->route != NULL ? r->route : "", r->status);
    if (r->code != NULL)
        count_code(c, r->code);
    if (r->judged) {
        second_slot(c)->judged++;
        minute_slot(c)->judged++;
        second_slot(c)->failed += r->failed;
        minute_slot(c)->failed += r->failed;
    }
    if (r->spoken)
        count_speech(c, r);
    pthread_mutex_unlock(&counters->lock);
}

void counters_note_memory(struct counters *counters, uint64_t bytes, double now)
{
    struct counts *c = &counters->counts;
    pthread_mutex_lock(&counters->lock);
    advance(c, now);
    struct span *spans[] = {second_slot(c), minute_slot(c)};
    for (int i = 0; i < 2; i++)
        if (bytes > spans[i]->memory_bytes)
            spans[i]->memory_bytes = bytes;
    pthread_mutex_unlock(&counters->lock);
}

void counters_look(struct counters *counters, double now, struct counts *copy)
{
    pthread_mutex_lock(&counters->lock);
    advance(&counters->counts, now);
    *copy = counters->counts;
    pthread_mutex_unlock(&counters->lock);
}

static struct span sum(const struct span *slots)
{
    struct span all = {0};
    for (int i = 0; i < SLOTS; i++) {
        all.judged += slots[i].judged;
        all.failed += slots[i].failed;
        all.audio_seconds += slots[i].audio_seconds;
        all.work_seconds += slots[i].work_seconds;
        if (slots[i].memory_bytes > all.memory_bytes)
            all.memory_bytes = slots[i].memory_bytes;
        for (int j = 0; j < FIRST_AUDIO_BUCKETS; j++)
            all.first_audio[j] += slots[i].first_audio[j];
    }
    return all;
}

struct span span_of_minute(const struct counts *copy)
{
    return sum(copy->seconds);
}

struct span span_of_hour(const struct counts *copy)
{
    return sum(copy->minutes);
}

const struct span *slot_of_second(const struct counts *copy, int ago)
{
    return &copy->seconds[(copy->second + SLOTS - ago) % SLOTS];
}

const struct span *slot_of_minute(const struct counts *copy, int ago)
{
    return &copy->minutes[(copy->second / 60 + SLOTS - ago) % SLOTS];
}

uint64_t first_audio_count(const uint64_t buckets[FIRST_AUDIO_BUCKETS])
{
    uint64_t count = 0;
    for (int i = 0; i < FIRST_AUDIO_BUCKETS; i++)
        count += buckets[i];
    return count;
}

double first_audio_quantile(const uint64_t buckets[FIRST_AUDIO_BUCKETS], double quantile)
{
    uint64_t count = first_audio_count(buckets), before = 0;
    double rank = quantile * (double)count;
    if (count == 0)
        return NAN;
    int i = 0;
    while (i < FIRST_AUDIO_BUCKETS - 1 && (double)(before + buckets[i]) < rank)
        before += buckets[i++];
    double least = i > 0 ? first_audio_bounds[i - 1] : 0;
    if (i == FIRST_AUDIO_BUCKETS - 1 || buckets[i] == 0)
        return least;
    return least + (first_audio_bounds[i] - least) * (rank - (double)before) / (double)buckets[i];
}
