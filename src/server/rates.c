/* rates.c: a token bucket a key. */
#include "server/rates.h"

#include <math.h>
#include <string.h>

static unsigned bucket_of(unsigned key)
{
    return key < RATES_KEYS ? key : RATES_KEYS - 1;
}

unsigned rates_take(struct rates *rates, unsigned key, double now)
{
    if (!(rates->a_minute > 0))
        return 0;
    key = bucket_of(key);
    double a_second = rates->a_minute / 60, most = fmax(rates->a_minute, 1);
    double spent = fmax(0, rates->keys[key].spent - a_second * (now - rates->keys[key].at));
    rates->keys[key].at = now;
    rates->keys[key].spent = spent;
    if (spent + 1 > most)
        return (unsigned)fmin(ceil(fmax((spent + 1 - most) / a_second, 1)), 3600);
    rates->keys[key].spent = spent + 1;
    return 0;
}

const char *rates_next_key(const char **list, size_t *length)
{
    static const char separators[] = " ,";
    const char *key = *list + strspn(*list, separators);
    *length = strcspn(key, separators);
    *list = key + *length;
    return *length > 0 ? key : NULL;
}

/* The number of a key in a list; -1: it is not there. Of a key that is there twice the last counts. */
static int number_of(const char *wanted, size_t wanted_length, const char *list)
{
    int found = -1;
    size_t length;
    const char *key;
    for (int i = 0; (key = rates_next_key(&list, &length)) != NULL; i++)
        if (length == wanted_length && memcmp(key, wanted, length) == 0)
            found = i;
    return found;
}

void rates_carry(struct rates *to, const char *to_keys, const struct rates *from, const char *from_keys)
{
    size_t length;
    const char *key = rates_next_key(&to_keys, &length), *rest = from_keys;
    if (key == NULL && rates_next_key(&rest, &length) == NULL) /* all requests share the first bucket */
        to->keys[0] = from->keys[0];
    for (unsigned i = 0; key != NULL; key = rates_next_key(&to_keys, &length), i++) {
        const int before = number_of(key, length, from_keys);
        if (before >= 0)
            to->keys[bucket_of(i)] = from->keys[bucket_of((unsigned)before)];
    }
}
