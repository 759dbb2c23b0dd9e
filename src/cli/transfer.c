/* transfer.c: progress in bytes: "kokoro-v1_0.pth [####....]  52 %  170.2/327.2 MB  11.3 MB/s  0:14 left". */
#include "cli/transfer.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

enum { BAR_LEAST = 5, BAR_MOST = 20, FIELDS = 4 };

void transfer_start(struct transfer *transfer, bool quiet)
{
    *transfer = (struct transfer){0};
    progress_start(&transfer->bar, quiet);
}

void transfer_item(struct transfer *transfer, const char *item, uint64_t done)
{
    snprintf(transfer->item, sizeof transfer->item, "%s", item);
    transfer->started = clock_seconds();
    transfer->first = done;
}

/* What is known, the most wanted first; `fields` are to be freed. */
static void put_fields(const struct transfer *transfer, uint64_t done, uint64_t total, double seconds,
                       struct str fields[FIELDS])
{
    bool known = seconds > 0.5 && done > transfer->first; /* a download that started over has less */
    double rate = known ? (double)(done - transfer->first) / seconds : 0;
    if (total >= done && total > 0) {
        str_printf(&fields[0], "%3.0f %%", 100 * (double)done / (double)total);
        str_printf(&fields[1], "%.1f/%.1f MB", 1e-6 * (double)done, 1e-6 * (double)total);
    } else {
        str_printf(&fields[1], "%.1f MB", 1e-6 * (double)done);
    }
    if (rate > 0)
        str_printf(&fields[2], "%.1f MB/s", 1e-6 * rate);
    if (rate > 0 && total > done) {
        progress_put_duration((double)(total - done) / rate, &fields[3]);
        str_puts(&fields[3], " left");
    }
}

static void put_bar(double share, int width, struct str *out)
{
    str_puts(out, " [");
    for (int i = 0; i < width; i++)
        str_putc(out, i < (int)(share * width) ? '#' : '.');
    str_putc(out, ']');
}

void transfer_line(const struct transfer *transfer, uint64_t done, uint64_t total, double seconds, int width,
                   struct str *out)
{
    struct str fields[FIELDS] = {0}, text = {0};
    put_fields(transfer, done, total, seconds, fields);
    int room = width - (int)strlen(transfer->item);
    bool fits = true;
    for (int i = 0; i < FIELDS; i++) {
        size_t gap = text.length > 0 || fields[0].length == 0 ? 2 : 1; /* a percentage begins with a blank */
        int needed = (int)(gap + fields[i].length);
        fits = fits && needed <= room;
        if (fits && fields[i].length > 0) {
            str_printf(&text, "%*s%s", (int)gap, "", fields[i].data);
            room -= needed;
        }
        str_free(&fields[i]);
    }
    str_printf(out, "%.*s", width > 0 ? width : 0, transfer->item);
    int bar = room - 3 < BAR_MOST ? room - 3 : BAR_MOST;
    if (total >= done && total > 0 && bar >= BAR_LEAST)
        put_bar((double)done / (double)total, bar, out);
    if (text.length > 0)
        str_append(out, text.data, text.length);
    str_free(&text);
}

void transfer_show(struct transfer *transfer, uint64_t done, uint64_t total)
{
    if (!progress_is_due(&transfer->bar))
        return;
    struct str line = {0};
    transfer_line(transfer, done, total, clock_seconds() - transfer->started, progress_width(), &line);
    progress_draw(&transfer->bar, &line);
    str_free(&line);
}

void transfer_erase(struct transfer *transfer)
{
    progress_erase(&transfer->bar);
}
