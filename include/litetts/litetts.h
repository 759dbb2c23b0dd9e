/* litetts.h: the public C API of LiteTTS.
 *
 * LiteTTS turns text into speech. A program opens one engine, speaks as many requests through it as it
 * likes, from as many threads as it likes, and closes it:
 *
 *     lt_error error;
 *     lt_engine *engine;
 *     if (lt_engine_open(NULL, &engine, &error) != LT_OK)
 *         return fprintf(stderr, "%s\n", error.message), 1;
 *     lt_request request;
 *     lt_request_init(&request);
 *     request.text = "Hello from LiteTTS.";
 *     request.format = LT_FORMAT_WAV;
 *     request.write = my_write; // receives encoded bytes as they are ready
 *     if (lt_speak(engine, &request, NULL, &error) != LT_OK)
 *         fprintf(stderr, "%s\n", error.message);
 *     lt_engine_close(engine);
 *
 * Conventions
 *   - Text is UTF-8. Audio is mono, 24,000 samples a second (LT_SAMPLE_RATE).
 *   - A function that can fail returns lt_status and, where it takes an lt_error, fills it: a code and one
 *     sentence that says what was wrong and what to do. `error` may be NULL everywhere.
 *   - The library never prints, never exits, installs no signal handler, and changes nothing that belongs to the
 *     whole process: neither its locale nor its environment. (The embedded voices draw from rand().)
 *   - Structures that a caller fills are set up by their _init function first, so that fields added by a
 *     later version have their defaults. A version in which a structure has another layout has another soname.
 */
#ifndef LITETTS_H
#define LITETTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LT_API __attribute__((visibility("default")))
#else
#define LT_API
#endif

#define LT_SAMPLE_RATE 24000 /* samples a second of all audio that LiteTTS makes */

/* ---- Version and errors ------------------------------------------------------------------------ */

/* Version of the library in use, "major.minor.patch"; static storage. */
LT_API const char *lt_version(void);

/* What went wrong, for programs; lt_error.message says it for people. Values never change meaning. */
typedef enum lt_status {
    LT_OK = 0,
    LT_ERR_ARGUMENT = 1,     /* a value outside its range, a missing field, contradictory fields */
    LT_ERR_TEXT = 2,         /* the text is not valid UTF-8, or is too long for a configured limit */
    LT_ERR_VOICE = 3,        /* no such voice, or a malformed blend */
    LT_ERR_FORMAT = 4,       /* no such audio format */
    LT_ERR_CONFIG = 5,       /* an unknown key, or a value that its key does not take */
    LT_ERR_IO = 6,           /* reading or writing failed; errno's sentence is in the message */
    LT_ERR_MODEL = 7,        /* a model file is missing, damaged or of another kind */
    LT_ERR_MEMORY = 8,       /* out of memory, or over the configured budget */
    LT_ERR_CANCELLED = 9,    /* lt_cancel_fire was called, or a callback asked to stop */
    LT_ERR_BUSY = 10,        /* the queue is full; try again later */
    LT_ERR_UNSUPPORTED = 11, /* not in this build, or not for this voice */
    LT_ERR_INTERNAL = 12     /* a fault of LiteTTS or of a library under it */
} lt_status;

#define LT_STATUS_COUNT 13 /* values of lt_status */

typedef struct lt_error {
    lt_status status;
    char message[512]; /* one sentence, UTF-8, NUL-terminated, no newline; empty when status is LT_OK */
} lt_error;

/* A short fixed name for a status ("argument", "voice" ...); static storage. */
LT_API const char *lt_status_name(lt_status status);

/* ---- Configuration ----------------------------------------------------------------------------- */

/* Every setting, by dotted name ("engine.threads"), as docs/configuration.md lists them. An lt_config is
 * owned by who made it; it is not safe to change it from two threads at once. */
typedef struct lt_config lt_config;

/* A configuration with every key at its default; NULL when out of memory. */
LT_API lt_config *lt_config_new(void);
LT_API void lt_config_free(lt_config *config); /* NULL is fine */

/* Reads the JSON file at `path` (NULL: $LITETTS_CONFIG where that is set, else the first that exists of
 * $XDG_CONFIG_HOME/litetts/config.json and /etc/litetts/config.json; none is no error) over what is set.
 * Errors: LT_ERR_IO, LT_ERR_CONFIG (an unknown key is named with its nearest neighbour), LT_ERR_MEMORY. */
LT_API lt_status lt_config_load_file(lt_config *config, const char *path, lt_error *error);

/* Reads LITETTS_SECTION_KEY environment variables (engine.threads: LITETTS_ENGINE_THREADS) over what is
 * set. No other thread may change the environment meanwhile. Errors: LT_ERR_CONFIG, LT_ERR_MEMORY. */
LT_API lt_status lt_config_load_environment(lt_config *config, lt_error *error);

/* Sets one key from its text form ("engine.threads", "2"). Errors: LT_ERR_CONFIG, LT_ERR_MEMORY. */
LT_API lt_status lt_config_set(lt_config *config, const char *key, const char *value, lt_error *error);

/* The text form of a key's value, or NULL for an unknown key; owned by `config`, valid until it changes. */
LT_API const char *lt_config_get(const lt_config *config, const char *key);

/* ---- Engine and voices ------------------------------------------------------------------------- */

/* Voices, models, worker threads and caches. Every function that takes an engine may be called from any
 * thread at any time between open and close. */
typedef struct lt_engine lt_engine;

/* Opens an engine from `config` (copied; NULL: defaults, file and environment as the command has them).
 * On success *engine is the caller's, to be closed with lt_engine_close; else it is NULL. May be called from
 * several threads at once. Errors: LT_ERR_ARGUMENT (`engine` is NULL), LT_ERR_CONFIG, LT_ERR_IO, LT_ERR_MODEL
 * (a damaged model or lexicon), LT_ERR_VOICE (voice.default_voice does not exist), LT_ERR_MEMORY. */
LT_API lt_status lt_engine_open(const lt_config *config, lt_engine **engine, lt_error *error);

/* Closes it. The caller sees to it that no lt_speak is running on it. NULL is fine. */
LT_API void lt_engine_close(lt_engine *engine);

typedef struct lt_voice {
    const char *name;     /* "slt", "af_heart": what lt_request.voice takes */
    const char *backend;  /* "flite" or "kokoro" */
    const char *language; /* BCP 47, "en-US" */
    const char *sex;      /* "female", "male" or "" when unknown */
    const char *summary;  /* one line for people */
    bool is_default;      /* what an empty voice name means */
} lt_voice;

/* All voices, sorted by backend and name. *voices belongs to the engine and lives as long as it. */
LT_API size_t lt_engine_voices(const lt_engine *engine, const lt_voice **voices);

/* LT_OK when `voice` (a name, an alias such as OpenAI's "alloy", or a blend "a(2)+b(1)") can be spoken;
 * otherwise LT_ERR_VOICE with a sentence that lists what there is. NULL or "": the default voice. */
LT_API lt_status lt_engine_check_voice(const lt_engine *engine, const char *voice, lt_error *error);

/* From now on sizes and waits of batches are tuned so that requests get their first sound within
 * `milliseconds`, 0: at any time; when an engine is opened that is its target.first_audio_ms. */
LT_API void lt_engine_want_first_audio(lt_engine *engine, double milliseconds);

/* ---- Speaking ---------------------------------------------------------------------------------- */

typedef enum lt_format {
    LT_FORMAT_WAV = 0,  /* RIFF, 16-bit PCM */
    LT_FORMAT_PCM = 1,  /* signed 16-bit little-endian, no header */
    LT_FORMAT_MP3 = 2,  /* MPEG layer III */
    LT_FORMAT_OPUS = 3, /* Opus in Ogg */
    LT_FORMAT_FLAC = 4, /* FLAC, 16 bits */
    LT_FORMAT_AAC = 5,  /* AAC-LC in ADTS */
    LT_FORMAT_COUNT = 6
} lt_format;

/* "wav", "mp3" ... and "audio/mpeg" ...; static storage, NULL for a value that is no format. */
LT_API const char *lt_format_name(lt_format format);
LT_API const char *lt_format_mime(lt_format format);
/* The format of a name ("mp3", any case) or of a file name's ending. Errors: LT_ERR_FORMAT; *format then
 * stays. */
LT_API lt_status lt_format_parse(const char *name, lt_format *format, lt_error *error);

/* A switch that ends a request from outside. lt_cancel_fire is safe from any thread and from a signal
 * handler; one switch may serve several requests. Free it after the last lt_speak that uses it. */
typedef struct lt_cancel lt_cancel;
LT_API lt_cancel *lt_cancel_new(void); /* the caller's; NULL when out of memory */
LT_API void lt_cancel_fire(lt_cancel *cancel);
LT_API bool lt_cancel_fired(const lt_cancel *cancel); /* safe from any thread, too */
LT_API void lt_cancel_free(lt_cancel *cancel);        /* NULL is fine */

/* What lt_request.text is. */
typedef enum lt_input {
    LT_INPUT_TEXT = 0, /* plain text or markdown */
    LT_INPUT_PHONEMES = 1, /* Kokoro's phoneme symbols ("həlˈO wˈɜɹld", g or ɡ); only voices of that backend;
                            * characters that its model does not know are left out, as in the published code */
    LT_INPUT_SSML = 2      /* SSML 1.1, a <speak> document */
} lt_input;

/* What is done with a text on its way to spoken words: bits of lt_request.text_on and text_off. Each has a
 * setting of the same name ("text.units"), which holds where a request says nothing. */
typedef enum lt_text_switch {
    LT_TEXT_NORMALIZE = 1 << 0,   /* numbers, symbols, abbreviations become words; off: said as written */
    LT_TEXT_UNITS = 1 << 1,       /* "10KB" is ten kilobytes, not ten K B */
    LT_TEXT_URLS = 1 << 2,        /* "example.com" and IP addresses are said sign by sign ("dot") */
    LT_TEXT_EMAILS = 1 << 3,      /* "me@example.com" is, too */
    LT_TEXT_TELEPHONES = 1 << 4,  /* "555-123-4567" is said digit by digit */
    LT_TEXT_PLURALS = 1 << 5,     /* "file(s)" is files */
    LT_TEXT_SYMBOLS = 1 << 6,     /* other symbols are said by name ("@": at); off: they are silent */
    LT_TEXT_MARKDOWN = 1 << 7,    /* markdown and HTML are markup; off: their signs are text like any other */
    LT_TEXT_EMOJI = 1 << 8,       /* emoji are said by name; off: they are silent. Setting: text.emoji */
    LT_TEXT_PAUSE_MARKS = 1 << 9, /* [pause:1.5s], <break>; off: left out, as are the next two */
    LT_TEXT_VOICE_MARKS = 1 << 10, /* [voice:NAME], <voice> */
    LT_TEXT_RATE_MARKS = 1 << 11,  /* [rate:1.2], <prosody rate> */
    /* [word](/phonemes/), [word](+1), <phoneme>; off: the word is said as ever */
    LT_TEXT_PHONEME_MARKS = 1 << 12
} lt_text_switch;

/* Where a request stands; passed to lt_request.progress after each chunk that was written. */
typedef struct lt_progress {
    uint64_t text_bytes_done;  /* bytes of the source text whose audio has been written */
    uint64_t text_bytes_total; /* 0 while unknown (text that arrives through lt_request.read) */
    double audio_seconds;      /* audio written so far */
    double work_seconds;       /* wall time since lt_speak began */
} lt_progress;

/* A spoken word and when it sounds. */
typedef struct lt_word {
    const char *text;    /* as it is spoken ("dollars" of "$2"), UTF-8; valid during the callback */
    uint64_t text_begin; /* bytes of the source text that it comes from: [text_begin, text_end); words that */
    uint64_t text_end;   /* stand for one thing share them */
    double start_seconds; /* from the beginning of the audio */
    double end_seconds;
} lt_word;

/* What to speak, how, and to whom. It and all that it points to stay the caller's, and must not change until
 * lt_speak returns. Every callback is called on the thread that called lt_speak, one at a time. */
typedef struct lt_request {
    /* The text: `text` and `text_bytes` (SIZE_MAX: NUL-terminated), or, when `text` is NULL, `read`, which
     * stores up to `size` bytes and returns how many (0: end, SIZE_MAX: error, which ends the request with
     * LT_ERR_IO), so that a book can be spoken without holding it in memory. */
    const char *text;
    size_t text_bytes;
    size_t (*read)(void *user, char *buffer, size_t size);
    lt_input input;    /* default LT_INPUT_TEXT */
    uint32_t text_on;  /* lt_text_switch bits that are on, whatever the configuration says */
    uint32_t text_off; /* and those that are off; wins over text_on */

    const char *voice; /* name, alias or blend; NULL or "": the default voice */
    float speed;       /* 0.25 to 4, default 1: twice the speed is half the duration */
    float volume;      /* 0 to 4, default 1: a factor on the samples, limited without wrapping */
    lt_format format;  /* default LT_FORMAT_WAV */
    uint64_t seed;     /* of Kokoro's excitation noise: the same request and seed give the same audio */

    /* Receives encoded bytes, in order, on the thread that called lt_speak. Required. Returns true to go
     * on, false to stop (lt_speak then returns LT_ERR_CANCELLED). */
    bool (*write)(void *user, const void *bytes, size_t size);
    /* Optional: overwrites `size` bytes written earlier, at `offset` from the first byte. Where it is
     * given, WAV and FLAC headers get their true sizes at the end, and MP3 begins with an Info frame that
     * tells its length; else the streaming convention. Returns as `write` does. */
    bool (*rewrite)(void *user, uint64_t offset, const void *bytes, size_t size);
    void (*progress)(void *user, const lt_progress *progress); /* optional: after each chunk */
    void (*word)(void *user, const lt_word *word); /* optional: in order, when its chunk is written */
    void *user;                                    /* passed to every callback */
    lt_cancel *cancel;                             /* optional: ends the request when it fires */
} lt_request;

/* Sets every field to its default. */
LT_API void lt_request_init(lt_request *request);

/* What a request cost. */
typedef struct lt_result {
    double audio_seconds;       /* length of the audio */
    double wall_seconds;        /* from call to return */
    double first_audio_seconds; /* from call to the first bytes of sound handed to write */
    double text_seconds;        /* work in the text front end */
    double speech_seconds;      /* work in the voice backend */
    double encode_seconds;      /* work in resampling, volume and encoder */
    uint64_t text_bytes;        /* bytes of text that were read */
    uint64_t bytes_written;     /* encoded bytes handed to write */
    uint32_t chunks;            /* pieces the text was spoken in */
    /* Of them: from a cache, or spoken for another request at that moment; all of them when the whole answer
     * was kept, encoded, and nothing was left to do. */
    uint32_t chunks_cached;
    uint64_t peak_memory_bytes; /* peak resident memory of the process so far */
} lt_result;

/* Speaks a request and returns when its last byte was written. `result` (may be NULL) is filled on every
 * return, also for a cancelled or failed request: what had been written until then is complete and, after
 * LT_ERR_CANCELLED by lt_cancel_fire, ends as a valid, shorter file.
 * Errors: LT_ERR_ARGUMENT, LT_ERR_TEXT, LT_ERR_VOICE, LT_ERR_FORMAT, LT_ERR_IO, LT_ERR_MEMORY,
 * LT_ERR_CANCELLED, LT_ERR_BUSY, LT_ERR_UNSUPPORTED, LT_ERR_INTERNAL. */
LT_API lt_status lt_speak(lt_engine *engine, const lt_request *request, lt_result *result, lt_error *error);

/* Counts `bytes` that the caller holds for requests (a body that arrives, an answer that waits for its client)
 * in the memory budget, until lt_engine_let_go: the cache makes room for them, and requests wait. False, and
 * nothing is counted, when there is no room beside the requests in progress. */
LT_API bool lt_engine_hold(lt_engine *engine, uint64_t bytes);
LT_API void lt_engine_let_go(lt_engine *engine, uint64_t bytes);

/* ---- Statistics -------------------------------------------------------------------------------- */

#define LT_FIRST_AUDIO_BUCKETS 12
#define LT_MOST_BATCH_STATS    12
#define LT_MOST_CACHE_STATS    8

/* What the batches of one backend's chunks of one length are like. */
typedef struct lt_batch_stats {
    const char *backend;      /* "kokoro" */
    const char *length_class; /* "short" (up to 20 characters), "medium" (up to 100) or "long" */
    int size;                 /* most chunks of a batch, at present */
    double wait_seconds;      /* longest that a chunk waits for others, at present */
    const char *size_reason;  /* why it is so: one phrase */
    const char *wait_reason;
    uint64_t waiting;     /* chunks in the queue now */
    uint64_t batches;     /* spoken */
    uint64_t chunks;      /* spoken in them */
    double audio_seconds; /* made in them */
    double work_seconds;  /* wall time that the backend took for them */
} lt_batch_stats;

/* A kind of things in a level of the cache: the samples of chunks ("audio"), or, in memory only, the bytes
 * of whole requests ("encoded"), which are looked up first, the phonemes of sentences, and the rows of
 * voices that are blends ("blend"). Counts are since the engine was opened. */
typedef struct lt_cache_stats {
    const char *level; /* "memory", "disk" or "redis" */
    const char *kind;  /* "audio", "encoded", "phonemes" or "blend" */
    uint64_t hits;     /* things that were found here */
    uint64_t shared; /* chunks that another request was having spoken at that moment (audio in memory only) */
    uint64_t misses; /* things that were looked for here and not found */
    uint64_t added;  /* things that were put here */
    uint64_t evictions;   /* things that had to make room for others */
    uint64_t errors;      /* damaged entries, failed writes, timeouts: none of them fails a request */
    uint64_t entries;     /* things that are here now; 0 where that is not known ("redis") */
    uint64_t bytes;       /* that they occupy; 0 where that is not known */
    uint64_t limit_bytes; /* most bytes, of all kinds in the level together; 0: no limit of ours */
    bool down;            /* the last attempt failed: left alone for a while, then tried again ("redis") */
} lt_cache_stats;

/* What an engine has done since it was opened, and what it is doing. */
typedef struct lt_stats {
    double uptime_seconds;
    const char *isa; /* instruction set in use by the preferred backend, "avx512vnni"; "" where it has none */
    const char *model;            /* its model, "kokoro-v1_0.gguf" */
    const char *weights;          /* type of its large weights, "q8_0"; "" where it has none */
    int threads;                  /* that speak */
    bool pinned;                  /* they are kept on their CPUs */
    bool batching;                /* it speaks utterances of several requests as one batch */
    double first_audio_wanted_ms; /* what batches are tuned to: lt_engine_want_first_audio */

    uint64_t requests[LT_STATUS_COUNT]; /* finished requests by their lt_status: [LT_OK] went well */
    uint64_t active_requests;           /* in lt_speak now */
    uint64_t queued_chunks;             /* waiting for a backend now */
    uint64_t chunks, chunks_cached;     /* as in lt_result, of all finished requests; so are the next six */
    uint64_t text_bytes, bytes_written;
    double audio_seconds;
    double text_seconds, speech_seconds, encode_seconds; /* work by stage */

    /* Time to first audio: [i] counts requests that took at most first_audio_bound[i] seconds and more than
     * the bound before; the last bound is infinite. first_audio_seconds is the sum. Requests without audio
     * are not in. */
    double first_audio_bound[LT_FIRST_AUDIO_BUCKETS];
    uint64_t first_audio[LT_FIRST_AUDIO_BUCKETS], first_audio_count;
    double first_audio_seconds;

    lt_batch_stats batches[LT_MOST_BATCH_STATS]; /* by backend and length class */
    size_t batch_count;
    lt_cache_stats caches[LT_MOST_CACHE_STATS]; /* by level and kind; the first is audio in "memory" */
    size_t cache_count;

    /* Memory, in bytes. The budget (memory.limit_bytes, 0: none) covers the next three. */
    uint64_t memory_limit_bytes;
    uint64_t memory_backend_bytes; /* working memory of backends: kept, or promised to requests in progress */
    uint64_t memory_cache_bytes;   /* the cache's "memory" level */
    /* reserved by requests in progress, an estimate of their buffers, and held for them (lt_engine_hold) */
    uint64_t memory_request_bytes;
    uint64_t memory_waiting;           /* requests that wait for room now */
    uint64_t memory_waits;             /* requests that had to */
    uint64_t memory_refusals;          /* requests that were refused with LT_ERR_MEMORY for want of room */
    uint64_t resident_anonymous_bytes; /* of the whole process, as the kernel counts: heap and stacks */
    uint64_t resident_file_bytes;      /* mapped files in memory: the model, libraries */
    /* The leak detector: by how many bytes the anonymous memory that none of the above accounts for grew from
     * one thousand requests to the next (a moving average; 0 until three thousand were served; negative when
     * it shrank); and whether it grew by 32 KiB or more three times in a row: then something is not given back. */
    double growth_bytes_per_1000;
    bool growing;
} lt_stats;

/* Fills *stats with the present values. Counters are read one by one, so they may be a request apart. Strings
 * are static or the engine's. */
LT_API void lt_engine_stats(lt_engine *engine, lt_stats *stats);

/* ---- The stages of text alone ------------------------------------------------------------------ */

/* What lt_spell_out writes. */
typedef enum lt_stage {
    LT_STAGE_WORDS = 0,    /* what is spoken, in words: "five dollars"; a line a paragraph */
    LT_STAGE_PHONEMES = 1, /* the same in Kokoro's phoneme symbols; a line a paragraph */
    /* A JSON array with an object a word, mark or pause: its bytes in the text, what is spoken, its phonemes
     * and where they came from, or why nothing is spoken. */
    LT_STAGE_RECEIPT = 2
} lt_stage;

/* Does the text front end's part of lt_speak and writes the outcome as UTF-8. Of the request only text,
 * text_bytes, read, input (text or SSML), text_on, text_off, write, user and cancel count. `language` is BCP
 * 47 ("en-US"; NULL: that). Errors: LT_ERR_ARGUMENT, LT_ERR_TEXT, LT_ERR_IO, LT_ERR_MEMORY, LT_ERR_CANCELLED,
 * LT_ERR_UNSUPPORTED (a language that this build cannot pronounce; LT_INPUT_PHONEMES), LT_ERR_MODEL (a
 * damaged lexicon). */
LT_API lt_status lt_spell_out(lt_engine *engine, const lt_request *request, lt_stage stage,
                              const char *language, lt_error *error);

#ifdef __cplusplus
}
#endif
#endif
