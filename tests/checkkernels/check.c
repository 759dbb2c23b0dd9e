/* check.c: random numbers, guarded buffers and reports of checkkernels. */
#include "check.h"

#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "report.h"

enum { GUARD = 256, GUARD_BYTE = 0xa5, MOST_BUFFERS = 64 };

static uint64_t state;

void random_seed(uint64_t seed)
{
    state = seed;
}

uint64_t random_bits(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

int random_between(int least, int most)
{
    return least + (int)(random_bits() % (uint64_t)(most - least + 1));
}

float random_float(float least, float most)
{
    return least + (most - least) * (float)(random_bits() >> 40) * 0x1p-24f;
}

void random_fill(float *out, size_t count, float scale)
{
    for (size_t i = 0; i < count; i++) {
        int kind = random_between(0, 31);
        out[i] = random_float(-scale, scale);
        if (kind == 0)
            out[i] = 0.0f;
        else if (kind == 1)
            out[i] *= 1e-39f;
        else if (kind == 2)
            out[i] = ldexpf(random_between(0, 1) ? 1.0f : -1.0f, random_between(-20, 0)) * scale;
    }
}

/* The data lies between two guards: [front guard][data][back guard][unreadable page]; the back guard is only
 * as long as the asked alignment forces it to be, so that reads past the end fault. */
static struct {
    unsigned char *map, *data;
    size_t map_size, size, back;
} buffers[MOST_BUFFERS];
static int buffer_count;

void *buffer(size_t bytes, size_t align)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (GUARD + bytes + align + page - 1) / page * page;
    unsigned char *map = mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || buffer_count == MOST_BUFFERS || mprotect(map + whole, page, PROT_NONE) != 0) {
        fprintf(stderr, "checkkernels: no memory for a buffer of %zu bytes\n", bytes);
        exit(2);
    }
    memset(map, GUARD_BYTE, whole);
    size_t begin = (whole - bytes) / align * align;
    buffers[buffer_count].map = map;
    buffers[buffer_count].data = map + begin;
    buffers[buffer_count].map_size = whole + page;
    buffers[buffer_count].size = bytes;
    buffers[buffer_count].back = whole - begin - bytes;
    return buffers[buffer_count++].data;
}

bool buffers_intact(void)
{
    for (int i = 0; i < buffer_count; i++) {
        const unsigned char *data = buffers[i].data;
        for (size_t j = 1; j <= GUARD; j++)
            if (data[-(ptrdiff_t)j] != GUARD_BYTE) {
                check_fail("wrote %zu bytes before buffer %d", j, i);
                return false;
            }
        for (size_t j = 0; j < buffers[i].back; j++)
            if (data[buffers[i].size + j] != GUARD_BYTE) {
                check_fail("wrote %zu bytes past buffer %d", j, i);
                return false;
            }
    }
    return true;
}

void buffers_release(void)
{
    while (buffer_count > 0) {
        buffer_count--;
        munmap(buffers[buffer_count].map, buffers[buffer_count].map_size);
    }
}

static struct {
    const char *filter;
    char current[128];
    unsigned long long seed;
    int checks, failures, failures_here;
} report;

static void crashed(int signal_number)
{
    static const char text[] = "checkkernels: crashed (read or wrote outside a buffer?) in ";
    ssize_t ignored = write(2, text, sizeof text - 1);
    ignored = write(2, report.current, strlen(report.current));
    ignored = write(2, "\n", 1);
    (void)ignored;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void report_start(const char *filter, unsigned long long seed)
{
    report.filter = filter;
    report.seed = seed;
    signal(SIGSEGV, crashed);
    signal(SIGBUS, crashed);
    signal(SIGILL, crashed);
}

int report_checks(void)
{
    return report.checks;
}

int report_failures(void)
{
    return report.failures;
}

bool check_begin(const struct set *set, const char *kernel)
{
    snprintf(report.current, sizeof report.current, "%s.%s", set->name, kernel);
    if (report.filter && !strstr(report.current, report.filter))
        return false;
    report.checks++;
    report.failures_here = 0;
    random_seed(report.seed);
    return true;
}

void check_fail(const char *format, ...)
{
    if (report.failures_here++ == 0)
        report.failures++;
    if (report.failures_here > 5)
        return;
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "FAILED %s (--seed %llu): ", report.current, report.seed);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

bool close_to(double got, double expected, double tolerance)
{
    if (isnan(expected))
        return isnan(got);
    if (isinf(expected))
        return got == expected;
    return fabs(got - expected) <= tolerance;
}

/* Where the panel of column n begins. */
static const void *panel_of(const struct products *p, const void *panels, int taps, int k, int n)
{
    return (const char *)panels + panel_bytes(p, n / p->panel * p->panel, taps, k);
}

float panel_scale(const struct products *p, const void *panels, int taps, int k, int n)
{
    if (p->packed != PACKED_I16)
        return 0;
    const int16_t *panel = panel_of(p, panels, taps, k, n);
    float scale;
    memcpy(&scale, panel + taps * kernels_padded(k) * p->panel + n % p->panel * 2, sizeof scale);
    return scale;
}

float panel_element(const struct products *p, const void *panels, int taps, int k, int n, int tap, int c)
{
    int unit = p->packed == PACKED_F32 ? 1 : 2, padded = kernels_padded(k);
    const void *panel = panel_of(p, panels, taps, k, n);
    int i = (tap * padded + c) / unit * (p->panel * unit) + n % p->panel * unit + c % unit;
    if (p->packed == PACKED_F32)
        return ((const float *)panel)[i];
    if (p->packed == PACKED_BF16)
        return value_from_bf16(((const uint16_t *)panel)[i]);
    return (float)((const int16_t *)panel)[i] * panel_scale(p, panels, taps, k, n);
}
