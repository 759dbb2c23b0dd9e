/* rates.h: how many requests a minute each API key may send: a token bucket a key.
 *
 * A bucket holds at most a minute's worth and fills steadily, so that a client may send a burst but not
 * more in the long run. Knows no clock: the caller passes the time. One thread at a time. */
#ifndef SERVER_RATES_H
#define SERVER_RATES_H

#include <stddef.h>

enum { RATES_KEYS = 64 }; /* keys beyond them share the last bucket */

struct rates {
    double a_minute; /* requests a key; 0: any number */
    struct {
        double spent; /* requests that are not forgotten yet */
        double at;    /* when that was so */
    } keys[RATES_KEYS];
};

/* Counts a request of key number `key` (0 and more) at `now`. 0: it may pass; else about how many seconds
 * it has to wait, 1 or more, and it is not counted. */
unsigned rates_take(struct rates *rates, unsigned key, double now);

/* The next key of a list (server.api_key), NULL: there is none; its length is in *length, and *list moves
 * on. Keys are numbered from 0 in the order in which they come. */
const char *rates_next_key(const char **list, size_t *length);

/* Gives buckets that nobody has used yet what the keys of another list have used; a key that is in both lists,
 * or a list without keys that stays one, goes on as it was. */
void rates_carry(struct rates *to, const char *to_keys, const struct rates *from, const char *from_keys);

#endif
