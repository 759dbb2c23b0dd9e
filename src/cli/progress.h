/* progress.h: the progress bar of `litetts say` on a terminal. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>

#include "base/str.h"
#include "litetts/litetts.h"

struct progress_bar {
    bool shown;        /* there is a terminal, and it is wanted */
    bool drawn;        /* a line stands there */
    double last_drawn; /* clock_seconds() */
};

/* What the bar tells. Unknown totals are 0. */
struct progress_facts {
    uint64_t characters_done, characters_total;
    double audio_seconds, work_seconds;
};

/* A bar on standard error, when that is a terminal that can redraw a line. */
void progress_start(struct progress_bar *bar, bool quiet);

/* For what draws a line of its own: whether it is time to, ten times a second at the most; and drawing it. */
bool progress_is_due(const struct progress_bar *bar);
void progress_draw(struct progress_bar *bar, const struct str *line);

/* Draws the bar when it is time to. */
void progress_show(struct progress_bar *bar, const struct progress_facts *facts);

/* Takes it away. */
void progress_erase(struct progress_bar *bar);

/* Appends the line of `width` columns or fewer that progress_show draws: what does not fit is left out, the bar
 * itself first. */
void progress_line(const struct progress_facts *facts, int width, struct str *out);

/* Columns that a line may take on the terminal behind standard error: one fewer than it has, since a full line would
 * wrap on some. */
int progress_width(void);

/* Appends a duration as "0:07", "12:30", "1:02:03". */
void progress_put_duration(double seconds, struct str *out);

#endif
