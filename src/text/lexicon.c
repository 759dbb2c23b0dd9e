/* lexicon.c: look-up in the compiled pronunciation lexicon (its layout: lexicon.h). */
#include "text/lexicon.h"

#include <stdlib.h>
#include <string.h>

#include "base/chars.h"
#include "base/file.h"
#include "text/lexicon_format.h"

struct lexicon {
    struct mapped_file file; /* data NULL when opened over the caller's bytes */
    const unsigned char *bytes;
    size_t size;
    struct lexicon_table {
        const unsigned char *slots;
        uint32_t slot_count, longest_probe;
    } tables[LEXICON_PARTS];
};

/* Checks header and tables; records are checked as they are read. */
static lt_status check(struct lexicon *lexicon, const char *name, lt_error *error)
{
    const unsigned char *b = lexicon->bytes;
    if (lexicon->size < LEXICON_HEADER_SIZE || memcmp(b, LEXICON_MAGIC, 8) != 0)
        return error_set(error, LT_ERR_MODEL, "'%s' is no lexicon of this version: run 'litetts pull' again",
                         name);
    if (lexicon_u32(b + 8) != lexicon->size || lexicon->size > LEXICON_MAX_SIZE)
        return error_set(error, LT_ERR_MODEL, "the lexicon '%s' is cut short: run 'litetts pull' again",
                         name);
    for (int part = 0; part < LEXICON_PARTS; part++) {
        const unsigned char *h = b + 16 + 16 * part;
        uint32_t offset = lexicon_u32(h), slots = lexicon_u32(h + 4), probe = lexicon_u32(h + 8);
        if (offset < LEXICON_HEADER_SIZE || offset > lexicon->size || slots == 0 ||
            slots > (lexicon->size - offset) / 4 || probe > LEXICON_MAX_PROBE)
            return error_set(error, LT_ERR_MODEL,
                             "the lexicon '%s' is damaged (table %d): run 'litetts pull' again", name, part);
        lexicon->tables[part] = (struct lexicon_table){b + offset, slots, probe};
    }
    return error_none(error);
}

lt_status lexicon_open_bytes(const void *bytes, size_t size, struct lexicon **lexicon, lt_error *error)
{
    *lexicon = NULL;
    struct lexicon *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return error_memory(error, "the lexicon");
    opened->bytes = bytes;
    opened->size = size;
    lt_status status = check(opened, "memory", error);
    if (status != LT_OK)
        free(opened);
    else
        *lexicon = opened;
    return status;
}

lt_status lexicon_open(const char *path, struct lexicon **lexicon, lt_error *error)
{
    *lexicon = NULL;
    struct lexicon *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return error_memory(error, "the lexicon");
    lt_status status = file_map(path, &opened->file, error);
    if (status == LT_OK) {
        opened->bytes = opened->file.data;
        opened->size = opened->file.size;
        status = check(opened, path, error);
    }
    if (status != LT_OK)
        lexicon_close(opened);
    else
        *lexicon = opened;
    return status;
}

void lexicon_close(struct lexicon *lexicon)
{
    if (lexicon == NULL)
        return;
    if (lexicon->file.data != NULL)
        file_unmap(&lexicon->file);
    free(lexicon);
}

/* Reads the record at `offset`: its word into *word and *size, its variants into *entry. False when it is damaged. */
static bool read_record(const struct lexicon *lexicon, uint32_t offset, const unsigned char **word,
                        size_t *size, struct lexicon_entry *entry)
{
    const unsigned char *p = lexicon->bytes + offset, *end = lexicon->bytes + lexicon->size;
    if (offset >= lexicon->size)
        return false;
    *size = *p++;
    *word = p;
    if ((size_t)(end - p) < *size + 1)
        return false;
    p += *size;
    entry->count = *p++;
    if (entry->count == 0 || entry->count > LEXICON_MAX_VARIANTS)
        return false;
    for (int i = 0; i < entry->count; i++) {
        if (end - p < 2)
            return false;
        struct lexicon_variant *variant = &entry->variants[i];
        variant->tag = *p++;
        variant->spelled = *p == LEXICON_SPELLED;
        variant->size = variant->spelled ? 0 : *p;
        variant->ids = ++p;
        if (end - p < variant->size)
            return false;
        p += variant->size;
    }
    return entry->variants[0].tag == LEXICON_DEFAULT;
}

/* Whether the record at `offset` is for `word`; the cheap part of read_record. */
static bool record_is(const struct lexicon *lexicon, uint32_t offset, const char *word, size_t size)
{
    return offset < lexicon->size && lexicon->bytes[offset] == size && lexicon->size - offset - 1 >= size &&
           memcmp(lexicon->bytes + offset + 1, word, size) == 0;
}

static bool find_hashed(const struct lexicon *lexicon, enum lexicon_part part, uint64_t hash,
                        const char *word, size_t size, struct lexicon_entry *entry)
{
    const struct lexicon_table *table = &lexicon->tables[part];
    uint32_t at = lexicon_slot(hash, table->slot_count);
    for (uint32_t probe = 0; probe <= table->longest_probe; probe++) {
        uint32_t slot = lexicon_u32(table->slots + 4 * (size_t)at);
        if (slot == 0)
            return false;
        uint32_t offset = slot & 0xffffff;
        if (slot >> 24 == lexicon_fingerprint(hash) && record_is(lexicon, offset, word, size)) {
            struct lexicon_entry unused;
            const unsigned char *found;
            size_t found_size;
            return read_record(lexicon, offset, &found, &found_size, entry == NULL ? &unused : entry);
        }
        at = at + 1 == table->slot_count ? 0 : at + 1;
    }
    return false;
}

bool lexicon_find_exact(const struct lexicon *lexicon, enum lexicon_part part, const char *word, size_t size,
                        struct lexicon_entry *entry)
{
    return size > 0 && size <= LEXICON_MAX_WORD &&
           find_hashed(lexicon, part, lexicon_hash(word, size), word, size, entry);
}

bool lexicon_find(const struct lexicon *lexicon, enum lexicon_part part, const char *word, size_t size,
                  struct lexicon_entry *entry)
{
    if (lexicon_find_exact(lexicon, part, word, size, entry))
        return true;
    if (size < 2 || size > LEXICON_MAX_WORD)
        return false;
    for (size_t i = 1; i < size; i++)
        if (char_is_upper(word[i]))
            return false;
    if (!char_is_alpha(word[0]))
        return false;
    char other[LEXICON_MAX_WORD];
    memcpy(other, word, size);
    other[0] = char_is_upper(word[0]) ? char_lower(word[0]) : char_upper(word[0]);
    return lexicon_find_exact(lexicon, part, other, size, entry);
}

const struct lexicon_variant *lexicon_variant(const struct lexicon_entry *entry, enum lexicon_tag tag)
{
    for (int i = 0; i < entry->count; i++)
        if (entry->variants[i].tag == tag)
            return &entry->variants[i];
    return NULL;
}

void lexicon_walk(const struct lexicon *lexicon, enum lexicon_part part,
                  bool (*visit)(void *user, const char *word, size_t size, const struct lexicon_entry *entry),
                  void *user)
{
    const struct lexicon_table *table = &lexicon->tables[part];
    for (uint32_t i = 0; i < table->slot_count; i++) {
        uint32_t slot = lexicon_u32(table->slots + 4 * (size_t)i);
        struct lexicon_entry entry;
        const unsigned char *word;
        size_t size;
        if (slot != 0 && read_record(lexicon, slot & 0xffffff, &word, &size, &entry) &&
            !visit(user, (const char *)word, size, &entry))
            return;
    }
}
