/* reload.c: putting a changed configuration in force while the server runs. */
#include "server/reload.h"

#include <stdio.h>

#include "base/error.h"
#include "base/log.h"
#include "server/systemd.h"

struct reload_watch reload_watch_open(const char *path)
{
    struct file_stamp now = file_stamp(path);
    return (struct reload_watch){.path = path, .applied = now, .seen = now};
}

bool reload_watch_look(struct reload_watch *watch)
{
    struct file_stamp now = file_stamp(watch->path);
    bool settled = file_stamp_same(&now, &watch->seen);
    watch->seen = now;
    if (!settled || !now.there || file_stamp_same(&now, &watch->applied))
        return false;
    watch->applied = now;
    return true;
}

static void note_failure(struct server *server, const char *why)
{
    pthread_mutex_lock(&server->lock);
    server->reloads.failed++;
    snprintf(server->reloads.error, sizeof server->reloads.error, "%s", why);
    pthread_mutex_unlock(&server->lock);
    log_event(LOG_ERROR, NULL, "the configuration stays as it was", "reason=%s", why);
}

static void put_in_force(struct server *server, struct settings *after)
{
    struct settings *before = server->settings;
    lt_engine_want_first_audio(after->engine, config_number(after->config, CONFIG_target_first_audio_ms));
    pthread_mutex_lock(&server->lock);
    rates_carry(&after->rates, config_string(after->config, CONFIG_server_api_key), &before->rates,
                config_string(before->config, CONFIG_server_api_key));
    server->settings = after;
    server->reloads.done++;
    server->reloads.error[0] = '\0';
    pthread_mutex_unlock(&server->lock);
    log_event(LOG_INFO, NULL, "configuration reloaded", "engine=%s",
              after->engine == before->engine ? "kept" : "opened anew");
    const char *fixed;
    for (int key = 0; (fixed = settings_next_fixed(before->config, after->config, &key)) != NULL;)
        log_event(LOG_WARNING, NULL, "a setting needs a restart", "setting=%s", fixed);
    settings_release(before);
}

void reload_settings(struct server *server, const struct server_source *source)
{
    lt_error error;
    systemd_notify_reloading();
    lt_config *config = source->read(source->user, &error);
    struct settings *after = config != NULL ? settings_open(config, server->settings, &error) : NULL;
    lt_config_free(config);
    systemd_notify("READY=1");
    if (after == NULL)
        note_failure(server, error.message);
    else
        put_in_force(server, after);
}
