/* espeak.c: phonemes from espeak-ng. */
#include "text/espeak.h"

#ifdef HAVE_ESPEAK
#include <pthread.h>
#include <string.h>

#include <espeak-ng/speak_lib.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static enum { UNTRIED, READY, MISSING } state; /* guarded by mutex */
static char current_voice[32];                 /* guarded by mutex */

/* With the mutex held: starts espeak-ng once for the life of the process. */
static bool start(void)
{
    if (state == UNTRIED)
        state = espeak_Initialize(AUDIO_OUTPUT_RETRIEVAL, 0, NULL, espeakINITIALIZE_DONT_EXIT) > 0 ? READY
                                                                                                   : MISSING;
    return state == READY;
}

/* With the mutex held. */
static bool choose_voice(const char *voice)
{
    if (!start())
        return false;
    if (strcmp(current_voice, voice) == 0)
        return true;
    if (strlen(voice) >= sizeof current_voice || espeak_SetVoiceByName(voice) != EE_OK) {
        current_voice[0] = '\0';
        return false;
    }
    strcpy(current_voice, voice);
    return true;
}

bool espeak_available(void)
{
    pthread_mutex_lock(&mutex);
    bool ready = start();
    pthread_mutex_unlock(&mutex);
    return ready;
}

bool espeak_has_voice(const char *voice)
{
    pthread_mutex_lock(&mutex);
    bool has = choose_voice(voice);
    pthread_mutex_unlock(&mutex);
    return has;
}

bool espeak_ipa(const char *voice, const char *text, struct str *out)
{
    /* IPA, one phoneme's letters tied by '^' (speak_lib.h, espeak_TextToPhonemes) */
    const int mode = espeakPHONEMES_IPA | espeakPHONEMES_TIE | '^' << 8;
    pthread_mutex_lock(&mutex);
    bool ready = choose_voice(voice);
    const void *rest = text;
    bool first = true;
    while (ready && rest != NULL) {
        const char *clause = espeak_TextToPhonemes(&rest, espeakCHARS_UTF8, mode);
        if (clause == NULL)
            break;
        while (*clause == ' ')
            clause++;
        if (*clause == '\0')
            continue;
        if (!first)
            str_putc(out, ' ');
        str_puts(out, clause);
        first = false;
    }
    pthread_mutex_unlock(&mutex);
    return ready;
}

#else

bool espeak_available(void)
{
    return false;
}

bool espeak_has_voice(const char *voice)
{
    (void)voice;
    return false;
}

bool espeak_ipa(const char *voice, const char *text, struct str *out)
{
    (void)voice;
    (void)text;
    (void)out;
    return false;
}

#endif
