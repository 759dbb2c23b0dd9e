/* fuzz_lexicon.c: the compiled lexicon. Whatever the file holds, look-ups stay inside it and end. */
#include <stdlib.h>
#include <string.h>

#include "text/g2p.h"
#include "text/lexicon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Touches every byte that an entry points to. */
static bool read_entry(void *user, const char *word, size_t size, const struct lexicon_entry *entry)
{
    unsigned *sum = user;
    for (size_t i = 0; i < size; i++)
        *sum += (unsigned char)word[i];
    if (entry->count == 0 || entry->count > LEXICON_MAX_VARIANTS)
        abort();
    for (int v = 0; v < entry->count; v++)
        for (int i = 0; i < entry->variants[v].size; i++)
            *sum += entry->variants[v].ids[i];
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const words[] = {"read",   "the",     "Read",  "READ", "it's", "cats",
                                        "wishes", "stopped", "x-ray", "used", "a"};
    lt_error error;
    struct lexicon *lexicon;
    lt_status status = lexicon_open_bytes(data, size, &lexicon, &error);
    if (status != error.status || (status != LT_OK && error.message[0] == '\0'))
        abort();
    if (status != LT_OK)
        return 0;
    struct letters *letters;
    if (letters_open(false, false, &letters, NULL) == LT_OK) {
        struct g2p g2p = {lexicon, false, letters};
        struct g2p_context context = {FUTURE_VOWEL, false};
        struct g2p_result result;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            g2p_word(&g2p, words[i], strlen(words[i]), POS_VBD, STRESS_UNSET, context, &result);
        letters_close(letters);
    }
    unsigned sum = 0;
    for (int part = 0; part < LEXICON_PARTS; part++)
        lexicon_walk(lexicon, part, read_entry, &sum);
    lexicon_close(lexicon);
    return sum == 1; /* keeps the reads */
}
