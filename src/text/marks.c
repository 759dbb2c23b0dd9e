/* marks.c: marks in plain text that steer the voice. */
#include "text/marks.h"

#include <string.h>

#include "base/chars.h"
#include "base/str.h"

static const double LONGEST_PAUSE = 60; /* seconds: a slip of the pen must not give hours of silence */

size_t mark_read_number(const char *text, size_t size, double *value)
{
    size_t at = 0, digits = 0;
    double scale = 1;
    bool point = false;
    *value = 0;
    for (; at < size && at < 16; at++) {
        if (text[at] == '.' && !point) {
            point = true;
        } else if (char_is_digit(text[at])) {
            *value = *value * 10 + (text[at] - '0');
            scale *= point ? 10 : 1;
            digits++;
        } else {
            break;
        }
    }
    *value /= scale;
    return digits == 0 ? 0 : at;
}

static bool is_voice_name(const char *text, size_t size)
{
    if (size == 0 || size >= sizeof((struct text_style *)0)->voice ||
        !(char_is_alnum(text[0]) || text[0] == '_'))
        return false;
    for (size_t i = 0; i < size; i++)
        if (!char_is_alnum(text[i]) && strchr("_+-(). ", text[i]) == NULL)
            return false;
    return true;
}

static bool read_pause(const char *text, size_t size, struct raw_event *event)
{
    double seconds;
    size_t n = mark_read_number(text, size, &seconds);
    if (n == 0)
        return false;
    if (size - n == 2 && str_equal_nocase_n(text + n, "ms", 2))
        seconds /= 1000;
    else if (size - n > 1 || (size - n == 1 && char_lower(text[n]) != 's'))
        return false;
    event->kind = EVENT_PAUSE;
    event->pause = (float)(seconds < LONGEST_PAUSE ? seconds : LONGEST_PAUSE);
    return true;
}

static bool read_rate(const char *text, size_t size, struct text_style *style)
{
    double rate;
    size_t n = mark_read_number(text, size, &rate);
    if (n == 0 || n != size)
        return false;
    style->rate = (float)(rate < 0.25 ? 0.25 : rate > 4 ? 4 : rate);
    return true;
}

size_t mark_read(const char *text, size_t size, uint32_t switches, struct text_style *style,
                 struct raw_event *event)
{
    static const struct {
        const char *prefix;
        uint32_t on;
    } kinds[] = {
        {"[pause:", LT_TEXT_PAUSE_MARKS}, {"[voice:", LT_TEXT_VOICE_MARKS}, {"[rate:", LT_TEXT_RATE_MARKS}};
    size_t kind = 0, n = 0;
    for (; kind < 3; kind++) {
        n = strlen(kinds[kind].prefix);
        if (size > n && str_equal_nocase_n(text, kinds[kind].prefix, n))
            break;
    }
    size_t limit = size < 128 ? size : 128;
    const char *close = kind == 3 ? NULL : memchr(text, ']', limit);
    if (close == NULL)
        return 0;
    while (text + n < close && text[n] == ' ')
        n++;
    size_t value = (size_t)(close - text) - n;
    while (value > 0 && text[n + value - 1] == ' ')
        value--;
    *event = (struct raw_event){.kind = EVENT_STYLE};
    struct text_style changed = *style;
    if (kinds[kind].on == LT_TEXT_PAUSE_MARKS) {
        if (!read_pause(text + n, value, event))
            return 0;
    } else if (kinds[kind].on == LT_TEXT_RATE_MARKS) {
        if (!read_rate(text + n, value, &changed))
            return 0;
    } else {
        if (value > 0 && !is_voice_name(text + n, value))
            return 0; /* an empty name means the request's voice again */
        memcpy(changed.voice, text + n, value);
        changed.voice[value] = '\0';
    }
    if ((switches & kinds[kind].on) == 0) {
        event->kind = EVENT_END;
    } else {
        *style = changed;
        event->style = changed;
    }
    return (size_t)(close - text) + 1;
}
