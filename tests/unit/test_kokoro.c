/* test_kokoro.c: the neural voices on the small reference model: the same sound whatever the threads and
 * the batch, blends, word times, what is refused. How right the sound is, tests/golden checks. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "convert/import.h"
#include "engine/note.h"
#include "kokoro/kokoro.h"
#include "sanitized.h"
#include "voices/backend.h"

static char model_file[64]; /* empty: no reference data */

/* The small model with the published voices, whose tables have the same width. */
static int import_tiny(void **state)
{
    (void)state;
    const char *shared = getenv("LITETTS_TEST_SHARED");
    struct str checkpoint = {0}, config = {0}, voices = {0};
    str_printf(&checkpoint, "%s/reference/kokoro-tiny/kokoro-tiny.pth", shared ? shared : "");
    str_printf(&config, "%s/reference/kokoro-tiny/config.json", shared ? shared : "");
    str_printf(&voices, "%s/data/kokoro/voices", shared ? shared : "");
    lt_status status = LT_OK;
    if (access(checkpoint.data, R_OK) == 0) {
        snprintf(model_file, sizeof model_file, "/tmp/litetts-test-%d.gguf", (int)getpid());
        lt_error error;
        status = import_model(&(struct import_options){.checkpoint = checkpoint.data,
                                                       .config = config.data,
                                                       .voices = voices.data,
                                                       .output = model_file,
                                                       .type = GGUF_Q8_0},
                              &error);
        if (status != LT_OK)
            print_error("%s\n", error.message);
    } else {
        print_message("no reference data: the tests of the Kokoro voices are skipped\n");
    }
    str_free(&checkpoint);
    str_free(&config);
    str_free(&voices);
    return status == LT_OK ? 0 : -1;
}

static int remove_model(void **state)
{
    (void)state;
    if (model_file[0])
        unlink(model_file);
    return 0;
}

static struct backend *open_backend(const char *threads)
{
    if (!model_file[0])
        skip();
    lt_error error;
    struct backend *backend = NULL;
    lt_config *config = lt_config_new();
    assert_non_null(config);
    assert_int_equal(lt_config_set(config, "engine.model", model_file, &error), LT_OK);
    assert_int_equal(lt_config_set(config, "engine.threads", threads, &error), LT_OK);
    if (kokoro_backend.open(config, &backend, &error) != LT_OK)
        fail_msg("%s", error.message);
    lt_config_free(config);
    return backend;
}

static const void *voice(struct backend *backend, const char *name)
{
    const void *found;
    const char *language;
    lt_error error;
    if (kokoro_backend.find_voice(backend, name, &found, &language, &error) != LT_OK)
        fail_msg("%s", error.message);
    return found;
}

/* ---- Speaking ------------------------------------------------------------------------------------- */

struct sound {
    float *samples;
    size_t count;
    bool refuse;
};

static bool keep(void *user, const float *samples, size_t count)
{
    struct sound *sound = user;
    if (sound->refuse)
        return false;
    sound->samples = realloc(sound->samples, (sound->count + count) * sizeof *samples);
    assert_non_null(sound->samples);
    memcpy(sound->samples + sound->count, samples, count * sizeof *samples);
    sound->count += count;
    return true;
}

static const char *const PHONEMES[] = {
    "həlˈO wˈɜɹld.",
    "ðə kwˈɪk bɹˈWn fˈɑks,",
    "ʤˈʌmps!",
    "ˈA",
};
enum { TEXTS = sizeof PHONEMES / sizeof *PHONEMES };

static struct utterance utterance_of(const char *phonemes, const void *voice, uint64_t seed,
                                     struct sound *sound)
{
    return (struct utterance){.text = "",
                              .phonemes = phonemes,
                              .voice = voice,
                              .speed = 4,
                              .seed = seed,
                              .emit = keep,
                              .user = sound};
}

static struct sound speak(struct backend *backend, const char *phonemes, const char *name, uint64_t seed)
{
    struct sound sound = {0};
    const void *with = voice(backend, name);
    struct utterance u = utterance_of(phonemes, with, seed, &sound);
    kokoro_backend.speak(backend, &(struct utterance *){&u}, 1);
    assert_int_equal(u.status, LT_OK);
    kokoro_backend.release_voice(backend, with);
    return sound;
}

static bool same(const struct sound *a, const struct sound *b)
{
    return a->count == b->count && memcmp(a->samples, b->samples, a->count * sizeof *a->samples) == 0;
}

static void the_sound_does_not_depend_on_threads_or_batch(void **state)
{
    (void)state;
    struct backend *one = open_backend("1");
    struct sound alone[TEXTS];
    for (int i = 0; i < TEXTS; i++) {
        alone[i] = speak(one, PHONEMES[i], "af_heart", 7);
        assert_true(alone[i].count >= 1800);
        for (size_t n = 0; n < alone[i].count; n++)
            assert_true(isfinite(alone[i].samples[n]));
    }
    kokoro_backend.close(one);
    for (int threads = 1; threads <= 5; threads += 2) {
        struct backend *backend = open_backend((char[]){(char)('0' + threads), 0});
        const void *with = voice(backend, "af_heart");
        struct sound sounds[TEXTS] = {{0}};
        struct utterance utterances[TEXTS], *batch[TEXTS];
        for (int i = 0; i < TEXTS; i++) {
            const int text = threads == 3 ? TEXTS - 1 - i : i; /* another order */
            utterances[text] = utterance_of(PHONEMES[text], with, 7, &sounds[text]);
            batch[i] = &utterances[text];
        }
        kokoro_backend.speak(backend, batch, TEXTS);
        for (int i = 0; i < TEXTS; i++) {
            assert_int_equal(utterances[i].status, LT_OK);
            assert_true(same(&sounds[i], &alone[i]));
            free(sounds[i].samples);
        }
        kokoro_backend.release_voice(backend, with);
        kokoro_backend.close(backend);
    }
    for (int i = 0; i < TEXTS; i++)
        free(alone[i].samples);
}

/* A batch that is large enough for each thread to speak utterances of its own. Sanitizers are slow, and
 * their memory is not ours alone. */
enum {
    MANY = SANITIZED ? 8 : 16,
    LONGEST = SANITIZED ? 4 : 16,
    MOST_THREADS = SANITIZED ? 3 : 8,
    UTTERANCES = SANITIZED ? 30 : 1000,
};

struct heard {
    struct sound sound;
    const struct utterance *utterance;
    lt_status status; /* when it was done */
    int times;        /* that it was */
};

static bool keep_heard(void *user, const float *samples, size_t count)
{
    struct heard *heard = user;
    return keep(&heard->sound, samples, count);
}

static void note_end(void *user)
{
    struct heard *heard = user;
    heard->status = heard->utterance->status;
    heard->times++;
}

/* Utterance i of a large batch: 1 to LONGEST symbols. */
static const char *text_of(int i, char *text)
{
    static const char symbols[] = "hWld OmI bASk tYz vdi";
    const int length = 1 + i * 7 % LONGEST;
    for (int n = 0; n < length; n++)
        text[n] = symbols[(size_t)(n + i) % (sizeof symbols - 1)];
    text[length] = '\0';
    return text;
}

/* Speaks MANY texts as one batch. */
static void speak_many(struct backend *backend, struct utterance utterances[MANY], struct heard heard[MANY])
{
    char texts[MANY][64];
    struct utterance *batch[MANY];
    const void *with = voice(backend, "af_heart");
    for (int i = 0; i < MANY; i++) {
        utterances[i] = utterance_of(text_of(i, texts[i]), with, (uint64_t)i, NULL);
        utterances[i].emit = keep_heard;
        utterances[i].done = note_end;
        utterances[i].user = &heard[i];
        heard[i] = (struct heard){.utterance = &utterances[i], .status = LT_ERR_INTERNAL};
        batch[i] = &utterances[i];
    }
    kokoro_backend.speak(backend, batch, MANY);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(heard[i].times, 1);
    kokoro_backend.release_voice(backend, with);
}

static void a_large_batch_sounds_like_its_utterances_alone(void **state)
{
    (void)state;
    struct sound alone[MANY];
    struct backend *backend = open_backend("1");
    char text[64];
    for (int i = 0; i < MANY; i++)
        alone[i] = speak(backend, text_of(i, text), "af_heart", (uint64_t)i);
    kokoro_backend.close(backend);
    for (int threads = 2; threads <= MOST_THREADS; threads += threads < 4 ? 1 : 4) {
        backend = open_backend((char[]){(char)('0' + threads), 0});
        struct utterance utterances[MANY];
        struct heard heard[MANY];
        speak_many(backend, utterances, heard);
        for (int i = 0; i < MANY; i++) {
            assert_int_equal(heard[i].status, LT_OK);
            assert_true(same(&heard[i].sound, &alone[i]));
            free(heard[i].sound.samples);
        }
        kokoro_backend.close(backend);
    }
    for (int i = 0; i < MANY; i++)
        free(alone[i].samples);
}

/* Speaks a batch in `allowed` bytes; returns how many utterances fitted: they sound as ever, the others
 * say why not. */
static int speak_within(struct backend *backend, size_t allowed, const struct sound alone[MANY])
{
    struct utterance utterances[MANY];
    struct heard heard[MANY];
    int fitted = 0;
    kokoro_backend.allow(backend, allowed);
    speak_many(backend, utterances, heard);
    for (int i = 0; i < MANY; i++) {
        if (heard[i].status == LT_OK) {
            assert_true(same(&heard[i].sound, &alone[i]));
            fitted++;
        } else {
            assert_int_equal(heard[i].status, LT_ERR_MEMORY);
            assert_non_null(strstr(utterances[i].error.message, "memory.limit_bytes"));
        }
        free(heard[i].sound.samples);
    }
    return fitted;
}

/* A batch that is too large for the memory it may take is spoken in parts, down to single utterances. */
static void little_memory_makes_small_batches(void **state)
{
    (void)state;
    struct sound alone[MANY];
    char text[64];
    struct backend *backend = open_backend("2");
    for (int i = 0; i < MANY; i++)
        alone[i] = speak(backend, text_of(i, text), "af_heart", (uint64_t)i);
    struct backend_facts facts;
    assert_int_equal(speak_within(backend, SIZE_MAX, alone), MANY);
    kokoro_backend.look(backend, &facts);
    int fitted = MANY;
    size_t enough_for_all = SIZE_MAX;
    for (size_t allowed = (size_t)facts.memory_bytes; fitted > 0; allowed -= allowed / 8) {
        int now = speak_within(backend, allowed, alone);
        assert_true(now <= fitted);
        fitted = now;
        enough_for_all = fitted == MANY ? allowed : enough_for_all;
    }
    assert_true(enough_for_all < facts.memory_bytes);               /* less than the batch took as a whole */
    assert_int_equal(speak_within(backend, SIZE_MAX, alone), MANY); /* none of it lasts */
    for (int i = 0; i < MANY; i++)
        free(alone[i].samples);
    kokoro_backend.close(backend);
}

/* What an utterance may take is not more than a budget allows, and the longest one takes all of that. */
static void the_budget_decides_the_longest_utterance(void **state)
{
    (void)state;
    if (!model_file[0])
        skip();
    struct model *model;
    struct kokoro *kokoro;
    assert_int_equal(model_open(model_file, &model, NULL), LT_OK);
    size_t before = 0;
    for (size_t most = (size_t)16 << 20; most <= (size_t)256 << 20; most *= 2) {
        const struct kokoro_options options = {.threads = 2, .isa = ISA_COUNT, .most_memory = most};
        assert_int_equal(kokoro_open(model, &options, &kokoro, NULL), LT_OK);
        const int frames = kokoro_most_frames(kokoro);
        assert_true((size_t)frames > before);
        assert_true(kokoro_need(kokoro, frames) <= most);
        assert_int_equal(kokoro_need(kokoro, frames + 1000000), most); /* which is all there is */
        assert_true(kokoro_need(kokoro, 1) <= kokoro_need(kokoro, frames));
        before = (size_t)frames;
        kokoro_close(kokoro);
    }
    /* the threads of a large machine must leave room to speak */
    const struct kokoro_options many = {.threads = 64, .isa = ISA_COUNT, .most_memory = (size_t)32 << 20};
    assert_int_equal(kokoro_open(model, &many, &kokoro, NULL), LT_OK);
    assert_true(kokoro_most_frames(kokoro) > 400);
    kokoro_close(kokoro);
    model_close(model);
}

static void the_seed_chooses_the_noise(void **state)
{
    (void)state;
    struct backend *backend = open_backend("2");
    struct sound a = speak(backend, PHONEMES[0], "af_heart", 1),
                 b = speak(backend, PHONEMES[0], "af_heart", 1),
                 c = speak(backend, PHONEMES[0], "af_heart", 2);
    assert_true(same(&a, &b));
    assert_int_equal(a.count, c.count);
    assert_false(same(&a, &c));
    free(a.samples);
    free(b.samples);
    free(c.samples);
    kokoro_backend.close(backend);
}

static void a_blend_is_a_weighted_mean(void **state)
{
    (void)state;
    struct backend *backend = open_backend("1");
    struct sound plain = speak(backend, PHONEMES[0], "af_bella", 1);
    static const char *const equal[] = {"af_bella+af_bella", "AF_Bella(2)",
                                        " af_bella ( 0.5 ) + af_bella(0.5) "};
    for (int i = 0; i < 3; i++) {
        struct sound blend = speak(backend, PHONEMES[0], equal[i], 1);
        assert_true(same(&plain, &blend));
        free(blend.samples);
    }
    struct sound a = speak(backend, PHONEMES[0], "af_bella(2)+af_sky(1)", 1),
                 b = speak(backend, PHONEMES[0], "af_sky(10)+af_bella(20)", 1);
    assert_false(same(&plain, &a));
    assert_true(same(&a, &b));
    free(a.samples);
    free(b.samples);
    free(plain.samples);
    kokoro_backend.close(backend);
}

/* A kept row of a blend sounds as one that is mixed anew, and belongs to its blend and length. */
static void a_kept_blend_sounds_the_same(void **state)
{
    (void)state;
    struct cache *cache;
    assert_int_equal(cache_open(1 << 20, &cache, NULL), LT_OK);
    const struct memo memo = note_memo(cache);
    struct backend *mixing = open_backend("1"), *keeping = open_backend("1");
    kokoro_backend.remember(keeping, &memo);
    static const char *const voices[] = {"af_bella(2)+af_sky(1)", "af_bella(1)+af_sky(2)", "af_bella"};
    for (int again = 0; again < 2; again++)
        for (int i = 0; i < 3; i++)
            for (int text = 0; text < 2; text++) {
                struct sound mixed = speak(mixing, PHONEMES[text], voices[i], 1);
                struct sound kept = speak(keeping, PHONEMES[text], voices[i], 1);
                assert_true(same(&mixed, &kept));
                free(mixed.samples);
                free(kept.samples);
            }
    struct cache_counts counts;
    cache_look(cache, CACHE_BLENDS, &counts);
    assert_int_equal(counts.entries, 4); /* two blends, two lengths; a voice alone is in the model */
    assert_int_equal(counts.misses, 4);
    assert_int_equal(counts.hits, 4);
    assert_true(counts.bytes > 4 * 256 * sizeof(float));
    kokoro_backend.close(mixing);
    kokoro_backend.close(keeping);
    cache_close(cache);
}

static void malformed_blends_are_refused(void **state)
{
    (void)state;
    struct backend *backend = open_backend("1");
    static const char *const bad[] = {"",
                                      "+",
                                      "af_bella+",
                                      "af_nobody",
                                      "af_bella(",
                                      "af_bella()",
                                      "af_bella(x)",
                                      "af_bella(-1)",
                                      "af_bella(0)",
                                      "af_bella(nan)",
                                      "af_bella(1",
                                      "af_bella af_sky",
                                      "af_bella(1)(2)",
                                      "af_bella++af_sky",
                                      "af_bella(1e9)"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const void *found;
        const char *language;
        lt_error error;
        if (kokoro_backend.find_voice(backend, bad[i], &found, &language, &error) != LT_ERR_VOICE)
            fail_msg("'%s' was accepted", bad[i]);
        assert_true(error.message[0] != '\0');
    }
    kokoro_backend.close(backend);
}

static void voices_tell_language_and_sex(void **state)
{
    (void)state;
    struct backend *backend = open_backend("1");
    const lt_voice *voices;
    const size_t count = kokoro_backend.voices(backend, &voices);
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(voices[i].language, voices[i].name[0] == 'b' ? "en-GB" : "en-US");
        assert_string_equal(voices[i].sex, voices[i].name[1] == 'f' ? "female" : "male");
        assert_int_equal(voices[i].is_default, strcmp(voices[i].name, "af_heart") == 0);
    }
    kokoro_backend.close(backend);
}

/* ---- Words and errors ----------------------------------------------------------------------------- */

static void words_get_times(void **state)
{
    (void)state;
    struct backend *backend = open_backend("1");
    const void *with = voice(backend, "af_heart");
    const char *phonemes = "həlˈO wˈɜɹld."; /* bytes: h1 ə2 l1 ˈ2 O1, space, w1 ˈ2 ɜ2 ɹ2 l1 d1, full stop */
    struct utterance_word words[] = {
        {.phoneme_begin = 0, .phoneme_end = 7, .start = -1, .end = -1},
        {.phoneme_begin = 8, .phoneme_end = 17, .start = -1, .end = -1},
        {.phoneme_begin = 18, .phoneme_end = 18, .start = -1, .end = -1}, /* none of its own */
    };
    struct sound sound = {0};
    struct utterance u = utterance_of(phonemes, with, 1, &sound);
    u.words = words;
    u.word_count = 3;
    kokoro_backend.speak(backend, &(struct utterance *){&u}, 1);
    assert_int_equal(u.status, LT_OK);
    const float seconds = (float)sound.count / LT_SAMPLE_RATE;
    assert_true(words[0].start >= 0 && words[0].start < words[0].end);
    assert_true(fabsf(words[0].end - words[1].start) < 1e-6f); /* they share the space */
    assert_true(words[1].start < words[1].end && words[1].end < seconds);
    assert_true(words[2].start < 0 && words[2].end < 0);
    free(sound.samples);
    kokoro_backend.release_voice(backend, with);
    kokoro_backend.close(backend);
}

static lt_status status_of(struct backend *backend, const char *phonemes, struct sound *sound,
                           const atomic_bool *cancelled)
{
    const void *with = voice(backend, "af_heart");
    struct utterance u = utterance_of(phonemes, with, 1, sound);
    u.cancelled = cancelled;
    kokoro_backend.speak(backend, &(struct utterance *){&u}, 1);
    assert_true(u.status == LT_OK || u.error.message[0] != '\0');
    kokoro_backend.release_voice(backend, with);
    return u.status;
}

static void bad_utterances_are_refused_alone(void **state)
{
    (void)state;
    struct backend *backend = open_backend("2");
    struct sound sound = {0};
    struct str text = {0};
    for (int i = 0; i < 510; i++)
        str_puts(&text, i % 5 == 4 ? " " : "a");
    assert_int_equal(status_of(backend, text.data, &sound, NULL), LT_OK);
    assert_true(sound.count > 0);
    str_puts(&text, "a");
    assert_int_equal(status_of(backend, text.data, &sound, NULL), LT_ERR_TEXT);
    assert_int_equal(status_of(backend, "a\xff", &sound, NULL), LT_ERR_TEXT);
    free(sound.samples);
    str_free(&text);

    sound = (struct sound){0};
    assert_int_equal(status_of(backend, "", &sound, NULL), LT_OK);
    assert_int_equal(status_of(backend, "\xe6\xbc\xa2", &sound, NULL),
                     LT_OK); /* no phoneme of the model: silence */
    assert_int_equal(sound.count, 0);

    atomic_bool cancelled = true;
    assert_int_equal(status_of(backend, PHONEMES[0], &sound, &cancelled), LT_ERR_CANCELLED);
    sound.refuse = true;
    assert_int_equal(status_of(backend, PHONEMES[0], &sound, NULL), LT_ERR_CANCELLED);

    /* the good one of a batch is spoken */
    const void *with = voice(backend, "af_heart");
    struct sound good = {0}, bad = {0}, alone = speak(backend, PHONEMES[0], "af_heart", 1);
    struct utterance utterances[] = {utterance_of("a\xff", with, 1, &bad),
                                     utterance_of(PHONEMES[0], with, 1, &good)};
    kokoro_backend.speak(backend, (struct utterance *[]){&utterances[0], &utterances[1]}, 2);
    assert_int_equal(utterances[0].status, LT_ERR_TEXT);
    assert_int_equal(utterances[1].status, LT_OK);
    assert_true(same(&good, &alone));
    free(good.samples);
    free(alone.samples);
    kokoro_backend.release_voice(backend, with);
    kokoro_backend.close(backend);
}

static bool drop(void *user, const float *samples, size_t count)
{
    (void)user;
    (void)samples;
    return count > 0;
}

/* Speaks `count` utterances of mixed lengths as one batch, the `first`-th of a long row. */
static void speak_and_drop(struct backend *backend, const void *with, int first, int count)
{
    char texts[MANY][64];
    struct utterance utterances[MANY], *batch[MANY];
    for (int i = 0; i < count; i++) {
        utterances[i] = utterance_of(text_of(first + i, texts[i]), with, (uint64_t)first, NULL);
        utterances[i].emit = drop;
        batch[i] = &utterances[i];
    }
    kokoro_backend.speak(backend, batch, count);
    for (int i = 0; i < count; i++)
        assert_int_equal(utterances[i].status, LT_OK);
}

static void memory_stays_where_it_was(void **state)
{
    (void)state;
    struct backend *backend = open_backend("2");
    const void *with = voice(backend, "af_heart");
    static const int sizes[] = {MANY, 4, 1, 7, MANY / 2};
    uint64_t early = 0;
    for (int spoken = 0, i = 0; spoken < UTTERANCES; i++) {
        const int count = sizes[i % 5];
        speak_and_drop(backend, with, spoken, count);
        spoken += count;
        if (spoken >= 20 && early == 0)
            early = memory_read_field("/proc/self/status", "RssAnon");
    }
    if (!SANITIZED)
        assert_true(memory_read_field("/proc/self/status", "RssAnon") <= early + (1 << 20));
    kokoro_backend.release_voice(backend, with);
    kokoro_backend.close(backend);
}

static void what_is_no_model_is_refused(void **state)
{
    (void)state;
    lt_error error;
    struct model *model;
    char path[] = "/tmp/litetts-test-XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    assert_int_equal(model_open(path, &model, &error), LT_ERR_MODEL);
    struct gguf_writer *writer = gguf_writer_new();
    assert_non_null(writer);
    gguf_writer_string(writer, "general.architecture", "kokoro");
    assert_int_equal(
        gguf_writer_declare(writer, "bert.embeddings.LayerNorm.weight", GGUF_F32, 1, (uint64_t[]){4}, &error),
        LT_OK);
    assert_int_equal(gguf_writer_open(writer, path, &error), LT_OK);
    assert_int_equal(gguf_writer_data(writer, (float[]){1, 1, 1, 1}, 16, &error), LT_OK);
    assert_int_equal(gguf_writer_finish(writer, &error), LT_OK);
    gguf_writer_free(writer);
    assert_int_equal(model_open(path, &model, &error), LT_ERR_MODEL);
    assert_non_null(strstr(error.message, "bert.embeddings.LayerNorm.bias"));
    unlink(path);
    assert_int_equal(model_open(path, &model, &error), LT_ERR_IO);
}

static bool discard(void *user, const float *samples, size_t count)
{
    (void)samples;
    (void)count;
    return ++*(int *)user < 1000;
}

/* An utterance's F0. */
struct curve {
    float hertz[4096];
    int count;
};

static void keep_f0(void *user, const char *name, const struct array *array)
{
    struct curve *curve = user;
    if (strcmp(name, "f0") != 0)
        return;
    curve->count = array->rows;
    assert_true(array->rows <= 4096);
    memcpy(curve->hertz, array->data, (size_t)array->rows * sizeof *curve->hertz);
}

static void speak_pitched(struct kokoro *kokoro, const float *style, float pitch, float hertz,
                          struct curve *curve)
{
    static const int ids[] = {0, 50, 156, 54, 57, 83, 0};
    const struct kokoro_probe probe = {.stage = keep_f0, .user = curve};
    int pieces = 0;
    struct kokoro_utterance u = {.ids = ids,
                                 .count = 7,
                                 .style = style,
                                 .speed = 1,
                                 .pitch = pitch,
                                 .pitch_hertz = hertz,
                                 .probe = &probe,
                                 .emit = discard,
                                 .user = &pieces};
    kokoro_speak(kokoro, &(struct kokoro_utterance *){&u}, 1);
    assert_int_equal(u.status, LT_OK);
    assert_true(pieces > 0);
}

/* The small model's weights are noise, and its F0 near 0: a style far out makes some of it voiced. */
static void pitch_scales_and_shifts_what_is_voiced(void **state)
{
    (void)state;
    if (!model_file[0])
        skip();
    struct model *model;
    struct kokoro *kokoro;
    assert_int_equal(model_open(model_file, &model, NULL), LT_OK);
    const struct kokoro_options options = {.threads = 1, .isa = ISA_COUNT};
    assert_int_equal(kokoro_open(model, &options, &kokoro, NULL), LT_OK);
    float *style = calloc(2 * (size_t)model->style, sizeof *style);
    static struct curve plain, one, other;
    assert_non_null(style);
    int voiced = 0;
    for (float scale = 1; voiced == 0 && scale < 1e6f; scale *= 10) {
        for (int i = 0; i < 2 * model->style; i++)
            style[i] = i % 3 == 0 ? scale : -scale;
        speak_pitched(kokoro, style, 0, 0, &plain);
        for (int i = 0; i < plain.count; i++)
            voiced += plain.hertz[i] > EXCITATION_VOICED_ABOVE;
    }
    assert_true(voiced > 0);
    speak_pitched(kokoro, style, 1, 0, &one);
    assert_memory_equal(plain.hertz, one.hertz, (size_t)plain.count * sizeof *plain.hertz);
    speak_pitched(kokoro, style, 1.5f, 40, &other);
    speak_pitched(kokoro, style, 0, 220, &one);
    assert_int_equal(plain.count, other.count);
    double mean = 0;
    for (int i = 0; i < plain.count; i++) {
        bool sounds = plain.hertz[i] > EXCITATION_VOICED_ABOVE;
        float expected = sounds ? 1.5f * plain.hertz[i] + 40 : plain.hertz[i];
        assert_true(fabsf(other.hertz[i] - expected) <= 1e-3f * fabsf(expected));
        mean += sounds ? (double)one.hertz[i] / voiced : 0;
    }
    assert_true(fabs(mean - 220) < 30); /* the lowest are held above the unvoiced */
    free(style);
    kokoro_close(kokoro);
    model_close(model);
}

/* One that may not take what it needs is refused, and the others of its batch do not notice. */
static void what_takes_more_than_it_may_is_refused_alone(void **state)
{
    (void)state;
    if (!model_file[0])
        skip();
    enum { COUNT = 3 };
    static const int ids[] = {0, 50, 83, 54, 16, 0};
    struct model *model;
    struct kokoro *kokoro;
    const struct kokoro_options options = {.threads = 2, .isa = ISA_COUNT};
    assert_int_equal(model_open(model_file, &model, NULL), LT_OK);
    assert_int_equal(kokoro_open(model, &options, &kokoro, NULL), LT_OK);
    float *style = calloc(2 * (size_t)model->style, sizeof *style);
    assert_non_null(style);
    struct kokoro_utterance utterances[COUNT], *batch[COUNT];
    int pieces[COUNT] = {0};
    for (int i = 0; i < COUNT; i++) {
        utterances[i] = (struct kokoro_utterance){
            .ids = ids, .count = 6, .style = style, .speed = 1, .emit = discard, .user = &pieces[i]};
        utterances[i].most_memory = i == 1 ? kokoro_need(kokoro, 1) - 1 : kokoro_need(kokoro, 4000);
        batch[i] = &utterances[i];
    }
    kokoro_speak(kokoro, batch, COUNT);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(utterances[i].status, i == 1 ? LT_ERR_MEMORY : LT_OK);
        assert_int_equal(pieces[i] > 0, i != 1);
    }
    assert_non_null(strstr(utterances[1].error.message, "memory.limit_bytes"));
    free(style);
    kokoro_close(kokoro);
    model_close(model);
}

static const char slow_text[] =
    "The old bridge over the river was closed for repairs, and nobody in the town knew for how long.";

/* What a request with little memory wrote. */
struct listener {
    struct str bytes;
    int words;
    double last_end;
};

static bool hear(void *user, const void *bytes, size_t size)
{
    struct listener *listener = user;
    str_append(&listener->bytes, bytes, size);
    return true;
}

static void hear_word(void *user, const lt_word *word)
{
    struct listener *listener = user;
    assert_true(word->text_begin < word->text_end &&
                strncmp(word->text, slow_text + word->text_begin, strlen(word->text)) == 0);
    assert_true(word->start_seconds >= listener->last_end - 0.2 && word->end_seconds > word->start_seconds);
    listener->last_end = word->end_seconds;
    listener->words++;
}

/* An engine with the small model and `limit` bytes of memory. */
static lt_engine *open_small_engine(const char *limit)
{
    lt_error error;
    lt_engine *engine;
    lt_config *config = lt_config_new();
    assert_int_equal(lt_config_set(config, "engine.model", model_file, &error), LT_OK);
    assert_int_equal(lt_config_set(config, "engine.threads", "2", &error), LT_OK);
    assert_int_equal(lt_config_set(config, "cache.memory_bytes", "0", &error), LT_OK);
    assert_int_equal(lt_config_set(config, "memory.limit_bytes", limit, &error), LT_OK);
    assert_int_equal(lt_engine_open(config, &engine, &error), LT_OK);
    lt_config_free(config);
    return engine;
}

/* Speaks it in an engine with `limit` bytes of memory, in *chunks pieces. */
static struct listener speak_in_little(const char *limit, float speed, uint32_t *chunks)
{
    lt_error error;
    lt_engine *engine = open_small_engine(limit);
    lt_result result;
    struct listener listener = {0};
    lt_request request;
    lt_request_init(&request);
    request.text = slow_text;
    request.voice = "af_heart";
    request.format = LT_FORMAT_PCM;
    request.speed = speed;
    request.write = hear;
    request.word = hear_word;
    request.user = &listener;
    lt_status status = lt_speak(engine, &request, &result, &error);
    if (status != LT_OK)
        print_error("%s\n", error.message);
    assert_int_equal(status, LT_OK);
    *chunks = result.chunks;
    lt_engine_close(engine);
    return listener;
}

/* Words of an alphabet that has no phonemes here are left out, wherever they stand. */
static void what_has_no_phonemes_is_silent(void **state)
{
    (void)state;
    if (!model_file[0])
        skip();
    static const struct {
        const char *text;
        double least, most; /* seconds of audio */
    } cases[] = {{"\u4f60\u597d", 0, 0},
                 {"\u4f60 \u597d", 0, 0},
                 {"Hello. [pause:1s] \u4f60\u597d [pause:1s] Hello.", 2.1, 60},
                 {"[pause:1s] \u4f60 [rate:2] \u597d", 0.9, 1.1}};
    lt_engine *engine = open_small_engine("100000000");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct listener listener = {0};
        lt_request request;
        lt_result result;
        lt_request_init(&request);
        request.text = cases[i].text;
        request.voice = "af_heart";
        request.format = LT_FORMAT_PCM;
        request.write = hear;
        request.user = &listener;
        assert_int_equal(lt_speak(engine, &request, &result, NULL), LT_OK);
        assert_true(result.audio_seconds >= cases[i].least && result.audio_seconds <= cases[i].most);
        str_free(&listener.bytes);
    }
    lt_engine_close(engine);
}

/* Memory is reckoned by symbols; a voice that takes longer for them is spoken in shorter pieces, with
 * every word in its place. */
static void what_is_spoken_slowly_is_cut_again(void **state)
{
    (void)state;
    if (!model_file[0])
        skip();
    uint32_t plenty, little, again;
    struct listener a = speak_in_little("500000000", 1, &plenty), b = speak_in_little("8000000", 1, &little),
                    c = speak_in_little("8000000", 1, &again);
    assert_true(little > plenty);
    assert_int_equal(a.words, 19);
    assert_int_equal(b.words, 19);
    assert_int_equal(little, again);
    assert_int_equal(b.bytes.length, c.bytes.length);
    assert_memory_equal(b.bytes.data, c.bytes.data, b.bytes.length);
    str_free(&a.bytes);
    str_free(&b.bytes);
    str_free(&c.bytes);
    struct listener slowest = speak_in_little("8000000", 0.25f, &again);
    assert_int_equal(slowest.words, 19);
    assert_true(again > little);
    str_free(&slowest.bytes);
}

/* Where a request's chunks end in its text. */
struct pieces {
    uint64_t ends[64];
    int count;
};

static void note_piece(void *user, const lt_progress *progress)
{
    struct pieces *pieces = user;
    if (pieces->count < 64)
        pieces->ends[pieces->count++] = progress->text_bytes_done;
}

static bool ignore(void *user, const void *bytes, size_t size)
{
    (void)user, (void)bytes, (void)size;
    return true;
}

/* Kokoro sounds rushed near 510 symbols, however much memory there is; the first chunk is short. */
static void chunks_have_the_length_that_sounds_natural(void **state)
{
    (void)state;
    if (!model_file[0])
        skip();
    lt_error error;
    lt_engine *engine;
    lt_config *config = lt_config_new();
    assert_int_equal(lt_config_set(config, "engine.model", model_file, &error), LT_OK);
    assert_int_equal(lt_config_set(config, "memory.limit_bytes", "0", &error), LT_OK);
    assert_int_equal(lt_engine_open(config, &engine, &error), LT_OK);
    struct str phonemes = {0}; /* a byte a symbol */
    for (int i = 0; i < 60; i++)
        str_puts(&phonemes, "tu wan fo siks ten, sum mo. ");
    struct pieces pieces = {0};
    lt_request request;
    lt_request_init(&request);
    request.input = LT_INPUT_PHONEMES;
    request.text = phonemes.data;
    request.voice = "af_heart";
    request.speed = 4;
    request.write = ignore;
    request.progress = note_piece;
    request.user = &pieces;
    if (lt_speak(engine, &request, NULL, &error) != LT_OK)
        fail_msg("%s", error.message);
    assert_in_range(pieces.count, 7, 12);
    assert_in_range(pieces.ends[0], 30, 61); /* its space, too */
    for (int i = 2; i + 1 < pieces.count; i++)
        assert_in_range(pieces.ends[i] - pieces.ends[i - 1], 175, 251);
    lt_engine_close(engine);
    lt_config_free(config);
    str_free(&phonemes);
}

/* Speaks a few phonemes with a bound model, whatever its weights are. */
static void speak_damaged(const struct model *model)
{
    struct kokoro *kokoro;
    const struct kokoro_options options = {.threads = 1, .isa = ISA_COUNT, .most_memory = (size_t)8 << 20};
    assert_int_equal(kokoro_open(model, &options, &kokoro, NULL), LT_OK);
    static const int ids[] = {0, 50, 83, 0};
    float *style = calloc(2 * (size_t)model->style, sizeof *style);
    assert_non_null(style);
    int pieces = 0;
    struct kokoro_utterance u = {
        .ids = ids, .count = 4, .style = style, .speed = 4, .emit = discard, .user = &pieces};
    kokoro_speak(kokoro, &(struct kokoro_utterance *){&u}, 1);
    assert_true(u.status == LT_OK || u.error.message[0] != '\0');
    free(style);
    kokoro_close(kokoro);
}

/* A byte or three of the file's head are wrong: it is refused, or it speaks without harm (the sanitizers
 * watch). */
static void damaged_models_do_no_harm(void **state)
{
    (void)state;
    if (!model_file[0])
        skip();
    struct str file = {0};
    lt_error error;
    assert_int_equal(file_read(model_file, 1 << 26, &file, &error), LT_OK);
    const size_t size = file.length;
    unsigned char *copy = aligned_alloc(64, (size + 63) / 64 * 64);
    assert_non_null(copy);
    uint64_t random = 12345;
    int bound = 0;
    for (int i = 0; i < 300; i++) {
        memcpy(copy, file.data, size);
        for (int wrong = i % 3; wrong >= 0; wrong--) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            const size_t head = size < 40000 ? size : 40000;
            copy[(random >> 40) % head] ^= (unsigned char)(1u << (random >> 61));
        }
        struct gguf *gguf;
        struct model *model;
        if (gguf_open_memory(copy, size, "damaged", &gguf, &error) != LT_OK)
            continue;
        if (model_bind(gguf, &model, &error) != LT_OK) {
            assert_true(error.message[0] != '\0');
            continue;
        }
        if (bound++ % 16 == 0)
            speak_damaged(model);
        model_close(model);
    }
    assert_true(bound > 0);
    free(copy);
    str_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sound_does_not_depend_on_threads_or_batch),
        cmocka_unit_test(a_large_batch_sounds_like_its_utterances_alone),
        cmocka_unit_test(little_memory_makes_small_batches),
        cmocka_unit_test(the_budget_decides_the_longest_utterance),
        cmocka_unit_test(what_takes_more_than_it_may_is_refused_alone),
        cmocka_unit_test(what_is_spoken_slowly_is_cut_again),
        cmocka_unit_test(chunks_have_the_length_that_sounds_natural),
        cmocka_unit_test(what_has_no_phonemes_is_silent),
        cmocka_unit_test(the_seed_chooses_the_noise),
        cmocka_unit_test(a_blend_is_a_weighted_mean),
        cmocka_unit_test(a_kept_blend_sounds_the_same),
        cmocka_unit_test(malformed_blends_are_refused),
        cmocka_unit_test(voices_tell_language_and_sex),
        cmocka_unit_test(words_get_times),
        cmocka_unit_test(bad_utterances_are_refused_alone),
        cmocka_unit_test(memory_stays_where_it_was),
        cmocka_unit_test(what_is_no_model_is_refused),
        cmocka_unit_test(pitch_scales_and_shifts_what_is_voiced),
        cmocka_unit_test(damaged_models_do_no_harm),
    };
    return cmocka_run_group_tests(tests, import_tiny, remove_model);
}
