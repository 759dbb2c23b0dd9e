/* frequent.c: which phrases are asked for most, from run to run. */
#include "engine/frequent.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"

enum { FILE_LIMIT = 1 << 20, FILE_VERSION = 1 };

struct counted {
    struct phrase phrase;
    uint64_t count; /* requests, and at most `excess` too many */
    uint64_t excess;
};

struct frequent {
    pthread_mutex_t lock; /* guards the rest */
    struct counted phrases[FREQUENT_MOST];
    size_t count;
    bool changed; /* since the file was written */
};

struct frequent *frequent_new(void)
{
    struct frequent *frequent = calloc(1, sizeof *frequent);
    if (frequent != NULL && pthread_mutex_init(&frequent->lock, NULL) != 0) {
        free(frequent);
        return NULL;
    }
    return frequent;
}

void frequent_free(struct frequent *frequent)
{
    if (frequent == NULL)
        return;
    pthread_mutex_destroy(&frequent->lock);
    free(frequent);
}

static bool same(const struct phrase *a, const struct phrase *b)
{
    return a->speed == b->speed && a->volume == b->volume && a->format == b->format &&
           strcmp(a->text, b->text) == 0 && strcmp(a->voice, b->voice) == 0;
}

static uint64_t certain(const struct counted *counted)
{
    return counted->count - counted->excess;
}

/* Where the count of `phrase` is, or begins; the lock is held. */
static struct counted *place_of(struct frequent *frequent, const struct phrase *phrase)
{
    struct counted *least = &frequent->phrases[0];
    for (size_t i = 0; i < frequent->count; i++) {
        struct counted *at = &frequent->phrases[i];
        if (same(&at->phrase, phrase))
            return at;
        least = at->count < least->count ? at : least;
    }
    if (frequent->count < FREQUENT_MOST) {
        least = &frequent->phrases[frequent->count++];
        *least = (struct counted){0};
    }
    *least = (struct counted){.phrase = *phrase, .count = least->count, .excess = least->count};
    return least;
}

void frequent_note(struct frequent *frequent, const lt_request *request, size_t text_size)
{
    const char *voice = request->voice != NULL ? request->voice : "";
    if (request->text == NULL || request->input != LT_INPUT_TEXT || request->seed != 0 ||
        request->text_on != 0 || request->text_off != 0 || text_size == 0 ||
        text_size >= FREQUENT_TEXT_BYTES || memchr(request->text, '\0', text_size) != NULL ||
        strlen(voice) >= FREQUENT_VOICE_BYTES)
        return;
    struct phrase phrase = {.speed = request->speed, .volume = request->volume, .format = request->format};
    memcpy(phrase.text, request->text, text_size);
    strcpy(phrase.voice, voice);
    pthread_mutex_lock(&frequent->lock);
    place_of(frequent, &phrase)->count++;
    frequent->changed = true;
    pthread_mutex_unlock(&frequent->lock);
}

static int by_falling_count(const void *a, const void *b)
{
    const struct counted *x = a, *y = b;
    return (certain(x) < certain(y)) - (certain(x) > certain(y));
}

size_t frequent_list(struct frequent *frequent, struct phrase phrases[FREQUENT_MOST])
{
    size_t listed = 0;
    pthread_mutex_lock(&frequent->lock);
    qsort(frequent->phrases, frequent->count, sizeof *frequent->phrases, by_falling_count);
    while (listed < frequent->count && certain(&frequent->phrases[listed]) >= FREQUENT_LEAST) {
        phrases[listed] = frequent->phrases[listed].phrase;
        listed++;
    }
    pthread_mutex_unlock(&frequent->lock);
    return listed;
}

/* ---- The file ---- */

/* Reads one object of the file; false where it is no phrase. */
static bool read_phrase(const json_t *object, struct phrase *phrase, uint64_t *times)
{
    const char *text = json_string_value(json_object_get(object, "text"));
    const char *voice = json_string_value(json_object_get(object, "voice"));
    const char *format = json_string_value(json_object_get(object, "format"));
    const json_int_t count = json_integer_value(json_object_get(object, "count"));
    const double speed = json_number_value(json_object_get(object, "speed")),
                 volume = json_number_value(json_object_get(object, "volume"));
    if (text == NULL || voice == NULL || format == NULL || text[0] == '\0' ||
        strlen(text) >= FREQUENT_TEXT_BYTES || strlen(voice) >= FREQUENT_VOICE_BYTES || count < 1 ||
        count > INT32_MAX || !(speed >= 0.25 && speed <= 4) || !(volume >= 0 && volume <= 4))
        return false;
    *phrase = (struct phrase){.speed = (float)speed, .volume = (float)volume};
    strcpy(phrase->text, text);
    strcpy(phrase->voice, voice);
    *times = (uint64_t)count;
    return lt_format_parse(format, &phrase->format, NULL) == LT_OK;
}

void frequent_load(struct frequent *frequent, const char *path)
{
    struct str content = {0};
    json_t *file = file_read(path, FILE_LIMIT, &content, NULL) == LT_OK && content.length > 0
                       ? json_loadb(content.data, content.length, 0, NULL)
                       : NULL;
    str_free(&content);
    const json_t *list = json_object_get(file, "phrases");
    if (json_integer_value(json_object_get(file, "version")) == FILE_VERSION)
        for (size_t i = 0; i < json_array_size(list) && i < FREQUENT_MOST; i++) {
            struct phrase phrase;
            uint64_t times;
            if (!read_phrase(json_array_get(list, i), &phrase, &times))
                continue;
            pthread_mutex_lock(&frequent->lock);
            place_of(frequent, &phrase)->count += (times + 1) / 2;
            pthread_mutex_unlock(&frequent->lock);
        }
    json_decref(file);
}

/* The file's content; NULL when out of memory. The lock is held. */
static char *write_phrases(const struct frequent *frequent)
{
    json_t *list = json_array();
    for (size_t i = 0; i < frequent->count; i++) {
        const struct counted *at = &frequent->phrases[i];
        if (certain(at) >= FREQUENT_LEAST)
            json_array_append_new(
                list, json_pack("{s:s, s:s, s:f, s:f, s:s, s:I}", "text", at->phrase.text, "voice",
                                at->phrase.voice, "speed", (double)at->phrase.speed, "volume",
                                (double)at->phrase.volume, "format", lt_format_name(at->phrase.format),
                                "count", (json_int_t)certain(at)));
    }
    json_t *file = json_pack("{s:i, s:o}", "version", FILE_VERSION, "phrases", list);
    char *text = file != NULL ? json_dumps(file, JSON_INDENT(1) | JSON_PRESERVE_ORDER) : NULL;
    json_decref(file);
    return text;
}

lt_status frequent_save(struct frequent *frequent, const char *path, lt_error *error)
{
    pthread_mutex_lock(&frequent->lock);
    bool changed = frequent->changed;
    frequent->changed = false;
    char *text = changed ? write_phrases(frequent) : NULL;
    pthread_mutex_unlock(&frequent->lock);
    if (!changed)
        return LT_OK;
    lt_status status = text == NULL ? error_memory(error, "the list of frequent phrases")
                                    : file_replace_private(path, text, strlen(text), error);
    free(text);
    if (status != LT_OK) {
        pthread_mutex_lock(&frequent->lock);
        frequent->changed = true;
        pthread_mutex_unlock(&frequent->lock);
    }
    return status;
}
