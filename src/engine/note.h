/* note.h: what the rooms below the engine have the cache keep: phonemes of sentences and rows of blended
 * voices. */
#ifndef ENGINE_NOTE_H
#define ENGINE_NOTE_H

#include "base/memo.h"
#include "engine/cache.h"

/* A memo that keeps in `cache`, which must outlive it. */
struct memo note_memo(struct cache *cache);

#endif
