/* lexicon_format.h: what the compiler and the reader of lexicon files share (the layout: lexicon.h). */
#ifndef TEXT_LEXICON_FORMAT_H
#define TEXT_LEXICON_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define LEXICON_MAGIC       "LTLEX\1\n"
#define LEXICON_HEADER_SIZE 80
#define LEXICON_MAX_SIZE    (16u << 20) /* a slot has 24 bits for an offset */
#define LEXICON_MAX_PROBE   255
#define LEXICON_SPELLED     255

static inline uint32_t lexicon_u32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* FNV-1a (Fowler, Noll, Vo), 64 bits, with a final mix so that the high bits depend on every byte. */
static inline uint64_t lexicon_hash(const char *word, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)word[i]) * 0x100000001b3u;
    hash ^= hash >> 32;
    return hash * 0x9e3779b97f4a7c15u;
}

/* Scales the high half of the hash to [0, count). */
static inline uint32_t lexicon_slot(uint64_t hash, uint32_t count)
{
    return (uint32_t)((hash >> 32) * count >> 32);
}

static inline uint32_t lexicon_fingerprint(uint64_t hash)
{
    return (uint32_t)hash >> 24;
}

#endif
