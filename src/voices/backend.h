/* backend.h: the one interface between the engine and what makes sound out of words.
 *
 * A backend speaks utterances: pieces of text (or of phonemes) short enough to be held whole, in one voice.
 * The engine cuts text into utterances, gathers utterances of several requests into batches, and owns threads
 * and order; a backend only turns a batch into samples. flite.c and kokoro.c implement it. */
#ifndef VOICES_BACKEND_H
#define VOICES_BACKEND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/error.h"
#include "base/memo.h"
#include "base/str.h"
#include "text/utterance_word.h"

/* One piece to speak. Everything up to `emit` is the engine's and constant during speak(). */
struct utterance {
    const char *text;     /* normalised words and punctuation, UTF-8, NUL-terminated; never NULL */
    const char *phonemes; /* Kokoro's symbols, UTF-8; NULL for a backend with wants_phonemes false */
    struct utterance_word *words;
    size_t word_count;
    const void *voice; /* from backend->find_voice */
    float speed;       /* 0.25 to 4 */
    /* F0 of what is voiced becomes `pitch` times what it would be, plus `pitch_hertz`; where `pitch` is 0,
     * its mean becomes `pitch_hertz`. Both 0: as the voice has it. Voices that cannot leave it alone. */
    float pitch, pitch_hertz;
    uint64_t seed;
    const atomic_bool *cancelled; /* checked between pieces of work; NULL: never */

    /* Receives mono float samples at LT_SAMPLE_RATE, in order, in one or more pieces, about [-1, 1]. Returns
     * false to stop this utterance. May be called from any thread, but never twice at once for one utterance.
     */
    bool (*emit)(void *user, const float *samples, size_t count);
    /* Called once, when the utterance is over and its status set: from then on it is the engine's again,
     * although others of its batch may still be spoken. From any thread; may be NULL. */
    void (*done)(void *user);
    void *user;

    /* Filled by speak(). */
    /* LT_OK, LT_ERR_CANCELLED or what went wrong with this utterance alone. LT_ERR_MEMORY before any sample:
     * it takes more than working() said of it, because it is spoken slowly; halves of it may do. */
    lt_status status;
    lt_error error;
};

/* What statistics tell of a backend. Strings belong to it or are static. */
struct backend_facts {
    const char *isa;       /* instruction set of its own kernels, or "" */
    const char *model;     /* its model's name */
    const char *weights;   /* type of its large weights, or "" */
    int threads;           /* that it runs itself; 0: it speaks on its callers' */
    bool pinned;           /* they are kept on their CPUs */
    uint64_t memory_bytes; /* working memory that it holds between utterances */
    uint64_t taken_bytes;  /* what the speak() in progress may take; 0: none is */
};

struct backend; /* an open backend; its own structure, defined in its .c file */

/* What a backend is. Functions other than open and close may be called from several threads at once, speak()
 * too unless `serial`. */
struct backend_type {
    const char *name;    /* "flite" */
    bool wants_phonemes; /* utterance.phonemes is required */
    bool serial;         /* one speak() at a time: it runs its own threads inside */
    int max_batch;       /* most utterances of one speak() */
    /* longest utterance to give it: bytes of text, or phoneme symbols when wants_phonemes */
    size_t max_symbols;

    /* Opens it. LT_ERR_UNSUPPORTED (with a sentence) when what it needs is not installed: the engine then
     * goes on without it. On success *backend is the caller's, closed by close(). */
    lt_status (*open)(const lt_config *config, struct backend **backend, lt_error *error);
    void (*close)(struct backend *backend);

    /* Its voices; owned by the backend. is_default marks the one that it prefers. */
    size_t (*voices)(const struct backend *backend, const lt_voice **voices);

    /* Resolves a name or blend. *voice stays valid until release_voice(); *language (BCP 47) belongs to the
     * backend. Errors: LT_ERR_VOICE. */
    lt_status (*find_voice)(struct backend *backend, const char *name, const void **voice,
                            const char **language, lt_error *error);
    void (*release_voice)(struct backend *backend, const void *voice);

    /* Has what it works out again and again kept in `memo`, which outlives it. Before anything is spoken;
     * NULL: it has nothing. */
    void (*remember)(struct backend *backend, const struct memo *memo);

    /* Appends to *out, as bytes of any kind, what besides an utterance's words, speed and seed decides its
     * samples: the model, the instruction set, the voice. Two voices (of any engine, at any time) with the
     * same identity sound the same. */
    void (*identify)(const struct backend *backend, const void *voice, struct str *out);

    /* Fills *facts with what is true at this moment. */
    void (*look)(const struct backend *backend, struct backend_facts *facts);

    /* For a backend whose working memory grows with its utterances; all three NULL: it does not, or hardly.
     * longest: symbols at `speed` for which the memory that it may ever take is enough; may exceed
     * max_symbols. working: bytes that utterances of up to `symbols` at `speed` take at most, alone or in a
     * batch. allow: from now on speak() takes no more than `bytes`: what `working` said of the longest
     * utterance that may come. */
    size_t (*longest)(const struct backend *backend, float speed);
    size_t (*working)(const struct backend *backend, size_t symbols, float speed);
    void (*allow)(struct backend *backend, size_t bytes);

    /* Speaks `count` utterances (1 to max_batch) and returns when all are done, with `status` set in each
     * before its done() is called; `batch` is not read any more after an utterance's done(). An utterance's
     * samples do not depend on which others share its batch. */
    void (*speak)(struct backend *backend, struct utterance **batch, int count);
};

extern const struct backend_type flite_backend, kokoro_backend;

#endif
