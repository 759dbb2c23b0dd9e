/* clip_key.h: what a clip is known by. */
#ifndef ENGINE_CLIP_KEY_H
#define ENGINE_CLIP_KEY_H

#include "engine/clip.h"
#include "voices/registry.h"

/* Raise it with every change that makes any voice sound other than before, be it inaudibly (kernels, layers,
 * model, flite's settings): disks and Redis then have nothing that an older build of the same version spoke. */
enum { CLIP_SOUND_REVISION = 4 };

/* SHA-256 of all that decides the samples and word times of an utterance: this version of the program and the
 * revision of its sound, the voice's identity (model and instruction set in it), its phonemes (else its text),
 * where its words begin and end in them, speed, pitch and seed. The same in every process, so that it names
 * files and Redis keys too. False when out of memory. */
bool clip_key_make(const struct registry *registry, const struct voice_ref *voice,
                   const struct utterance *utterance, struct cache_key *key);

/* A key as a name of CLIP_KEY_NAME hexadecimal digits, and a NUL. */
enum { CLIP_KEY_NAME = 2 * CACHE_KEY_BYTES };
void clip_key_name(const struct cache_key *key, char name[CLIP_KEY_NAME + 1]);

#endif
