/* seeded.c: see seeded.h.
 *
 *   seed  = FNV-1a-64(name)
 *   z(i)  = splitmix64's finaliser of seed + (i + 1) * 0x9E3779B97F4A7C15
 *   u(i)  = (z(i) >> 40) * 2^-24
 */
#include "seeded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

struct normal {
    float mean, scale;
};

struct seeded {
    struct checkpoint checkpoint;
    struct normal *values; /* by checkpoint_tensor.source */
    size_t count;
};

static uint64_t hash(const char *name)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 0x100000001b3u;
    return h;
}

static float uniform(uint64_t seed, uint64_t i)
{
    uint64_t z = seed + (i + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    return (float)(z >> 40) * 0x1p-24f;
}

float seeded_uniform(const char *name, uint64_t i)
{
    return uniform(hash(name), i);
}

static lt_status seeded_read(struct checkpoint *checkpoint, const struct checkpoint_tensor *tensor,
                             float *values, lt_error *error)
{
    (void)error;
    const struct seeded *seeded = (struct seeded *)checkpoint;
    const float mean = seeded->values[tensor->source].mean, scale = seeded->values[tensor->source].scale;
    const uint64_t seed = hash(tensor->name);
    for (uint64_t i = 0; i < tensor->elements; i++)
        values[i] = mean + scale * (2.0f * uniform(seed, i) - 1.0f);
    return LT_OK;
}

static void seeded_close(struct checkpoint *checkpoint)
{
    free(((struct seeded *)checkpoint)->values);
}

static lt_status add_line(struct seeded *seeded, const char *line, lt_error *error)
{
    char name[256], shape[64];
    float mean, scale;
    if (*line == '#' || *line == '\0')
        return LT_OK;
    if (sscanf(line, "%255s %63s %f %f", name, shape, &mean, &scale) != 4)
        return error_set(error, LT_ERR_MODEL, "'%s': not a line of name, shape, mean and scale: %s",
                         seeded->checkpoint.path, line);
    uint64_t dims[CHECKPOINT_MAX_DIMS];
    int rank = 0;
    for (char *at = shape; *at && rank < CHECKPOINT_MAX_DIMS; at += *at == ',')
        dims[rank++] = strtoull(at, &at, 10);
    void *grown = realloc(seeded->values, (seeded->count + 1) * sizeof *seeded->values);
    if (!grown)
        return error_memory(error, "the table of tensors");
    seeded->values = grown;
    seeded->values[seeded->count].mean = mean;
    seeded->values[seeded->count].scale = scale;
    return checkpoint_add(&seeded->checkpoint, name, strlen(name), rank, dims, seeded->count++, error);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct checkpoint_tensor *)a)->name, ((const struct checkpoint_tensor *)b)->name);
}

lt_status seeded_open(const char *table, struct checkpoint **checkpoint, lt_error *error)
{
    struct str text = {0};
    lt_status status = file_read(table, 1 << 24, &text, error);
    struct seeded *seeded = status == LT_OK ? calloc(1, sizeof *seeded) : NULL;
    if (status == LT_OK && !seeded)
        status = error_memory(error, "the table of tensors");
    if (seeded) {
        seeded->checkpoint =
            (struct checkpoint){.format = "seeded", .read = seeded_read, .close = seeded_close};
        snprintf(seeded->checkpoint.path, sizeof seeded->checkpoint.path, "%s", table);
        char *rest = text.data;
        for (char *line; status == LT_OK && (line = strsep(&rest, "\n"));)
            status = add_line(seeded, line, error);
        if (seeded->checkpoint.count)
            qsort(seeded->checkpoint.tensors, seeded->checkpoint.count, sizeof *seeded->checkpoint.tensors,
                  compare_names);
        if (status != LT_OK)
            checkpoint_close(&seeded->checkpoint);
        else
            *checkpoint = &seeded->checkpoint;
    }
    str_free(&text);
    return status;
}
