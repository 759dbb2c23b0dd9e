/* check.h: what the checks share: random numbers, guarded buffers, and reports. */
#ifndef CHECKKERNELS_CHECK_H
#define CHECKKERNELS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

/* Multiply-adds a second (times two) that one thread of a set reaches without touching memory, measured for
 * about a tenth of a second: peak_avx2 and so on; `fast` asks for the set's bfloat16 products. */
typedef double peak_function(void);

/* One set under test: its table, and the names that reports use. */
struct set {
    const char *name; /* "avx512", "amx (model)" */
    struct kernels kernels;
    struct kernels portable;
    peak_function *exact_peak, *fast_peak; /* NULL: none */
};

/* Random numbers (SplitMix64), seeded for each check anew, so that a failure repeats with --seed. */
void random_seed(uint64_t seed);
uint64_t random_bits(void);
int random_between(int least, int most); /* both included */
float random_float(float least, float most);

/* `count` values, mostly in [-scale, scale], some 0, denormal, or exact powers of two. */
void random_fill(float *out, size_t count, float scale);

/* A buffer of `bytes` bytes at an address that is `misalign` bytes (a multiple of the element size, below 64)
 * off 64 byte alignment where possible, with guard bytes on both sides and, for reads, an unreadable page
 * after its end. Lives until buffers_release(). Filled with guard bytes. */
void *buffer(size_t bytes, size_t align);

/* Whether all guards of all buffers are untouched; reports those that are not. */
bool buffers_intact(void);
void buffers_release(void);

/* Reporting: check_begin names what runs now (also for a crash), check_fail counts and prints a failure. */
bool check_begin(const struct set *set, const char *kernel);
void check_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* |got - expected| <= tolerance, both NaN, or the same infinity. */
bool close_to(double got, double expected, double tolerance);

void check_products(const struct set *set);
void check_winograd(const struct set *set, const struct products *p, const char *way);
void check_rows(const struct set *set);
void bench_products(const struct set *set);
void bench_rows(const struct set *set);

/* The element of a panel for column n, tap, channel c, as float (see "Panels" in kernels.h). */
float panel_element(const struct products *p, const void *panels, int taps, int k, int n, int tap, int c);
/* What its whole numbers are multiples of; 0 for other types. */
float panel_scale(const struct products *p, const void *panels, int taps, int k, int n);

/* Of check_products.c, for the checks of fast convolutions. One check of some products against the portable ones; and so many
 * `rounds` of it, each with buffers of its own, reported as "set.way.kernel". */
typedef void products_check(const struct products *p, const struct products *portable);
void check_rounds(const struct set *set, const struct products *p, const char *way, const char *kernel,
                  products_check *once, int rounds);

/* Of a packed row of k channels at `row`: the scale (1 when it has none), and a channel's value; what rounding to whole
 * numbers of such a scale may change; and the least alignment of packed rows and panels. */
float packed_scale(const struct products *p, const void *row, int k);
float packed_element(const struct products *p, const void *row, int k, int c);
double whole_step(const struct products *p, float scale);
size_t packed_align(const struct products *p);

/* A buffer of `count` random values in a storage type, or random weights of any type. */
void *random_values(enum value_type type, size_t count, float scale);
void *random_weights(enum value_type type, size_t count);

/* Reports a column of whole numbers whose sums could overflow. */
void check_panel_sums(const struct products *p, const void *panels, int taps, int k, int n);

#endif
