/* config.c: the table of settings and their sources: defaults, file, environment, flags. */
#include "base/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/chars.h"
#include "base/file.h"
#include "base/str.h"

enum { FILE_LIMIT = 1 << 20 };

static const char prefix[] = "LITETTS_"; /* of environment variables */

static const struct config_key_info table[CONFIG_COUNT] = {
#define KEY(section, key, kind, standard, low, high, words, text)                                            \
    [CONFIG_##section##_##key] = {.name = #section "." #key,                                                 \
                                  .type = kind,                                                              \
                                  .fallback = standard,                                                      \
                                  .least = low,                                                              \
                                  .most = high,                                                              \
                                  .choices = words,                                                          \
                                  .help = text},
#include "base/config_keys.def"
#undef KEY
};

struct lt_config {
    struct {
        char *text;   /* owned; the value in force */
        char *origin; /* owned; where it came from */
    } values[CONFIG_COUNT];
};

const struct config_key_info *config_key(enum config_key key)
{
    return &table[key];
}

enum config_key config_find(const char *name)
{
    for (int i = 0; i < CONFIG_COUNT; i++)
        if (strcmp(table[i].name, name) == 0)
            return (enum config_key)i;
    return CONFIG_COUNT;
}

/* A character of a key in the name of its environment variable. */
static char variable_character(char c)
{
    return c == '.' ? '_' : char_upper(c);
}

/* ---- Values ---- */

lt_config *lt_config_new(void)
{
    lt_config *config = calloc(1, sizeof *config);
    if (config == NULL)
        return NULL;
    for (int i = 0; i < CONFIG_COUNT; i++) {
        config->values[i].text = strdup(table[i].fallback);
        config->values[i].origin = strdup("default");
        if (config->values[i].text == NULL || config->values[i].origin == NULL) {
            lt_config_free(config);
            return NULL;
        }
    }
    return config;
}

void lt_config_free(lt_config *config)
{
    if (config == NULL)
        return;
    for (int i = 0; i < CONFIG_COUNT; i++) {
        free(config->values[i].text);
        free(config->values[i].origin);
    }
    free(config);
}

lt_config *config_copy(const lt_config *config)
{
    lt_config *copy = calloc(1, sizeof *copy);
    if (copy == NULL)
        return NULL;
    for (int i = 0; i < CONFIG_COUNT; i++) {
        copy->values[i].text = strdup(config->values[i].text);
        copy->values[i].origin = strdup(config->values[i].origin);
        if (copy->values[i].text == NULL || copy->values[i].origin == NULL) {
            lt_config_free(copy);
            return NULL;
        }
    }
    return copy;
}

const char *lt_config_get(const lt_config *config, const char *key)
{
    enum config_key found = config_find(key);
    return found == CONFIG_COUNT ? NULL : config->values[found].text;
}

const char *config_string(const lt_config *config, enum config_key key)
{
    return config->values[key].text;
}

int64_t config_integer(const lt_config *config, enum config_key key)
{
    return strtoll(config->values[key].text, NULL, 10);
}

double config_number(const lt_config *config, enum config_key key)
{
    char *end;
    return str_number(config->values[key].text, &end);
}

bool config_bool(const lt_config *config, enum config_key key)
{
    return strcmp(config->values[key].text, "true") == 0;
}

const char *config_origin(const lt_config *config, enum config_key key)
{
    return config->values[key].origin;
}

/* ---- Checking ---- */

static lt_status check_integer(const struct config_key_info *key, const char *value, lt_error *error)
{
    int64_t number;
    if (!str_to_whole(value, &number) || (double)number < key->least || (double)number > key->most)
        return error_set(error, LT_ERR_CONFIG, "%s takes a whole number from %.0f to %.0f, not '%s'",
                         key->name, key->least, key->most, value);
    return LT_OK;
}

static lt_status check_number(const struct config_key_info *key, const char *value, lt_error *error)
{
    double number;
    if (!str_to_number(value, &number) || number < key->least || number > key->most)
        return error_set(error, LT_ERR_CONFIG, "%s takes a number from %g to %g, not '%s'", key->name,
                         key->least, key->most, value);
    return LT_OK;
}

static lt_status check_choice(const struct config_key_info *key, const char *value, lt_error *error)
{
    if (str_list_has(key->choices, "|", value))
        return LT_OK;
    return error_set(error, LT_ERR_CONFIG, "%s takes one of %s, not '%s'", key->name, key->choices, value);
}

/* Checks `value` and brings it to its one text form ("yes" to "true"). */
static lt_status check(const struct config_key_info *key, const char **value, lt_error *error)
{
    static const char *const yes[] = {"true", "1", "yes", "on"}, *const no[] = {"false", "0", "no", "off"};
    switch (key->type) {
    case CONFIG_STRING:
        return LT_OK;
    case CONFIG_INTEGER:
        return check_integer(key, *value, error);
    case CONFIG_NUMBER:
        return check_number(key, *value, error);
    case CONFIG_CHOICE:
        return check_choice(key, *value, error);
    case CONFIG_BOOL:
        for (int i = 0; i < 4; i++) {
            if (str_equal_nocase(*value, yes[i]))
                return *value = yes[0], LT_OK;
            if (str_equal_nocase(*value, no[i]))
                return *value = no[0], LT_OK;
        }
        return error_set(error, LT_ERR_CONFIG, "%s takes true or false, not '%s'", key->name, *value);
    }
    return error_set(error, LT_ERR_INTERNAL, "%s has no type", key->name);
}

static lt_status store(lt_config *config, enum config_key key, const char *value, const char *origin,
                       lt_error *error)
{
    lt_error fault;
    if (check(&table[key], &value, &fault) != LT_OK)
        return strcmp(origin, "flag") == 0
                   ? error_set(error, fault.status, "%s", fault.message)
                   : error_set(error, fault.status, "%s (set by %s)", fault.message, origin);
    char *text = strdup(value), *from = strdup(origin);
    if (text == NULL || from == NULL) {
        free(text);
        free(from);
        return error_memory(error, "the configuration");
    }
    free(config->values[key].text);
    free(config->values[key].origin);
    config->values[key].text = text;
    config->values[key].origin = from;
    return LT_OK;
}

/* ---- Unknown keys ---- */

/* The key that was meant by a name that none has; CONFIG_COUNT when none is near. */
static enum config_key nearest(const char *name)
{
    const char *dot = strchr(name, '.');
    enum config_key best = CONFIG_COUNT;
    size_t least = SIZE_MAX;
    for (int i = 0; i < CONFIG_COUNT; i++) {
        size_t whole = str_guess(name, table[i].name);
        /* "port" is near "server.port": a missing or wrong section costs little */
        size_t part = str_guess(dot != NULL ? dot + 1 : name, strchr(table[i].name, '.') + 1);
        size_t d = part < whole ? part + 1 : whole;
        if (d < least) {
            least = d;
            best = (enum config_key)i;
        }
    }
    return best;
}

static lt_status unknown(const char *name, const char *where, lt_error *error)
{
    enum config_key close = nearest(name);
    const char *in = where != NULL ? " in " : "";
    where = where != NULL ? where : "";
    if (close == CONFIG_COUNT)
        return error_set(error, LT_ERR_CONFIG, "unknown setting '%s'%s%s: 'litetts doctor' lists all", name,
                         in, where);
    return error_set(error, LT_ERR_CONFIG, "unknown setting '%s'%s%s: did you mean '%s'?", name, in, where,
                     table[close].name);
}

lt_status lt_config_set(lt_config *config, const char *key, const char *value, lt_error *error)
{
    enum config_key found = config_find(key);
    return found == CONFIG_COUNT ? unknown(key, NULL, error) : store(config, found, value, "flag", error);
}

/* ---- The file ---- */

static lt_status store_json(lt_config *config, const char *name, const json_t *value, const char *path,
                            lt_error *error)
{
    enum config_key key = config_find(name);
    if (key == CONFIG_COUNT)
        return unknown(name, path, error);
    struct str text = {0};
    char *number = NULL;
    if (json_is_string(value))
        str_puts(&text, json_string_value(value));
    else if (json_is_boolean(value))
        str_puts(&text, json_is_true(value) ? "true" : "false");
    else if (!json_is_number(value))
        return error_set(error, LT_ERR_CONFIG, "%s in %s takes a single value, not a list, an object or null",
                         name, path);
    else if ((number = json_dumps(value, JSON_ENCODE_ANY)) != NULL) /* printf's would follow the locale */
        str_puts(&text, number);
    else
        text.failed = true;
    free(number);
    lt_status status = text.failed ? error_memory(error, "the configuration")
                                   : store(config, key, text.data != NULL ? text.data : "", path, error);
    str_free(&text);
    return status;
}

static bool is_section(const char *name)
{
    size_t length = strlen(name);
    for (int i = 0; i < CONFIG_COUNT; i++)
        if (strncmp(table[i].name, name, length) == 0 && table[i].name[length] == '.')
            return true;
    return false;
}

static lt_status store_section(lt_config *config, const char *section, json_t *members, const char *path,
                               lt_error *error)
{
    if (!json_is_object(members) && is_section(section))
        return error_set(error, LT_ERR_CONFIG, "'%s' in %s takes an object of its settings, in braces",
                         section, path);
    if (!json_is_object(members)) /* "server.port": 1 works too */
        return store_json(config, section, members, path, error);
    const char *name;
    json_t *value;
    json_object_foreach(members, name, value)
    {
        struct str full = {0};
        str_printf(&full, "%s.%s", section, name);
        lt_status status = full.failed ? error_memory(error, "the configuration")
                                       : store_json(config, full.data, value, path, error);
        str_free(&full);
        if (status != LT_OK)
            return status;
    }
    return LT_OK;
}

lt_status config_load_text(lt_config *config, const char *text, size_t size, const char *name,
                           lt_error *error)
{
    json_error_t fault;
    if (text != NULL && memchr(text, '\0', size) != NULL) /* jansson skips one behind a number */
        return error_set(error, LT_ERR_CONFIG, "%s is no text: a configuration is one JSON object", name);
    json_t *root = json_loadb(text != NULL ? text : "", size, JSON_REJECT_DUPLICATES, &fault);
    lt_status status = error_none(error);
    if (!json_is_object(root))
        status = error_set(error, LT_ERR_CONFIG, "%s, line %d: %s: a configuration is one JSON object", name,
                           root == NULL ? fault.line : 1, root == NULL ? fault.text : "not an object");
    const char *section;
    json_t *members;
    json_object_foreach(root, section, members)
    {
        status = store_section(config, section, members, name, error);
        if (status != LT_OK)
            break;
    }
    json_decref(root);
    return status;
}

static lt_status load(lt_config *config, const char *path, lt_error *error)
{
    struct str content = {0};
    lt_status status = file_read(path, FILE_LIMIT, &content, error);
    if (status == LT_OK)
        status = config_load_text(config, content.data, content.length, path, error);
    str_free(&content);
    return status;
}

bool config_find_file(struct str *path)
{
    static const char system_wide[] = "/etc/litetts/config.json";
    const char *named = getenv("LITETTS_CONFIG"), *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (named != NULL && named[0] != '\0') {
        str_puts(path, named);
        return true;
    }
    if (xdg != NULL && xdg[0] == '/')
        str_printf(path, "%s/litetts/config.json", xdg);
    else if (home != NULL && home[0] == '/')
        str_printf(path, "%s/.config/litetts/config.json", home);
    if (path->length > 0 && access(path->data, F_OK) == 0)
        return true;
    const bool there = access(system_wide, F_OK) == 0;
    if (there || path->length == 0) {
        str_remove_front(path, path->length);
        str_puts(path, system_wide);
    }
    return there;
}

lt_status lt_config_load_file(lt_config *config, const char *path, lt_error *error)
{
    if (path != NULL)
        return load(config, path, error);
    struct str found = {0};
    const bool there = config_find_file(&found);
    lt_status status = found.failed ? error_memory(error, "a path")
                       : there      ? load(config, found.data, error)
                                    : error_none(error);
    str_free(&found);
    return status;
}

/* The key that an environment variable names; CONFIG_COUNT: none. */
static enum config_key find_variable(const char *variable)
{
    const char *name = variable + sizeof prefix - 1;
    for (int i = 0; i < CONFIG_COUNT; i++) {
        size_t n = 0;
        while (name[n] != '\0' && name[n] == variable_character(table[i].name[n]))
            n++;
        if (name[n] == '\0' && table[i].name[n] == '\0')
            return (enum config_key)i;
    }
    return CONFIG_COUNT;
}

/* Appends the name of the environment variable of a key to *out. */
static void put_variable(enum config_key key, struct str *out)
{
    str_puts(out, prefix);
    for (const char *c = table[key].name; *c != '\0'; c++)
        str_putc(out, variable_character(*c));
}

static lt_status unknown_variable(const char *variable, lt_error *error)
{
    /* LITETTS_SERVER_PROT: compare as "server.prot" */
    struct str name = {0}, meant = {0};
    str_puts(&name, variable + sizeof prefix - 1);
    for (size_t i = 0; i < name.length; i++)
        name.data[i] = char_lower(name.data[i]);
    char *dot = name.data != NULL ? strchr(name.data, '_') : NULL;
    if (dot != NULL)
        *dot = '.';
    enum config_key close = name.data != NULL ? nearest(name.data) : CONFIG_COUNT;
    if (close != CONFIG_COUNT)
        put_variable(close, &meant);
    lt_status status = error_set(error, LT_ERR_CONFIG, "unknown setting '%s' in the environment: %s%s%s",
                                 variable, meant.length > 0 ? "did you mean '" : "'litetts doctor' lists all",
                                 meant.length > 0 ? meant.data : "", meant.length > 0 ? "'?" : "");
    str_free(&name);
    str_free(&meant);
    return status;
}

static lt_status store_variable(lt_config *config, const char *variable, const char *value, lt_error *error)
{
    enum config_key key = find_variable(variable);
    return key != CONFIG_COUNT ? store(config, key, value, variable, error)
                               : unknown_variable(variable, error);
}

lt_status lt_config_load_environment(lt_config *config, lt_error *error)
{
    for (char **entry = environ; *entry != NULL; entry++) {
        const char *equals = strchr(*entry, '=');
        if (strncmp(*entry, prefix, sizeof prefix - 1) != 0 || equals == NULL ||
            strncmp(*entry, "LITETTS_CONFIG=", 15) == 0 || strncmp(*entry, "LITETTS_TEST_", 13) == 0)
            continue;
        struct str variable = {0};
        str_append(&variable, *entry, (size_t)(equals - *entry));
        lt_status status = variable.failed ? error_memory(error, "the configuration")
                                           : store_variable(config, variable.data, equals + 1, error);
        str_free(&variable);
        if (status != LT_OK)
            return status;
    }
    return error_none(error);
}
