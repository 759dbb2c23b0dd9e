/* config_edit.c: finds the bytes of a value in JSON, and puts others there.
 *
 * jansson reads the text first, so that the scanner below meets nothing but valid JSON; it still never
 * leaves the text, which ends in a NUL that no token contains. */
#include "base/config_edit.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* Offsets in the text: [begin, end). */
struct span {
    size_t begin, end;
};

struct member {
    struct span name, value; /* the name with its quotes */
};

static size_t skip_space(const char *text, size_t at)
{
    return at + strspn(text + at, " \t\r\n");
}

static size_t skip_string(const char *text, size_t at)
{
    for (at++; text[at] != '"' && text[at] != '\0'; at++)
        at += text[at] == '\\' && text[at + 1] != '\0';
    return at + (text[at] == '"');
}

static size_t skip_value(const char *text, size_t at)
{
    int depth = 0;
    do {
        if (text[at] == '"') {
            at = skip_string(text, at);
        } else if (strchr("{[", text[at]) != NULL && text[at] != '\0') {
            depth++;
            at++;
        } else if (strchr("}]", text[at]) != NULL && text[at] != '\0') {
            depth--;
            at++;
        } else {
            const size_t word = strcspn(text + at, "{}[]\", \t\r\n:");
            at += word > 0 ? word : text[at] != '\0';
        }
    } while (depth > 0 && text[at] != '\0');
    return at;
}

/* The member at *at, behind the '{' of an object or behind the member before; moves *at behind it. False:
 * there is none. */
static bool next_member(const char *text, size_t *at, struct member *member)
{
    size_t i = skip_space(text, *at);
    if (text[i] == ',')
        i = skip_space(text, i + 1);
    if (text[i] != '"')
        return false;
    member->name.begin = i;
    member->name.end = skip_string(text, i);
    i = skip_space(text, member->name.end);
    member->value.begin = skip_space(text, i + (text[i] == ':'));
    member->value.end = skip_value(text, member->value.begin);
    *at = member->value.end;
    return true;
}

/* Whether a member is called `name` (of `length` bytes), once escapes are read. */
static bool is_called(const char *text, const struct member *member, const char *name, size_t length)
{
    json_t *read = json_loadb(text + member->name.begin, member->name.end - member->name.begin,
                              JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    const bool same = read != NULL && json_string_length(read) == length &&
                      memcmp(json_string_value(read), name, length) == 0;
    json_decref(read);
    return same;
}

/* The member of that name in the object that begins at `object`. */
static bool find_member(const char *text, size_t object, const char *name, size_t length,
                        struct member *member)
{
    for (size_t at = object + 1; next_member(text, &at, member);)
        if (is_called(text, member, name, length))
            return true;
    return false;
}

static void replace(struct str *text, struct span span, const char *with)
{
    struct str made = {0};
    str_append(&made, text->data, span.begin);
    str_puts(&made, with);
    str_puts(&made, text->data + span.end);
    if (made.failed) {
        str_free(&made);
        text->failed = true;
        return;
    }
    str_free(text);
    *text = made;
}

/* Adds a member behind the last one of the object at `object`, spaced like its first; `alone` stands
 * before the only one of an empty object, and `after` behind it. */
static void add_member(struct str *text, size_t object, const char *member, const char *alone,
                       const char *after)
{
    struct member m;
    size_t at = object + 1;
    struct str added = {0};
    if (next_member(text->data, &at, &m)) {
        str_putc(&added, ',');
        str_append(&added, text->data + object + 1, m.name.begin - object - 1);
        while (next_member(text->data, &at, &m)) {
        }
        str_puts(&added, member);
        text->failed |= added.failed;
        if (!text->failed)
            replace(text, (struct span){at, at}, added.data);
    } else {
        str_printf(&added, "%s%s%s", alone, member, after);
        text->failed |= added.failed;
        if (!text->failed)
            replace(text, (struct span){object + 1, skip_space(text->data, object + 1)}, added.data);
    }
    str_free(&added);
}

/* Appends a value as JSON. */
static void put_value(struct str *out, enum config_type type, const char *value)
{
    if (type != CONFIG_STRING && type != CONFIG_CHOICE) {
        str_puts(out, value);
        return;
    }
    json_t *string = json_string(value);
    char *text = string != NULL ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    if (text != NULL)
        str_puts(out, text);
    else
        out->failed = true;
    free(text);
    json_decref(string);
}

static void add_key(struct str *text, size_t root, const char *section, size_t length, const char *name,
                    const char *value)
{
    struct member m;
    struct str member = {0};
    str_printf(&member, "\"%s\": %s", name, value);
    if (find_member(text->data, root, section, length, &m) && text->data[m.value.begin] == '{') {
        if (!member.failed)
            add_member(text, m.value.begin, member.data, " ", " ");
    } else {
        str_clear(&member);
        str_printf(&member, "\"%.*s\": { \"%s\": %s }", (int)length, section, name, value);
        if (!member.failed)
            add_member(text, root, member.data, "\n  ", "\n");
    }
    text->failed |= member.failed;
    str_free(&member);
}

/* Puts `value` where the key stands. False: nowhere. */
static bool replace_key(struct str *text, size_t root, const char *section, size_t length, const char *name,
                        const char *value)
{
    struct member m;
    bool found = false;
    if (find_member(text->data, root, section, strlen(section), &m)) { /* "engine.threads" */
        replace(text, m.value, value);
        found = true;
    }
    if (find_member(text->data, root, section, length, &m) && text->data[m.value.begin] == '{' &&
        find_member(text->data, m.value.begin, name, strlen(name), &m)) {
        replace(text, m.value, value);
        found = true;
    }
    return found;
}

/* Puts a value that was checked into a text that was read. */
static void edit(struct str *text, enum config_key key, const char *value)
{
    const char *section = config_key(key)->name, *dot = strchr(section, '.');
    const size_t length = (size_t)(dot - section), root = skip_space(text->data, 0);
    struct str json = {0};
    put_value(&json, config_key(key)->type, value);
    text->failed |= json.failed;
    if (!text->failed && !replace_key(text, root, section, length, dot + 1, json.data))
        add_key(text, root, section, length, dot + 1, json.data);
    str_free(&json);
}

lt_status config_edit(struct str *text, enum config_key key, const char *value, lt_error *error)
{
    if (text->data == NULL || text->data[skip_space(text->data, 0)] == '\0') {
        str_clear(text);
        str_puts(text, "{}\n");
    }
    lt_config *config = lt_config_new();
    if (text->failed || config == NULL) {
        lt_config_free(config);
        return error_memory(error, "the configuration");
    }
    lt_status status = config_load_text(config, text->data, text->length, "the configuration file", error);
    if (status == LT_OK)
        status = lt_config_set(config, config_key(key)->name, value, error);
    if (status == LT_OK)
        edit(text, key, config_string(config, key)); /* "true" for "yes" */
    lt_config_free(config);
    return text->failed ? error_memory(error, "the configuration") : status;
}
