/* transfer.c: progress in bytes: "kokoro-v1_0.pth [####....]  52 %  170.2/327.2 MB  11.3 MB/s  0:14 left". */
#include "cli/transfer.h"

#include <stdio.h>

#include "base/clock.h"

enum { BAR = 20 };

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

void transfer_line(const struct transfer *transfer, uint64_t done, uint64_t total, double seconds,
                   struct str *out)
{
    bool known = seconds > 0.5 && done > transfer->first; /* a download that started over has less */
    double rate = known ? (double)(done - transfer->first) / seconds : 0;
    str_puts(out, transfer->item);
    if (total >= done && total > 0) {
        double share = (double)done / (double)total;
        str_puts(out, " [");
        for (int i = 0; i < BAR; i++)
            str_putc(out, i < (int)(share * BAR) ? '#' : '.');
        str_printf(out, "] %3.0f %%  %.1f/%.1f MB", 100 * share, 1e-6 * (double)done, 1e-6 * (double)total);
    } else {
        str_printf(out, "  %.1f MB", 1e-6 * (double)done);
    }
    if (rate > 0)
        str_printf(out, "  %.1f MB/s", 1e-6 * rate);
    if (rate > 0 && total > done) {
        str_puts(out, "  ");
        progress_put_duration((double)(total - done) / rate, out);
        str_puts(out, " left");
    }
}

void transfer_show(struct transfer *transfer, uint64_t done, uint64_t total)
{
    if (!progress_is_due(&transfer->bar))
        return;
    struct str line = {0};
    transfer_line(transfer, done, total, clock_seconds() - transfer->started, &line);
    progress_draw(&transfer->bar, &line);
    str_free(&line);
}

void transfer_erase(struct transfer *transfer)
{
    progress_erase(&transfer->bar);
}
