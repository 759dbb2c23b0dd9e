/* model_sets.h: the sets that few processors have, as compiled to run elsewhere: the bfloat16 sets against model.h, and
 * AVX-VNNI in the encoding of AVX512-VNNI. */
#ifndef CHECKKERNELS_MODEL_SETS_H
#define CHECKKERNELS_MODEL_SETS_H

#include "kernels/kernels.h"

void kernels_avx512bf16_model(struct kernels *k);
void kernels_amx_model(struct kernels *k);
void kernels_avxvnni_evex(struct kernels *k); /* needs AVX512-VNNI */

#endif
