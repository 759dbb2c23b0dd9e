/* speech.h: POST /v1/audio/speech and its relatives: from a parsed request to audio, or text, on the wire. */
#ifndef SERVER_SPEECH_H
#define SERVER_SPEECH_H

#include "server/state.h"

/* Parses the body, submits the speech to the pool and suspends the connection; or answers an error. */
enum MHD_Result speech_begin(struct exchange *x);

/* The same for POST /v1/audio/stream, which always streams. */
enum MHD_Result speech_begin_stream(struct exchange *x);

/* POST /dev/captioned_speech: audio and the times of its words in JSON, as Kokoro-FastAPI's. */
enum MHD_Result speech_begin_captioned(struct exchange *x);

/* POST /dev/generate_from_phonemes; GET and POST of /dev/phonemize and /dev/normalize, whose answers are
 * JSON. The names and fields of the first two are Kokoro-FastAPI's. */
enum MHD_Result speech_begin_phonemes(struct exchange *x);
enum MHD_Result speech_phonemize(struct exchange *x);
enum MHD_Result speech_normalize(struct exchange *x);

/* Called when the connection of a submitted exchange was resumed: answers as soon as there is something to
 * answer, else suspends it again. */
enum MHD_Result speech_answer(struct exchange *x);

/* The client has gone, or has to go: stops the work. Safe from any thread that keeps the exchange alive. */
void speech_abandon(struct exchange *x);

/* Frees what speech_begin made. */
void speech_free(struct exchange *x);

#endif
