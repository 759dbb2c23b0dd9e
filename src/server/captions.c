/* captions.c: audio and the times of its words in JSON. */
#include "server/captions.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/base64.h"

static const char head[] = "{\"audio\":\"";

enum { HEAD_BYTES = sizeof head - 1, BLOCK = 3 * 1024 /* bytes of audio that are encoded at once */ };

/* To a tenth of a millisecond: what the durations tell is coarser. */
static double rounded(double seconds)
{
    return round(1e4 * seconds) / 1e4;
}

/* What follows the audio of an object, up to its words. */
static void begin_words(struct captions *captions)
{
    if (captions->words.length == 0)
        str_printf(&captions->words, "\",\"audio_format\":\"%s\",\"timestamps\":[", captions->mime);
}

void captions_word(struct captions *captions, const lt_word *word)
{
    json_t *object = json_pack("{s:s, s:f, s:f}", "word", word->text, "start_time",
                               rounded(word->start_seconds), "end_time", rounded(word->end_seconds));
    char *text = object != NULL ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(10)) : NULL;
    json_decref(object);
    begin_words(captions);
    if (text != NULL)
        str_printf(&captions->words, "%s%s", captions->word_count++ > 0 ? "," : "", text);
    else
        captions->words.failed = true;
    free(text);
}

static bool put(struct captions *captions, const void *bytes, size_t size)
{
    if (!captions->refused && size > 0)
        captions->refused = !captions->put(captions->user, bytes, size);
    return !captions->refused;
}

static bool put_base64(struct captions *captions, const unsigned char *bytes, size_t size)
{
    char text[BASE64_SIZE(BLOCK)];
    for (size_t at = 0; at < size; at += BLOCK) {
        const size_t n = size - at < BLOCK ? size - at : BLOCK;
        if (!put(captions, text, base64_put(bytes + at, n, text)))
            return false;
    }
    return true;
}

bool captions_audio(struct captions *captions, const void *bytes, size_t size)
{
    const unsigned char *from = bytes;
    if (size > 0 && !captions->open)
        captions->open = put(captions, head, HEAD_BYTES);
    while (size > 0 && captions->rest_size > 0 && captions->rest_size < 3) {
        captions->rest[captions->rest_size++] = *from++;
        size--;
    }
    if (captions->rest_size == 3) {
        put_base64(captions, captions->rest, 3);
        captions->rest_size = 0;
    }
    const size_t whole = size - size % 3;
    put_base64(captions, from, whole);
    for (size_t i = whole; i < size; i++)
        captions->rest[captions->rest_size++] = from[i];
    return !captions->refused;
}

/* Makes of the words the end of the object. */
static void end_object(struct captions *captions)
{
    begin_words(captions);
    str_puts(&captions->words, "]}");
}

bool captions_end_piece(struct captions *captions)
{
    if (!captions->open)
        return !captions->refused && !captions->words.failed;
    put_base64(captions, captions->rest, captions->rest_size);
    captions->rest_size = 0;
    captions->open = false;
    end_object(captions);
    str_putc(&captions->words, '\n');
    if (captions->words.failed || !put(captions, captions->words.data, captions->words.length))
        return false;
    str_clear(&captions->words);
    captions->word_count = 0;
    return true;
}

bool captions_end(struct captions *captions)
{
    if (captions->put == NULL) {
        end_object(captions);
        return !captions->words.failed;
    }
    if (captions->words.length > 0 && !captions->open)
        captions->open = put(captions, head, HEAD_BYTES);
    return captions_end_piece(captions);
}

uint64_t captions_length(const struct captions *captions, uint64_t audio_size)
{
    return HEAD_BYTES + BASE64_SIZE(audio_size) + captions->words.length;
}

static size_t copy_from(const char *text, size_t length, uint64_t at, char *out, size_t size)
{
    const size_t n = length - (size_t)at < size ? length - (size_t)at : size;
    memcpy(out, text + at, n);
    return n;
}

ssize_t captions_read(const struct captions *captions, int file, uint64_t audio_size, uint64_t position,
                      char *out, size_t size)
{
    if (position < HEAD_BYTES)
        return (ssize_t)copy_from(head, HEAD_BYTES, position, out, size);
    position -= HEAD_BYTES;
    if (position >= BASE64_SIZE(audio_size))
        return (ssize_t)copy_from(captions->words.data, captions->words.length,
                                  position - BASE64_SIZE(audio_size), out, size);
    unsigned char audio[BLOCK];
    char text[BASE64_SIZE(BLOCK)];
    const uint64_t from = position / 4 * 3, left = audio_size - from;
    const size_t wanted = left < BLOCK ? (size_t)left : BLOCK;
    const ssize_t n = pread(file, audio, wanted, (off_t)from);
    if (n < 0 || (size_t)n < wanted) {
        errno = n < 0 ? errno : EIO;
        return -1;
    }
    return (ssize_t)copy_from(text, base64_put(audio, wanted, text), position % 4, out, size);
}

void captions_free(struct captions *captions)
{
    str_free(&captions->words);
}
