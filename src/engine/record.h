/* record.h: a clip as bytes, for a file or for Redis.
 *
 * A head (magic with a version, key, kind and number of samples, number of words), the words' times, the
 * samples, and a SHA-256 of all that; little-endian. Whatever was torn, damaged, or stands under a wrong
 * name is told by the sum. */
#ifndef ENGINE_RECORD_H
#define ENGINE_RECORD_H

#include "base/str.h"
#include "engine/clip.h"

enum { RECORD_MOST_BYTES = 64 << 20 }; /* of a record that is read: far above any clip's */

/* Appends the record of a done clip, under its key, to *out; out->failed when out of memory. */
void record_write(struct clip *clip, struct str *out);

/* Fills an empty clip, which has its key and its number of words, from a record; the caller then ends it
 * with clip_finish. False when the record is not an undamaged one of that clip, or out of memory: the clip
 * then stays empty. */
bool record_read(const void *bytes, size_t size, struct clip *clip);

#endif
