/* trial.h: speaking the same made-up phonemes again and again, for `litetts bench` and `litetts tune`. */
#ifndef CLI_TRIAL_H
#define CLI_TRIAL_H

#include "base/error.h"
#include "kokoro/kokoro.h"

/* What is spoken. */
struct trial {
    int *ids, count; /* with the 0 at each end */
    float *style;    /* [2 * model->style] */
    float speed;
};

/* Opens the model file that the settings name, or the one in the data folder. *model is the caller's, to be
 * closed with model_close; NULL when none is named and none is installed. Errors: LT_ERR_IO, LT_ERR_MODEL,
 * LT_ERR_MEMORY. */
lt_status trial_open_model(const lt_config *config, struct model **model, lt_error *error);

/* Makes up `tokens` phonemes and a style, the same ones every time. *trial is the caller's, to be freed with
 * trial_free, also after an error. Errors: LT_ERR_MEMORY. */
lt_status trial_make(const struct model *model, int tokens, struct trial *trial, lt_error *error);

/* The same from the arrays input_ids.npy, style.npy and speed.npy of a folder. Errors: LT_ERR_IO,
 * LT_ERR_ARGUMENT, LT_ERR_MEMORY. */
lt_status trial_read(const struct model *model, const char *folder, struct trial *trial, lt_error *error);

void trial_free(struct trial *trial);

/* Speaks it `batch` times (1 to KOKORO_MAX_BATCH) at once; *samples (may be NULL) is the length of one.
 * Errors: those of kokoro_speak. */
lt_status trial_speak(const struct trial *trial, struct kokoro *kokoro, int batch, size_t *samples,
                      lt_error *error);

/* The middle of some measurements, and of each half of them. */
struct quartiles {
    double lower, median, upper;
};

/* Sorts values[0 .. count), count >= 1. Between two values the quartiles are interpolated. */
struct quartiles trial_quartiles(double *values, int count);

/* Half the width of the interval in which the median of such measurements lies: intervals that do not overlap
 * differ with about 95 % certainty. 1.57 (upper - lower) / sqrt(count): McGill, Tukey, Larsen, "Variations of
 * Box Plots", 1978. */
double trial_uncertainty(struct quartiles quartiles, int count);

#endif
