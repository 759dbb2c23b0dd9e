/* checkkernels: runs every kernel of every instruction set that this machine has against the portable one, or
 * times them.
 *
 *     checkkernels [--isa SET] [--seed N] [FILTER]     checks whose name ("avx2.exact.product") has FILTER
 *     checkkernels --bench [--isa SET]                 times them
 *
 * Exit status: 0 when all checks passed, 1 when one failed, 2 for a usage error. Beside the sets of the
 * machine, the logic of the bfloat16 sets is checked everywhere through a software model of their
 * instructions ("model" in the name), and AVX-VNNI on AVX-512 ("evex"). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "kernels/sets.h"
#include "model_sets.h"
#include "peak.h"
#include "report.h"

struct options {
    bool bench;
    const char *filter;
    enum isa only; /* ISA_COUNT: all */
    unsigned long long seed;
};

static bool parse(int argc, char **argv, struct options *o)
{
    *o = (struct options){.only = ISA_COUNT, .seed = (unsigned long long)time(NULL)};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--bench") == 0)
            o->bench = true;
        else if (strcmp(argv[i], "--isa") == 0 && i + 1 < argc) {
            if (!isa_parse(argv[++i], &o->only))
                return false;
        } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            o->seed = strtoull(argv[++i], NULL, 10);
        else if (argv[i][0] == '-' || o->filter)
            return false;
        else
            o->filter = argv[i];
    }
    return true;
}

/* The sets under test: those of this machine, then what runs elsewhere, where the machine has what that `needs`.
 * `override` is NULL for the former. A model is only checked, not timed. */
static const struct entry {
    const char *name;
    enum isa isa;
    void (*override)(struct kernels *k);
    enum isa needs;
    peak_function *exact_peak, *fast_peak;
} entries[] = {
    {"portable", ISA_PORTABLE, NULL, ISA_PORTABLE, NULL, NULL},
#if defined(__x86_64__)
    {"avx2", ISA_AVX2, NULL, ISA_AVX2, peak_avx2, NULL},
    {"avxvnni", ISA_AVXVNNI, NULL, ISA_AVXVNNI, peak_avx2, NULL},
    {"avx512", ISA_AVX512, NULL, ISA_AVX512, peak_avx512, NULL},
    {"avx512bf16", ISA_AVX512BF16, NULL, ISA_AVX512BF16, peak_avx512, peak_avx512bf16},
    {"avx512vnni", ISA_AVX512VNNI, NULL, ISA_AVX512VNNI, peak_avx512, peak_avx512vnni},
    {"amx", ISA_AMX, NULL, ISA_AMX, peak_avx512, peak_amx},
#elif defined(__aarch64__)
    {"neon", ISA_NEON, NULL, ISA_NEON, peak_neon, NULL},
#endif
#if defined(__x86_64__)
    {"avxvnni (evex)", ISA_AVXVNNI, kernels_avxvnni_evex, ISA_AVX512VNNI, peak_avx2, NULL},
#endif
    {"avx512bf16 (model)", ISA_AVX512BF16, kernels_avx512bf16_model, ISA_PORTABLE, NULL, NULL},
    {"amx (model)", ISA_AMX, kernels_amx_model, ISA_PORTABLE, NULL, NULL},
};

static void run(const struct options *o, const struct set *set, const struct entry *entry)
{
    if (o->bench && entry->override && entry->needs == ISA_PORTABLE)
        return;
    if (o->bench) {
        random_seed(o->seed);
        bench_products(set);
        bench_rows(set);
    } else {
        check_products(set);
        if (!entry->override) /* else there are only products */
            check_rows(set);
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct options o;
    if (!parse(argc, argv, &o)) {
        fprintf(stderr, "usage: checkkernels [--bench] [--isa "
                        "portable|avx2|avxvnni|avx512|avx512bf16|avx512vnni|amx|neon] "
                        "[--seed N] [FILTER]\n");
        return 2;
    }
    report_start(o.filter, o.seed);
    char features[512];
    cpu_describe(features, sizeof features);
    printf("%s\n", features);
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        const struct entry *entry = &entries[i];
        if ((o.only != ISA_COUNT && o.only != entry->isa) || !isa_available(entry->needs))
            continue;
        struct set set = {
            .name = entry->name, .exact_peak = entry->exact_peak, .fast_peak = entry->fast_peak};
        kernels_portable(&set.portable);
        if (entry->override) {
            kernels_portable(&set.kernels);
            entry->override(&set.kernels);
        } else {
            kernels_get(&set.kernels, entry->isa);
        }
        run(&o, &set, entry);
    }
    if (!o.bench)
        printf("seed %llu: %d checks, %d failed\n", o.seed, report_checks(), report_failures());
    return report_failures() > 0;
}
