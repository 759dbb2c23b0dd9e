/* trial.c: made-up speech, and the statistics of how long it took. */
#include "cli/trial.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/config.h"
#include "base/file.h"
#include "convert/npy.h"

lt_status trial_open_model(const lt_config *config, struct model **model, lt_error *error)
{
    struct str path = {0};
    const char *named = config_string(config, CONFIG_engine_model);
    *model = NULL;
    file_model(named, config_string(config, CONFIG_engine_data_folder), &path);
    lt_status status = path.failed ? error_memory(error, "a path") : LT_OK;
    if (status == LT_OK && (named[0] != '\0' || access(path.data, F_OK) == 0))
        status = model_open(path.data, model, error);
    str_free(&path);
    return status;
}

/* ---- Input ---------------------------------------------------------------------------------------- */

/* The same numbers as those of the benchmark of ONNX Runtime. */
lt_status trial_make(const struct model *model, int tokens, struct trial *trial, lt_error *error)
{
    const int width = 2 * model->style;
    *trial = (struct trial){.count = tokens + 2, .speed = 1};
    trial->ids = calloc((size_t)trial->count, sizeof *trial->ids);
    trial->style = calloc((size_t)width, sizeof *trial->style);
    if (!trial->ids || !trial->style)
        return error_memory(error, "the input");
    for (int i = 1; i <= tokens; i++)
        trial->ids[i] = 1 + (int)((uint32_t)i * 2654435761u % 168);
    for (int i = 0; i < width; i++)
        trial->style[i] = (float)(sin(i * 12.9898) * 0.4);
    return LT_OK;
}

/* Reads `folder`/`name`.npy as float32, *values the caller's. */
static lt_status read_array(const char *folder, const char *name, float **values, size_t *count,
                            lt_error *error)
{
    struct str path = {0}, file = {0};
    str_printf(&path, "%s/%s.npy", folder, name);
    struct npy npy;
    lt_status status =
        path.failed ? error_memory(error, "a path") : file_read(path.data, 1 << 24, &file, error);
    if (status == LT_OK)
        status = npy_read((const unsigned char *)file.data, file.length, path.data, &npy, error);
    if (status == LT_OK) {
        *count = (size_t)npy.elements;
        *values = malloc(*count * sizeof **values);
        if (*values)
            element_decode(npy.type, npy.data, *count, *values);
        else
            status = error_memory(error, "the input");
    }
    str_free(&path);
    str_free(&file);
    return status;
}

lt_status trial_read(const struct model *model, const char *folder, struct trial *trial, lt_error *error)
{
    float *ids = NULL, *speed = NULL;
    size_t count = 0, style = 0, one = 0;
    *trial = (struct trial){0};
    lt_status status = read_array(folder, "input_ids", &ids, &count, error);
    if (status == LT_OK)
        status = read_array(folder, "style", &trial->style, &style, error);
    if (status == LT_OK)
        status = read_array(folder, "speed", &speed, &one, error);
    if (status == LT_OK && (style != 2 * (size_t)model->style || one != 1 || count > 4096))
        status = error_set(error, LT_ERR_ARGUMENT, "'%s' does not fit the model", folder);
    if (status == LT_OK && !(trial->ids = calloc(count + 1, sizeof *trial->ids)))
        status = error_memory(error, "the input");
    if (status == LT_OK) {
        trial->count = (int)count;
        trial->speed = *speed;
        for (size_t i = 0; i < count; i++)
            trial->ids[i] = ids[i] >= 0 && ids[i] < 1e6f ? (int)ids[i] : -1; /* which the model refuses */
    }
    free(ids);
    free(speed);
    return status;
}

void trial_free(struct trial *trial)
{
    free(trial->ids);
    free(trial->style);
    *trial = (struct trial){0};
}

/* ---- Speaking ------------------------------------------------------------------------------------- */

static bool count_samples(void *user, const float *samples, size_t count)
{
    (void)samples;
    *(size_t *)user += count;
    return true;
}

lt_status trial_speak(const struct trial *trial, struct kokoro *kokoro, int batch, size_t *samples,
                      lt_error *error)
{
    struct kokoro_utterance utterances[KOKORO_MAX_BATCH], *all[KOKORO_MAX_BATCH];
    size_t made[KOKORO_MAX_BATCH] = {0};
    for (int i = 0; i < batch; i++) {
        utterances[i] = (struct kokoro_utterance){.ids = trial->ids,
                                                  .count = trial->count,
                                                  .style = trial->style,
                                                  .speed = trial->speed,
                                                  .seed = (uint64_t)i,
                                                  .emit = count_samples,
                                                  .user = &made[i]};
        all[i] = &utterances[i];
    }
    kokoro_speak(kokoro, all, batch);
    if (samples)
        *samples = made[0];
    for (int i = 0; i < batch; i++)
        if (utterances[i].status != LT_OK)
            return error_set(error, utterances[i].status, "%s", utterances[i].error.message);
    return LT_OK;
}

/* ---- Statistics ----------------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value below which `share` of the sorted values lie. */
static double quantile(const double *sorted, int count, double share)
{
    const double at = share * (count - 1);
    const int below = (int)at, above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

struct quartiles trial_quartiles(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    return (struct quartiles){quantile(values, count, 0.25), quantile(values, count, 0.5),
                              quantile(values, count, 0.75)};
}

double trial_uncertainty(struct quartiles quartiles, int count)
{
    return 1.57 * (quartiles.upper - quartiles.lower) / sqrt(count);
}
