/* rates.c: a token bucket a key. */
#include "server/rates.h"

#include <math.h>

unsigned rates_take(struct rates *rates, unsigned key, double now)
{
    if (!(rates->a_minute > 0))
        return 0;
    key = key < RATES_KEYS ? key : RATES_KEYS - 1;
    double a_second = rates->a_minute / 60, most = fmax(rates->a_minute, 1);
    double spent = fmax(0, rates->keys[key].spent - a_second * (now - rates->keys[key].at));
    rates->keys[key].at = now;
    rates->keys[key].spent = spent;
    if (spent + 1 > most)
        return (unsigned)fmin(ceil(fmax((spent + 1 - most) / a_second, 1)), 3600);
    rates->keys[key].spent = spent + 1;
    return 0;
}
