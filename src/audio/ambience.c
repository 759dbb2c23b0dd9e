/* ambience.c: background sounds made on the spot. */
#include "audio/ambience.h"

#include <math.h>
#include <string.h>

enum {
    RATE = 24000,
    SLOW = 64 /* samples between looks at what changes slowly: gusts, filters */
};

static const float PI = 3.14159265f;

static const char *const names[AMBIENCE_KINDS] = {"rain", "wind", "coffee_shop", "office", "nature"};

/* What brings each to AMBIENCE_RMS; measured over a minute. */
static const float scales[AMBIENCE_KINDS] = {0.79f, 0.82f, 1.07f, 1.38f, 1.5f};

/* ---- Parts ---- */

/* splitmix64 (S. Vigna, public domain), in [-1, 1). */
static float noise(struct ambience_layer *l)
{
    uint64_t z = (l->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (float)(int32_t)((z ^ (z >> 31)) >> 32) * 0x1p-31f;
}

static float between(struct ambience_layer *l, float least, float most)
{
    return least + (most - least) * (0.5f + 0.5f * noise(l));
}

static int seconds(struct ambience_layer *l, float least, float most)
{
    return (int)(between(l, least, most) * RATE);
}

/* Tunes a filter to `hertz` with quality `q`; its state stays, so that it may be done while it sounds. */
static void tune(struct ambience_filter *f, float hertz, float q)
{
    float g = tanf(PI * hertz / RATE);
    f->k = 1 / q;
    f->a1 = 1 / (1 + g * (g + f->k));
    f->a2 = g * f->a1;
    f->a3 = g * f->a2;
}

/* Runs a sample through; returns the band around its frequency, scaled to 1 at the middle, and what lies
 * below in *low. */
static float band(struct ambience_filter *f, float in, float *low)
{
    float v3 = in - f->s2, v1 = f->a1 * f->s1 + f->a2 * v3, v2 = f->s2 + f->a2 * f->s1 + f->a3 * v3;
    f->s1 = 2 * v1 - f->s1;
    f->s2 = 2 * v2 - f->s2;
    *low = v2;
    return f->k * v1;
}

/* Strikes the next resonator: `hertz`, dying away by 60 dB in `ring` seconds. */
static void strike(struct ambience_layer *l, float hertz, float ring, float loud)
{
    struct ambience_ping *p = &l->pings[l->next_ping];
    float r = powf(0.001f, 1 / (ring * RATE)), w = 2 * PI * hertz / RATE;
    l->next_ping = (l->next_ping + 1) % AMBIENCE_PINGS;
    *p = (struct ambience_ping){
        .b1 = 2 * r * cosf(w), .b2 = -r * r, .y1 = loud * sinf(w), .left = (int)(ring * 1.5f * RATE)};
}

static float ring(struct ambience_layer *l)
{
    float sum = 0;
    for (int i = 0; i < AMBIENCE_PINGS; i++) {
        struct ambience_ping *p = &l->pings[i];
        if (p->left == 0)
            continue;
        float y = p->b1 * p->y1 + p->b2 * p->y2;
        p->y2 = p->y1;
        p->y1 = y;
        p->left--;
        sum += y;
    }
    return sum;
}

/* A walk between 0 and 1 that is at home in the middle; `speed` 1 crosses it in about a second. */
static float walk(struct ambience_layer *l, int which, float speed)
{
    float *at = &l->slow[which];
    float pace = speed * SLOW / RATE;
    *at += pace * (0.5f - *at) + sqrtf(pace) * 0.6f * noise(l);
    *at = *at < 0 ? 0 : *at > 1 ? 1 : *at;
    return *at;
}

/* Counts down to an event. */
static bool due(struct ambience_layer *l, int which)
{
    return --l->wait[which] <= 0;
}

/* ---- The kinds: a sample each ---- */

static float rain(struct ambience_layer *l, bool slow)
{
    if (slow) {
        tune(&l->filters[0], 4200 + 600 * walk(l, 0, 0.3f), 0.6f);
        tune(&l->filters[1], 500, 0.7f);
    }
    if (due(l, 0)) { /* some sixty drops a second, most of them far away */
        float near = between(l, 0, 1);
        l->wait[0] = 1 + seconds(l, 0, 0.033f);
        strike(l, between(l, 1200, 6500), between(l, 0.008f, 0.035f),
               0.05f + 0.55f * near * near * near * near);
    }
    float low, rumble, hiss = band(&l->filters[0], noise(l), &low);
    band(&l->filters[1], noise(l), &rumble);
    return 0.3f * hiss + 0.25f * rumble + ring(l);
}

static float wind(struct ambience_layer *l, bool slow)
{
    if (slow) {
        float gust = walk(l, 0, 0.35f), howl = walk(l, 1, 0.5f);
        l->slow[2] += 0.004f * (gust - l->slow[2]); /* the air follows the gust */
        tune(&l->filters[0], 120 + 500 * l->slow[2], 0.7f);
        tune(&l->filters[1], 350 + 450 * howl * l->slow[2], 9);
    }
    float low, unused, strength = l->slow[2] * l->slow[2];
    float air = band(&l->filters[0], noise(l), &low);
    float howl = band(&l->filters[1], low, &unused);
    return (0.1f + 1.7f * strength) * (low + 2 * howl + 0.25f * air);
}

/* The next syllable, or a gap, of a talker far away. */
static void begin_syllable(struct ambience_layer *l, struct ambience_voice *v, float pitch)
{
    if (v->syllables == 0) {
        v->syllables = 4 + (int)between(l, 0, 14);
        v->left = seconds(l, 0.3f, 2.5f);
        v->target = 0;
        return;
    }
    v->syllables--;
    v->left = seconds(l, 0.09f, 0.26f);
    v->target = between(l, 0.3f, 1);
    v->step = pitch * between(l, 0.85f, 1.25f) / RATE;
    v->glide = -0.15f * v->step / (float)v->left;
    tune(&v->formants[0], between(l, 300, 800), 5);
    tune(&v->formants[1], between(l, 900, 2200), 8);
}

static float talk(struct ambience_layer *l, int index)
{
    struct ambience_voice *v = &l->voices[index];
    if (v->left-- <= 0)
        begin_syllable(l, v, 95 + 32 * (float)index);
    float end = v->left < RATE / 30 ? 0.35f : 1; /* syllables are apart */
    v->loud += 0.0012f * (v->target * end - v->loud);
    v->phase += v->step;
    v->phase -= v->phase >= 1 ? 1 : 0;
    v->step += v->glide;
    float source = (v->phase < 0.4f ? 1 - 5 * v->phase : -1 + 1.6667f * (v->phase - 0.4f)) + 0.4f * noise(l),
          low;
    return v->loud * (band(&v->formants[0], source, &low) + 0.6f * band(&v->formants[1], source, &low));
}

static float coffee_shop(struct ambience_layer *l, bool slow)
{
    if (slow)
        tune(&l->filters[0], 500, 0.5f);
    if (due(l, 0)) { /* a cup on its saucer, a spoon: a few resonances at once */
        float hertz = between(l, 2300, 4200), loud = between(l, 0.05f, 0.4f);
        l->wait[0] = seconds(l, 0.1f, between(l, 0.3f, 4));
        strike(l, hertz, between(l, 0.08f, 0.3f), loud);
        strike(l, hertz * 1.53f, 0.09f, 0.6f * loud);
        strike(l, hertz * 2.19f, 0.05f, 0.4f * loud);
    }
    float sum = 0, room, unused;
    for (int i = 0; i < AMBIENCE_TALKERS; i++)
        sum += talk(l, i);
    unused = band(&l->filters[0], noise(l), &room);
    return sum + 0.12f * room + 0.05f * unused + 0.4f * ring(l);
}

static float office(struct ambience_layer *l, bool slow)
{
    if (slow) {
        tune(&l->filters[0], 260 + 60 * walk(l, 0, 0.2f), 0.6f);
        tune(&l->filters[1], 2600, 1.2f);
    }
    if (due(l, 0)) { /* bouts of typing: a key is a knock and a click */
        bool pause = l->wait[1] <= 0;
        l->wait[1] = pause ? 5 + (int)between(l, 0, 25) : l->wait[1] - 1;
        l->wait[0] = pause ? seconds(l, 0.7f, 3.5f) : seconds(l, 0.07f, 0.24f);
        float loud = between(l, 0.5f, 1);
        strike(l, between(l, 1700, 2600), 0.018f, 0.25f * loud);
        strike(l, between(l, 3300, 5200), 0.009f, 0.25f * loud);
        strike(l, between(l, 240, 330), 0.03f, 0.15f * loud);
    }
    float air, hiss, unused;
    band(&l->filters[0], noise(l), &air);
    hiss = band(&l->filters[1], noise(l), &unused);
    l->hum += 120.0f / RATE;
    l->hum -= l->hum >= 1 ? 1 : 0;
    float hum = sinf(2 * PI * l->hum) + 0.5f * sinf(4 * PI * l->hum) + 0.2f * sinf(8 * PI * l->hum);
    return 0.8f * air + 0.06f * hiss + 0.03f * hum + ring(l);
}

/* The next chirp of a bird, or a rest. */
static void begin_chirp(struct ambience_layer *l, struct ambience_voice *v, int index)
{
    if (v->target > 0) { /* between chirps */
        v->target = 0;
        v->left = v->syllables > 0 ? seconds(l, 0.03f, 0.09f) : seconds(l, 0.5f, 3.5f);
        return;
    }
    if (v->syllables == 0)
        v->syllables = 2 + (int)between(l, 0, 6);
    v->syllables--;
    float home = 2600 + 900 * (float)index, from = home * between(l, 0.85f, 1.3f),
          to = home * between(l, 0.8f, 1.4f);
    v->left = seconds(l, 0.05f, 0.16f);
    v->target = between(l, 0.3f, 1);
    v->step = from / RATE;
    v->glide = (to - from) / RATE / (float)v->left;
}

static float bird(struct ambience_layer *l, int index)
{
    struct ambience_voice *v = &l->voices[index];
    if (v->left-- <= 0)
        begin_chirp(l, v, index);
    v->loud += 0.006f * (v->target - v->loud);
    if (v->loud < 1e-4f)
        return 0;
    v->phase += v->step;
    v->phase -= v->phase >= 1 ? 1 : 0;
    v->step += v->target > 0 ? v->glide : 0;
    return v->loud * sinf(2 * PI * v->phase);
}

static float nature(struct ambience_layer *l, bool slow)
{
    if (slow) {
        float breeze = walk(l, 0, 0.3f);
        l->slow[1] += 0.006f * (breeze - l->slow[1]);
        tune(&l->filters[0], 1500 + 1500 * l->slow[1], 0.5f);
        tune(&l->filters[1], 220, 0.6f);
    }
    float low, unused, sum = 0;
    float leaves = band(&l->filters[0], noise(l), &unused) * (0.15f + l->slow[1]);
    band(&l->filters[1], noise(l), &low);
    for (int i = 0; i < 3; i++)
        sum += bird(l, i) * (0.8f - 0.2f * (float)i);
    return 0.16f * leaves + 0.2f * low + 0.25f * sum;
}

/* ---- The mix ---- */

bool ambience_find(const char *name, enum ambience_kind *kind)
{
    for (int i = 0; i < AMBIENCE_KINDS; i++)
        if (name != NULL && strcmp(name, names[i]) == 0) {
            *kind = (enum ambience_kind)i;
            return true;
        }
    return false;
}

void ambience_init(struct ambience *ambience, uint64_t seed)
{
    *ambience = (struct ambience){0};
    for (int i = 0; i < AMBIENCE_KINDS; i++) {
        struct ambience_layer *l = &ambience->layers[i];
        l->random = seed ^ ((uint64_t)(i + 1) << 56);
        for (int j = 0; j < 3; j++)
            l->slow[j] = 0.5f;
        for (int j = 0; j < AMBIENCE_TALKERS; j++) /* not all at once */
            l->voices[j].left = seconds(l, 0, 1.2f);
    }
}

void ambience_set(struct ambience *ambience, enum ambience_kind kind, float level)
{
    for (int i = 0; i < AMBIENCE_KINDS; i++) {
        struct ambience_layer *l = &ambience->layers[i];
        float target = i == (int)kind ? level * scales[i] : 0;
        if (target != l->target)
            l->step = (target - l->gain) / AMBIENCE_FADE_SAMPLES;
        l->target = target;
    }
}

bool ambience_sounds(const struct ambience *ambience)
{
    for (int i = 0; i < AMBIENCE_KINDS; i++)
        if (ambience->layers[i].gain > 0 || ambience->layers[i].target > 0)
            return true;
    return false;
}

static void mix_layer(struct ambience_layer *l, enum ambience_kind kind, float *samples, size_t count)
{
    static float (*const make[AMBIENCE_KINDS])(struct ambience_layer *, bool) = {rain, wind, coffee_shop,
                                                                                 office, nature};
    for (size_t i = 0; i < count; i++) {
        if (l->gain != l->target) {
            l->gain += l->step;
            if ((l->step >= 0) == (l->gain >= l->target))
                l->gain = l->target;
        }
        float sample = make[kind](l, l->position++ % SLOW == 0);
        l->dc += 0.005f * (sample - l->dc); /* nothing below some 20 Hz */
        samples[i] += l->gain * (sample - l->dc);
    }
}

void ambience_mix(struct ambience *ambience, float *samples, size_t count)
{
    for (int i = 0; i < AMBIENCE_KINDS; i++)
        if (ambience->layers[i].gain > 0 || ambience->layers[i].target > 0)
            mix_layer(&ambience->layers[i], (enum ambience_kind)i, samples, count);
}
