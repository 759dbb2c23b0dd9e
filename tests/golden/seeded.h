/* seeded.h: a checkpoint whose every value follows from its tensors' names: stand-in weights for tests. */
#ifndef GOLDEN_SEEDED_H
#define GOLDEN_SEEDED_H

#include "convert/checkpoint.h"

/* Uniform float32 in [0, 1), number `i` of the sequence of a name. */
float seeded_uniform(const char *name, uint64_t i);

/* A checkpoint with the tensors of a table of name, shape, mean and scale (tab-separated; '#' begins a comment line). Their values are
 * mean + scale * (2 u(i) - 1). Errors: LT_ERR_IO, LT_ERR_MODEL, LT_ERR_MEMORY. */
lt_status seeded_open(const char *table, struct checkpoint **checkpoint, lt_error *error);

#endif
