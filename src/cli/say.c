/* say.c: `litetts say`: speaks text to a file, a pipe or the loudspeaker.
 *
 * A job ties the three ends of one lt_speak together: where the text comes from (source.h, or the operands),
 * where the audio goes (output.h, or playback.h), and what the user sees meanwhile (progress.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "audio/playback.h"
#include "base/config.h"
#include "base/str.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/source.h"
#include "cli/words.h"

static const struct option options[] = {
    {"output", 'o', "FILE", "write to FILE ('-': standard output), in the format of its ending", NULL, NULL},
    {"format", 0, "FORMAT", "format of the audio, whatever the file is called", NULL,
     "wav|pcm|mp3|opus|flac|aac"},
    {"play", 'p', NULL, "play on the default audio device, also when standard output is no terminal", NULL,
     NULL},
    {"device", 0, "NAME", "play on this ALSA device instead of the default one", NULL, NULL},
    {"file", 'f', "FILE", "speak the text in FILE ('-': standard input)", NULL, NULL},
    {"voice", 'v', "VOICE", "voice, or a blend as 'a(2)+b(1)'; 'litetts voices' lists them", NULL, NULL},
    {"speed", 's', "FACTOR", "how fast: 0.25 to 4; 2 takes half the time", "voice.speed", NULL},
    {"volume", 0, "FACTOR", "how loud: 0 to 4 (default 1)", NULL, NULL},
    {"seed", 0, "NUMBER", "seed of the noise in the voice (default 0): the same seed, the same audio", NULL,
     NULL},
    {"input", 0, "KIND", "what the text is (default text)", NULL, "text|phonemes|ssml"},
    {"words", 0, "FILE", "write when each word sounds to FILE, a line of JSON each", NULL, NULL},
    {"phonemes", 0, "TEXT", "speak these phonemes, as 'həlˈO wˈɜɹld' (voices of Kokoro)", NULL, NULL},
    TEXT_OPTIONS,
    {"model", 'm', "FILE", NULL, "engine.model", NULL},
    {"threads", 't', "N", NULL, "engine.threads", NULL},
    {"isa", 0, "SET", NULL, "engine.isa", NULL},
    {"quiet", 'q', NULL, "no progress bar and no summary", NULL, NULL},
    {"verbose", 0, NULL, "a summary also where standard error is no terminal", NULL, NULL},
    {"stats", 0, NULL, "print what it cost on standard error, as one line of JSON", NULL, NULL},
    {NULL},
};

enum destination { TO_FILE, TO_PIPE, TO_DEVICE };

struct job {
    lt_config *config;
    lt_engine *engine;
    lt_cancel *cancel;

    struct str text;      /* of the operands, or of --phonemes */
    struct source source; /* used when `streamed` */
    bool streamed;

    enum destination destination;
    const char *path; /* TO_FILE */
    lt_format format;
    struct output output;      /* TO_FILE and TO_PIPE */
    const char *device;        /* TO_DEVICE: its ALSA name; NULL: the default one */
    struct playback *playback; /* TO_DEVICE */
    lt_error playback_error;
    const char *words_path; /* of --words; NULL: not wanted */
    struct words words;

    struct progress_bar bar;
    bool quiet, verbose, stats;
    lt_result result;
};

/* ---- What to speak ---- */

static lt_status join_operands(struct job *job, int count, char *const *operands, lt_error *error)
{
    uint64_t offset = 0;
    for (int i = 0; i < count; i++) {
        if (i > 0)
            str_putc(&job->text, ' ');
        size_t length = strlen(operands[i]), bad = utf8_first_invalid(operands[i], length);
        if (bad < length)
            return error_set(error, LT_ERR_TEXT, "the text is not UTF-8: byte %llu of it is 0x%02x",
                             (unsigned long long)(offset + bad), (unsigned char)operands[i][bad]);
        str_append(&job->text, operands[i], length);
        offset += length + 1;
    }
    return job->text.failed ? error_memory(error, "the text") : LT_OK;
}

static lt_status choose_text(struct job *job, const struct arguments *arguments, lt_error *error)
{
    char *const *operands;
    int count = arguments_operands(arguments, &operands);
    const char *file = arguments_value(arguments, "file"), *phonemes = arguments_value(arguments, "phonemes");
    if ((count > 0) + (file != NULL) + (phonemes != NULL) > 1)
        return error_set(error, LT_ERR_ARGUMENT,
                         "give the text once: as operands, with -f or with --phonemes");
    const char *input = arguments_value(arguments, "input");
    if (phonemes != NULL && input != NULL && strcmp(input, "phonemes") != 0)
        return error_set(error, LT_ERR_ARGUMENT,
                         "--phonemes and --input %s contradict each other: leave one of them out", input);
    if (phonemes != NULL)
        return join_operands(job, 1, &(char *){(char *)(uintptr_t)phonemes}, error);
    if (file == NULL && count == 1 && strcmp(operands[0], "-") == 0)
        file = "-";
    else if (count > 0)
        return join_operands(job, count, operands, error);
    if (file == NULL && isatty(STDIN_FILENO))
        return error_set(error, LT_ERR_ARGUMENT,
                         "there is no text: give it as operands, with -f FILE or on standard input ('litetts "
                         "say --help' shows how)");
    job->streamed = true;
    return source_open(&job->source, file != NULL ? file : "-", error);
}

static size_t read_text(void *user, char *buffer, size_t size)
{
    return source_read(&((struct job *)user)->source, buffer, size);
}

/* ---- Where to ---- */

/* The ending of a file's name, without its dot, or NULL. */
static const char *ending(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path,
               *dot = strrchr(name, '.');
    return dot != NULL && dot != name && dot[1] != '\0' ? dot + 1 : NULL;
}

static lt_status choose_format(struct job *job, const char *named, lt_error *error)
{
    job->format = LT_FORMAT_WAV;
    if (named != NULL)
        return lt_format_parse(named, &job->format, error);
    if (job->destination == TO_DEVICE)
        job->format = LT_FORMAT_PCM;
    if (job->destination != TO_FILE || ending(job->path) == NULL)
        return LT_OK;
    lt_error fault;
    if (lt_format_parse(ending(job->path), &job->format, &fault) != LT_OK)
        return error_set(error, LT_ERR_FORMAT,
                         "no format is called '%s': name the file .wav, .pcm, .mp3, .opus, .flac or .aac, or "
                         "choose with --format",
                         ending(job->path));
    return LT_OK;
}

static lt_status choose_destination(struct job *job, const struct arguments *arguments, lt_error *error)
{
    const char *path = arguments_value(arguments, "output"), *format = arguments_value(arguments, "format");
    job->device = arguments_value(arguments, "device");
    bool play = arguments_given(arguments, "play") || job->device != NULL;
    if (play && (path != NULL || format != NULL))
        return error_set(error, LT_ERR_ARGUMENT,
                         "--play and --device go without --output and --format: they write nothing");
    if (path != NULL && strcmp(path, "-") != 0)
        job->destination = TO_FILE;
    else if (play || (path == NULL && isatty(STDOUT_FILENO)))
        job->destination = TO_DEVICE;
    else
        job->destination = TO_PIPE;
    if (job->destination == TO_DEVICE && format != NULL)
        return error_set(error, LT_ERR_ARGUMENT, "--format needs a file or a pipe: name one with -o FILE");
    job->path = path;
    job->words_path = arguments_value(arguments, "words");
    if (job->words_path != NULL && strcmp(job->words_path, "-") == 0 && job->destination == TO_PIPE)
        return error_set(
            error, LT_ERR_ARGUMENT,
            "the audio and --words cannot both go to standard output: name a file for one of them");
    return choose_format(job, format, error);
}

/* Whether `path` is the regular file that is open as `fd`. */
static bool is_open_as(const char *path, int fd)
{
    struct stat open, named;
    return fstat(fd, &open) == 0 && stat(path, &named) == 0 && S_ISREG(named.st_mode) &&
           open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

/* What is written must not replace the text before it is read. */
static lt_status spare_text(const struct job *job, const char *path, lt_error *error)
{
    if (!job->streamed || path == NULL || !is_open_as(path, job->source.fd))
        return LT_OK;
    return error_set(error, LT_ERR_ARGUMENT, "'%s' is the text itself: write to another file", path);
}

static lt_status open_destination(struct job *job, lt_error *error)
{
    if (job->destination == TO_DEVICE)
        return playback_open(job->device, &job->playback, error);
    const char *path = job->destination == TO_FILE ? job->path : NULL;
    lt_status status = spare_text(job, path, error);
    return status == LT_OK ? output_open(&job->output, path, error) : status;
}

static lt_status open_words(struct job *job, lt_error *error)
{
    if (job->words_path == NULL)
        return LT_OK;
    if (job->destination == TO_FILE && is_open_as(job->words_path, job->output.fd))
        return error_set(error, LT_ERR_ARGUMENT,
                         "'%s' is named for the audio and for --words: name two files", job->words_path);
    lt_status status = spare_text(job, job->words_path, error);
    return status == LT_OK ? words_open(&job->words, job->words_path, error) : status;
}

static bool write_audio(void *user, const void *bytes, size_t size)
{
    struct job *job = user;
    if (job->words.output.failure != 0)
        return false;
    if (job->destination == TO_DEVICE)
        return playback_write(job->playback, bytes, size, &job->playback_error) == LT_OK;
    return output_write(&job->output, bytes, size);
}

static bool rewrite_audio(void *user, uint64_t offset, const void *bytes, size_t size)
{
    return output_rewrite(&((struct job *)user)->output, offset, bytes, size);
}

static void write_word(void *user, const lt_word *word)
{
    words_put(&((struct job *)user)->words, word); /* a failure ends the request at the next audio */
}

/* ---- What the user sees ---- */

static void show_progress(void *user, const lt_progress *progress)
{
    struct job *job = user;
    struct progress_facts facts = {.audio_seconds = progress->audio_seconds,
                                   .work_seconds = progress->work_seconds};
    if (job->streamed) {
        facts.characters_done = source_characters(&job->source, progress->text_bytes_done);
        facts.characters_total = job->source.characters_total;
    } else {
        size_t done = progress->text_bytes_done < job->text.length ? (size_t)progress->text_bytes_done
                                                                   : job->text.length;
        facts.characters_done = utf8_count(job->text.data, done);
        facts.characters_total = utf8_count(job->text.data, job->text.length);
    }
    progress_show(&job->bar, &facts);
}

/* NULL: the command failed before it was chosen. */
static const char *destination_name(const struct job *job)
{
    return job->destination == TO_FILE   ? job->path
           : job->destination == TO_PIPE ? "standard output"
                                         : "played";
}

static void print_summary(const struct job *job)
{
    const lt_result *r = &job->result;
    fprintf(stderr, "%s: %.2f s of audio in %.2f s (real-time factor %.3f), peak memory %.1f MiB\n",
            destination_name(job), r->audio_seconds, r->wall_seconds,
            r->audio_seconds > 0 ? r->wall_seconds / r->audio_seconds : 0,
            (double)r->peak_memory_bytes / (1 << 20));
}

static void print_stats(const struct job *job, lt_status status)
{
    const lt_result *r = &job->result;
    const char *name = destination_name(job);
    char *output = name != NULL ? utf8_clean_copy(name) : NULL; /* a path is any bytes, JSON is UTF-8 */
    json_t *stats =
        json_pack("{s:s, s:s?, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:i, s:I}", "status",
                  lt_status_name(status), "output", output, "format", lt_format_name(job->format),
                  "audio_seconds", r->audio_seconds, "wall_seconds", r->wall_seconds, "real_time_factor",
                  r->audio_seconds > 0 ? r->wall_seconds / r->audio_seconds : 0, "first_audio_seconds",
                  r->first_audio_seconds, "text_seconds", r->text_seconds, "speech_seconds",
                  r->speech_seconds, "encode_seconds", r->encode_seconds, "text_bytes",
                  (json_int_t)r->text_bytes, "bytes_written", (json_int_t)r->bytes_written, "chunks",
                  (int)r->chunks, "peak_memory_bytes", (json_int_t)r->peak_memory_bytes);
    if (stats != NULL && json_dumpf(stats, stderr, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0)
        fputc('\n', stderr);
    json_decref(stats);
    free(output);
}

/* ---- The request ---- */

static lt_status parse_seed(const struct arguments *arguments, uint64_t *seed, lt_error *error)
{
    const char *text = arguments_value(arguments, "seed");
    if (text == NULL)
        return LT_OK;
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
        return error_set(error, LT_ERR_ARGUMENT,
                         "--seed takes a whole number from 0 to 18446744073709551615, not '%s'", text);
    *seed = number;
    return LT_OK;
}

static lt_status fill_request(struct job *job, const struct arguments *arguments, lt_request *request,
                              lt_error *error)
{
    lt_request_init(request);
    request->text = job->streamed ? NULL : job->text.data != NULL ? job->text.data : "";
    request->text_bytes = job->text.length;
    request->read = job->streamed ? read_text : NULL;
    request->voice = arguments_value(arguments, "voice");
    request->speed = (float)config_number(job->config, CONFIG_voice_speed);
    request->format = job->format;
    request->write = write_audio;
    request->rewrite = job->destination != TO_DEVICE && job->output.seekable ? rewrite_audio : NULL;
    request->progress = job->bar.shown ? show_progress : NULL;
    request->word = job->words.open ? write_word : NULL;
    request->user = job;
    request->cancel = job->cancel;

    const char *input = arguments_value(arguments, "input");
    if (arguments_given(arguments, "phonemes") || (input != NULL && strcmp(input, "phonemes") == 0))
        request->input = LT_INPUT_PHONEMES;
    else if (input != NULL && strcmp(input, "ssml") == 0)
        request->input = LT_INPUT_SSML;

    double volume;
    lt_status status = arguments_number(arguments, "volume", 0, 4, 1, &volume, error);
    request->volume = (float)volume;
    return status == LT_OK ? parse_seed(arguments, &request->seed, error) : status;
}

/* What the callbacks know better than lt_speak: which read or write failed, and how. */
static lt_status explain(struct job *job, lt_status status, lt_error *error)
{
    if (job->streamed && job->source.failure != 0) {
        errno = job->source.failure;
        return error_errno(error, LT_ERR_IO, "cannot read '%s'", job->source.name);
    }
    if (job->playback_error.status != LT_OK && !lt_cancel_fired(job->cancel))
        return error_set(error, job->playback_error.status, "%s", job->playback_error.message);
    return status;
}

/* Ends the destination: what is heard is heard to its end, what is written is whole or gone. */
static lt_status close_destination(struct job *job, lt_status status, lt_error *error)
{
    bool whole = status == LT_OK || (status == LT_ERR_CANCELLED && interrupt_signal() != 0);
    lt_error fault;
    if (words_close(&job->words, whole, &fault) != LT_OK) {
        whole = false;
        status = error_set(error, fault.status, "%s", fault.message);
    }
    if (job->destination == TO_DEVICE) {
        if (status == LT_OK)
            status = playback_drain(job->playback, error);
        playback_close(job->playback);
        return status;
    }
    lt_status closed = output_close(&job->output, whole, &fault);
    return closed == LT_OK ? status : error_set(error, closed, "%s", fault.message);
}

/* With all open that is written to. */
static lt_status speak_opened(struct job *job, const struct arguments *arguments, lt_error *error)
{
    lt_request request;
    progress_start(&job->bar, job->quiet);
    lt_status status = fill_request(job, arguments, &request, error);
    if (status == LT_OK)
        status = explain(job, lt_speak(job->engine, &request, &job->result, error), error);
    progress_erase(&job->bar);
    if (status != LT_OK || interrupt_signal() != 0)
        return status;
    if (job->result.audio_seconds == 0)
        return error_set(error, LT_ERR_TEXT, "there is nothing to speak: the text has no words");
    return LT_OK;
}

static lt_status speak(struct job *job, const struct arguments *arguments, lt_error *error)
{
    lt_status status = lt_engine_check_voice(job->engine, arguments_value(arguments, "voice"), error);
    if (status == LT_OK)
        status = open_destination(job, error);
    if (status != LT_OK)
        return status;
    status = open_words(job, error);
    if (status == LT_OK)
        status = speak_opened(job, arguments, error);
    return close_destination(job, status, error);
}

static int finish(struct job *job, lt_status status, const lt_error *error)
{
    int signal = interrupt_signal();
    bool spoken = status == LT_OK || (status == LT_ERR_CANCELLED && signal != 0);
    if (job->stats)
        print_stats(job, status);
    if (spoken && !job->quiet && (job->verbose || isatty(STDERR_FILENO)))
        print_summary(job);
    if (status == LT_OK && signal == 0)
        return EXIT_OK;
    if (output_is_broken_pipe(&job->output) || output_is_broken_pipe(&job->words.output))
        return EXIT_BROKEN_PIPE;
    if (spoken)
        return 128 + signal;
    return command_fail(error);
}

/* A command speaks one text and ends: what it would keep in the cache only makes its memory grow with the
 * text. Who sets the cache gets it. */
static lt_status speak_uncached(lt_config *config, lt_error *error)
{
    bool chosen = strcmp(config_origin(config, CONFIG_cache_memory_bytes), "default") != 0;
    return chosen ? LT_OK : lt_config_set(config, "cache.memory_bytes", "0", error);
}

static int run(const struct arguments *arguments)
{
    lt_error error;
    struct job job = {.quiet = arguments_given(arguments, "quiet"),
                      .verbose = arguments_given(arguments, "verbose"),
                      .stats = arguments_given(arguments, "stats")};
    job.config = arguments_config(arguments, &error);
    if (job.config == NULL)
        return command_fail(&error);
    lt_status status = interrupt_setup(&job.cancel, &error);
    if (status == LT_OK)
        status = choose_destination(&job, arguments, &error);
    if (status == LT_OK)
        status = choose_text(&job, arguments, &error);
    if (status == LT_OK)
        status = speak_uncached(job.config, &error);
    if (status == LT_OK)
        status = lt_engine_open(job.config, &job.engine, &error);
    if (status == LT_OK)
        status = speak(&job, arguments, &error);
    int code = finish(&job, status, &error);
    if (job.streamed)
        source_close(&job.source);
    lt_engine_close(job.engine);
    lt_config_free(job.config);
    str_free(&job.text);
    return code;
}

const struct command say_command = {
    .name = "say",
    .operands = "[TEXT ... | -f FILE | -]",
    .summary = "Speak text to a file, a pipe or the loudspeaker",
    .notes = "Without -o, it plays on the default audio device when standard output is a terminal, and else "
             "writes WAV to\n"
             "standard output. Text from a file or a pipe streams: memory does not grow with its length. "
             "Ctrl-C ends the\n"
             "audio early and leaves a valid, shorter file; after any other failure the file is removed.\n",
    .options = options,
    .run = run,
};
