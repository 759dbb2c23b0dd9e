/* load.c: `litetts serve` under load, with batching on and off: sound a second, and how long clients wait. Prints a table.
 *
 *     bench_load --program build/litetts [--model FILE] [OPTION ...]        see --help
 *
 * Two servers that differ in engine.batching take turns, round by round, because the speed of a shared machine drifts: the ratio is the
 * median of the rounds' own ratios. Caches are off. The closed loop has clients that always wait for an answer; in the open loop
 * requests arrive by chance, at a rate that the table states, whether earlier ones are answered or not.
 *
 * Part of the work grows with the phonemes of a text and part with the sound that they become; what a batch shares is mostly the first.
 * So the ratio holds only where the texts are spoken at a natural pace, 14 to 15 characters a second. A trained model does so; seeded
 * weights speak at 8.5 characters a second, which bench/load makes good with a --speed of 1.7. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "load_clients.h"
#include "load_server.h"

enum { MOST_ROUNDS = 64, MOST_LIST = 16, MOST_SETTINGS = 32, VARIANTS = 2 };

/* Part of the requests a second that the largest closed loop got without batching, at which they arrive in the open loop. */
static const double OPEN_LOAD = 0.7;

/* ---- Texts ---------------------------------------------------------------------------------------- */

/* Up to 20 characters, and one in five up to 60. */
static const char *const short_texts[] = {
    "Hello.",
    "Yes, please.",
    "Good morning!",
    "Not yet.",
    "Turn left here.",
    "Thank you very much.",
    "It is half past two.",
    "Your tea is ready.",
    "The train from Leeds is four minutes late.",
    "Are you still there?",
    "One moment.",
    "The lights are off.",
    "Call me tomorrow.",
    "It will rain soon.",
    "No, I do not know.",
    "Dinner in an hour.",
    "Your parcel will be delivered between two and four today.",
    "See you on Friday.",
    "What a nice idea!",
    "The door is open.",
};

/* Half of them up to 20 characters, a third up to 100, the rest up to 400. */
static const char *const mixed_texts[] = {
    "Hello.",
    "Turn left here.",
    "It is half past two.",
    "Are you still there?",
    "The lights are off.",
    "See you on Friday.",
    "The old bridge over the river was closed for repairs for most of last year.",
    "You have three new messages, and one of them is from your sister in Dublin.",
    "Please keep your seat belt fastened until the captain switches off the sign.",
    "She opened the letter slowly, read it twice, and put it back on the table.",
    "The kettle began to sing while she was still looking for the blue cup. Outside, a cart went by, and "
    "then it was "
    "quiet again, as it always was at that hour of the morning.",
    "A lighthouse keeper has more time than most people think. There is the lamp to be cleaned, the log to "
    "be "
    "written, and the weather to be watched, but between these there are long hours in which nothing at all "
    "is asked "
    "of him. Some carve wood, some read, and one whom I knew learned four languages from a single "
    "dictionary.",
};

struct text_set {
    const char *name;
    const char *const *texts;
    size_t count;
};

static const struct text_set text_sets[] = {
    {"short", short_texts, sizeof short_texts / sizeof *short_texts},
    {"mixed", mixed_texts, sizeof mixed_texts / sizeof *mixed_texts},
};
enum { TEXT_SETS = sizeof text_sets / sizeof *text_sets };

/* ---- Options -------------------------------------------------------------------------------------- */

struct options {
    const char *program, *url, *voice;
    const char *settings[MOST_SETTINGS + 1]; /* for every server */
    int setting_count;
    int clients[MOST_LIST], client_count;
    bool texts[TEXT_SETS];
    int rounds;
    double seconds, rate, speed;
};

static const char usage[] =
    "Usage: bench_load --program FILE [OPTION ...]\n"
    "       bench_load --url URL [OPTION ...]\n\n"
    "  --program FILE   the litetts to measure: two servers of it, batching on and off\n"
    "  --url URL        a running server instead, as it is: http://127.0.0.1:8354\n"
    "  --model FILE     the Kokoro model that they speak with\n"
    "  --voice NAME     the voice; without it, the default one\n"
    "  --speed N        speed that requests ask for, so that a text becomes as much sound as it should (1)\n"
    "  --clients LIST   how many at once (1,4,16,64)\n"
    "  --texts LIST     short (up to 20 characters, some 60), mixed (up to 400) (short,mixed)\n"
    "  --seconds N      measured, of each run (10)\n"
    "  --rounds N       runs of each server in turn (3)\n"
    "  --rate N         requests a second of the open loop; 0: no open loop; without it, 70 % of\n"
    "                   what the last closed loop answered without batching\n"
    "  --set KEY=VALUE  a setting of the servers; may be repeated\n";

static bool complain(const char *what, const char *value)
{
    fprintf(stderr, "bench_load: %s '%s': see --help\n", what, value);
    return false;
}

static bool read_number(const char *text, double least, double most, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return (end != text && *end == '\0' && *number >= least && *number <= most) ||
           complain("bad number", text);
}

static bool read_clients(const char *list, struct options *o)
{
    o->client_count = 0;
    for (const char *at = list;; at++) {
        char *end;
        long clients = strtol(at, &end, 10);
        if (end == at || clients < 1 || clients > LOAD_MOST_CLIENTS || o->client_count == MOST_LIST)
            return complain("bad numbers of clients", list);
        o->clients[o->client_count++] = (int)clients;
        at = end;
        if (*at == '\0')
            return true;
        if (*at != ',')
            return complain("bad numbers of clients", list);
    }
}

static bool read_texts(const char *list, struct options *o)
{
    memset(o->texts, 0, sizeof o->texts);
    for (const char *at = list;;) {
        size_t size = strcspn(at, ","), set = 0;
        while (set < TEXT_SETS &&
               (strlen(text_sets[set].name) != size || strncmp(text_sets[set].name, at, size) != 0))
            set++;
        if (set == TEXT_SETS)
            return complain("no such texts", at);
        o->texts[set] = true;
        at += size;
        if (*at++ == '\0')
            return true;
    }
}

static bool add_setting(struct options *o, const char *setting)
{
    if (o->setting_count == MOST_SETTINGS)
        return complain("too many settings, at", setting);
    o->settings[o->setting_count++] = setting;
    return true;
}

/* "engine.model=FILE", kept as long as the program runs. */
static bool add_model(struct options *o, const char *path)
{
    static char setting[4096];
    if (snprintf(setting, sizeof setting, "engine.model=%s", path) >= (int)sizeof setting)
        return complain("too long a path", path);
    return add_setting(o, setting);
}

static bool read_option(struct options *o, int option, const char *value)
{
    double number;
    switch (option) {
    case 'p':
        o->program = value;
        return true;
    case 'u':
        o->url = value;
        return true;
    case 'v':
        o->voice = value;
        return true;
    case 'm':
        return add_model(o, value);
    case 'x':
        return read_number(value, 0.25, 4, &o->speed);
    case 'c':
        return read_clients(value, o);
    case 't':
        return read_texts(value, o);
    case 's':
        return read_number(value, 0.1, 86400, &o->seconds);
    case 'r':
        if (!read_number(value, 1, MOST_ROUNDS, &number))
            return false;
        o->rounds = (int)number;
        return true;
    case 'a':
        return read_number(value, 0, 100000, &o->rate);
    case 'S':
        return add_setting(o, value);
    default:
        fputs(usage, option == 'h' ? stdout : stderr);
        exit(option == 'h' ? 0 : 2);
    }
}

static bool read_options(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {
        {"program", required_argument, NULL, 'p'},
        {"url", required_argument, NULL, 'u'},
        {"model", required_argument, NULL, 'm'},
        {"voice", required_argument, NULL, 'v'},
        {"speed", required_argument, NULL, 'x'},
        {"clients", required_argument, NULL, 'c'},
        {"texts", required_argument, NULL, 't'},
        {"seconds", required_argument, NULL, 's'},
        {"rounds", required_argument, NULL, 'r'},
        {"rate", required_argument, NULL, 'a'},
        {"set", required_argument, NULL, 'S'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    *o = (struct options){
        .clients = {1, 4, 16, 64}, .client_count = 4, .rounds = 3, .seconds = 10, .rate = -1, .speed = 1};
    memset(o->texts, 1, sizeof o->texts);
    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;)
        if (!read_option(o, option, optarg))
            return false;
    if (optind < argc)
        return complain("an operand", argv[optind]);
    if ((o->program == NULL) == (o->url == NULL))
        return complain("it takes one of", "--program, --url");
    return true;
}

/* ---- Measuring ------------------------------------------------------------------------------------ */

/* One of the servers that are compared. */
struct variant {
    const char *name;
    struct load_server server;
    const char *url;
};

/* What one variant did in all rounds of a row of the table. */
struct row {
    double audio[MOST_ROUNDS], requests[MOST_ROUNDS],
        cpu[MOST_ROUNDS];                                /* a second; CPU seconds a second of audio */
    double first[3][MOST_ROUNDS], whole[3][MOST_ROUNDS]; /* percentiles, in ms */
    size_t refused, failed;
    char failure[256];
};

static const double PERCENTILES[3] = {0.5, 0.95, 0.99};

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values, int count)
{
    double sorted[MOST_ROUNDS];
    memcpy(sorted, values, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, compare_doubles);
    return sorted[count / 2];
}

static void note_round(struct row *row, int round, const struct load_result *result)
{
    row->audio[round] = result->audio_seconds / result->seconds;
    row->requests[round] = (double)result->answered / result->seconds;
    row->cpu[round] = result->cpu_seconds / result->audio_seconds;
    for (int i = 0; i < 3; i++) {
        row->first[i][round] = 1e3 * load_percentile(&result->first_audio, PERCENTILES[i]);
        row->whole[i][round] = 1e3 * load_percentile(&result->completion, PERCENTILES[i]);
    }
    row->refused += result->refused;
    row->failed += result->failed;
    if (result->failed > 0)
        memcpy(row->failure, result->failure, sizeof row->failure);
}

static void print_row(const struct options *o, const char *texts, const char *load, const char *name,
                      const struct row *row, double ratio)
{
    int n = o->rounds;
    printf("| %s | %s | %s | %.2f | %.2f | %.3f | %.0f / %.0f / %.0f | %.0f / %.0f / %.0f | %zu / %zu | ",
           texts, load, name, median(row->audio, n), median(row->requests, n), median(row->cpu, n),
           median(row->first[0], n), median(row->first[1], n), median(row->first[2], n),
           median(row->whole[0], n), median(row->whole[1], n), median(row->whole[2], n), row->refused,
           row->failed);
    if (isnan(ratio))
        printf("|\n");
    else
        printf("%.2f |\n", ratio);
    fflush(stdout);
    if (row->failed > 0)
        fprintf(stderr, "bench_load: requests failed, one of them with: %s\n", row->failure);
}

static double median_ratio(const double *values, const double *base, int count)
{
    double ratios[MOST_ROUNDS];
    for (int i = 0; i < count; i++)
        ratios[i] = values[i] / base[i];
    return median(ratios, count);
}

/* Runs the rounds of one load on every variant and prints their rows. *requests is what the last variant got a second. */
static bool measure(const struct options *o, struct variant *variants, int count, const struct text_set *set,
                    int clients, double rate, double *requests)
{
    struct row rows[VARIANTS] = {{{0}}};
    for (int round = 0; round < o->rounds; round++)
        for (int v = 0; v < count; v++) {
            const struct load_plan plan = {.url = variants[v].url,
                                           .voice = o->voice,
                                           .speed = o->speed,
                                           .texts = set->texts,
                                           .text_count = set->count,
                                           .clients = clients,
                                           .rate = rate,
                                           .seconds = o->seconds,
                                           .seed = (uint64_t)round,
                                           .server = o->url != NULL ? NULL : &variants[v].server};
            struct load_result result;
            if (!load_run(&plan, &result))
                return false;
            note_round(&rows[v], round, &result);
            load_result_free(&result);
        }
    char load[64];
    if (rate > 0)
        snprintf(load, sizeof load, "%.2f/s arrive", rate);
    else
        snprintf(load, sizeof load, "%d", clients);
    for (int v = 0; v < count; v++)
        print_row(o, set->name, load, variants[v].name, &rows[v],
                  v == 0 && count > 1 ? median_ratio(rows[0].audio, rows[1].audio, o->rounds) : NAN);
    *requests = median(rows[count - 1].requests, o->rounds);
    return true;
}

static bool measure_all(const struct options *o, struct variant *variants, int count)
{
    printf("| texts | clients | batching | audio s/s | requests/s | CPU s/audio s | first audio, p50 / p95 / "
           "p99 ms | "
           "completion, p50 / p95 / p99 ms | refused / failed | times as fast |\n"
           "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for (int set = 0; set < TEXT_SETS; set++) {
        double requests = 0;
        if (!o->texts[set])
            continue;
        for (int i = 0; i < o->client_count; i++)
            if (!measure(o, variants, count, &text_sets[set], o->clients[i], 0, &requests))
                return false;
        double rate = o->rate >= 0 ? o->rate : OPEN_LOAD * requests;
        if (rate > 0 && !measure(o, variants, count, &text_sets[set], 1, rate, &requests))
            return false;
    }
    return true;
}

static bool start(const struct options *o, struct variant *variant, const char *batching)
{
    const char *settings[MOST_SETTINGS + 3] = {"cache.memory_bytes=0", batching};
    memcpy(settings + 2, o->settings, (size_t)o->setting_count * sizeof *settings);
    if (!load_server_start(&variant->server, o->program, settings))
        return false;
    variant->url = variant->server.url;
    return true;
}

int main(int argc, char **argv)
{
    struct options o;
    if (!read_options(argc, argv, &o))
        return 2;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
        fprintf(stderr, "bench_load: libcurl does not start\n");
        return 1;
    }
    struct variant variants[VARIANTS] = {{.name = "on"}, {.name = "off"}};
    bool good;
    if (o.url != NULL) {
        variants[0] = (struct variant){.name = "as it is", .url = o.url};
        good = measure_all(&o, variants, 1);
    } else {
        good = start(&o, &variants[0], "engine.batching=true") &&
               start(&o, &variants[1], "engine.batching=false") && measure_all(&o, variants, VARIANTS);
    }
    for (int v = 0; v < VARIANTS; v++)
        good = load_server_stop(&variants[v].server) && good;
    curl_global_cleanup();
    return good ? 0 : 1;
}
