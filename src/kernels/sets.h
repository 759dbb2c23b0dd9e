/* sets.h: the instruction sets' entry points: each overrides in *k what it does better; for kernels.c and the
 * tests. */
#ifndef KERNELS_SETS_H
#define KERNELS_SETS_H

#include "kernels/kernels.h"

void kernels_portable(struct kernels *k); /* fills the whole table */
void kernels_avx2(struct kernels *k);
void kernels_avxvnni(struct kernels *k);
void kernels_avx512(struct kernels *k);
void kernels_avx512vnni(struct kernels *k);
void kernels_avx512bf16(struct kernels *k);
void kernels_amx(struct kernels *k);
void kernels_neon(struct kernels *k);

#endif
