/* utterance_word.h: a word on its way from the text to the audio. The front end says where it comes from, a voice's backend when it
 * sounds. */
#ifndef TEXT_UTTERANCE_WORD_H
#define TEXT_UTTERANCE_WORD_H

#include <stdint.h>

/* `start`/`end` are filled by the backend's speak(), in seconds from the utterance's first sample; both stay
 * negative where it says nothing for the word. */
struct utterance_word {
    uint64_t source_begin, source_end;   /* bytes in the request's source text */
    uint32_t spoken_begin, spoken_end;   /* bytes in the text of the utterance */
    uint32_t phoneme_begin, phoneme_end; /* bytes in its phonemes; equal when it has none */
    float start, end;
};

#endif
