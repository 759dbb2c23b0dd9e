/* golden.c: compares the engine with arrays that the reference implementation computed.
 *
 *   golden [--model FILE | --seeded TENSORS.tsv] [--isa SET] [--type TYPE] [--threads N] [--check] [--bf16] DIR ...
 *
 * For every golden folder it prints one JSON object: the name of each array to its signal-to-noise ratio in dB; for `audio`
 * the log-mel distance in dB of the whole pipeline's audio, and beside it `audio_snr`, the ratio of the samples. FILE is a model file, or a checkpoint, which is imported
 * first (with the config.json beside it) as TYPE, as the seeded tensors are; TYPE is f32 unless given.
 *
 * The engine runs twice. The first run is given the golden durations, f0 (for the excitation) and har (for what follows
 * it), so that every stage is compared on its own; "audio_snr" is from this run when the folder has har. The second runs
 * free: durations and the log-mel distance are from it.
 *
 * With --bf16 the fast products round their factors to bfloat16 on any machine, as the instruction sets that have it do.
 *
 * With --check the exit status is 1 when a comparison misses what docs/engine.md promises. */
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "compare.h"
#include "convert/import.h"
#include "kokoro/forward.h"
#include "seeded.h"

static const char *const STAGES[] = {"bert",
                                     "bert_encoder",
                                     "duration_encoder",
                                     "duration_logits",
                                     "f0",
                                     "energy",
                                     "text_encoder",
                                     "decoder_asr",
                                     "decoder_encode",
                                     "decoder_decode0",
                                     "decoder_decode3",
                                     "source",
                                     "har",
                                     "noise_res0",
                                     "ups0",
                                     "resblock0",
                                     "ups1",
                                     "conv_post"};
enum { STAGE_COUNT = sizeof STAGES / sizeof *STAGES, FIRST_EXCITATION = 11, FIRST_AFTER_HAR = 13 };

struct golden {
    const char *folder;
    struct golden_array ids, style, speed, durations, f0, har, audio;
    struct golden_array stages[STAGE_COUNT];
    double snr[STAGE_COUNT]; /* NaN: not compared */
    float *samples;          /* of the last run */
    size_t sample_count;
};

static void die(const lt_error *error)
{
    fprintf(stderr, "golden: %s\n", error->message);
    exit(2);
}

static void *allocate(size_t bytes)
{
    void *memory = malloc(bytes ? bytes : 1);
    if (!memory) {
        fprintf(stderr, "golden: out of memory\n");
        exit(2);
    }
    return memory;
}

/* ---- Goldens -------------------------------------------------------------------------------------- */

static void read_golden(struct golden *g, const char *folder)
{
    *g = (struct golden){.folder = folder};
    struct {
        const char *name;
        struct golden_array *array;
    } needed[] = {{"input_ids", &g->ids}, {"style", &g->style},         {"speed", &g->speed},
                  {"f0", &g->f0},         {"durations", &g->durations}, {"audio", &g->audio}};
    lt_error error;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (array_read(folder, needed[i].name, needed[i].array, &error) != LT_OK)
            die(&error);
    for (int i = 0; i < STAGE_COUNT; i++)
        if (array_read(folder, STAGES[i], &g->stages[i], &error) != LT_OK && error.status != LT_ERR_IO)
            die(&error);
    if (array_read(folder, "har", &g->har, &error) != LT_OK && error.status != LT_ERR_IO)
        die(&error);
}

static void free_golden(struct golden *g)
{
    struct golden_array *arrays[] = {&g->ids, &g->style, &g->speed, &g->durations,
                                     &g->f0,  &g->har,   &g->audio};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        array_free(arrays[i]);
    for (int i = 0; i < STAGE_COUNT; i++)
        array_free(&g->stages[i]);
    free(g->samples);
}

static float *floats(const struct golden_array *array)
{
    float *out = allocate(array->count * sizeof *out);
    for (size_t i = 0; i < array->count; i++)
        out[i] = (float)array->data[i];
    return out;
}

static int *ints(const struct golden_array *array)
{
    int *out = allocate(array->count * sizeof *out);
    for (size_t i = 0; i < array->count; i++)
        out[i] = (int)array->data[i];
    return out;
}

/* ---- Runs ----------------------------------------------------------------------------------------- */

static float golden_noise(long t, int h)
{
    return sqrtf(3) * (2 * seeded_uniform("golden.noise", (uint64_t)t * 9 + (uint64_t)h) - 1);
}

static void compare_stage(void *user, const char *name, const struct array *array)
{
    struct golden *g = user;
    for (int i = 0; i < STAGE_COUNT; i++) {
        if (strcmp(name, STAGES[i]) || !g->stages[i].data)
            continue;
        const size_t count = (size_t)array->rows * (size_t)array->channels;
        float *values = allocate(count * sizeof *values);
        for (int t = 0; t < array->rows; t++)
            for (int c = 0; c < array->channels; c++) {
                const size_t at = (size_t)t * (size_t)array->channels + (size_t)c;
                values[at] = array->type == VALUE_F32
                                 ? array_floats(array, t)[c]
                                 : value_from_f16(((const uint16_t *)array->data)[t * array->stride + c]);
            }
        g->snr[i] = snr_db(g->stages[i].data, g->stages[i].count, values, count);
        free(values);
    }
}

static bool keep_samples(void *user, const float *samples, size_t count)
{
    struct golden *g = user;
    g->samples = realloc(g->samples, (g->sample_count + count) * sizeof *samples + 1);
    if (!g->samples)
        return false;
    memcpy(g->samples + g->sample_count, samples, count * sizeof *samples);
    g->sample_count += count;
    return true;
}

/* One run; `fed` gives it the golden durations, f0 and har. *durations receives what it predicts. */
static void run(struct kokoro *kokoro, struct golden *g, bool fed, int *durations)
{
    int *ids = ints(&g->ids), *forced = ints(&g->durations);
    float *style = floats(&g->style), *f0 = floats(&g->f0), *har = floats(&g->har);
    struct kokoro_probe probe = {.stage = compare_stage, .user = g, .noise = golden_noise};
    if (fed) {
        probe.durations = forced;
        probe.f0 = f0;
        probe.f0_count = (int)g->f0.count;
        probe.har = g->har.data ? har : NULL;
        probe.har_rows = (int)g->har.rows;
    }
    struct kokoro_utterance utterance = {.ids = ids,
                                         .count = (int)g->ids.count,
                                         .style = style,
                                         .speed = (float)g->speed.data[0],
                                         .probe = &probe,
                                         .emit = keep_samples,
                                         .user = g,
                                         .durations = durations};
    for (int i = 0; i < STAGE_COUNT; i++)
        g->snr[i] = NAN;
    g->sample_count = 0;
    kokoro_speak(kokoro, &(struct kokoro_utterance *){&utterance}, 1);
    if (utterance.status != LT_OK)
        die(&utterance.error);
    free(ids);
    free(forced);
    free(style);
    free(f0);
    free(har);
}

/* ---- Verdicts ------------------------------------------------------------------------------------- */

struct verdict {
    json_t *result;         /* what is printed */
    json_t *reference;      /* float32_snr_db.json, or NULL */
    bool exact, q8, passed; /* what the model is: float32, or q8_0 */
};

static void require(struct verdict *v, const struct golden *g, const char *name, double value, double least)
{
    if (isfinite(value) && value >= least)
        return;
    fprintf(stderr, "golden: %s: %s is %.1f dB, less than %.1f\n", g->folder, name, value, least);
    v->passed = false;
}

static void put(struct verdict *v, const char *name, double value)
{
    json_object_set_new(v->result, name, isfinite(value) ? json_real(round(value * 100) / 100) : json_null());
}

/* A stage before the excitation: within 6 dB of the reference's own float32 run, or above 90. */
static double least_of(const struct verdict *v, const char *name)
{
    const json_t *reference = json_object_get(v->reference, name);
    const double db = json_is_number(reference) ? json_number_value(reference) - 6 : 90;
    return db < 90 ? db : 90;
}

/* What a stage of a model in float32 must reach. */
static double least_exact(const struct verdict *v, int stage)
{
    return stage < FIRST_EXCITATION ? least_of(v, STAGES[stage]) : stage < FIRST_AFTER_HAR ? 45 : 80;
}

/* The same of a q8_0 one, whatever its products are: pitch and energy, which enlarge errors. */
static double least_q8(int stage)
{
    return !strcmp(STAGES[stage], "f0") ? 40 : !strcmp(STAGES[stage], "energy") ? 25 : 0;
}

static void judge_stages(struct verdict *v, const struct golden *g)
{
    for (int i = 0; i < STAGE_COUNT; i++) {
        if (!g->stages[i].data)
            continue;
        put(v, STAGES[i], g->snr[i]);
        if ((v->exact || v->q8) && strcmp(STAGES[i], "har") != 0)
            require(v, g, STAGES[i], g->snr[i], v->exact ? least_exact(v, i) : least_q8(i));
    }
}

static void judge(struct verdict *v, struct kokoro *kokoro, struct golden *g)
{
    int *durations = allocate(g->ids.count * sizeof *durations);
    run(kokoro, g, true, durations);
    judge_stages(v, g);
    const double audio = snr_db(g->audio.data, g->audio.count, g->samples, g->sample_count);
    put(v, "audio_snr", audio);
    if (g->har.data && (v->exact || v->q8))
        require(v, g, "audio from the golden har", audio, v->exact ? 80 : 35);

    run(kokoro, g, false, durations);
    int different = 0;
    float *as_floats = allocate(g->ids.count * sizeof *as_floats);
    for (size_t i = 0; i < g->ids.count; i++) {
        different += durations[i] != (int)g->durations.data[i];
        as_floats[i] = (float)durations[i];
    }
    put(v, "durations", snr_db(g->durations.data, g->durations.count, as_floats, g->ids.count));
    json_object_set_new(v->result, "durations_different", json_integer(different));
    if (v->exact && different) {
        fprintf(stderr, "golden: %s: %d durations differ\n", g->folder, different);
        v->passed = false;
    }
    const double distance = log_mel_distance_db(g->audio.data, g->audio.count, g->samples, g->sample_count);
    put(v, "audio", distance);
    const double most = v->exact ? 3 : 6;
    if ((v->exact || v->q8) && !(distance <= most)) {
        fprintf(stderr, "golden: %s: log-mel distance %.2f dB, more than %.0f\n", g->folder, distance, most);
        v->passed = false;
    }
    free(durations);
    free(as_floats);
}

static bool compare_folder(struct kokoro *kokoro, const char *folder, bool exact, bool q8)
{
    struct golden golden;
    read_golden(&golden, folder);
    char path[4096];
    snprintf(path, sizeof path, "%s/float32_snr_db.json", folder);
    struct verdict v = {json_object(), json_load_file(path, 0, NULL), exact, q8, true};
    json_object_set_new(v.result, "folder", json_string(folder));
    judge(&v, kokoro, &golden);
    json_dumpf(v.result, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(5));
    printf("\n");
    fflush(stdout);
    json_decref(v.result);
    json_decref(v.reference);
    free_golden(&golden);
    return v.passed;
}

/* ---- bfloat16 anywhere ---------------------------------------------------------------------------- */

static struct products exact; /* what the rounding products call */

static void round_floats(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = value_from_bf16(value_to_bf16(values[i]));
}

static void rounding_prologue(const struct prologue *p)
{
    exact.prologue(p);
    for (int t = 0; t < p->rows; t++)
        round_floats((float *)p->out + t * p->out_stride, (size_t)p->padded);
}

static void rounding_expand(const struct expand *e)
{
    exact.expand(e);
    round_floats(e->panels, panel_bytes(&exact, e->columns, e->taps, e->k) / sizeof(float));
}

static void rounding_expand_rows(const struct expand_rows *e)
{
    exact.expand_rows(e);
    round_floats(e->panels, panel_bytes(&exact, e->columns, 1, e->k) / sizeof(float));
}

/* Products of numbers that are rounded so have no further error in float32, so this is what such instructions do. */
static void round_products(struct kokoro *kokoro)
{
    exact = kokoro->nn.kernels.exact;
    kokoro->nn.kernels.fast = exact;
    kokoro->nn.kernels.fast.prologue = rounding_prologue;
    kokoro->nn.kernels.fast.expand = rounding_expand;
    kokoro->nn.kernels.fast.expand_rows = rounding_expand_rows;
}

/* ---- The model ------------------------------------------------------------------------------------ */

/* Imports into a temporary file, which is gone again once it is open. */
static struct model *import(const char *checkpoint, struct checkpoint *opened, enum gguf_type type)
{
    char folder[] = "/tmp/golden-XXXXXX", path[64], config[4096];
    if (!mkdtemp(folder)) {
        perror("golden: mkdtemp");
        exit(2);
    }
    snprintf(path, sizeof path, "%s/model.gguf", folder);
    const char *slash = strrchr(checkpoint, '/');
    snprintf(config, sizeof config, "%.*sconfig.json", slash ? (int)(slash + 1 - checkpoint) : 0, checkpoint);
    lt_error error;
    struct model *model = NULL;
    lt_status status =
        import_model(&(struct import_options){.checkpoint = checkpoint,
                                              .opened = opened,
                                              .config = !opened && access(config, R_OK) == 0 ? config : NULL,
                                              .output = path,
                                              .type = type},
                     &error);
    if (status == LT_OK)
        status = model_open(path, &model, &error);
    unlink(path);
    rmdir(folder);
    if (status != LT_OK)
        die(&error);
    return model;
}

static bool has_ending(const char *text, const char *ending)
{
    const size_t n = strlen(text), m = strlen(ending);
    return n >= m && !strcmp(text + n - m, ending);
}

static enum gguf_type parse_type(const char *name)
{
    static const enum gguf_type types[] = {GGUF_F32, GGUF_F16, GGUF_Q8_0, GGUF_Q4_0};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(name, gguf_type_name(types[i])))
            return types[i];
    fprintf(stderr, "golden: no type '%s': f32, f16, q8_0 or q4_0\n", name);
    exit(2);
}

static struct model *open_model(const char *file, const char *seeded, enum gguf_type type)
{
    lt_error error;
    struct model *model;
    struct checkpoint *checkpoint;
    if (seeded) {
        if (seeded_open(seeded, &checkpoint, &error) != LT_OK)
            die(&error);
        return import(seeded, checkpoint, type);
    }
    if (!has_ending(file, ".gguf"))
        return import(file, NULL, type);
    if (model_open(file, &model, &error) != LT_OK)
        die(&error);
    return model;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"model", required_argument, NULL, 'm'},   {"seeded", required_argument, NULL, 's'},
        {"isa", required_argument, NULL, 'i'},     {"type", required_argument, NULL, 't'},
        {"threads", required_argument, NULL, 'n'}, {"check", no_argument, NULL, 'c'},
        {"bf16", no_argument, NULL, 'b'},          {0}};
    const char *file = NULL, *seeded = NULL;
    enum gguf_type type = GGUF_F32;
    struct kokoro_options settings = {.threads = 1, .isa = ISA_COUNT};
    bool check = false, bf16 = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'm')
            file = optarg;
        else if (option == 's')
            seeded = optarg;
        else if (option == 't')
            type = parse_type(optarg);
        else if (option == 'n')
            settings.threads = atoi(optarg);
        else if (option == 'c')
            check = true;
        else if (option == 'b')
            bf16 = true;
        else if (option != 'i' || !isa_parse(optarg, &settings.isa))
            return fprintf(stderr, "golden: unknown option or instruction set\n"), 2;
    }
    if (!file == !seeded || optind == argc)
        return fprintf(stderr,
                       "usage: golden [--model FILE | --seeded TENSORS.tsv] [--isa SET] [--type TYPE] "
                       "[--threads N] [--check] [--bf16] DIR ...\n"),
               2;
    struct model *model = open_model(file, seeded, type);
    struct kokoro *kokoro;
    lt_error error;
    if (kokoro_open(model, &settings, &kokoro, &error) != LT_OK)
        die(&error);
    if (bf16)
        round_products(kokoro);
    bool passed = true;
    for (int i = optind; i < argc; i++)
        passed &= compare_folder(kokoro, argv[i], model->type == GGUF_F32, model->type == GGUF_Q8_0);
    kokoro_close(kokoro);
    model_close(model);
    return check && !passed ? 1 : 0;
}
