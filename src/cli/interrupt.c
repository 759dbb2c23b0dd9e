/* interrupt.c: signals that end a command. */
#include "cli/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "base/error.h"

/* Written by interrupt_setup before the handler can run; then only the handler writes, `caught` alone. */
static lt_cancel *target;
static int wake[2] = {-1, -1}; /* a pipe: readable once a signal came, whichever thread it interrupted */
static atomic_int caught;      /* a lock-free one, so that a handler in any thread may set it */

static void handle(int signal)
{
    int saved = errno, none = 0;
    atomic_compare_exchange_strong(&caught, &none, signal);
    lt_cancel_fire(target);
    ssize_t ignored = write(wake[1], "", 1);
    (void)ignored; /* a full pipe is readable too */
    errno = saved;
}

lt_status interrupt_setup(lt_cancel **cancel, lt_error *error)
{
    target = *cancel = lt_cancel_new();
    if (target == NULL)
        return error_memory(error, "a switch");
    if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0)
        return error_errno(error, LT_ERR_IO, "cannot make a pipe");
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction old, action = {.sa_handler = handle, .sa_flags = (int)(SA_RESETHAND | SA_RESTART)};
        sigemptyset(&action.sa_mask);
        /* what nohup or a shell's background job ignores stays ignored */
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
    return LT_OK;
}

int interrupt_signal(void)
{
    return atomic_load(&caught);
}

bool interrupt_wait_readable(int fd)
{
    struct pollfd wanted[] = {{.fd = fd, .events = POLLIN}, {.fd = wake[0], .events = POLLIN}};
    while (poll(wanted, 2, -1) < 0 && errno == EINTR)
        continue;
    return atomic_load(&caught) == 0;
}

bool interrupt_wait_seconds(double seconds)
{
    struct pollfd woken = {.fd = wake[0], .events = POLLIN};
    poll(&woken, 1, (int)(1000 * seconds)); /* a signal that came before is in the pipe, and not missed */
    return atomic_load(&caught) == 0;
}
