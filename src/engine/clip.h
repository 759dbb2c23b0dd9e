/* clip.h: the sound of one utterance: made once, heard by any number of requests.
 *
 * A backend adds samples while it speaks; every request that needs the clip reads it at its own pace,
 * while it grows or years later out of a cache. Samples are kept as 16-bit integers, which halves the
 * memory of a cache: a sample x becomes the nearest n / 32768, whether the clip is read while it is made
 * or afterwards, so that a request's bytes never depend on a cache. A clip with a sample outside that
 * range (Kokoro's may go a little past 1, and a volume below 1 would bring it back) keeps all of its
 * samples as floats. */
#ifndef ENGINE_CLIP_H
#define ENGINE_CLIP_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/cache_entry.h"

/* When a word of the utterance sounds, in seconds from the clip's first sample; both negative: not known. */
struct clip_time {
    float start, end;
};

struct job;

struct clip {
    struct cache_entry entry; /* the first field; the cache's */
    pthread_mutex_t lock;     /* guards what follows, up to `times` */
    pthread_cond_t changed;   /* new samples, or done */
    int16_t *narrow;          /* the samples, unless `wide` is set */
    float *wide;
    size_t count, capacity; /* samples */
    bool done;              /* nothing below changes any more, nor anything above */
    lt_status status;       /* of the utterance; LT_OK, or why there is no more */
    lt_error error;         /* empty unless status says so */
    double speech_seconds;  /* the backend's work on it; 0 when it came from a cache */
    struct clip_time *times;
    size_t word_count;

    /* who makes it; set by the request that found it missing, before others see it; NULL: nobody */
    struct job *job;
};

/* An empty clip for an utterance of `word_count` words, of unknown times; NULL when out of memory. */
struct clip *clip_new(size_t word_count);
void clip_free(struct clip *clip); /* NULL is fine; its job must be gone */

/* Adds samples; false when out of memory. One thread at a time. */
bool clip_add(struct clip *clip, const float *samples, size_t count);

/* Gives an empty clip all of its samples at once: `count` of either kind, allocated, now the clip's. */
void clip_adopt(struct clip *clip, float *wide, int16_t *narrow, size_t count);

/* Ends it and wakes its readers. `error` is read when status is not LT_OK. */
void clip_finish(struct clip *clip, lt_status status, const lt_error *error, double speech_seconds);

/* Waits up to `seconds` for samples after the first `at`, stores up to `most` of them and returns how
 * many. *done is set when nothing follows these. */
size_t clip_read(struct clip *clip, double seconds, size_t at, float *samples, size_t most, bool *done);

/* Waits until it is done. */
void clip_wait(struct clip *clip);

/* Whether it is done; *status (may be NULL) is how it ended. */
bool clip_is_done(struct clip *clip, lt_status *status);

/* Gives back memory that growing left over and returns the bytes that a done clip occupies. */
size_t clip_pack(struct clip *clip);

#endif
