/* job.c: one utterance on its way through a backend; its samples go into a clip. */
#include "engine/job.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"

/* The utterance's emit: runs on a worker. */
static bool receive(void *user, const float *samples, size_t count)
{
    struct job *job = user;
    if (atomic_load_explicit(&job->stop, memory_order_relaxed))
        return false;
    if (!clip_add(job->clip, samples, count)) {
        job->utterance.status = error_memory(&job->utterance.error, "speech");
        return false;
    }
    if (job->samples_made == 0)
        job->first_sound = clock_seconds();
    job->samples_made += count;
    return true;
}

struct job *job_new(struct clip *clip, const struct utterance *utterance, const struct registry *registry,
                    const struct voice_ref *voice, bool urgent)
{
    size_t words = utterance->word_count * sizeof *utterance->words, text = strlen(utterance->text) + 1;
    size_t phonemes = utterance->phonemes != NULL ? strlen(utterance->phonemes) + 1 : 0;
    struct job *job = calloc(1, sizeof *job + words + text + phonemes);
    if (job == NULL)
        return NULL;
    struct utterance_word *own_words = (struct utterance_word *)(job + 1);
    char *own_text = (char *)own_words + words, *own_phonemes = own_text + text;
    if (words > 0)
        memcpy(own_words, utterance->words, words);
    memcpy(own_text, utterance->text, text);
    if (phonemes > 0)
        memcpy(own_phonemes, utterance->phonemes, phonemes);
    job->clip = clip;
    job->registry = registry;
    job->voice = *voice;
    job->backend = voice->backend;
    job->urgent = urgent;
    job->characters = utf8_count(own_text, text - 1);
    job->utterance = (struct utterance){
        .text = own_text,
        .phonemes = phonemes > 0 ? own_phonemes : NULL,
        .words = own_words,
        .word_count = utterance->word_count,
        .voice = voice->voice,
        .speed = utterance->speed,
        .pitch = utterance->pitch,
        .pitch_hertz = utterance->pitch_hertz,
        .seed = utterance->seed,
        .cancelled = &job->stop,
        .emit = receive,
        .user = job,
    };
    return job;
}

void job_free(struct job *job)
{
    if (job == NULL)
        return;
    registry_release(job->registry, &job->voice);
    free(job);
}

void job_finish(struct job *job, lt_status status, double speech_seconds)
{
    const struct utterance *u = &job->utterance;
    for (size_t i = 0; i < u->word_count; i++) /* read by others only once the clip is done */
        job->clip->times[i] = (struct clip_time){u->words[i].start, u->words[i].end};
    clip_finish(job->clip, status, &u->error, speech_seconds);
}
