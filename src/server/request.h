/* request.h: what a client asked for: the JSON body of POST /v1/audio/speech and of the /dev routes,
 * checked.
 *
 * A pure function on bytes; it knows no connection and no engine. The fields are those of OpenAI's API
 * (https://platform.openai.com/docs/api-reference/audio/createSpeech) and of Kokoro-FastAPI; docs/api.md
 * lists them. */
#ifndef SERVER_REQUEST_H
#define SERVER_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "litetts/litetts.h"

/* Why a request is refused, as OpenAI's error object has it. */
struct api_error {
    int status;           /* HTTP status */
    const char *code;     /* static; "invalid_value" ... */
    const char *param;    /* static; the field at fault, or NULL */
    unsigned retry_after; /* seconds for the Retry-After header, 0: none */
    char message[640];    /* one sentence, UTF-8 */
};

/* Fills *error; returns false, so that a check ends with `return api_error_set(...)`. */
bool api_error_set(struct api_error *error, int status, const char *code, const char *param,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

struct speech_limits {
    size_t max_characters; /* longest `input` */
    float speed;           /* when the request names none */
};

/* What a route makes of a text. */
enum request_kind {
    REQUEST_SPEECH,           /* audio of `input` */
    REQUEST_CAPTIONED_SPEECH, /* audio of `input` and the times of its words, in JSON */
    REQUEST_PHONEMES_SPEECH,  /* audio of `phonemes`, WAV unless a format is named */
    REQUEST_PHONEMES,         /* phonemes of `text` */
    REQUEST_WORDS,            /* spoken words of `text` */
    REQUEST_KIND_COUNT
};

/* Whether the answer is JSON with words or phonemes, and no voice speaks. */
static inline bool request_kind_is_text(enum request_kind kind)
{
    return kind == REQUEST_PHONEMES || kind == REQUEST_WORDS;
}

/* The field that holds the text of a request; static storage. */
const char *request_text_field(enum request_kind kind);

struct speech_request {
    enum request_kind kind;
    json_t *body;      /* owned; the strings below live in it */
    const char *text;  /* `input`, `phonemes` or `text`: valid UTF-8 without NUL, not empty */
    size_t text_bytes; /* its length */
    size_t characters; /* its length in code points */
    const char *voice; /* name, alias or blend, unchecked; "": the default voice */
    lt_format format;  /* `response_format`, default mp3 */
    lt_input input;    /* text, or SSML for `ssml`: true */
    float speed;       /* 0.25 to 4 */
    float volume;      /* `volume_multiplier`, 0 to 4 */
    uint64_t seed;     /* `seed`, default 0 */
    /* lt_text_switch bits: what `normalization_options` and `allow_voice_tags` ask for, and what they forbid. */
    uint32_t text_on, text_off;
    bool stream; /* bytes leave as they are made (the default), or the whole with its length */
    bool events; /* `stream_format`: "sse"; never of REQUEST_CAPTIONED_SPEECH, which has a form of its own */
    bool timestamps;      /* of REQUEST_CAPTIONED_SPEECH: `return_timestamps`, default true */
    const char *language; /* of REQUEST_PHONEMES and REQUEST_WORDS: `language` as BCP 47 */
    bool explain;         /* of the same: `explain`, what became of every word */
};

/* Parses and checks a body of `size` bytes for a route of `kind`. On success *request is to be freed with
 * request_free; on failure *error says why, with status 400. Safe on any bytes. */
bool request_parse(enum request_kind kind, const char *body, size_t size, const struct speech_limits *limits,
                   struct speech_request *request, struct api_error *error);

void request_free(struct speech_request *request);

#endif
