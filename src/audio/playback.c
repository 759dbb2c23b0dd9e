/* playback.c: playback through ALSA, whose default device is also what PipeWire and PulseAudio offer.
 *
 * libasound is linked, not opened at run time: unused it costs 0.7 MB of pages that all programs share and
 * 50 KB of its own (measured on Debian 12). It reads its configuration and takes memory only when a device
 * is opened. */
#include "audio/playback.h"

#include <alsa/asoundlib.h>
#include <stdlib.h>

#define BUFFER_MICROSECONDS 500000

struct playback {
    snd_pcm_t *pcm;
};

/* ALSA prints what it thinks of its configuration on standard error unless it has another place for it. */
static void silent(const char *file, int line, const char *function, int code, const char *format, ...)
{
    (void)file;
    (void)line;
    (void)function;
    (void)code;
    (void)format;
}

lt_status playback_open(const char *device, struct playback **playback, lt_error *error)
{
    *playback = NULL;
    struct playback *p = calloc(1, sizeof *p);
    if (p == NULL)
        return error_memory(error, "playing");
    snd_lib_error_set_handler(silent);
    const char *name = device != NULL ? device : "default";
    /* Without waiting here, a device that another program holds is an error, not a hang. */
    int code = snd_pcm_open(&p->pcm, name, SND_PCM_STREAM_PLAYBACK, SND_PCM_NONBLOCK);
    if (code >= 0)
        code = snd_pcm_nonblock(p->pcm, 0);
    if (code >= 0)
        code = snd_pcm_set_params(p->pcm, SND_PCM_FORMAT_S16_LE, SND_PCM_ACCESS_RW_INTERLEAVED, 1,
                                  LT_SAMPLE_RATE, 1, BUFFER_MICROSECONDS);
    if (code < 0) {
        playback_close(p);
        return error_set(error, LT_ERR_IO,
                         "no audio device can be played on ('%.60s': %s): use -o FILE to write a file", name,
                         snd_strerror(code));
    }
    *playback = p;
    return error_none(error);
}

static lt_status fault(long code, lt_error *error)
{
    return error_set(error, LT_ERR_IO, "the audio device failed: %s; use -o FILE to write a file",
                     snd_strerror((int)code));
}

lt_status playback_write(struct playback *playback, const void *pcm, size_t size, lt_error *error)
{
    const unsigned char *bytes = pcm;
    for (size_t frames = size / 2; frames > 0;) {
        snd_pcm_sframes_t n = snd_pcm_writei(playback->pcm, bytes, frames);
        if (n < 0) {
            /* a signal, an underrun (the device ran dry while the caller was busy) or a suspend: go on
             * after it */
            int code = snd_pcm_recover(playback->pcm, (int)n, 1);
            if (code < 0)
                return fault(code, error);
            continue;
        }
        bytes += 2 * n;
        frames -= (size_t)n;
    }
    return error_none(error);
}

lt_status playback_drain(struct playback *playback, lt_error *error)
{
    int code;
    do
        code = snd_pcm_drain(playback->pcm);
    while (code == -EINTR);
    /* it ran dry, so that all has sounded, or nothing was ever written */
    if (code < 0 && code != -EPIPE && code != -EBADFD)
        return fault(code, error);
    return error_none(error);
}

void playback_close(struct playback *playback)
{
    if (playback == NULL)
        return;
    if (playback->pcm != NULL) {
        snd_pcm_drop(playback->pcm);
        snd_pcm_close(playback->pcm);
    }
    snd_config_update_free_global(); /* its parsed configuration, some hundred KB */
    free(playback);
}
