/* reload.h: putting a changed configuration in force while the server runs. All calls are the main
 * thread's. */
#ifndef SERVER_RELOAD_H
#define SERVER_RELOAD_H

#include "base/file.h"
#include "server/server.h"
#include "server/state.h"

/* Notices that the configuration's file is another one. */
struct reload_watch {
    const char *path;
    struct file_stamp applied; /* when it was read */
    struct file_stamp seen;    /* at the last look */
};

/* Begins to watch the file, which has just been read. */
struct reload_watch reload_watch_open(const char *path);

/* Whether the file was changed since it was read; to be called about once a second. A file that differs
 * from the last look is still being written: it is left alone until the next. One that is gone is no
 * change. */
bool reload_watch_look(struct reload_watch *watch);

/* Puts the configuration in force as it is now. One that has an error changes nothing; the log and /stats
 * say why. */
void reload_settings(struct server *server, const struct server_source *source);

#endif
