/* user_lexicon.h: the user's own pronunciations, a text file that is read again when it changes.
 *
 *     # a comment
 *     Kokoro     /kˈOkəɹO/        Kokoro's symbols or IPA, between slashes
 *     nginx      engine x         or other words to say instead
 *
 * The word is matched as written, else in lower case where the file has it in lower case. */
#ifndef TEXT_USER_LEXICON_H
#define TEXT_USER_LEXICON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct user_lexicon;

/* Reads `path`. Errors: LT_ERR_IO, LT_ERR_TEXT (with file and line), LT_ERR_MEMORY. */
lt_status user_lexicon_open(const char *path, bool british, struct user_lexicon **lexicon, lt_error *error);

/* The same from bytes, `name` standing for the path in errors; it never reloads. */
lt_status user_lexicon_parse(const char *name, const char *text, size_t size, bool british,
                             struct user_lexicon **lexicon, lt_error *error);
void user_lexicon_close(struct user_lexicon *lexicon); /* NULL is fine */

/* Whether the file is another one than what was read. */
bool user_lexicon_changed(const struct user_lexicon *lexicon);

/* What to say for a word: `phonemes` in Kokoro's symbols, or `words` to be said instead; the other is NULL. */
struct user_entry {
    const char *phonemes, *words;
};

/* Looks up a word; the entry's strings live as long as the lexicon. Safe from any thread. */
bool user_lexicon_find(const struct user_lexicon *lexicon, const char *word, size_t size,
                       struct user_entry *entry);

#endif
