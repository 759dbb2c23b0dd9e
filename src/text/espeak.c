/* espeak.c: phonemes from espeak-ng.
 *
 * It is opened when the first word needs it: through a library that could play what it says it brings those of PulseAudio,
 * D-Bus and X11 with it, 4 of the 25 ms in which the program started with them, measured on Debian 12. */
#include "text/espeak.h"

#ifdef HAVE_ESPEAK
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <espeak-ng/speak_lib.h>

#include "base/late.h"

#define LIBRARY "libespeak-ng.so.1"
#define FUNCTIONS(X)                                                                                         \
    X(espeak_Initialize)                                                                                     \
    X(espeak_SetVoiceByName)                                                                                 \
    X(espeak_TextToPhonemes)

static struct {
    FUNCTIONS(LATE_MEMBER)
} lib; /* guarded by mutex */
#define LATE_TABLE lib

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static enum { UNTRIED, READY, MISSING } state; /* guarded by mutex */
static char current_voice[32];                 /* guarded by mutex */
static locale_t utf8;                          /* guarded by mutex; 0: there is none of that kind */

/* For want of memory or address space the next word tries again. espeak-ng sets the process's LC_CTYPE to a
 * UTF-8 one, which is the program's to choose, not ours: it is put back, and espeak-ng is called in a locale of
 * the thread's own. */
static void initialize(void)
{
    static const struct late_function functions[] = {FUNCTIONS(LATE_FUNCTION)};
    const lt_status status = late_open("this", LIBRARY, "install the package libespeak-ng1", functions,
                                       sizeof functions / sizeof *functions, NULL);
    state = status == LT_ERR_MEMORY ? UNTRIED : MISSING;
    if (status != LT_OK)
        return;
    const char *set = setlocale(LC_CTYPE, NULL);
    char *before = set != NULL ? strdup(set) : NULL;
    if (lib.espeak_Initialize(AUDIO_OUTPUT_RETRIEVAL, 0, NULL, espeakINITIALIZE_DONT_EXIT) > 0)
        state = READY;
    if (before != NULL)
        setlocale(LC_CTYPE, before);
    free(before);
    utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* Starts espeak-ng the first time, for the life of the process, and begins to use it: until leave() nobody
 * else does. */
static bool enter(locale_t *before)
{
    pthread_mutex_lock(&mutex);
    if (state == UNTRIED)
        initialize();
    *before = uselocale(utf8);
    return state == READY;
}

static void leave(locale_t before)
{
    uselocale(before);
    pthread_mutex_unlock(&mutex);
}

/* Between enter() and leave(). */
static bool choose_voice(const char *voice)
{
    if (strcmp(current_voice, voice) == 0)
        return true;
    if (strlen(voice) >= sizeof current_voice || lib.espeak_SetVoiceByName(voice) != EE_OK) {
        current_voice[0] = '\0';
        return false;
    }
    strcpy(current_voice, voice);
    return true;
}

bool espeak_has_voice(const char *voice)
{
    locale_t before;
    bool has = enter(&before) && choose_voice(voice);
    leave(before);
    return has;
}

bool espeak_ipa(const char *voice, const char *text, struct str *out)
{
    /* IPA, one phoneme's letters tied by '^' (speak_lib.h, espeak_TextToPhonemes) */
    const int mode = espeakPHONEMES_IPA | espeakPHONEMES_TIE | '^' << 8;
    locale_t before;
    bool ready = enter(&before) && choose_voice(voice);
    const void *rest = text;
    bool first = true;
    while (ready && rest != NULL) {
        const char *clause = lib.espeak_TextToPhonemes(&rest, espeakCHARS_UTF8, mode);
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
    leave(before);
    return ready;
}

#else

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
