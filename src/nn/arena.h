/* arena.h: working memory of the engine: one mapping, taken in stack order.
 *
 * A forward pass takes its arrays with arena_take and gives them back all at once by returning to an earlier mark.
 * Pages become resident when they are first written and stay for the next utterance; arena_trim returns what a rare
 * long utterance left behind. Used by one thread at a time (tasks of other threads only write into what was taken). */
#ifndef NN_ARENA_H
#define NN_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Set up with {0}. */
struct arena {
    unsigned char *base; /* NULL until arena_reserve */
    size_t mapped;       /* bytes of address space */
    size_t capacity;     /* of them, that may be taken */
    size_t used;
    size_t peak;   /* largest `used` since the last arena_trim */
    size_t held;   /* bytes that may be resident since arena_trim gave the rest back */
    bool overflow; /* an arena_take did not fit: the pass must end with LT_ERR_MEMORY */
};

/* Makes at least `capacity` bytes of address space available; memory itself is only used once it is written. The
 * arena must be empty (used 0): its contents are lost. Errors: LT_ERR_MEMORY. */
lt_status arena_reserve(struct arena *arena, size_t capacity, lt_error *error);

/* From now on no more than `most` bytes, nor than were reserved, can be taken. The arena must be empty. */
void arena_limit(struct arena *arena, size_t most);

void arena_free(struct arena *arena);

/* `bytes` bytes, aligned to 64, contents undefined; released by arena_release. When it does not fit, overflow is set
 * and NULL returned. */
void *arena_take(struct arena *arena, size_t bytes);

/* Moves back to a state of `used` that was read before: everything taken since is released. */
static inline void arena_release(struct arena *arena, size_t mark)
{
    arena->used = mark;
}

/* Gives pages beyond `keep` bytes back to the system when the peak went over it; the arena must be empty. */
void arena_trim(struct arena *arena, size_t keep);

#endif
