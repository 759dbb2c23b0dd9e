/* raw.c: source text without its line structure. */
#include "text/raw.h"

#include <stdlib.h>
#include <string.h>

enum { COMPACT_AT = 32768 }; /* used bytes that are worth moving the rest for */

void raw_free(struct raw_text *raw)
{
    str_free(&raw->text);
    free(raw->places);
    free(raw->events);
    free(raw->drops);
    *raw = (struct raw_text){0};
}

/* `items`, an array of `size`-byte items, with room for more than `count`: perhaps another; NULL when out of memory. */
static void *grown(void *items, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity)
        return items;
    size_t wanted = *capacity == 0 ? 16 : *capacity * 2;
    while (wanted <= count)
        wanted *= 2;
    void *more = realloc(items, wanted * size);
    if (more != NULL)
        *capacity = wanted;
    return more;
}

/* The same for one more item, after those before *front, which were read, have gone where they are many. */
static void *grown_by_one(void *items, size_t *front, size_t *count, size_t *capacity, size_t size)
{
    if (*front > 64) {
        *count -= *front;
        memmove(items, (char *)items + *front * size, *count * size);
        *front = 0;
    }
    return grown(items, capacity, *count, size);
}

static bool reserve(struct raw_text *raw, size_t more)
{
    if (raw->failed)
        return false;
    struct place *places = str_reserve(&raw->text, more) ? grown(raw->places, &raw->place_capacity,
                                                                 raw->text.length + more, sizeof *places)
                                                         : NULL;
    raw->failed = places == NULL;
    if (!raw->failed)
        raw->places = places;
    return !raw->failed;
}

void raw_append(struct raw_text *raw, const char *bytes, size_t size, uint64_t source)
{
    if (!reserve(raw, size))
        return;
    struct place *places = raw->places + raw->text.length;
    uint32_t at = (uint32_t)source;
    for (size_t i = 0; i < size; i++, at++)
        places[i] = (struct place){at, at + 1};
    str_append(&raw->text, bytes, size);
}

void raw_append_for(struct raw_text *raw, const char *bytes, size_t size, uint64_t begin, uint64_t end)
{
    if (!reserve(raw, size))
        return;
    struct place *places = raw->places + raw->text.length;
    for (size_t i = 0; i < size; i++)
        places[i] = (struct place){(uint32_t)begin, (uint32_t)end};
    str_append(&raw->text, bytes, size);
}

void raw_copy(struct raw_text *raw, const char *bytes, const struct place *places, size_t size)
{
    if (!reserve(raw, size))
        return;
    memcpy(raw->places + raw->text.length, places, size * sizeof *places);
    str_append(&raw->text, bytes, size);
}

void raw_add_event(struct raw_text *raw, char control, const struct raw_event *event, uint64_t begin,
                   uint64_t end)
{
    raw_append_for(raw, &control, 1, begin, end);
    struct raw_event *events = raw->failed ? NULL
                                           : grown_by_one(raw->events, &raw->event_front, &raw->event_count,
                                                          &raw->event_capacity, sizeof *events);
    raw->failed = events == NULL;
    if (raw->failed)
        return;
    raw->events = events;
    events[raw->event_count++] = *event;
}

void raw_drop(struct raw_text *raw, uint64_t begin, uint64_t end, const char *reason)
{
    if (raw->drop_count > raw->drop_front) { /* one receipt for what was dropped in one go */
        struct raw_drop *last = &raw->drops[raw->drop_count - 1];
        if (last->end == begin && last->reason == reason && last->at == raw->text.length) {
            last->end = end;
            return;
        }
    }
    struct raw_drop *drops = raw->failed ? NULL
                                         : grown_by_one(raw->drops, &raw->drop_front, &raw->drop_count,
                                                        &raw->drop_capacity, sizeof *drops);
    raw->failed = drops == NULL;
    if (raw->failed)
        return;
    raw->drops = drops;
    drops[raw->drop_count++] = (struct raw_drop){raw->text.length, begin, end, reason};
}

void raw_use(struct raw_text *raw, size_t size)
{
    raw->front += size;
    if (raw->front < COMPACT_AT && raw->front < raw->text.length)
        return;
    size_t gone = raw->front, rest = raw->text.length - gone;
    if (rest > 0)
        memmove(raw->places, raw->places + gone, rest * sizeof *raw->places);
    str_remove_front(&raw->text, gone);
    for (size_t i = raw->drop_front; i < raw->drop_count; i++)
        raw->drops[i].at -= gone < raw->drops[i].at ? gone : raw->drops[i].at;
    raw->front = 0;
}
