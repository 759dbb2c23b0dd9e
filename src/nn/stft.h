/* stft.h: the short-time Fourier transform and its inverse, as the network has them (torch.stft and torch.istft with a
 * periodic Hann window as long as the transform, center and, forward, reflected edges).
 *
 * The transforms are short (20 points, every 5 samples), so each is a product with a table: of overlapping rows of
 * the signal forward, of rows of the spectrum backward. */
#ifndef NN_STFT_H
#define NN_STFT_H

#include "nn/layers.h"

struct stft {
    int n_fft, hop, bins; /* bins = n_fft / 2 + 1 */
    float *forward;       /* owned; [2 * bins][padded n_fft]: the window times cosines, then times -sines */
    float *inverse;       /* in the same memory; [n_fft][padded 2 * bins] */
};

/* Makes the tables. n_fft is even and a multiple of hop. Errors: LT_ERR_MEMORY. */
lt_status stft_open(struct stft *stft, int n_fft, int hop, lt_error *error);
void stft_close(struct stft *stft);

/* spectrum[count / hop + 1][2 * bins] = magnitudes, then angles, of `count` samples (a multiple of hop, more than
 * n_fft / 2). */
void stft_forward(struct nn *nn, const struct stft *stft, const float *samples, int count,
                  const struct array *spectrum);

/* samples[(rows - 1) * hop] from spectrum[rows][2 * bins] (float32): logarithms of magnitudes, and then what
 * the sine of is the angle: the network's last activation. */
void stft_inverse(struct nn *nn, const struct stft *stft, const struct array *spectrum, float *samples);

#endif
