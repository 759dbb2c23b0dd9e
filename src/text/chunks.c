/* chunks.c: packs spoken tokens into chunks that a backend can hold. */
#include "text/chunks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/chars.h"
#include "base/utf8.h"

/* Borders where a chunk may end, the better the higher. */
enum border { BORDER_NONE, BORDER_WORD, BORDER_CLAUSE, BORDER_SENTENCE };

void chunker_init(struct chunker *chunker, const struct text_options *options)
{
    chunker->max_symbols = options->max_symbols < 8 ? 8 : options->max_symbols;
    chunker->limit = options->first_symbols == 0 || options->first_symbols > chunker->max_symbols
                         ? chunker->max_symbols
                         : options->first_symbols;
    chunker->fitting_symbols = options->fitting_symbols == 0 ? INFINITY : (double)options->fitting_symbols;
    chunker->phonemes = options->phonemes;
    chunker->readable = options->readable;
}

void chunker_free(struct chunker *chunker)
{
    tokens_free(&chunker->tokens);
    str_free(&chunker->text);
    str_free(&chunker->spoken_phonemes);
    free(chunker->passages);
    free(chunker->words);
}

static size_t token_symbols(const struct chunker *chunker, const struct token *token)
{
    if (token->kind != TOKEN_WORD && token->kind != TOKEN_PUNCTUATION)
        return 0;
    size_t size = token->text_size;
    if (chunker->phonemes && (token->kind == TOKEN_WORD || token->phonemes_size > 0))
        size = utf8_count(chunker->tokens.pool.data + token->phonemes, token->phonemes_size);
    if (token->spell && !chunker->phonemes && !chunker->readable && size > 0)
        size += size - 1; /* the spaces between letters */
    return size + token->space_after;
}

lt_status chunker_add_passage(struct chunker *chunker, const struct passage *passage, lt_error *error)
{
    if (chunker->tokens.failed)
        return error_memory(error, "the words of a sentence");
    size_t begin = chunker->passage_count == 0 ? 0 : chunker->passages[chunker->passage_count - 1].end;
    for (size_t i = begin; i < chunker->tokens.count; i++) {
        chunker->symbols += token_symbols(chunker, &chunker->tokens.items[i]);
        chunker->pauses += chunker->tokens.items[i].kind == TOKEN_PAUSE;
    }
    chunker->has_final |= chunker->pauses > 0;
    if (begin == chunker->tokens.count) { /* nothing is said: only its end counts, and only after something */
        if (chunker->passage_count > chunker->passage_first && (passage->final || passage->pause > 0)) {
            struct passage *last = &chunker->passages[chunker->passage_count - 1];
            last->final |= passage->final;
            last->pause = passage->pause > last->pause ? passage->pause : last->pause;
            chunker->has_final = true;
        }
        return LT_OK;
    }
    if (chunker->passage_count == chunker->passage_capacity) {
        size_t capacity = chunker->passage_capacity == 0 ? 16 : chunker->passage_capacity * 2;
        struct passage *passages = realloc(chunker->passages, capacity * sizeof *passages);
        if (passages == NULL)
            return error_memory(error, "the words of a sentence");
        chunker->passages = passages;
        chunker->passage_capacity = capacity;
    }
    struct passage *added = &chunker->passages[chunker->passage_count++];
    *added = *passage;
    added->end = chunker->tokens.count;
    chunker->has_final |= passage->final || passage->pause > 0;
    return LT_OK;
}

bool chunker_is_full(const struct chunker *chunker)
{
    return chunker->has_final || chunker->symbols > 2 * chunker->limit;
}

bool text_style_equal(const struct text_style *a, const struct text_style *b)
{
    return a->rate == b->rate && a->volume == b->volume && a->pitch == b->pitch &&
           a->pitch_hertz == b->pitch_hertz && a->background_volume == b->background_volume &&
           strcmp(a->voice, b->voice) == 0 && strcmp(a->background, b->background) == 0;
}

static bool ends_clause(const struct tokens *tokens, const struct token *token)
{
    static const char *const marks[] = {",", ";", ":", ")", "—", "…", "”"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (token->text_size == strlen(marks[i]) &&
            memcmp(tokens->pool.data + token->text, marks[i], token->text_size) == 0)
            return true;
    return false;
}

static bool ends_sentence(const struct tokens *tokens, const struct token *token)
{
    return token->text_size == 1 && strchr(".!?", tokens->pool.data[token->text]) != NULL;
}

static enum border border_after(const struct chunker *chunker, size_t index, bool ends_passage)
{
    const struct token *token = &chunker->tokens.items[index];
    if (ends_passage)
        return BORDER_SENTENCE;
    if (!token->space_after)
        return BORDER_NONE;
    if (token->kind == TOKEN_PUNCTUATION && ends_sentence(&chunker->tokens, token))
        return BORDER_SENTENCE; /* of phonemes that were given, which are one passage */
    if (token->kind == TOKEN_PUNCTUATION && ends_clause(&chunker->tokens, token))
        return BORDER_CLAUSE;
    return BORDER_WORD;
}

/* Where a chunk may end. */
struct choice {
    size_t end;     /* token after the chunk's last */
    size_t symbols; /* up to there */
    float pause;    /* silence after it */
};

/* Symbols that the next chunk may have, because of the rate at which it is spoken. */
static size_t most_symbols(const struct chunker *chunker)
{
    double most = chunker->fitting_symbols * (double)chunker->passages[chunker->passage_first].style.rate;
    return most >= (double)chunker->max_symbols ? chunker->max_symbols : most < 8 ? 8 : (size_t)most;
}

/* A chunk that ends with a clause has so many symbols, where it can: a word or two alone ("Well,") sound lost. */
enum { LEAST_CLAUSE = 20 };

/* Decides where the chunk that begins at chunker->first ends. */
static struct choice choose(const struct chunker *chunker)
{
    struct choice best[BORDER_SENTENCE + 1] = {{0}};
    size_t symbols = 0, passage = chunker->passage_first;
    size_t most = most_symbols(chunker), limit = chunker->limit < most ? chunker->limit : most;
    size_t slack = limit * 2 < most ? limit * 2 : most;
    const struct text_style *style = &chunker->passages[passage].style;
    for (size_t i = chunker->first; i < chunker->tokens.count; i++) {
        const struct token *token = &chunker->tokens.items[i];
        size_t counted = token_symbols(chunker, token), space = counted > 0 && token->space_after;
        symbols += counted;
        if (symbols - space > limit && best[BORDER_SENTENCE].end > 0)
            break;
        if (symbols - space > (symbols == counted ? most : slack)) /* one long word may fill it */
            break;
        if (token->kind == TOKEN_PAUSE)
            return (struct choice){i + 1, symbols, token->seconds};
        const struct passage *in = &chunker->passages[passage];
        bool ends_passage = i + 1 == in->end;
        const enum border border = border_after(chunker, i, ends_passage);
        if (border != BORDER_CLAUSE || symbols - space <= limit || best[border].symbols < LEAST_CLAUSE)
            best[border] = (struct choice){i + 1, symbols, 0};
        if (!ends_passage)
            continue;
        while (passage < chunker->passage_count && chunker->passages[passage].end <= i + 1) {
            if (chunker->passages[passage].final || chunker->passages[passage].pause > 0)
                return (struct choice){i + 1, symbols, chunker->passages[passage].pause};
            passage++;
        }
        if (passage == chunker->passage_count || !text_style_equal(style, &chunker->passages[passage].style))
            return (struct choice){i + 1, symbols, 0};
    }
    for (enum border border = BORDER_SENTENCE; border > BORDER_NONE; border--)
        if (best[border].end > 0)
            return best[border];
    return best[BORDER_NONE].end > 0 ? best[BORDER_NONE] : (struct choice){.end = chunker->first};
}

/* Splits the first waiting token, which is longer than a whole chunk, so that its first part fits. */
static bool split_first(struct chunker *chunker)
{
    struct tokens *tokens = &chunker->tokens;
    struct token copy = tokens->items[chunker->first];
    if (tokens_add(tokens, &copy, "", 0) == NULL) /* makes room; the shift fills it */
        return false;
    memmove(&tokens->items[chunker->first + 1], &tokens->items[chunker->first],
            (tokens->count - chunker->first - 1) * sizeof *tokens->items);
    struct token *head = &tokens->items[chunker->first], *tail = head + 1;
    head->space_after = false;
    const char *pool = tokens->pool.data;
    size_t size = most_symbols(chunker);
    if (chunker->phonemes && head->phonemes_size > 0) {
        size_t bytes = 0, count = 0;
        uint32_t c;
        for (; count < size && bytes < head->phonemes_size; count++)
            bytes += utf8_decode(pool + head->phonemes + bytes, head->phonemes_size - bytes, &c);
        head->phonemes_size = (uint32_t)bytes;
        tail->phonemes += (uint32_t)bytes;
        tail->phonemes_size -= (uint32_t)bytes;
        tail->text += tail->text_size;
        tail->text_size = 0;
    } else {
        size = utf8_floor(pool + head->text, size);
        head->text_size = (uint32_t)size;
        tail->text += (uint32_t)size;
        tail->text_size -= (uint32_t)size;
    }
    for (size_t i = chunker->passage_first; i < chunker->passage_count; i++)
        chunker->passages[i].end++;
    return true;
}

/* Adds the word whose text and phonemes begin at these bytes of the chunk's and end where those end. */
static bool chunk_add_word(struct chunker *chunker, const struct token *token, size_t begin,
                           size_t phoneme_begin)
{
    if (chunker->chunk.word_count == chunker->word_capacity) {
        size_t capacity = chunker->word_capacity == 0 ? 64 : chunker->word_capacity * 2;
        struct utterance_word *words = realloc(chunker->words, capacity * sizeof *words);
        if (words == NULL)
            return false;
        chunker->words = words;
        chunker->word_capacity = capacity;
    }
    chunker->words[chunker->chunk.word_count++] = (struct utterance_word){
        .source_begin = token->source_begin,
        .source_end = token->source_end,
        .spoken_begin = (uint32_t)begin,
        .spoken_end = (uint32_t)chunker->text.length,
        .phoneme_begin = (uint32_t)phoneme_begin,
        .phoneme_end = (uint32_t)chunker->spoken_phonemes.length,
        .start = -1,
        .end = -1,
    };
    return true;
}

/* A mark that leans on the word before it. */
static bool is_closing(const struct tokens *tokens, const struct token *token)
{
    const char *mark = tokens->pool.data + token->text;
    return token->kind == TOKEN_PUNCTUATION &&
           ((token->text_size == 1 && strchr(".,;:!?)", *mark) != NULL) ||
            (token->text_size == 3 && (memcmp(mark, "…", 3) == 0 || memcmp(mark, "”", 3) == 0)));
}

/* ASCII for a character: marks and letters without accents; NULL: there is none, look it up. */
static const char *ascii_of(uint32_t c)
{
    switch (c) {
    case 0x201c:
    case 0x201d:
        return "\"";
    case 0x2026:
        return "...";
    case 0xdf:
        return "ss";
    case 0xc6:
    case 0xe6:
        return "ae";
    case 0x152:
    case 0x153:
        return "oe";
    case 0xd8:
    case 0xf8:
        return "o";
    case 0x141:
        return "L";
    case 0x142:
        return "l";
    case 0xd0:
    case 0xf0:
    case 0x110:
    case 0x111:
        return "d";
    case 0xde:
    case 0xfe:
        return "th";
    case 0x131:
        return "i";
    default:
        return NULL;
    }
}

/* Appends a character for a backend that reads ASCII; what has no likeness in it is left out. */
static void append_ascii(struct str *out, uint32_t c)
{
    const char *known = ascii_of(c);
    utf8proc_int32_t parts[4];
    int class = 0;
    if (c == 0x2014) { /* a dash is a pause; a comma must lean on the word before it */
        while (out->length > 0 && out->data[out->length - 1] == ' ')
            out->data[--out->length] = '\0';
        str_puts(out, out->length > 0 ? "," : "");
        return;
    }
    if (c < 0x80 || known != NULL) {
        known == NULL ? str_putc(out, (char)c) : str_puts(out, known);
        return;
    }
    utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)c, parts, 4, UTF8PROC_DECOMPOSE, &class);
    if (n > 1 && parts[0] < 0x80)
        str_putc(out, (char)parts[0]);
}

/* Appends the text of a token: as it is for people to read, in ASCII and with spelled letters apart for a backend. */
static void append_text(struct chunker *chunker, const struct token *token)
{
    const char *text = chunker->tokens.pool.data + token->text;
    if (chunker->readable || chunker->phonemes) {
        str_append(&chunker->text, text, token->text_size);
        return;
    }
    for (size_t i = 0; i < token->text_size;) {
        size_t plain = i;
        while (plain < token->text_size && !token->spell && !char_is_wide(text[plain]))
            plain++;
        if (plain > i) { /* nearly all text */
            str_append(&chunker->text, text + i, plain - i);
            i = plain;
            continue;
        }
        uint32_t c = 0;
        size_t n = utf8_decode(text + i, token->text_size - i, &c);
        bool joined = text[i] == '\'' || (i > 0 && text[i - 1] == '\''); /* "U S's" */
        if (i > 0 && token->spell && !joined)
            str_putc(&chunker->text, ' ');
        append_ascii(&chunker->text, n == 0                                ? ' '
                                     : token->spell && c < 0x80 && !joined ? (uint32_t)char_upper((char)c)
                                                                           : c);
        i += n == 0 ? 1 : n;
    }
}

/* Fills the chunk with the tokens [first, end). */
static bool build(struct chunker *chunker, size_t end)
{
    const struct tokens *tokens = &chunker->tokens;
    struct text_chunk *chunk = &chunker->chunk;
    bool space = false;
    str_clear(&chunker->text);
    str_clear(&chunker->spoken_phonemes);
    str_puts(&chunker->text, "");
    str_puts(&chunker->spoken_phonemes, "");
    *chunk = (struct text_chunk){.source_begin = tokens->items[chunker->first].source_begin};
    for (size_t i = chunker->first; i < end; i++) {
        const struct token *token = &tokens->items[i];
        if (token->source_end > chunk->source_end)
            chunk->source_end = token->source_end;
        if (token->kind == TOKEN_WORD || token->kind == TOKEN_PUNCTUATION) {
            if (space && chunker->text.length > 0 && !is_closing(tokens, token)) {
                str_putc(&chunker->text, ' ');
                if (chunker->phonemes)
                    str_putc(&chunker->spoken_phonemes, ' ');
            }
            space = false;
            size_t begin = chunker->text.length, phoneme_begin = chunker->spoken_phonemes.length;
            append_text(chunker, token);
            if (chunker->phonemes && token->phonemes_size > 0)
                str_append(&chunker->spoken_phonemes, tokens->pool.data + token->phonemes,
                           token->phonemes_size);
            else if (chunker->phonemes && token->kind == TOKEN_PUNCTUATION)
                str_append(&chunker->spoken_phonemes, tokens->pool.data + token->text, token->text_size);
            if (token->kind == TOKEN_WORD && !chunk_add_word(chunker, token, begin, phoneme_begin))
                return false;
        }
        space |= token->space_after;
    }
    chunk->text = chunker->text.data;
    chunk->phonemes = chunker->phonemes ? chunker->spoken_phonemes.data : NULL;
    chunk->words = chunker->words;
    return !chunker->text.failed && !chunker->spoken_phonemes.failed;
}

/* Gives back the memory of tokens that were spoken, once they are many. */
static void compact(struct chunker *chunker)
{
    struct tokens *tokens = &chunker->tokens;
    size_t gone = chunker->first, oldest = SIZE_MAX;
    if (gone < 1024)
        return;
    for (size_t i = gone; i < tokens->count; i++) {
        struct token *token = &tokens->items[i];
        if (token->text < oldest)
            oldest = token->text;
        if (token->phonemes_size > 0 && token->phonemes < oldest)
            oldest = token->phonemes;
    }
    memmove(tokens->items, tokens->items + gone, (tokens->count - gone) * sizeof *tokens->items);
    tokens->count -= gone;
    for (size_t i = 0; i < tokens->count; i++) {
        tokens->items[i].text -= (uint32_t)oldest;
        tokens->items[i].phonemes -= tokens->items[i].phonemes_size > 0 ? (uint32_t)oldest : 0;
    }
    str_remove_front(&tokens->pool, oldest);
    size_t passages = chunker->passage_count - chunker->passage_first;
    memmove(chunker->passages, chunker->passages + chunker->passage_first,
            passages * sizeof *chunker->passages);
    for (size_t i = 0; i < passages; i++)
        chunker->passages[i].end -= gone;
    chunker->passage_count = passages;
    chunker->first = chunker->passage_first = 0;
}

/* Forgets the tokens before `end`. */
static void advance(struct chunker *chunker, size_t end)
{
    for (; chunker->first < end; chunker->first++) {
        chunker->symbols -= token_symbols(chunker, &chunker->tokens.items[chunker->first]);
        chunker->pauses -= chunker->tokens.items[chunker->first].kind == TOKEN_PAUSE;
    }
    while (chunker->passage_first < chunker->passage_count &&
           chunker->passages[chunker->passage_first].end <= end)
        chunker->passage_first++;
    chunker->has_final = chunker->pauses > 0;
    for (size_t i = chunker->passage_first; i < chunker->passage_count; i++)
        chunker->has_final |= chunker->passages[i].final || chunker->passages[i].pause > 0;
    if (chunker->first == chunker->tokens.count) {
        tokens_clear(&chunker->tokens);
        chunker->first = chunker->passage_first = chunker->passage_count = 0;
    }
    compact(chunker);
}

lt_status chunker_take(struct chunker *chunker, const struct text_chunk **chunk, lt_error *error)
{
    *chunk = NULL;
    if (chunker->first == chunker->tokens.count)
        return LT_OK;
    struct choice choice = choose(chunker);
    if (choice.end == chunker->first) {
        if (!split_first(chunker))
            return error_memory(error, "the words of a sentence");
        choice.end = chunker->first + 1;
        choice.symbols = most_symbols(chunker);
    }
    struct text_style *style = &chunker->chunk_style;
    *style = chunker->passages[chunker->passage_first].style;
    if (!build(chunker, choice.end))
        return error_memory(error, "a chunk of text");
    chunker->chunk.pause_seconds = choice.pause;
    chunker->chunk.voice = style->voice[0] == '\0' ? NULL : style->voice;
    chunker->chunk.rate = style->rate;
    chunker->chunk.volume = style->volume;
    chunker->chunk.pitch = style->pitch;
    chunker->chunk.pitch_hertz = style->pitch_hertz;
    chunker->chunk.background = style->background[0] == '\0' ? NULL : style->background;
    chunker->chunk.background_volume = style->background_volume;
    advance(chunker, choice.end);
    if (2 * choice.symbols > chunker->limit)
        chunker->limit =
            2 * choice.symbols < chunker->max_symbols ? 2 * choice.symbols : chunker->max_symbols;
    *chunk = &chunker->chunk;
    return LT_OK;
}
