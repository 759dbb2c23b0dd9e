/* interrupt.h: Ctrl-C and its kin while a command works: the first one asks it to end well, a second one of
 * the same kind ends the program at once. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

#include "litetts/litetts.h"

/* From now on SIGINT, SIGTERM and SIGHUP fire *cancel, which is never freed: a signal may come as late as the
 * program ends. Call once, before other threads start. Errors: LT_ERR_IO, LT_ERR_MEMORY. */
lt_status interrupt_setup(lt_cancel **cancel, lt_error *error);

/* The signal that came first, or 0. */
int interrupt_signal(void);

/* Waits until `fd` can be read. False when a signal came first. */
bool interrupt_wait_readable(int fd);

/* Waits so many seconds. False when a signal came first. */
bool interrupt_wait_seconds(double seconds);

#endif
