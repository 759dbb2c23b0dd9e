/* lexicon.h: the pronunciation lexicons, compiled into one mapped file.
 *
 * hexgrad/misaki publishes four English lexicons as JSON: American and British, each "gold" (checked by hand) and "silver".
 * lexicon_compile packs them into a file that is mapped and used as it lies: nothing is parsed or allocated when it is opened, and a
 * look-up touches one slot of a hash table and one record.
 *
 * The file, little endian: a header of HEADER_SIZE bytes (magic "LTLEX\1\n\0", u32 file size, u32 zero, then for each of
 * the four lexicons u32 table offset, u32 slots, u32 longest probe, u32 words); four tables of u32 slots, 0 when empty, else
 * the record's offset in the low 24 bits and 8 bits of the word's hash in the high ones; records: u8 size of the word, the
 * word, u8 variants, and for each variant u8 tag (enum lexicon_tag), u8 count of symbols (255: the word is spelled out), the symbols (ids of symbols.h). */
#ifndef TEXT_LEXICON_H
#define TEXT_LEXICON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum lexicon_part { LEXICON_US_GOLD, LEXICON_US_SILVER, LEXICON_GB_GOLD, LEXICON_GB_SILVER, LEXICON_PARTS };

/* What a variant of a word is for: a part of speech, or LEXICON_FINAL: before a pause (misaki's "None"). */
enum lexicon_tag {
    LEXICON_DEFAULT,
    LEXICON_FINAL,
    LEXICON_NOUN,
    LEXICON_VERB,
    LEXICON_ADJ,
    LEXICON_ADV,
    LEXICON_VBD,
    LEXICON_VBN,
    LEXICON_VBP,
    LEXICON_DT,
    LEXICON_TAGS
};

/* Compiles four JSON files, in the order of enum lexicon_part, into `out_path` (replaced at once). Errors: LT_ERR_IO, LT_ERR_MODEL
 * (a file is no such lexicon: says which word or byte), LT_ERR_MEMORY. */
lt_status lexicon_compile(const char *const json_paths[LEXICON_PARTS], const char *out_path, lt_error *error);

#define LEXICON_MAX_WORD 64 /* bytes of the longest word that a lexicon holds */

struct lexicon;

/* Maps a compiled file. Errors: LT_ERR_IO, LT_ERR_MODEL (not a lexicon, or damaged), LT_ERR_MEMORY. */
lt_status lexicon_open(const char *path, struct lexicon **lexicon, lt_error *error);

/* The same over bytes that stay the caller's and unchanged while the lexicon is open. */
lt_status lexicon_open_bytes(const void *bytes, size_t size, struct lexicon **lexicon, lt_error *error);
void lexicon_close(struct lexicon *lexicon); /* NULL is fine */

/* The pronunciations of one word, pointing into the file. */
#define LEXICON_MAX_VARIANTS 8
struct lexicon_entry {
    uint8_t count;
    struct lexicon_variant {
        uint8_t tag;        /* enum lexicon_tag */
        bool spelled;       /* no pronunciation: the letters are said */
        uint8_t size;       /* symbols */
        const uint8_t *ids; /* of symbols.h */
    } variants[LEXICON_MAX_VARIANTS];
};

/* Looks up exactly `word`. Safe from any thread; a damaged record is not found. `entry` may be NULL. */
bool lexicon_find_exact(const struct lexicon *lexicon, enum lexicon_part part, const char *word, size_t size,
                        struct lexicon_entry *entry);

/* Looks up `word` as misaki does: as it is; else a Capitalised word in lower case and a lower-case word capitalised. */
bool lexicon_find(const struct lexicon *lexicon, enum lexicon_part part, const char *word, size_t size,
                  struct lexicon_entry *entry);

/* The variant of a tag, or NULL. */
const struct lexicon_variant *lexicon_variant(const struct lexicon_entry *entry, enum lexicon_tag tag);

/* A walk over the words of a part, for tests: calls `visit` for each until it returns false. */
void lexicon_walk(const struct lexicon *lexicon, enum lexicon_part part,
                  bool (*visit)(void *user, const char *word, size_t size, const struct lexicon_entry *entry),
                  void *user);

#endif
