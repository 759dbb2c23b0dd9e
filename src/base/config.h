/* config.h: every setting of the program, in one table.
 *
 * Sources, each over the one before: defaults, the configuration file (JSON), the environment, flags. A
 * key is a section and a name, "server.port"; in the file it is {"server": {"port": 8354}}, in the
 * environment LITETTS_SERVER_PORT. To add a setting, add a line to config_keys.def: nothing else needs to
 * know. */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum config_type { CONFIG_STRING, CONFIG_INTEGER, CONFIG_NUMBER, CONFIG_BOOL, CONFIG_CHOICE };

/* One symbol a setting: CONFIG_server_port for "server.port". */
enum config_key {
#define KEY(section, name, type, fallback, least, most, choices, help) CONFIG_##section##_##name,
#include "base/config_keys.def"
#undef KEY
    CONFIG_COUNT
};

struct config_key_info {
    const char *name; /* "server.port" */
    enum config_type type;
    const char *fallback; /* the default, in its text form */
    double least, most;   /* range of an integer or number */
    const char *choices;  /* CONFIG_CHOICE: the words, separated by '|' */
    const char *help;     /* one sentence */
};

/* The table entry of a key. */
const struct config_key_info *config_key(enum config_key key);

/* The key of a dotted name; CONFIG_COUNT when there is none. */
enum config_key config_find(const char *name);

/* Values, already checked against their type and range. Strings belong to the configuration. */
const char *config_string(const lt_config *config, enum config_key key);
int64_t config_integer(const lt_config *config, enum config_key key);
double config_number(const lt_config *config, enum config_key key);
bool config_bool(const lt_config *config, enum config_key key);

/* Where the value in force came from: "default", a file's path, "environment LITETTS_...", "flag". */
const char *config_origin(const lt_config *config, enum config_key key);

/* Sets the keys of a configuration file's content, `size` bytes of JSON; `name` is where it came from, for
 * messages and config_origin. What was read before an error stays set. Errors: LT_ERR_CONFIG,
 * LT_ERR_MEMORY. */
lt_status config_load_text(lt_config *config, const char *text, size_t size, const char *name,
                           lt_error *error);

/* Appends the path of the file that lt_config_load_file reads when it is given none; where there is no
 * file, the path at which the user's own would be, and false. `path` is empty before. */
bool config_find_file(struct str *path);

/* An independent copy; NULL when out of memory. */
lt_config *config_copy(const lt_config *config);

#endif
