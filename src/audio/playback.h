/* playback.h: sound on the machine's own audio device. Part of the command, not of the library. */
#ifndef AUDIO_PLAYBACK_H
#define AUDIO_PLAYBACK_H

#include <stddef.h>

#include "base/error.h"

/* An open device; used by one thread at a time. */
struct playback;

/* Opens `device` (an ALSA name; NULL: the default one) for what LT_FORMAT_PCM is. On success *playback is
 * the caller's, to be closed with playback_close. Errors: LT_ERR_IO when there is none or it cannot be
 * used (the sentence says to use -o FILE), LT_ERR_MEMORY. */
lt_status playback_open(const char *device, struct playback **playback, lt_error *error);

/* Plays the `size` bytes (even) that an LT_FORMAT_PCM request hands to its write callback. Returns when
 * the device's buffer of half a second has taken them all. A pause of the caller is silence, no error.
 * Errors: LT_ERR_IO. */
lt_status playback_write(struct playback *playback, const void *pcm, size_t size, lt_error *error);

/* Waits until all that was written has sounded. Errors: LT_ERR_IO. */
lt_status playback_drain(struct playback *playback, lt_error *error);

/* Closes it; what has not sounded yet is dropped. NULL is fine. */
void playback_close(struct playback *playback);

#endif
