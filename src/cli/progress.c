/* progress.c: the progress bar of `litetts say`. */
#include "cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

enum { BAR_LEAST = 8, BAR_MOST = 40, WIDTH_USUAL = 80 };

int progress_width(void)
{
    struct winsize size;
    int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : WIDTH_USUAL;
    return columns - 1;
}

void progress_start(struct progress_bar *bar, bool quiet)
{
    const char *terminal = getenv("TERM");
    *bar = (struct progress_bar){.shown = !quiet && isatty(STDERR_FILENO) && terminal != NULL &&
                                          strcmp(terminal, "dumb") != 0};
}

void progress_put_duration(double seconds, struct str *out)
{
    long long s = seconds > 0 && seconds < 1e9 ? llround(seconds) : 0;
    if (s >= 3600)
        str_printf(out, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    else
        str_printf(out, "%lld:%02lld", s / 60, s % 60);
}

/* "14,801" */
static void put_grouped(uint64_t number, struct str *out)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    for (int i = 0; i < n; i++) {
        str_putc(out, digits[i]);
        if ((n - i) % 3 == 1 && i + 1 < n)
            str_putc(out, ',');
    }
}

static void put_bar(double share, int width, struct str *out)
{
    int filled = (int)(share * width);
    str_putc(out, '[');
    for (int i = 0; i < width; i++)
        str_putc(out, i < filled ? '#' : '.');
    str_puts(out, "] ");
}

void progress_line(const struct progress_facts *facts, int width, struct str *out)
{
    bool known = facts->characters_total > 0 && facts->characters_done <= facts->characters_total;
    double share = known ? (double)facts->characters_done / (double)facts->characters_total : 0;
    struct str fields[5] = {0};
    if (known)
        str_printf(&fields[0], "%3.0f %%", floor(100 * share));
    if (known && share > 0 && facts->work_seconds > 0) {
        progress_put_duration(facts->work_seconds * (1 - share) / share, &fields[1]);
        str_puts(&fields[1], " left");
    }
    progress_put_duration(facts->audio_seconds, &fields[2]);
    str_puts(&fields[2], " of audio");
    if (facts->work_seconds > 0)
        str_printf(&fields[3], "%.1fx", facts->audio_seconds / facts->work_seconds);
    put_grouped(facts->characters_done, &fields[4]);
    if (known) {
        str_putc(&fields[4], '/');
        put_grouped(facts->characters_total, &fields[4]);
    }
    str_puts(&fields[4], " characters");

    struct str text = {0};
    for (int i = 0; i < 5; i++) { /* the most wanted first: what no longer fits is left out */
        size_t gap = text.length > 0 ? 2 : 0;
        if (fields[i].length > 0 && !fields[i].failed &&
            text.length + gap + fields[i].length <= (size_t)width) {
            str_puts(&text, gap > 0 ? "  " : "");
            str_append(&text, fields[i].data, fields[i].length);
        }
        str_free(&fields[i]);
    }
    int room = width - (int)text.length - 3;
    if (known && room >= BAR_LEAST)
        put_bar(share, room < BAR_MOST ? room : BAR_MOST, out);
    str_append(out, text.data, text.length);
    str_free(&text);
}

bool progress_is_due(const struct progress_bar *bar)
{
    return bar->shown && (!bar->drawn || clock_seconds() - bar->last_drawn >= 0.1);
}

void progress_draw(struct progress_bar *bar, const struct str *line)
{
    if (!line->failed && line->data != NULL)
        fprintf(stderr, "\r\033[K%s", line->data);
    bar->drawn = true;
    bar->last_drawn = clock_seconds();
}

void progress_show(struct progress_bar *bar, const struct progress_facts *facts)
{
    if (!progress_is_due(bar))
        return;
    struct str line = {0};
    progress_line(facts, progress_width(), &line);
    progress_draw(bar, &line);
    str_free(&line);
}

void progress_erase(struct progress_bar *bar)
{
    if (bar->drawn)
        fputs("\r\033[K", stderr);
    bar->drawn = false;
}
