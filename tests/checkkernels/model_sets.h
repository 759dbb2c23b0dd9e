/* model_sets.h: the bfloat16 sets as compiled against model.h. */
#ifndef CHECKKERNELS_MODEL_SETS_H
#define CHECKKERNELS_MODEL_SETS_H

#include "kernels/kernels.h"

void kernels_avx512bf16_model(struct kernels *k);
void kernels_amx_model(struct kernels *k);

#endif
