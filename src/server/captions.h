/* captions.h: audio and the times of its words in JSON, as Kokoro-FastAPI's /dev/captioned_speech answers:
 *
 *     {"audio": base64, "audio_format": MIME type, "timestamps": [{"word", "start_time", "end_time"}]}
 *
 * Streamed, it is a line for each piece of the text, made while the piece is spoken: nothing is held but the
 * words of that piece, since the audio comes first. Else it is one object, whose audio is in a file meanwhile.
 * It knows no connection. Belongs to one request; the thread that speaks calls all but captions_read. */
#ifndef SERVER_CAPTIONS_H
#define SERVER_CAPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"
#include "litetts/litetts.h"

/* Set up with {0}, `mime` and, for a stream, `put`. */
struct captions {
    const char *mime; /* of the audio; static */
    /* Takes bytes of a stream, in order; false: no more are wanted. */
    bool (*put)(void *user, const void *bytes, size_t size);
    void *user;
    bool refused;          /* `put` returned false */
    bool open;             /* a line has begun, and its audio goes on */
    unsigned char rest[3]; /* audio that is no group of three bytes yet */
    size_t rest_size;
    /* What follows the audio in the line, or in the object: its words so far, at last with the end. */
    struct str words;
    size_t word_count;
};

/* A word that was spoken. words.failed when out of memory. */
void captions_word(struct captions *captions, const lt_word *word);

/* The next bytes of a stream's audio. False when `put` wants no more. */
bool captions_audio(struct captions *captions, const void *bytes, size_t size);

/* A piece of a stream's text has been spoken: ends the line, if it has any audio; else its words are told with the
 * next audio. False when `put` wants no more, or out of memory. */
bool captions_end_piece(struct captions *captions);

/* All has been spoken. A stream ends its last line; else captions_read may begin. False as captions_end_piece. */
bool captions_end(struct captions *captions);

/* Length in bytes of the object whose audio has `audio_size` bytes, and bytes of it from `position` on, at most
 * `size`: the audio is read from `file`, the rest is here. -1 with errno when the file cannot be read. */
uint64_t captions_length(const struct captions *captions, uint64_t audio_size);
ssize_t captions_read(const struct captions *captions, int file, uint64_t audio_size, uint64_t position,
                      char *out, size_t size);

void captions_free(struct captions *captions);

#endif
