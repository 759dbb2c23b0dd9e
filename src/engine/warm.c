/* warm.c: speaks a list of phrases when an engine is opened. */
#include "engine/warm.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/threads.h"

enum { LIST_LIMIT = 1 << 20 };

struct warm {
    lt_engine *engine;
    float speed;
    struct str list;
    lt_cancel *cancel;
    pthread_t thread;
};

static bool discard(void *user, const void *bytes, size_t size)
{
    (void)user, (void)bytes, (void)size;
    return true;
}

/* Speaks a line of the list, in which `line` stands NUL-terminated. */
static void speak_line(struct warm *warm, char *line)
{
    char *tab = strchr(line, '\t');
    if (tab != NULL)
        *tab = '\0';
    lt_request request;
    lt_request_init(&request);
    request.text = tab != NULL ? tab + 1 : line;
    request.voice = tab != NULL ? line : NULL;
    request.speed = warm->speed;
    request.format = LT_FORMAT_PCM; /* of all formats the one that costs nothing: the cache keeps samples */
    request.write = discard;
    request.cancel = warm->cancel;
    lt_speak(warm->engine, &request, NULL, NULL); /* lt_stats counts what became of it */
}

static void *speak_list(void *argument)
{
    struct warm *warm = argument;
    for (char *line = warm->list.data, *end; line != NULL && !lt_cancel_fired(warm->cancel); line = end) {
        end = strchr(line, '\n');
        if (end != NULL)
            *end++ = '\0';
        line[strcspn(line, "\r")] = '\0';
        if (line[0] != '\0' && line[0] != '#')
            speak_line(warm, line);
    }
    return NULL;
}

lt_status warm_start(lt_engine *engine, const lt_config *config, struct warm **warm, lt_error *error)
{
    *warm = NULL;
    const char *path = config_string(config, CONFIG_cache_warm_file);
    if (path[0] == '\0')
        return LT_OK;
    struct warm *started = calloc(1, sizeof *started);
    if (started == NULL)
        return error_memory(error, "the list of phrases");
    started->engine = engine;
    started->speed = (float)config_number(config, CONFIG_voice_speed);
    started->cancel = lt_cancel_new();
    lt_status status = started->cancel == NULL ? error_memory(error, "the list of phrases")
                                               : file_read(path, LIST_LIMIT, &started->list, error);
    if (status == LT_OK && (errno = thread_start(&started->thread, speak_list, started)) != 0)
        status = error_errno(error, LT_ERR_MEMORY, "cannot start the thread that fills the cache");
    if (status != LT_OK) {
        lt_cancel_free(started->cancel);
        str_free(&started->list);
        free(started);
        return status;
    }
    *warm = started;
    return LT_OK;
}

void warm_stop(struct warm *warm)
{
    if (warm == NULL)
        return;
    lt_cancel_fire(warm->cancel);
    pthread_join(warm->thread, NULL);
    lt_cancel_free(warm->cancel);
    str_free(&warm->list);
    free(warm);
}
