/* peak_amx.c: the peak of bfloat16 tile products. */
#include <immintrin.h>
#include <stdint.h>

#include "base/clock.h"
#include "peak.h"

double peak_amx(void)
{
    enum { STEPS = 100000 };
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config __attribute__((aligned(64))) = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.rows[i] = 16;
        config.row_bytes[i] = 64;
    }
    __asm__ volatile("" : : "r"(&config) : "memory");
    _tile_loadconfig(&config);
    _tile_zero(4);
    _tile_zero(5);
    _tile_zero(6);
    _tile_zero(7);
    double start = clock_thread_seconds();
    for (int step = 0; step < STEPS; step++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    float sums[256];
    _tile_stored(0, sums, 64);
    double seconds = clock_thread_seconds() - start;
    _tile_release();
    return 4.0 * 2 * 16 * 16 * 32 * STEPS / seconds;
}
