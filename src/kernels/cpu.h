/* cpu.h: which instruction sets this machine has, and their names. */
#ifndef KERNELS_CPU_H
#define KERNELS_CPU_H

#include <stdbool.h>
#include <stddef.h>

/* Ordered within an architecture: a set includes those before it, or replaces all that they do, as avx512 does with avxvnni
 * and avx512vnni with avx512bf16, which a processor may lack (its integers are finer, and take half the products). NEON stands beside the x86 sets: on ARM the sets are portable and neon. */
enum isa {
    ISA_PORTABLE,
    ISA_AVX2,
    ISA_AVXVNNI,
    ISA_AVX512,
    ISA_AVX512BF16,
    ISA_AVX512VNNI,
    ISA_AMX,
    ISA_NEON,
    ISA_COUNT
};

/* "portable", "avx2", "avxvnni", "avx512", "avx512bf16", "avx512vnni", "amx", "neon": the words of --isa. */
const char *isa_name(enum isa isa);

/* The set of a name; false for any other word. */
bool isa_parse(const char *name, enum isa *isa);

/* Whether this machine can run `isa`: processor and operating system are asked (cpuid, xgetbv; for amx also
 * arch_prctl, which asks Linux for the tile state of this process). Any thread, any time. */
bool isa_supported(enum isa isa);

/* The same, and this program was built with its kernels. */
bool isa_available(enum isa isa);

/* The best set that this machine can run, at most `cap` (ISA_COUNT: no cap). A cap of the other architecture
 * gives ISA_PORTABLE. */
enum isa isa_detect(enum isa cap);

/* Writes the features that matter here ("avx2 fma f16c avx512f ..."), separated by spaces, and the
 * processor's name when it has one, into `text` (NUL-terminated, cut to `size`), for `litetts doctor`. */
void cpu_describe(char *text, size_t size);

#endif
