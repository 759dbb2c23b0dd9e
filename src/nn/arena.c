/* arena.c: see arena.h. */
#include "nn/arena.h"

#include <stdint.h>
#include <sys/mman.h>

lt_status arena_reserve(struct arena *arena, size_t capacity, lt_error *error)
{
    if (capacity <= arena->mapped) {
        arena->capacity = arena->mapped;
        return LT_OK;
    }
    arena_free(arena);
    capacity = (capacity + 0xfffff) & ~(size_t)0xfffff;
    void *base =
        mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return error_errno(error, LT_ERR_MEMORY, "cannot reserve %zu MiB of working memory", capacity >> 20);
    /* arrays are walked in strips a panel wide, a new page every few rows; refused where the kernel has no large pages */
    (void)madvise(base, capacity, MADV_HUGEPAGE);
    *arena = (struct arena){.base = base, .mapped = capacity, .capacity = capacity};
    return LT_OK;
}

void arena_limit(struct arena *arena, size_t most)
{
    arena->capacity = most < arena->mapped ? most : arena->mapped;
}

void arena_free(struct arena *arena)
{
    if (arena->base)
        munmap(arena->base, arena->mapped);
    *arena = (struct arena){0};
}

void *arena_take(struct arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX - 63 || (bytes = (bytes + 63) & ~(size_t)63) > arena->capacity - arena->used) {
        arena->overflow = true;
        return NULL;
    }
    void *taken = arena->base + arena->used;
    arena->used += bytes;
    if (arena->used > arena->peak)
        arena->peak = arena->used;
    return taken;
}

void arena_trim(struct arena *arena, size_t keep)
{
    keep = (keep + 4095) & ~(size_t)4095;
    if (arena->base && arena->peak > keep && keep < arena->capacity)
        madvise(arena->base + keep, arena->capacity - keep, MADV_DONTNEED);
    arena->held = arena->peak > arena->held ? arena->peak : arena->held;
    arena->held = arena->held < keep ? arena->held : keep;
    arena->peak = 0;
    arena->overflow = false;
}
