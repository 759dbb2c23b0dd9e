/* load_server.c: starting and ending `litetts serve`. */
#include "load_server.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_SETTINGS = 64, START_SECONDS = 60, POLLS_PER_SECOND = 100 };

static void run_server(const char *program, const char *const *settings, FILE *log)
{
    const char *arguments[2 * MOST_SETTINGS + 8] = {program, "serve", "--port", "0"};
    int count = 4;
    for (int i = 0; i < MOST_SETTINGS && settings[i] != NULL; i++) {
        arguments[count++] = "--set";
        arguments[count++] = settings[i];
    }
    dup2(fileno(log), STDERR_FILENO);
    execv(program, (char *const *)arguments);
    fprintf(stderr, "cannot run '%s': %s\n", program, strerror(errno));
    _exit(127);
}

static void show_log(FILE *log)
{
    char line[512];
    rewind(log);
    while (fgets(line, sizeof line, log) != NULL)
        fputs(line, stderr);
}

/* Looks for the address in what the server has logged so far. */
static bool find_url(struct load_server *server)
{
    char line[512];
    rewind(server->log);
    while (fgets(line, sizeof line, server->log) != NULL) {
        const char *found = strstr(line, "http://127.0.0.1:");
        if (found != NULL && strchr(line, '\n') != NULL)
            return sscanf(found, "%63[^ \"\n]", server->url) == 1;
    }
    return false;
}

bool load_server_start(struct load_server *server, const char *program, const char *const *settings)
{
    *server = (struct load_server){.log = tmpfile()};
    server->pid = server->log != NULL ? fork() : -1;
    if (server->pid == 0)
        run_server(program, settings, server->log);
    for (int polls = 0; server->pid > 0 && polls < START_SECONDS * POLLS_PER_SECOND; polls++) {
        if (find_url(server))
            return true;
        if (waitpid(server->pid, NULL, WNOHANG) != 0)
            break;
        nanosleep(&(struct timespec){.tv_nsec = 1000000000 / POLLS_PER_SECOND}, NULL);
    }
    fprintf(stderr, "'%s serve' did not start:\n", program);
    if (server->log != NULL) {
        show_log(server->log);
        fclose(server->log);
    }
    *server = (struct load_server){0};
    return false;
}

double load_server_cpu_seconds(const struct load_server *server)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)server->pid);
    FILE *file = server->pid > 0 ? fopen(path, "r") : NULL;
    if (file == NULL)
        return 0;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    unsigned long user = 0, system = 0;
    const char *name_end =
        strrchr(text, ')'); /* the name may hold spaces; utime and stime are fields 14 and 15 */
    if (name_end == NULL ||
        sscanf(name_end, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        return 0;
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

bool load_server_stop(struct load_server *server)
{
    int status = 0;
    if (server->pid <= 0)
        return true;
    kill(server->pid, SIGTERM);
    bool good =
        waitpid(server->pid, &status, 0) == server->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!good) {
        fprintf(stderr, "the server did not end well (status %d):\n", status);
        show_log(server->log);
    }
    fclose(server->log);
    *server = (struct load_server){0};
    return good;
}
