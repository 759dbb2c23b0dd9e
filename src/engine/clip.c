/* clip.c: the sound of one utterance: made once, heard by any number of requests. */
#include "engine/clip.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/threads.h"

static const float SCALE = 32768;

struct clip *clip_new(size_t word_count)
{
    struct clip *clip = calloc(1, sizeof *clip);
    if (clip == NULL)
        return NULL;
    clip->times = word_count == 0 ? NULL : malloc(word_count * sizeof *clip->times);
    bool opened = (word_count == 0 || clip->times != NULL) && pthread_mutex_init(&clip->lock, NULL) == 0;
    if (opened && thread_cond_open(&clip->changed) != 0) {
        pthread_mutex_destroy(&clip->lock);
        opened = false;
    }
    if (!opened) {
        free(clip->times);
        free(clip);
        return NULL;
    }
    clip->word_count = word_count;
    for (size_t i = 0; i < word_count; i++)
        clip->times[i] = (struct clip_time){-1, -1};
    return clip;
}

void clip_free(struct clip *clip)
{
    if (clip == NULL)
        return;
    pthread_cond_destroy(&clip->changed);
    pthread_mutex_destroy(&clip->lock);
    free(clip->narrow);
    free(clip->wide);
    free(clip->times);
    free(clip);
}

/* The nearest n / 32768, ties to even, as n; false when it is not within 16 bits, or no number. */
static bool narrowed(float sample, int *n)
{
    /* At 1.5 * 2^23 the spacing of floats is 1, so the addition rounds; lrintf is a call. */
    const float big = 12582912.0f, scaled = sample * SCALE;
    if (!(scaled >= -40000.0f && scaled <= 40000.0f))
        return false;
    *n = (int)(scaled + big - big);
    return *n >= INT16_MIN && *n <= INT16_MAX;
}

static bool all_narrow(const float *samples, size_t count)
{
    int n;
    for (size_t i = 0; i < count; i++)
        if (!narrowed(samples[i], &n))
            return false;
    return true;
}

/* Room for `count` more samples of the kind that the clip holds. */
static bool reserve(struct clip *clip, size_t count)
{
    if (clip->count + count <= clip->capacity)
        return true;
    size_t capacity = (clip->count + count) * 3 / 2;
    void *grown = clip->wide != NULL ? realloc(clip->wide, capacity * sizeof *clip->wide)
                                     : realloc(clip->narrow, capacity * sizeof *clip->narrow);
    if (grown == NULL)
        return false;
    if (clip->wide != NULL)
        clip->wide = grown;
    else
        clip->narrow = grown;
    clip->capacity = capacity;
    return true;
}

static bool widen(struct clip *clip)
{
    size_t capacity = clip->capacity > 0 ? clip->capacity : 1;
    clip->wide = malloc(capacity * sizeof *clip->wide);
    if (clip->wide == NULL)
        return false;
    for (size_t i = 0; i < clip->count; i++)
        clip->wide[i] = (float)clip->narrow[i] / SCALE;
    free(clip->narrow);
    clip->narrow = NULL;
    clip->capacity = capacity;
    return true;
}

bool clip_add(struct clip *clip, const float *samples, size_t count)
{
    if (count == 0)
        return true;
    bool narrow = all_narrow(samples, count);
    pthread_mutex_lock(&clip->lock);
    bool kept = (narrow || clip->wide != NULL || widen(clip)) && reserve(clip, count);
    for (size_t i = 0; kept && i < count; i++) {
        int n = 0;
        bool fits = narrowed(samples[i], &n);
        if (clip->wide != NULL)
            clip->wide[clip->count + i] = fits ? (float)n / SCALE : samples[i];
        else
            clip->narrow[clip->count + i] = (int16_t)n;
    }
    if (kept)
        clip->count += count;
    pthread_cond_broadcast(&clip->changed);
    pthread_mutex_unlock(&clip->lock);
    return kept;
}

void clip_adopt(struct clip *clip, float *wide, int16_t *narrow, size_t count)
{
    pthread_mutex_lock(&clip->lock);
    clip->wide = wide;
    clip->narrow = narrow;
    clip->count = clip->capacity = count;
    pthread_cond_broadcast(&clip->changed);
    pthread_mutex_unlock(&clip->lock);
}

void clip_finish(struct clip *clip, lt_status status, const lt_error *error, double speech_seconds)
{
    pthread_mutex_lock(&clip->lock);
    clip->status = status;
    if (status != LT_OK)
        clip->error = *error;
    clip->speech_seconds = speech_seconds;
    clip->done = true;
    pthread_cond_broadcast(&clip->changed);
    pthread_mutex_unlock(&clip->lock);
}

size_t clip_read(struct clip *clip, double seconds, size_t at, float *samples, size_t most, bool *done)
{
    const double until = clock_seconds() + seconds;
    pthread_mutex_lock(&clip->lock);
    while (clip->count <= at && !clip->done)
        if (!thread_wait_until(&clip->changed, &clip->lock, until))
            break;
    size_t left = clip->count > at ? clip->count - at : 0, count = left < most ? left : most;
    if (clip->wide != NULL)
        memcpy(samples, clip->wide + at, count * sizeof *samples);
    else
        for (size_t i = 0; i < count; i++)
            samples[i] = (float)clip->narrow[at + i] / SCALE;
    *done = clip->done && count == left;
    pthread_mutex_unlock(&clip->lock);
    return count;
}

void clip_wait(struct clip *clip)
{
    pthread_mutex_lock(&clip->lock);
    while (!clip->done)
        pthread_cond_wait(&clip->changed, &clip->lock);
    pthread_mutex_unlock(&clip->lock);
}

bool clip_is_done(struct clip *clip, lt_status *status)
{
    pthread_mutex_lock(&clip->lock);
    bool done = clip->done;
    if (status != NULL)
        *status = clip->status;
    pthread_mutex_unlock(&clip->lock);
    return done;
}

size_t clip_pack(struct clip *clip)
{
    pthread_mutex_lock(&clip->lock);
    size_t sample = clip->wide != NULL ? sizeof *clip->wide : sizeof *clip->narrow;
    if (clip->count > 0 && clip->count < clip->capacity) {
        void *less = realloc(clip->wide != NULL ? (void *)clip->wide : clip->narrow, clip->count * sample);
        if (less != NULL && clip->wide != NULL)
            clip->wide = less;
        else if (less != NULL)
            clip->narrow = less;
        if (less != NULL)
            clip->capacity = clip->count;
    }
    size_t bytes = sizeof *clip + clip->capacity * sample + clip->word_count * sizeof *clip->times;
    pthread_mutex_unlock(&clip->lock);
    return bytes;
}
