/* checkkernels: runs every kernel of every instruction set that this machine has against the portable one, or times them.
 *
 *     checkkernels [--isa SET] [--seed N] [FILTER]     checks whose name ("avx2.exact.product") contains FILTER
 *     checkkernels --bench [--isa SET]                 times them
 *
 * Exit status: 0 when all checks passed, 1 when one failed, 2 for a usage error. Beside the sets of the machine, the logic of the
 * bfloat16 sets is checked everywhere through a software model of their instructions ("model" in the name). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "kernels/sets.h"
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

static void find_peaks(struct set *set, enum isa isa)
{
    (void)isa;
    (void)set;
#if defined(__x86_64__)
    if (isa >= ISA_AVX512)
        set->exact_peak = peak_avx512;
#endif
}

static void run(const struct options *o, const struct set *set)
{
    if (o->bench) {
        random_seed(o->seed);
        bench_products(set);
        bench_rows(set);
    } else {
        check_products(set);
        check_rows(set);
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct options o;
    if (!parse(argc, argv, &o)) {
        fprintf(stderr,
                "usage: checkkernels [--bench] [--isa portable|avx2|avx512|avx512bf16|amx|neon] [--seed N] "
                "[FILTER]\n");
        return 2;
    }
    report_start(o.filter, o.seed);
    char features[512];
    cpu_describe(features, sizeof features);
    printf("%s\n", features);
    for (int isa = ISA_PORTABLE; isa < ISA_COUNT; isa++) {
        if ((o.only != ISA_COUNT && (int)o.only != isa) || !isa_available((enum isa)isa))
            continue;
        struct set set = {.name = isa_name((enum isa)isa)};
        kernels_get(&set.kernels, (enum isa)isa);
        kernels_portable(&set.portable);
        find_peaks(&set, (enum isa)isa);
        run(&o, &set);
    }
    if (!o.bench)
        printf("seed %llu: %d checks, %d failed\n", o.seed, report_checks(), report_failures());
    return report_failures() > 0;
}
