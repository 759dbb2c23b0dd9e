/* kernels.c: fills the table, set by set, and packs what is packed alike for all sets. */
#include "kernels/kernels.h"

#include "kernels/sets.h"

/* The sets that this program was built with, worst first. */
static const struct {
    enum isa isa;
    void (*override)(struct kernels *k);
} sets[] = {
    {ISA_PORTABLE, kernels_portable},
#if defined(__x86_64__)
    {ISA_AVX2, kernels_avx2},
    {ISA_AVXVNNI, kernels_avxvnni},
    {ISA_AVX512, kernels_avx512},
    {ISA_AVX512BF16, kernels_avx512bf16},
    {ISA_AVX512VNNI, kernels_avx512vnni},
    {ISA_AMX, kernels_amx},
#elif defined(__aarch64__)
    {ISA_NEON, kernels_neon},
#endif
};

bool isa_available(enum isa isa)
{
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (sets[i].isa == isa)
            return isa_supported(isa);
    return false;
}

enum isa isa_detect(enum isa cap)
{
    enum isa best = ISA_PORTABLE;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (sets[i].isa <= cap && isa_available(sets[i].isa))
            best = sets[i].isa;
    return best;
}

void kernels_get(struct kernels *k, enum isa cap)
{
    enum isa isa = isa_detect(cap);
    for (size_t i = 0; i < sizeof sets / sizeof *sets && sets[i].isa <= isa; i++) {
        sets[i].override(k);
        k->isa = sets[i].isa;
    }
}

static int groups_of(int n)
{
    return (n + MATVEC_GROUP - 1) / MATVEC_GROUP;
}

size_t matvec_bytes(enum value_type type, int n, int k)
{
    size_t rows = (size_t)groups_of(n) * MATVEC_GROUP;
    return type == VALUE_F32 ? rows * (size_t)k * 4 : rows * (size_t)((k + 1) / 2) * 4;
}

void matvec_pack(const float *w, int n, int k, enum value_type type, void *packed)
{
    float *floats = packed;
    uint16_t *halves = packed;
    memset(packed, 0, matvec_bytes(type, n, k));
    for (; n > 0; n -= MATVEC_GROUP, w += (ptrdiff_t)MATVEC_GROUP * k) {
        const int rows = n < MATVEC_GROUP ? n : MATVEC_GROUP;
        for (int c = 0; c < k && type == VALUE_F32; c++, floats += MATVEC_GROUP)
            for (int i = 0; i < rows; i++)
                floats[i] = w[(ptrdiff_t)i * k + c];
        for (int c = 0; c < k && type == VALUE_BF16; c += 2, halves += 2 * MATVEC_GROUP)
            for (int i = 0; i < rows; i++) {
                halves[2 * i] = value_to_bf16(w[(ptrdiff_t)i * k + c]);
                if (c + 1 < k)
                    halves[2 * i + 1] = value_to_bf16(w[(ptrdiff_t)i * k + c + 1]);
            }
    }
}
