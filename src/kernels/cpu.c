/* cpu.c: asks the processor and the operating system what may run here. */
#include "kernels/cpu.h"

#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

static const char *const names[ISA_COUNT] = {"portable",   "avx2",       "avxvnni", "avx512",
                                             "avx512bf16", "avx512vnni", "amx",     "neon"};

const char *isa_name(enum isa isa)
{
    return (unsigned)isa < ISA_COUNT ? names[isa] : "unknown";
}

bool isa_parse(const char *name, enum isa *isa)
{
    for (int i = 0; i < ISA_COUNT; i++)
        if (strcmp(name, names[i]) == 0) {
            *isa = (enum isa)i;
            return true;
        }
    return false;
}

#if defined(__x86_64__)

/* One bit of what cpuid leaf 1 or 7 says, and the state that the operating system must save for it (XCR0). */
struct feature {
    const char *name;
    unsigned leaf, subleaf;
    enum { EAX, EBX, ECX, EDX } word;
    unsigned bit;
    unsigned long long state;
};

enum { STATE_AVX = 0x6, STATE_AVX512 = 0xe6, STATE_AMX = 0x60000 };

static const struct feature features[] = {
    {"avx", 1, 0, ECX, 28, STATE_AVX},           {"fma", 1, 0, ECX, 12, STATE_AVX},
    {"f16c", 1, 0, ECX, 29, STATE_AVX},          {"avx2", 7, 0, EBX, 5, STATE_AVX},
    {"avx512f", 7, 0, EBX, 16, STATE_AVX512},    {"avx512dq", 7, 0, EBX, 17, STATE_AVX512},
    {"avx512bw", 7, 0, EBX, 30, STATE_AVX512},   {"avx512vl", 7, 0, EBX, 31, STATE_AVX512},
    {"avx512vnni", 7, 0, ECX, 11, STATE_AVX512}, {"avx512bf16", 7, 1, EAX, 5, STATE_AVX512},
    {"avxvnni", 7, 1, EAX, 4, STATE_AVX},        {"amx-tile", 7, 0, EDX, 24, STATE_AMX},
    {"amx-bf16", 7, 0, EDX, 22, STATE_AMX},      {"amx-int8", 7, 0, EDX, 25, STATE_AMX},
};

/* What the processor says. A virtual machine takes microseconds for each question. */
struct cpuid {
    unsigned one[4], seven[2][4]; /* leaf 1; subleaves 0 and 1 of leaf 7; 0 where there is none */
    unsigned long long state;     /* that is saved */
};

static struct cpuid ask(void)
{
    struct cpuid c = {0};
    const unsigned leaves = __get_cpuid_max(0, NULL);
    if (leaves >= 1)
        __cpuid(1, c.one[EAX], c.one[EBX], c.one[ECX], c.one[EDX]);
    if (leaves >= 7)
        __cpuid_count(7, 0, c.seven[0][EAX], c.seven[0][EBX], c.seven[0][ECX], c.seven[0][EDX]);
    if (c.seven[0][EAX] >= 1) /* the highest subleaf */
        __cpuid_count(7, 1, c.seven[1][EAX], c.seven[1][EBX], c.seven[1][ECX], c.seven[1][EDX]);
    if (c.one[ECX] & bit_OSXSAVE) {
        unsigned low, high;
        __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        c.state = (unsigned long long)high << 32 | low;
    }
    return c;
}

static bool has(const struct cpuid *c, const struct feature *f)
{
    const unsigned *words = f->leaf == 1 ? c->one : c->seven[f->subleaf];
    return (words[f->word] >> f->bit & 1) && (c->state & f->state) == f->state;
}

/* Whether all features named in `list`, separated by spaces, are there. */
static bool has_all(const struct cpuid *c, const char *list)
{
    while (*list) {
        size_t length = strcspn(list, " ");
        bool found = false;
        for (size_t i = 0; i < sizeof features / sizeof *features && !found; i++)
            found = strlen(features[i].name) == length && memcmp(features[i].name, list, length) == 0 &&
                    has(c, &features[i]);
        if (!found)
            return false;
        list += length + (list[length] == ' ');
    }
    return true;
}

/* Linux gives a process the tile registers only when asked (kernel documentation, "Using XSTATE features"):
 * for all its threads that start later and the caller. */
static bool tiles_permitted(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

static bool supports(const struct cpuid *c, enum isa isa)
{
    switch (isa) {
    case ISA_PORTABLE:
        return true;
    case ISA_AVX2:
        return has_all(c, "avx fma f16c avx2");
    case ISA_AVXVNNI:
        return supports(c, ISA_AVX2) && has_all(c, "avxvnni");
    case ISA_AVX512:
        return supports(c, ISA_AVX2) && has_all(c, "avx512f avx512dq avx512bw avx512vl");
    case ISA_AVX512VNNI:
        return supports(c, ISA_AVX512) && has_all(c, "avx512vnni");
    case ISA_AVX512BF16: /* no processor has it without VNNI */
        return supports(c, ISA_AVX512VNNI) && has_all(c, "avx512bf16");
    case ISA_AMX:
        return supports(c, ISA_AVX512BF16) && has_all(c, "amx-tile amx-bf16") && tiles_permitted();
    default:
        return false;
    }
}

bool isa_supported(enum isa isa)
{
    const struct cpuid c = ask();
    return supports(&c, isa);
}

static void describe_processor(char *text, size_t size)
{
    unsigned words[12] = {0};
    for (unsigned i = 0; i < 3; i++)
        if (!__get_cpuid(0x80000002u + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2],
                         &words[4 * i + 3]))
            return;
    char name[sizeof words + 1] = "";
    memcpy(name, words, sizeof words);
    snprintf(text, size, "%s:", name + strspn(name, " "));
}

void cpu_describe(char *text, size_t size)
{
    if (size == 0)
        return;
    text[0] = '\0';
    describe_processor(text, size);
    const struct cpuid c = ask();
    for (size_t i = 0; i < sizeof features / sizeof *features; i++)
        if (has(&c, &features[i])) {
            size_t used = strlen(text);
            snprintf(text + used, size - used, "%s%s", used > 0 ? " " : "", features[i].name);
        }
}

#else

/* 64-bit ARM always has NEON. */
bool isa_supported(enum isa isa)
{
#if defined(__aarch64__)
    return isa == ISA_PORTABLE || isa == ISA_NEON;
#else
    return isa == ISA_PORTABLE;
#endif
}

void cpu_describe(char *text, size_t size)
{
    snprintf(text, size, "%s", isa_supported(ISA_NEON) ? "neon" : "");
}

#endif
