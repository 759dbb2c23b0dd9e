/* transfer.h: the line on a terminal that shows how far a download or an import is. */
#ifndef CLI_TRANSFER_H
#define CLI_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/progress.h"

struct transfer {
    struct progress_bar bar;
    double started; /* clock_seconds() when the current item began */
    uint64_t first; /* bytes that were there when it began */
    char item[64];  /* what is under way; cut to size */
};

/* A line on standard error, when that is a terminal and `quiet` is false. */
void transfer_start(struct transfer *transfer, bool quiet);

/* Another item begins, of which `done` bytes are there already. */
void transfer_item(struct transfer *transfer, const char *item, uint64_t done);

/* Draws the line, at most ten times a second. `total` 0: unknown. */
void transfer_show(struct transfer *transfer, uint64_t done, uint64_t total);

/* Takes it away. */
void transfer_erase(struct transfer *transfer);

/* Appends the line of `width` columns or fewer that transfer_show draws, `seconds` after the item began: what does not
 * fit is left out, the bar itself first. */
void transfer_line(const struct transfer *transfer, uint64_t done, uint64_t total, double seconds, int width,
                   struct str *out);

#endif
