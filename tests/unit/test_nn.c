/* test_nn.c: layers against the same thing computed plainly in double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/layers.h"
#include "nn/stft.h"

static struct nn nn;

static int open_nn(void **state)
{
    (void)state;
    kernels_get(&nn.kernels, ISA_COUNT);
    nn.products = &nn.kernels.exact;
    return threads_create(3, false, &nn.threads, NULL) == LT_OK &&
                   arena_reserve(&nn.arena, (size_t)256 << 20, NULL) == LT_OK
               ? 0
               : -1;
}

static int close_nn(void **state)
{
    (void)state;
    threads_destroy(nn.threads);
    arena_free(&nn.arena);
    return 0;
}

static uint64_t random_state = 1;

static float random_float(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(random_state >> 32) * 0x1p-31f;
}

static int random_int(int least, int most)
{
    return least + (int)(((double)random_float() + 1) / 2 * (most - least + 0.999));
}

static float *random_floats(size_t count)
{
    float *values = arena_take(&nn.arena, count * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        values[i] = random_float();
    return values;
}

/* A layer with everything, on a batch of `spans` utterances, or on one and without spans (`whole`). */
struct shape {
    int in, out, taps, stride, dilation, padding, spans;
    int in_begin[4], out_begin[4];
    bool whole, norm, residual, addend, moments;
};

static double plain_value(const struct shape *s, const struct layer *layer, int span, int t, int n)
{
    const int begin = s->in_begin[span], rows = s->in_begin[span + 1] - begin;
    const float *weights = layer->weight->data;
    double sum = layer->weight->bias ? (double)layer->weight->bias[n] : 0;
    for (int j = 0; j < s->taps; j++) {
        const int row = t * s->stride - s->padding + j * s->dilation;
        if (row < 0 || row >= rows)
            continue;
        for (int c = 0; c < s->in; c++) {
            double x = (double)array_floats(&layer->in, begin + row)[c];
            if (s->norm)
                x = x * (double)layer->scale[span * s->in + c] + (double)layer->shift[span * s->in + c];
            x = x < 0 ? x * 0.1 : x;
            sum += x * (double)weights[((ptrdiff_t)n * s->taps + j) * layer->weight->in + c];
        }
    }
    const int row = s->out_begin[span] + t;
    if (layer->residual)
        sum += (double)array_floats(layer->residual, row)[n];
    sum *= (double)layer->factor;
    if (layer->addend)
        sum += (double)array_floats(layer->addend, row)[n];
    return sum;
}

static void check_layer(const struct shape *s)
{
    const size_t mark = nn.arena.used;
    const int padded = kernels_padded(s->in), rows = s->out_begin[s->spans];
    float *weights = random_floats((size_t)(s->out * s->taps * padded));
    for (int i = 0; i < s->out * s->taps; i++)
        memset(weights + (ptrdiff_t)i * padded + s->in, 0, (size_t)(padded - s->in) * sizeof *weights);
    const struct weight weight = {.data = weights,
                                  .out = s->out,
                                  .taps = s->taps,
                                  .in = padded,
                                  .row_bytes = (size_t)(s->taps * padded) * sizeof(float),
                                  .bias = random_floats((size_t)s->out)};
    const struct array in = {random_floats((size_t)(s->in_begin[s->spans] * s->in)), VALUE_F32,
                             s->in_begin[s->spans], s->in, s->in};
    struct array out = nn_array(&nn, VALUE_F32, rows, s->out), residual = out, addend = out;
    residual.data = random_floats((size_t)(rows * s->out));
    addend.data = random_floats((size_t)(rows * s->out));
    struct moments *moments = arena_take(&nn.arena, (size_t)(s->spans * s->out) * sizeof *moments);
    struct layer layer = {.weight = &weight,
                          .in = in,
                          .out = out,
                          .in_spans = {s->spans, s->in_begin},
                          .out_spans = {s->spans, s->out_begin},
                          .stride = s->stride,
                          .dilation = s->dilation,
                          .padding = s->padding,
                          .before = ACTIVATION_LEAKY,
                          .before_slope = 0.1f,
                          .residual = s->residual ? &residual : NULL,
                          .addend = s->addend ? &addend : NULL,
                          .factor = 0.7f,
                          .moments = s->moments ? moments : NULL};
    if (s->whole)
        layer.in_spans = layer.out_spans = (struct spans){0};
    if (s->norm) {
        layer.scale = random_floats((size_t)(s->spans * s->in));
        layer.shift = random_floats((size_t)(s->spans * s->in));
    }
    nn_layer(&nn, &layer);
    assert_false(nn.arena.overflow);
    for (int span = 0; span < s->spans; span++)
        for (int n = 0; n < s->out; n += 7) {
            double sum = 0, squares = 0;
            for (int t = 0; t < s->out_begin[span + 1] - s->out_begin[span]; t++) {
                const double value = (double)array_floats(&out, s->out_begin[span] + t)[n];
                sum += value;
                squares += value * value;
                if (t % 13 == 0 || t < 3)
                    assert_true(fabs(value - plain_value(s, &layer, span, t, n)) < 1e-3);
            }
            if (s->moments) {
                const struct moments *m = &moments[span * s->out + n];
                assert_true(fabs(m->sum - sum) < 1e-4 * (1 + squares));
                assert_true(fabs(m->squares - squares) < 1e-4 * (1 + squares));
            }
        }
    arena_release(&nn.arena, mark);
}

/* Few and many rows, small and large weights, so that both ways of cutting are met. */
static void layers_equal_plain_convolutions(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        /* every third is one utterance without spans, as the generator's layers are: a fast convolution where it is long */
        struct shape s = {.whole = i % 3 == 0,
                          .in = random_int(1, 70),
                          .out = random_int(1, i % 4 == 3 && i % 3 ? 700 : 90),
                          .taps = random_int(1, i % 3 == 0 ? 13 : 5),
                          .stride = i % 3 == 0 ? 1 : random_int(1, 3),
                          .dilation = random_int(1, i % 3 == 0 ? 5 : 3),
                          .spans = i % 3 == 0 ? 1 : random_int(1, 3),
                          .norm = i & 1,
                          .residual = i & 2,
                          .addend = i & 4,
                          .moments = i & 8};
        s.padding = random_int(0, s.taps * s.dilation);
        for (int span = 0; span < s.spans; span++) {
            const int rows = i % 3 == 0   ? random_int(300, 2100)
                             : i % 5 == 4 ? random_int(1, 1400)
                                          : random_int(1, 60);
            s.in_begin[span + 1] = s.in_begin[span] + rows;
            s.out_begin[span + 1] = s.out_begin[span] + (rows + s.stride - 1) / s.stride;
        }
        check_layer(&s);
    }
}

static void adaptive_norm_normalizes(void **state)
{
    (void)state;
    const size_t mark = nn.arena.used;
    enum { ROWS = 1200, CHANNELS = 5 };
    struct array x = nn_array(&nn, VALUE_F32, ROWS, CHANNELS);
    for (int i = 0; i < ROWS * CHANNELS; i++)
        ((float *)x.data)[i] =
            100 + (float)(i % CHANNELS + 1) * random_float(); /* a mean far above the deviation */
    struct moments moments[CHANNELS];
    nn_moments(&nn, &x, NULL, (struct spans){0}, moments);
    const float style[2 * CHANNELS] = {0, 1, -0.5f, 2, 0, 0, 1, 2, 3, 4};
    float scale[CHANNELS], shift[CHANNELS];
    nn_adain(moments, ROWS, style, CHANNELS, scale, shift);
    for (int c = 0; c < CHANNELS; c++) {
        double sum = 0, squares = 0;
        for (int t = 0; t < ROWS; t++) {
            const double value = (double)array_floats(&x, t)[c] * (double)scale[c] + (double)shift[c];
            sum += value;
            squares += value * value;
        }
        const double mean = sum / ROWS, deviation = sqrt(squares / ROWS - mean * mean);
        assert_true(fabs(mean - (double)style[CHANNELS + c]) < 2e-2);
        assert_true(fabs(deviation - 1 - (double)style[c]) < 2e-2);
    }
    arena_release(&nn.arena, mark);
}

/* ---- LSTM ----------------------------------------------------------------------------------------- */

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

enum { LSTM_IN = 40, LSTM_HIDDEN = 24 };

static void plain_lstm(const struct lstm *lstm, const struct array *in, int begin, int end, int direction,
                       double *out)
{
    double h[LSTM_HIDDEN] = {0}, c[LSTM_HIDDEN] = {0}, gates[4 * LSTM_HIDDEN];
    const float *wi = lstm->input[direction].data, *wh = lstm->recurrent[direction].data;
    for (int step = 0; step < end - begin; step++) {
        const int t = direction ? end - 1 - step : begin + step;
        for (int g = 0; g < 4 * LSTM_HIDDEN; g++) {
            gates[g] = (double)lstm->input[direction].bias[g];
            for (int i = 0; i < LSTM_IN; i++)
                gates[g] += (double)wi[g * lstm->input[0].in + i] * (double)array_floats(in, t)[i];
            for (int i = 0; i < LSTM_HIDDEN; i++)
                gates[g] += (double)wh[g * lstm->recurrent[0].in + i] * h[i];
        }
        for (int i = 0; i < LSTM_HIDDEN; i++) {
            c[i] =
                sigmoid(gates[LSTM_HIDDEN + i]) * c[i] + sigmoid(gates[i]) * tanh(gates[2 * LSTM_HIDDEN + i]);
            h[i] = sigmoid(gates[3 * LSTM_HIDDEN + i]) * tanh(c[i]);
            out[(ptrdiff_t)t * 2 * LSTM_HIDDEN + direction * LSTM_HIDDEN + i] = h[i];
        }
    }
}

static struct weight lstm_weight(int in)
{
    const int padded = kernels_padded(in);
    float *values = random_floats((size_t)(4 * LSTM_HIDDEN * padded));
    for (int i = 0; i < 4 * LSTM_HIDDEN; i++)
        memset(values + (ptrdiff_t)i * padded + in, 0, (size_t)(padded - in) * sizeof *values);
    return (struct weight){.data = values,
                           .out = 4 * LSTM_HIDDEN,
                           .taps = 1,
                           .in = padded,
                           .row_bytes = (size_t)padded * sizeof(float),
                           .bias = random_floats(4 * LSTM_HIDDEN)};
}

static void lstm_equals_a_plain_one(void **state)
{
    (void)state;
    const size_t mark = nn.arena.used;
    static const int begin[] = {0, 1, 18, 40};
    struct lstm lstm = {.hidden = LSTM_HIDDEN};
    for (int i = 0; i < 2; i++) {
        lstm.input[i] = lstm_weight(LSTM_IN);
        lstm.recurrent[i] = lstm_weight(LSTM_HIDDEN);
    }
    const struct array in = {random_floats(40 * LSTM_IN), VALUE_F32, 40, LSTM_IN, LSTM_IN};
    const struct array out = nn_array(&nn, VALUE_F32, 40, 2 * LSTM_HIDDEN);
    nn_lstm(&nn, &lstm, NULL, &in, &out, (struct spans){3, begin});
    double plain[40 * 2 * LSTM_HIDDEN];
    for (int i = 0; i < 6; i++)
        plain_lstm(&lstm, &in, begin[i / 2], begin[i / 2 + 1], i % 2, plain);
    for (int i = 0; i < 40 * 2 * LSTM_HIDDEN; i++)
        assert_true(fabs((double)((float *)out.data)[i] - plain[i]) < 1e-4);
    arena_release(&nn.arena, mark);
}

/* ---- Attention, transforms ------------------------------------------------------------------------ */

static void attention_equals_a_plain_one(void **state)
{
    (void)state;
    const size_t mark = nn.arena.used;
    enum { HEADS = 3, WIDTH = 12, ROWS = 50, ALL = HEADS * WIDTH };
    static const int begin[] = {0, 37, ROWS};
    const struct array qkv = {random_floats(ROWS * 3 * ALL), VALUE_F32, ROWS, 3 * ALL, 3 * ALL};
    const struct array out = nn_array(&nn, VALUE_F32, ROWS, ALL);
    nn_attention(&nn, nn.products, &qkv, &out, (struct spans){2, begin}, HEADS);
    for (int span = 0; span < 2; span++)
        for (int t = begin[span]; t < begin[span + 1]; t++)
            for (int head = 0; head < HEADS; head++) {
                double weights[ROWS], sum = 0;
                for (int u = begin[span]; u < begin[span + 1]; u++) {
                    double dot = 0;
                    for (int c = 0; c < WIDTH; c++)
                        dot += (double)array_floats(&qkv, t)[head * WIDTH + c] *
                               (double)array_floats(&qkv, u)[ALL + head * WIDTH + c];
                    sum += weights[u] = exp(dot / sqrt(WIDTH));
                }
                for (int c = 0; c < WIDTH; c++) {
                    double value = 0;
                    for (int u = begin[span]; u < begin[span + 1]; u++)
                        value += weights[u] / sum * (double)array_floats(&qkv, u)[2 * ALL + head * WIDTH + c];
                    assert_true(fabs((double)array_floats(&out, t)[head * WIDTH + c] - value) < 1e-5);
                }
            }
    arena_release(&nn.arena, mark);
}

/* Both directions against their definitions. */
static void transforms_equal_their_definitions(void **state)
{
    (void)state;
    const size_t mark = nn.arena.used;
    struct stft stft;
    assert_int_equal(stft_open(&stft, 20, 5, NULL), LT_OK);
    enum { COUNT = 5 * 1500 };
    float *samples = random_floats(COUNT), *again = random_floats(COUNT);
    const struct array spectrum = nn_array(&nn, VALUE_F32, COUNT / 5 + 1, 22);
    stft_forward(&nn, &stft, samples, COUNT, &spectrum);
    for (int t = 0; t < spectrum.rows; t++)
        for (int b = 0; b < 11; b++) {
            float *row = array_floats(&spectrum, t), angle = row[11 + b];
            double re = 0, im = 0; /* the transform, plainly, with reflected edges */
            for (int k = 0; k < 20; k++) {
                int n = 5 * t + k - 10;
                n = n < 0 ? -n : n >= COUNT ? 2 * (COUNT - 1) - n : n;
                const double x = (double)samples[n] * (0.5 - 0.5 * cos(2 * 3.14159265358979 * k / 20));
                re += x * cos(2 * 3.14159265358979 * k * b / 20);
                im -= x * sin(2 * 3.14159265358979 * k * b / 20);
            }
            assert_true(fabs((double)row[b] * cos((double)angle) - re) < 2e-5);
            assert_true(fabs((double)row[b] * sin((double)angle) - im) < 2e-5);
            /* for the way back: logarithms, and angle 0 everywhere */
            row[b] = logf(row[b] + 1e-9f);
            row[11 + b] = 0;
        }
    /* with all angles 0 the frames are even; what comes back must be what adding them up plainly gives */
    stft_inverse(&nn, &stft, &spectrum, again);
    for (int n = 0; n < COUNT; n += n < 40 || n > COUNT - 40 ? 1 : 17) {
        double sum = 0, envelope = 0;
        for (int t = 0; t < spectrum.rows; t++) {
            const int k = n + 10 - 5 * t;
            if (k < 0 || k >= 20)
                continue;
            const double window = 0.5 - 0.5 * cos(2 * 3.14159265358979 * k / 20);
            double x = 0;
            for (int b = 0; b < 11; b++)
                x += exp((double)array_floats(&spectrum, t)[b]) * cos(2 * 3.14159265358979 * k * b / 20) *
                     (b % 10 ? 2 : 1) / 20;
            sum += window * x;
            envelope += window * window;
        }
        assert_true(fabs((double)again[n] - sum / envelope) < 1e-4);
    }
    stft_close(&stft);
    arena_release(&nn.arena, mark);
}

static void a_full_arena_is_noticed(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_int_equal(arena_reserve(&arena, 1 << 20, NULL), LT_OK);
    assert_non_null(arena_take(&arena, 1000));
    assert_null(arena_take(&arena, 1 << 20));
    assert_null(arena_take(&arena, SIZE_MAX));
    assert_true(arena.overflow);
    arena_release(&arena, 0);
    arena_trim(&arena, 0);
    assert_false(arena.overflow);
    assert_non_null(arena_take(&arena, 1 << 20));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_equal_plain_convolutions),
        cmocka_unit_test(adaptive_norm_normalizes),
        cmocka_unit_test(lstm_equals_a_plain_one),
        cmocka_unit_test(attention_equals_a_plain_one),
        cmocka_unit_test(transforms_equal_their_definitions),
        cmocka_unit_test(a_full_arena_is_noticed),
    };
    return cmocka_run_group_tests(tests, open_nn, close_nn);
}
