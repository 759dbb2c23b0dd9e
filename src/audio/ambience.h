/* ambience.h: background sounds made on the spot: rain, wind, a coffee shop, an office, a garden.
 *
 * No recordings: each is filtered noise and struck resonators, driven by random numbers of its own, so that
 * the same seed gives the same samples, however they are asked for. Constant memory, no allocation, well
 * below a hundredth of real time. */
#ifndef AUDIO_AMBIENCE_H
#define AUDIO_AMBIENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ambience_kind {
    AMBIENCE_RAIN,        /* steady hiss and single drops */
    AMBIENCE_WIND,        /* low noise that swells and howls a little */
    AMBIENCE_COFFEE_SHOP, /* talk that cannot be understood, now and then a cup */
    AMBIENCE_OFFICE,      /* ventilation, mains hum, typing */
    AMBIENCE_NATURE,      /* leaves and birds */
    AMBIENCE_KINDS
};

enum { AMBIENCE_PINGS = 12, AMBIENCE_TALKERS = 5, AMBIENCE_FILTERS = 2 };

/* A state-variable filter (A. Simper, "Linear Trapezoidal Integrated SVF", 2013). */
struct ambience_filter {
    float a1, a2, a3, k;
    float s1, s2;
};

/* A struck resonator: a sine that dies away. */
struct ambience_ping {
    float b1, b2, y1, y2;
    int left; /* samples until it has died away */
};

/* A bird's or a talker's voice: an oscillator that glides from syllable to syllable. */
struct ambience_voice {
    float phase, step, glide; /* cycles, cycles a sample, and how much the step grows a sample */
    float loud, target;
    int left;      /* samples of the syllable or the gap */
    int syllables; /* still to come in this phrase */
    struct ambience_filter formants[2];
};

/* One kind of sound and how loud it is at present. */
struct ambience_layer {
    uint64_t random;
    float gain, target, step; /* factor, what it moves to, and by how much a sample */
    uint32_t position;        /* samples made, modulo 2^32: says when slow things are looked at */
    float slow[3];            /* random walks between 0 and 1 */
    float hum;                /* phase of the mains, in cycles */
    int wait[2];              /* samples until the next event of a kind */
    float dc;
    struct ambience_filter filters[AMBIENCE_FILTERS];
    struct ambience_ping pings[AMBIENCE_PINGS];
    int next_ping;
    struct ambience_voice voices[AMBIENCE_TALKERS];
};

/* All kinds: one may fade in while another fades out. Not thread-safe; one a request. */
struct ambience {
    struct ambience_layer layers[AMBIENCE_KINDS];
};

/* The kind that SSML calls `name` ("rain", "coffee_shop"); false: there is none. */
bool ambience_find(const char *name, enum ambience_kind *kind);

/* Sets up silence. */
void ambience_init(struct ambience *ambience, uint64_t seed);

/* From here on `kind` (AMBIENCE_KINDS: nothing) is heard at `level`, 0 to 1; what was heard before fades out.
 * A change takes AMBIENCE_FADE_SAMPLES. At level 1 the RMS is AMBIENCE_RMS, about that of speech; a level of
 * 0.2 is 14 dB below. */
void ambience_set(struct ambience *ambience, enum ambience_kind kind, float level);

enum { AMBIENCE_FADE_SAMPLES = 24000 * 2 / 5 };
#define AMBIENCE_RMS 0.1f

/* Whether anything is heard, or still fades out. */
bool ambience_sounds(const struct ambience *ambience);

/* Adds the next `count` samples (24 kHz) to what is there. */
void ambience_mix(struct ambience *ambience, float *samples, size_t count);

#endif
