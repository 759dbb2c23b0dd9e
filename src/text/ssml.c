/* ssml.c: SSML into raw text: expat's events become text, events and spans. */
#include "text/ssml.h"

#include <expat.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/chars.h"
#include "text/frontend.h"
#include "text/languages.h"
#include "text/marks.h"
#include "text/symbols.h"

/* Positions in 64 bits, which expat 2.9 has and prefers; before, they have those of a long. */
#if XML_MAJOR_VERSION == 2 && XML_MINOR_VERSION < 9
#define XML_GetCurrentByteIndex64    XML_GetCurrentByteIndex
#define XML_GetCurrentByteCount64    XML_GetCurrentByteCount
#define XML_GetCurrentLineNumber64   XML_GetCurrentLineNumber
#define XML_GetCurrentColumnNumber64 XML_GetCurrentColumnNumber
#endif

enum { PIECE = 4096 }; /* bytes given to expat at once */

static const float PARAGRAPH_PAUSE = 0.4F;

/* What an open element changes, to be undone at its end. */
struct element {
    struct text_style style; /* in force before it */
    bool spans;              /* it opened a span */
    bool hides;              /* its text is not spoken */
    bool block, sentence;    /* p or s */
};

struct ssml {
    XML_Parser parser;
    struct reader *reader;
    struct raw_text *raw;
    uint32_t switches; /* lt_text_switch bits that are on */
    bool british, started, ended;
    uint64_t base; /* position in the source of the first byte given to expat */
    struct text_style style;
    struct element open[SSML_DEPTH];
    size_t depth, hidden; /* open elements, and how many of them hide their text */
    size_t sub_depth;     /* the depth inside the <sub> whose alias is spoken; 0: none is open */
    struct str alias;     /* its alias */
    uint64_t alias_begin; /* where the text begins that the alias stands for */
    uint64_t alias_tag;   /* where its tag begins */
    bool has_text;        /* something was put out since the last end of a block */
    lt_status status;     /* what a handler found wrong */
    lt_error error;
};

/* The source of what expat is reporting. */
static uint64_t position(const struct ssml *s)
{
    const int64_t index = XML_GetCurrentByteIndex64(s->parser);
    return s->base + (index < 0 ? 0 : (uint64_t)index);
}

static uint64_t position_end(const struct ssml *s)
{
    return position(s) + (uint64_t)XML_GetCurrentByteCount64(s->parser);
}

static void stop(struct ssml *s)
{
    s->status = s->error.status;
    XML_StopParser(s->parser, XML_FALSE);
}

static const char *attribute(const char **attributes, const char *name)
{
    for (; *attributes != NULL; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    return NULL;
}

static bool is(const char *name, const char *words)
{
    return str_list_has(words, "|", name);
}

static void put_event(struct ssml *s, char control, const struct raw_event *event)
{
    raw_add_event(s->raw, control, event, position(s), position_end(s));
}

static void end_block(struct ssml *s, bool paragraph)
{
    struct raw_event event = {.kind = EVENT_END, .final = paragraph, .stop = true};
    event.pause = paragraph ? PARAGRAPH_PAUSE : 0;
    if (s->has_text)
        put_event(s, RAW_EVENT, &event);
    s->has_text = false;
}

static void set_style(struct ssml *s, const struct text_style *style)
{
    struct raw_event event = {.kind = EVENT_STYLE, .style = *style};
    if (memcmp(&s->style, style, sizeof *style) == 0)
        return;
    s->style = *style;
    put_event(s, RAW_EVENT, &event);
}

/* ---- Elements ---- */

static void take_break(struct ssml *s, const char **attributes)
{
    static const struct {
        const char *name;
        float seconds;
    } strengths[] = {{"none", 0},      {"x-weak", 0.1F}, {"weak", 0.25F},
                     {"medium", 0.5F}, {"strong", 1},    {"x-strong", 1.5F}};
    const char *time = attribute(attributes, "time"), *strength = attribute(attributes, "strength");
    struct raw_event event = {.kind = EVENT_PAUSE, .pause = 0.5F};
    for (size_t i = 0; strength != NULL && i < sizeof strengths / sizeof *strengths; i++)
        if (strcmp(strength, strengths[i].name) == 0)
            event.pause = strengths[i].seconds;
    double value;
    size_t n = time == NULL ? 0 : mark_read_number(time, strlen(time), &value);
    if (n > 0 && is(time + n, "s|ms"))
        event.pause = (float)(time[n] == 'm' ? value / 1000 : value);
    event.pause = event.pause > 60 ? 60 : event.pause;
    if (event.pause > 0 && (s->switches & LT_TEXT_PAUSE_MARKS) != 0)
        put_event(s, RAW_EVENT, &event);
    else
        raw_drop(s->raw, position(s), position_end(s), event.pause > 0 ? "mark not allowed" : "no pause");
}

/* A factor written as a word, a percentage ("80%", "+10%") or a number; 1 when it is none. */
static float read_rate(const char *text)
{
    static const struct {
        const char *name;
        float rate;
    } words[] = {{"x-slow", 0.5F}, {"slow", 0.75F}, {"medium", 1},
                 {"default", 1},   {"fast", 1.25F}, {"x-fast", 1.5F}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i].name) == 0)
            return words[i].rate;
    char sign = *text == '+' || *text == '-' ? *text : 0;
    double value;
    size_t n = mark_read_number(text + (sign != 0), strlen(text) - (sign != 0), &value);
    if (n == 0)
        return 1;
    if (text[n + (sign != 0)] == '%')
        value /= 100;
    if (sign != 0)
        value = sign == '+' ? 1 + value : 1 - value;
    return (float)(value < 0.25 ? 0.25 : value > 4 ? 4 : value);
}

static float read_volume(const char *text)
{
    static const struct {
        const char *name;
        float volume;
    } words[] = {{"silent", 0},  {"x-soft", 0.25F}, {"soft", 0.5F}, {"medium", 1},
                 {"default", 1}, {"loud", 1.5F},    {"x-loud", 2}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i].name) == 0)
            return words[i].volume;
    char sign = *text == '+' || *text == '-' ? *text : 0;
    double value;
    size_t n = mark_read_number(text + (sign != 0), strlen(text) - (sign != 0), &value);
    const char *unit = text + n + (sign != 0);
    if (n == 0)
        return 1;
    if (is(unit, "dB|db")) {
        value = pow(10, (sign == '-' ? -value : value) / 20);
    } else {
        value /= 100;
        if (sign != 0)
            value = sign == '+' ? 1 + value : 1 - value;
    }
    return (float)(value < 0 ? 0 : value > 4 ? 4 : value);
}

static float within(double value, double least, double most)
{
    return (float)(value < least ? least : value > most ? most : value);
}

/* A word, a change ("+10%", "-2st", "+20Hz") or a mean ("150Hz"); what it is none of changes nothing. */
static void read_pitch(const char *text, struct text_style *style)
{
    static const struct {
        const char *name;
        float pitch;
    } words[] = {{"x-low", 0.7F}, {"low", 0.85F}, {"high", 1.15F}, {"x-high", 1.3F}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i].name) == 0)
            style->pitch = within((double)style->pitch * (double)words[i].pitch, 0.5, 2);
    char sign = *text == '+' || *text == '-' ? *text : 0;
    double value;
    size_t n = mark_read_number(text + (sign != 0), strlen(text) - (sign != 0), &value);
    if (n == 0)
        return;
    const char *unit = text + (sign != 0) + n;
    value = sign == '-' ? -value : value;
    if (is(unit, "%"))
        style->pitch = within((double)style->pitch * (1 + value / 100), 0.5, 2);
    else if (is(unit, "st"))
        style->pitch = within((double)style->pitch * pow(2, value / 12), 0.5, 2);
    else if (is(unit, "Hz|hz") && sign != 0)
        style->pitch_hertz = within((double)style->pitch_hertz + value, -200, 500);
    else if (is(unit, "Hz|hz")) {
        style->pitch = 0; /* from here on the mean is given */
        style->pitch_hertz = within(value, 40, 500);
    }
}

static void take_prosody(struct ssml *s, const char **attributes)
{
    const char *rate = attribute(attributes, "rate"), *volume = attribute(attributes, "volume");
    struct text_style style = s->style;
    if (rate != NULL && (s->switches & LT_TEXT_RATE_MARKS) != 0)
        style.rate *= read_rate(rate);
    style.rate = style.rate < 0.25F ? 0.25F : style.rate > 4 ? 4 : style.rate;
    if (volume != NULL)
        style.volume *= read_volume(volume);
    if (attribute(attributes, "pitch") != NULL)
        read_pitch(attribute(attributes, "pitch"), &style);
    if (attribute(attributes, "range") != NULL || attribute(attributes, "contour") != NULL)
        raw_drop(s->raw, position(s), position_end(s), "range and contour of the pitch cannot be changed");
    set_style(s, &style);
}

static void take_voice(struct ssml *s, const char **attributes)
{
    const char *name = attribute(attributes, "name");
    struct text_style style = s->style;
    if (name == NULL || strlen(name) >= sizeof style.voice)
        return;
    if ((s->switches & LT_TEXT_VOICE_MARKS) == 0) {
        raw_drop(s->raw, position(s), position_end(s), "mark not allowed");
        return;
    }
    memset(style.voice, 0, sizeof style.voice);
    memcpy(style.voice, name, strlen(name));
    set_style(s, &style);
}

static void take_background(struct ssml *s, const char **attributes)
{
    const char *type = attribute(attributes, "type"), *volume = attribute(attributes, "volume");
    struct text_style style = s->style;
    double percent = 20;
    if (type == NULL || !is(type, "rain|wind|coffee_shop|office|nature")) {
        raw_drop(s->raw, position(s), position_end(s), "unknown kind of background");
        return;
    }
    if (volume != NULL && mark_read_number(volume, strlen(volume), &percent) == 0)
        percent = 20;
    memset(style.background, 0, sizeof style.background);
    memcpy(style.background, type, strlen(type));
    style.background_volume = (float)(percent > 100 ? 1 : percent / 100);
    set_style(s, &style);
}

/* Only languages that can be pronounced change anything. */
static void take_lang(struct ssml *s, const char **attributes)
{
    const char *code = attribute(attributes, "xml:lang");
    const struct language *known;
    struct text_style style = s->style;
    bool usable = code != NULL && strlen(code) < sizeof style.language &&
                  (language_is(code, "en") || language_find(code, &known, NULL) == LT_OK);
    raw_drop(s->raw, position(s), position_end(s),
             usable ? "SSML tag" : "language that cannot be pronounced: its text is kept");
    if (!usable)
        return;
    memset(style.language, 0, sizeof style.language);
    memcpy(style.language, code, strlen(code));
    set_style(s, &style);
}

static bool take_emphasis(struct ssml *s, const char **attributes)
{
    const char *level = attribute(attributes, "level");
    struct raw_event event = {.kind = EVENT_SPAN, .span = SPAN_STRESS, .stress = 2};
    if (level != NULL && strcmp(level, "none") == 0)
        return false;
    if (level != NULL && strcmp(level, "reduced") == 0)
        event.stress = -1;
    put_event(s, RAW_OPEN, &event);
    return true;
}

static bool take_phoneme(struct ssml *s, const char **attributes)
{
    const char *alphabet = attribute(attributes, "alphabet"), *symbols = attribute(attributes, "ph");
    if (symbols == NULL || (s->switches & LT_TEXT_PHONEME_MARKS) == 0)
        return false;
    struct str out = {0};
    struct raw_event event = {.kind = EVENT_SPAN, .span = SPAN_PHONEMES};
    lt_error error;
    lt_status status = alphabet != NULL && is(alphabet, "x-sampa|X-SAMPA|xsampa|sampa")
                           ? symbols_from_xsampa(symbols, strlen(symbols), s->british, &out, &error)
                           : symbols_from_ipa(symbols, strlen(symbols), s->british, &out, &error);
    bool usable = status == LT_OK && out.length > 0 && out.length < sizeof event.text;
    if (usable) {
        memcpy(event.text, out.data, out.length);
        put_event(s, RAW_OPEN, &event);
    } else {
        raw_drop(s->raw, position(s), position_end(s), "phonemes that Kokoro does not know");
    }
    str_free(&out);
    return usable;
}

/* A format by its letters, each once: "yyyy-mm-dd" is "ymd", "hms12" is "hms". */
static void shorten_format(const char *format, char *letters, size_t size)
{
    size_t n = 0;
    for (; *format != '\0' && n + 1 < size; format++) {
        char c = char_lower(*format);
        if (char_is_alpha(c) && (n == 0 || letters[n - 1] != c))
            letters[n++] = c;
    }
    letters[n] = '\0';
}

static bool take_say_as(struct ssml *s, const char **attributes)
{
    static const struct {
        const char *names;
        enum say_as say_as;
    } kinds[] = {
        {"cardinal|number", SAY_CARDINAL},
        {"ordinal", SAY_ORDINAL},
        {"digits", SAY_DIGITS},
        {"characters|spell-out|verbatim|spell", SAY_CHARACTERS},
        {"date", SAY_DATE},
        {"time", SAY_TIME},
        {"telephone|phone", SAY_TELEPHONE},
        {"fraction", SAY_FRACTION},
        {"unit", SAY_UNIT},
        {"expletive|bleep", SAY_EXPLETIVE},
        {"currency", SAY_CURRENCY},
        {"duration", SAY_DURATION},
    };
    const char *how = attribute(attributes, "interpret-as"), *format = attribute(attributes, "format");
    struct raw_event event = {.kind = EVENT_SPAN, .span = SPAN_SAY_AS};
    if (how != NULL && strncmp(how, "vxml:", 5) == 0) /* the kinds of VoiceXML are the same */
        how += 5;
    if (how != NULL && format != NULL && is(how, "number") && is(format, "ordinal|digits|telephone|cardinal"))
        how = format;
    for (size_t i = 0; how != NULL && i < sizeof kinds / sizeof *kinds; i++)
        if (is(how, kinds[i].names))
            event.say_as = kinds[i].say_as;
    if (event.say_as == SAY_NONE)
        return false;
    if (format != NULL)
        shorten_format(format, event.format, sizeof event.format);
    put_event(s, RAW_OPEN, &event);
    return true;
}

/* The text of <sub> is its alias; what it encloses is where that comes from. */
static bool take_sub(struct ssml *s, const char **attributes)
{
    const char *alias = attribute(attributes, "alias");
    if (alias == NULL)
        return false;
    if (s->hidden == 0) {
        str_clear(&s->alias);
        str_puts(&s->alias, alias);
        s->raw->failed |= s->alias.failed;
        s->sub_depth = s->depth;
        s->alias_begin = position_end(s);
        s->alias_tag = position(s);
    }
    return true;
}

/* A <sub> ends: its alias stands for the text between its tags. */
static void put_alias(struct ssml *s)
{
    s->sub_depth = 0;
    if (s->alias.failed || s->alias.length == 0)
        return;
    uint64_t end = position(s), begin = s->alias_begin < end ? s->alias_begin : s->alias_tag;
    raw_append_for(s->raw, s->alias.data, s->alias.length, begin, end);
    s->has_text = true;
}

/* The receipt of a tag. */
static void drop_tag(struct ssml *s, const char *name)
{
    bool known =
        is(name, "speak|p|s|prosody|voice|lang|background|emphasis|phoneme|say-as|sub|desc|lexicon|metadata|"
                 "meta|title");
    if (position(s) < position_end(s))
        raw_drop(s->raw, position(s), position_end(s),
                 known ? "SSML tag" : "SSML tag without effect: its text is kept");
}

static void XMLCALL on_start(void *user, const char *name, const char **attributes)
{
    struct ssml *s = user;
    if (s->status != LT_OK)
        return;
    if (s->depth == SSML_DEPTH) {
        error_set(&s->error, LT_ERR_TEXT, "the SSML nests elements deeper than %d: simplify it", SSML_DEPTH);
        stop(s);
        return;
    }
    if (s->depth == 0 && strcmp(name, "speak") != 0) {
        error_set(&s->error, LT_ERR_TEXT, "the SSML begins with <%.40s>: it must be one <speak> element",
                  name);
        stop(s);
        return;
    }
    struct element *element = &s->open[s->depth++];
    *element = (struct element){.style = s->style};
    element->block = strcmp(name, "p") == 0;
    element->sentence = strcmp(name, "s") == 0;
    element->hides = is(name, "desc|lexicon|metadata|meta|title");
    if (!is(name, "break|lang"))
        drop_tag(s, name);
    if (element->block || element->sentence)
        end_block(s, element->block);
    else if (strcmp(name, "break") == 0)
        take_break(s, attributes);
    else if (strcmp(name, "prosody") == 0)
        take_prosody(s, attributes);
    else if (strcmp(name, "voice") == 0)
        take_voice(s, attributes);
    else if (strcmp(name, "lang") == 0)
        take_lang(s, attributes);
    else if (strcmp(name, "background") == 0)
        take_background(s, attributes);
    else if (strcmp(name, "emphasis") == 0)
        element->spans = take_emphasis(s, attributes);
    else if (strcmp(name, "phoneme") == 0)
        element->spans = take_phoneme(s, attributes);
    else if (strcmp(name, "say-as") == 0)
        element->spans = take_say_as(s, attributes);
    else if (strcmp(name, "sub") == 0)
        element->hides = take_sub(s, attributes);
    s->hidden += element->hides;
}

static void XMLCALL on_end(void *user, const char *name)
{
    struct ssml *s = user;
    if (s->status != LT_OK)
        return; /* expat ends an empty element even after it was stopped */
    if (s->sub_depth == s->depth)
        put_alias(s);
    if (strcmp(name, "break") != 0)
        drop_tag(s, name);
    struct element *element = &s->open[--s->depth];
    s->hidden -= element->hides;
    if (element->spans) {
        char close = RAW_CLOSE;
        raw_append_for(s->raw, &close, 1, position(s), position_end(s));
    }
    if (element->block || element->sentence)
        end_block(s, element->block);
    set_style(s, &element->style);
}

static void XMLCALL on_text(void *user, const char *text, int size)
{
    struct ssml *s = user;
    if (s->status != LT_OK)
        return;
    size_t n = (size_t)size;
    uint64_t begin = position(s), end = position_end(s);
    if (s->hidden > 0) {
        if (s->sub_depth == 0)
            raw_drop(s->raw, begin, end, "text that SSML does not speak");
        return;
    }
    for (size_t i = 0; i < n; i++) { /* line ends and control characters (XML allows 0x7f) are white space */
        bool space = char_is_space(text[i]) || text[i] == 0x7f;
        s->has_text |= !space;
        size_t run = i;
        while (run < n && !space && !char_is_space(text[run]) && text[run] != 0x7f)
            run++;
        if (space)
            raw_append_for(s->raw, " ", 1, begin + (end - begin == n ? i : 0),
                           end - begin == n ? begin + i + 1 : end);
        else if (end - begin == n)
            raw_append(s->raw, text + i, run - i, begin + i);
        else
            raw_append_for(s->raw, text + i, run - i, begin, end);
        i = space ? i : run - 1;
    }
}

/* Comments, processing instructions, the marks of CDATA. */
static void XMLCALL on_other(void *user, const char *text, int size)
{
    struct ssml *s = user;
    bool blank = true;
    for (int i = 0; i < size; i++)
        blank &= char_is_space(text[i]);
    if (s->status == LT_OK && !blank)
        raw_drop(s->raw, position(s), position_end(s), "XML that is no text");
}

static void XMLCALL on_doctype(void *user, const char *name, const char *system_id, const char *public_id,
                               int has_internal)
{
    struct ssml *s = user;
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal;
    error_set(&s->error, LT_ERR_TEXT, "the SSML has a document type: remove the <!DOCTYPE>");
    stop(s);
}

lt_status ssml_open(struct reader *reader, struct raw_text *raw, uint32_t switches, bool british,
                    struct ssml **ssml, lt_error *error)
{
    struct ssml *s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_memory(error, "the SSML");
    s->parser = XML_ParserCreate("UTF-8");
    if (s->parser == NULL) {
        free(s);
        return error_memory(error, "the SSML");
    }
    s->reader = reader;
    s->raw = raw;
    s->switches = switches;
    s->british = british;
    s->style = (struct text_style){.rate = 1, .volume = 1, .pitch = 1};
    XML_SetUserData(s->parser, s);
    XML_SetElementHandler(s->parser, on_start, on_end);
    XML_SetCharacterDataHandler(s->parser, on_text);
    XML_SetStartDoctypeDeclHandler(s->parser, on_doctype);
    XML_SetDefaultHandlerExpand(s->parser, on_other);
    *ssml = s;
    return LT_OK;
}

void ssml_close(struct ssml *ssml)
{
    if (ssml == NULL)
        return;
    XML_ParserFree(ssml->parser);
    str_free(&ssml->alias);
    free(ssml);
}

bool ssml_ended(const struct ssml *ssml)
{
    return ssml->ended;
}

lt_status ssml_more(struct ssml *s, lt_error *error)
{
    lt_status status = reader_fill(s->reader, 1, error);
    if (status != LT_OK)
        return status;
    if (!s->started)
        s->base = reader_position(s->reader); /* behind a byte order mark */
    s->started = true;
    size_t size = reader_size(s->reader);
    size = size < PIECE ? size : PIECE;
    s->ended = size == 0;
    enum XML_Status parsed = XML_Parse(s->parser, reader_data(s->reader), (int)size, s->ended);
    reader_drop(s->reader, size);
    if (parsed == XML_STATUS_OK) {
        if (s->ended)
            end_block(s, true);
        return LT_OK;
    }
    if (s->status != LT_OK) {
        if (error != NULL)
            *error = s->error;
        return s->status;
    }
    enum XML_Error code = XML_GetErrorCode(s->parser);
    if (code == XML_ERROR_NO_MEMORY)
        return error_memory(error, "the SSML");
    return error_set(error, LT_ERR_TEXT, "the SSML is not well-formed at line %lu, column %lu: %s",
                     (unsigned long)XML_GetCurrentLineNumber64(s->parser),
                     (unsigned long)XML_GetCurrentColumnNumber64(s->parser) + 1, XML_ErrorString(code));
}
