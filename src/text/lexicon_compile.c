/* lexicon_compile.c: from misaki's JSON lexicons to the mapped file (its layout: lexicon.h). */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "text/lexicon.h"
#include "text/lexicon_format.h"
#include "text/symbols.h"

static const char *const tag_names[LEXICON_TAGS] = {"DEFAULT", "None", "NOUN", "VERB", "ADJ",
                                                    "ADV",     "VBD",  "VBN",  "VBP",  "DT"};

static void put_u32(struct str *out, size_t at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out->data[at + i] = (char)(value >> (8 * i));
}

/* Appends one variant: tag, count, symbols. */
static lt_status put_variant(struct str *out, enum lexicon_tag tag, const json_t *value, const char *word,
                             const char *path, lt_error *error)
{
    str_putc(out, (char)tag);
    if (json_is_null(value)) {
        str_putc(out, (char)LEXICON_SPELLED);
        return LT_OK;
    }
    struct phones phones;
    if (!json_is_string(value) ||
        !phones_parse(json_string_value(value), json_string_length(value), &phones, NULL))
        return error_set(error, LT_ERR_MODEL,
                         "'%s': the word '%s' has a pronunciation that is no string of Kokoro's symbols",
                         path, word);
    str_putc(out, (char)phones.count);
    str_append(out, phones.id, phones.count);
    return LT_OK;
}

/* Appends the variants of a word that has several, DEFAULT first. */
static lt_status put_table(struct str *out, const json_t *value, const char *word, const char *path,
                           lt_error *error)
{
    size_t count = json_object_size(value), found = 0;
    if (count > LEXICON_MAX_VARIANTS || json_object_get(value, "DEFAULT") == NULL)
        return error_set(error, LT_ERR_MODEL,
                         "'%s': the word '%s' has no DEFAULT, or more than %d pronunciations", path, word,
                         LEXICON_MAX_VARIANTS);
    str_putc(out, (char)count);
    for (int tag = 0; tag < LEXICON_TAGS; tag++) {
        const json_t *variant = json_object_get(value, tag_names[tag]);
        if (variant == NULL)
            continue;
        lt_status status = put_variant(out, (enum lexicon_tag)tag, variant, word, path, error);
        if (status != LT_OK)
            return status;
        found++;
    }
    return found == count
               ? LT_OK
               : error_set(error, LT_ERR_MODEL, "'%s': the word '%s' has a pronunciation for an unknown tag",
                           path, word);
}

/* Appends the record of a word. */
static lt_status put_record(struct str *out, const char *word, const json_t *value, const char *path,
                            lt_error *error)
{
    size_t size = strlen(word);
    if (size == 0 || size > LEXICON_MAX_WORD)
        return error_set(error, LT_ERR_MODEL, "'%s': the word '%s' is empty or longer than %d bytes", path,
                         word, LEXICON_MAX_WORD);
    str_putc(out, (char)size);
    str_append(out, word, size);
    if (json_is_object(value))
        return put_table(out, value, word, path, error);
    str_putc(out, 1);
    return put_variant(out, LEXICON_DEFAULT, value, word, path, error);
}

/* Puts the word into the part's table; the longest probe so far into *longest. */
static bool place(struct str *out, size_t table, uint32_t slots, const char *word, uint32_t offset,
                  uint32_t *longest)
{
    uint64_t hash = lexicon_hash(word, strlen(word));
    uint32_t at = lexicon_slot(hash, slots);
    for (uint32_t probe = 0; probe <= LEXICON_MAX_PROBE; probe++) {
        size_t slot = table + 4 * (size_t)at;
        if (lexicon_u32((const unsigned char *)out->data + slot) == 0) {
            put_u32(out, slot, offset | lexicon_fingerprint(hash) << 24);
            if (probe > *longest)
                *longest = probe;
            return true;
        }
        at = at + 1 == slots ? 0 : at + 1;
    }
    return false;
}

/* Appends one lexicon: its table, then its records. */
static lt_status put_part(struct str *out, int part, const char *path, lt_error *error)
{
    json_error_t problem;
    json_t *root = json_load_file(path, 0, &problem);
    if (root == NULL)
        return error_set(error,
                         json_error_code(&problem) == json_error_cannot_open_file ? LT_ERR_IO : LT_ERR_MODEL,
                         "cannot read the lexicon '%s': %s (line %d)", path, problem.text, problem.line);
    lt_status status = json_is_object(root)
                           ? error_none(error)
                           : error_set(error, LT_ERR_MODEL, "'%s' is no lexicon: no JSON object", path);
    size_t words = json_object_size(root), table = out->length;
    uint32_t slots = (uint32_t)(words + words / 2 + 1), longest = 0;
    if (status == LT_OK && words > LEXICON_MAX_SIZE / 16)
        status = error_set(error, LT_ERR_MODEL, "'%s' has too many words: %zu", path, words);
    if (status == LT_OK && !str_reserve(out, 4 * (size_t)slots))
        status = error_memory(error, "the lexicon");
    if (status == LT_OK) {
        memset(out->data + table, 0, 4 * (size_t)slots);
        out->length += 4 * (size_t)slots;
    }
    const char *word;
    json_t *value;
    if (status == LT_OK)
        json_object_foreach(root, word, value)
        {
            size_t offset = out->length;
            status = put_record(out, word, value, path, error);
            if (status == LT_OK && out->failed)
                status = error_memory(error, "the lexicon");
            if (status == LT_OK && (out->length > LEXICON_MAX_SIZE ||
                                    !place(out, table, slots, word, (uint32_t)offset, &longest)))
                status = error_set(error, LT_ERR_MODEL, "the lexicons are too large: more than %u bytes",
                                   LEXICON_MAX_SIZE);
            if (status != LT_OK)
                break;
        }
    if (status == LT_OK) {
        size_t header = 16 + 16 * (size_t)part;
        put_u32(out, header, (uint32_t)table);
        put_u32(out, header + 4, slots);
        put_u32(out, header + 8, longest);
        put_u32(out, header + 12, (uint32_t)words);
    }
    json_decref(root);
    return status;
}

lt_status lexicon_compile(const char *const json_paths[LEXICON_PARTS], const char *out_path, lt_error *error)
{
    struct str out = {0};
    if (!str_reserve(&out, LEXICON_HEADER_SIZE))
        return error_memory(error, "the lexicon");
    memset(out.data, 0, LEXICON_HEADER_SIZE);
    memcpy(out.data, LEXICON_MAGIC, 8);
    out.length = LEXICON_HEADER_SIZE;
    lt_status status = error_none(error);
    for (int part = 0; part < LEXICON_PARTS && status == LT_OK; part++)
        status = put_part(&out, part, json_paths[part], error);
    if (status == LT_OK) {
        put_u32(&out, 8, (uint32_t)out.length);
        status = file_replace(out_path, out.data, out.length, error);
    }
    str_free(&out);
    return status;
}
