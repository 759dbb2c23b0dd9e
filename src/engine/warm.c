/* warm.c: speaks phrases into the cache before they are asked for. */
#include "engine/warm.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/threads.h"
#include "engine/clip.h"
#include "engine/engine.h"
#include "engine/frequent.h"

enum { LIST_LIMIT = 1 << 20 };

/* How often the thread looks whether the engine is idle, and how often what was learnt is written. */
static const double LOOK_SECONDS = 0.1, SAVE_SECONDS = 60;

struct warm {
    lt_engine *engine;
    float speed;
    struct str list;
    struct frequent *frequent; /* NULL: nothing is learnt */
    const char *predict_file;  /* the engine's configuration's */
    lt_cancel *cancel;
    pthread_mutex_t lock; /* guards `ended` */
    pthread_cond_t end;
    bool ended;
    pthread_t thread;
};

static bool discard(void *user, const void *bytes, size_t size)
{
    (void)user, (void)bytes, (void)size;
    return true;
}

static void speak(struct warm *warm, const struct phrase *how, const char *voice, const char *text)
{
    lt_request request;
    lt_request_init(&request);
    request.text = text;
    request.voice = voice;
    request.speed = how->speed;
    request.volume = how->volume;
    request.format = how->format;
    request.write = discard;
    request.cancel = warm->cancel;
    lt_speak(warm->engine, &request, NULL, NULL); /* lt_stats counts what became of it */
}

/* Speaks the list line by line, in which it puts NULs. */
static void speak_list(struct warm *warm)
{
    /* of all formats PCM costs nothing: the cache keeps samples */
    const struct phrase how = {.speed = warm->speed, .volume = 1, .format = LT_FORMAT_PCM};
    for (char *line = warm->list.data, *end; line != NULL && !lt_cancel_fired(warm->cancel); line = end) {
        end = strchr(line, '\n');
        if (end != NULL)
            *end++ = '\0';
        line[strcspn(line, "\r")] = '\0';
        char *tab = strchr(line, '\t');
        if (tab != NULL)
            *tab = '\0';
        if (line[0] != '#' && (line[0] != '\0' || tab != NULL))
            speak(warm, &how, tab != NULL ? line : NULL, tab != NULL ? tab + 1 : line);
    }
}

/* Waits so long; false when it has to end. */
static bool wait_for(struct warm *warm, double seconds)
{
    const double moment = clock_seconds() + seconds;
    pthread_mutex_lock(&warm->lock);
    while (!warm->ended && thread_wait_until(&warm->end, &warm->lock, moment))
        continue;
    bool on = !warm->ended;
    pthread_mutex_unlock(&warm->lock);
    return on;
}

static void speak_frequent(struct warm *warm)
{
    struct phrase *phrases = calloc(FREQUENT_MOST, sizeof *phrases);
    const size_t count = phrases != NULL ? frequent_list(warm->frequent, phrases) : 0;
    for (size_t i = 0; i < count && !lt_cancel_fired(warm->cancel); i++) {
        while (stats_active(&warm->engine->stats) > 0 && wait_for(warm, LOOK_SECONDS))
            continue;
        speak(warm, &phrases[i], phrases[i].voice, phrases[i].text);
    }
    free(phrases);
}

static void *run(void *argument)
{
    struct warm *warm = argument;
    speak_list(warm);
    if (warm->frequent == NULL)
        return NULL;
    speak_frequent(warm);
    while (wait_for(warm, SAVE_SECONDS))
        frequent_save(warm->frequent, warm->predict_file, NULL); /* what fails now is tried again */
    return NULL;
}

static lt_status read_files(struct warm *warm, const char *list, lt_error *error)
{
    warm->cancel = lt_cancel_new();
    warm->frequent = warm->predict_file[0] != '\0' ? frequent_new() : NULL;
    if (warm->cancel == NULL || (warm->predict_file[0] != '\0' && warm->frequent == NULL))
        return error_memory(error, "the list of phrases");
    if (warm->frequent != NULL)
        frequent_load(warm->frequent, warm->predict_file);
    lt_error fault;
    lt_status status = list[0] != '\0' ? file_read(list, LIST_LIMIT, &warm->list, &fault) : LT_OK;
    return status == LT_OK ? LT_OK : error_set(error, status, "cache.warm_file: %s", fault.message);
}

static void warm_free(struct warm *warm)
{
    lt_cancel_free(warm->cancel);
    frequent_free(warm->frequent);
    str_free(&warm->list);
    pthread_cond_destroy(&warm->end);
    pthread_mutex_destroy(&warm->lock);
    free(warm);
}

lt_status warm_start(lt_engine *engine, const lt_config *config, struct warm **warm, lt_error *error)
{
    const char *list = config_string(config, CONFIG_cache_warm_file),
               *predict_file = config_string(config, CONFIG_cache_predict_file);
    *warm = NULL;
    if (list[0] == '\0' && predict_file[0] == '\0')
        return LT_OK;
    struct warm *started = malloc(sizeof *started);
    if (started == NULL)
        return error_memory(error, "the list of phrases");
    *started = (struct warm){.engine = engine,
                             .speed = (float)config_number(config, CONFIG_voice_speed),
                             .predict_file = predict_file,
                             .lock = PTHREAD_MUTEX_INITIALIZER};
    if (thread_cond_open(&started->end) != 0) {
        free(started);
        return error_memory(error, "the list of phrases");
    }
    lt_status status = read_files(started, list, error);
    *warm = started; /* before the thread looks at it */
    if (status == LT_OK && (errno = thread_start(&started->thread, run, started)) != 0)
        status = error_errno(error, LT_ERR_MEMORY, "cannot start the thread that fills the cache");
    if (status != LT_OK) {
        *warm = NULL;
        warm_free(started);
    }
    return status;
}

void warm_learn(struct warm *warm, const lt_request *request, size_t text_size)
{
    if (warm != NULL && warm->frequent != NULL &&
        request->write != discard) /* not what was said for nobody */
        frequent_note(warm->frequent, request, text_size);
}

void warm_stop(struct warm *warm)
{
    if (warm == NULL)
        return;
    lt_cancel_fire(warm->cancel);
    pthread_mutex_lock(&warm->lock);
    warm->ended = true;
    pthread_cond_signal(&warm->end);
    pthread_mutex_unlock(&warm->lock);
    pthread_join(warm->thread, NULL);
    if (warm->frequent != NULL)
        frequent_save(warm->frequent, warm->predict_file, NULL);
    warm_free(warm);
}
