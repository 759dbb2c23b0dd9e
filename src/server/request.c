/* request.c: checks the JSON body of a speech request. */
#include "server/request.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum { MAX_VOICE_BYTES = 512 };

static const float LEAST_SPEED = 0.25f, MOST_SPEED = 4, MOST_VOLUME = 4;

bool api_error_set(struct api_error *error, int status, const char *code, const char *param,
                   const char *format, ...)
{
    *error = (struct api_error){.status = status, .code = code, .param = param};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    /* a precision such as %.40s may have cut a character of what the client sent */
    size_t length = strlen(error->message), at;
    while ((at = utf8_first_invalid(error->message, length)) < length)
        error->message[at] = '?';
    return false;
}

static const char *type_name(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object",   [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
        [JSON_INTEGER] = "an integer", [JSON_REAL] = "a number",  [JSON_TRUE] = "a boolean",
        [JSON_FALSE] = "a boolean",    [JSON_NULL] = "null",
    };
    return names[json_typeof(value)];
}

static bool wrong_type(struct api_error *error, const char *field, const char *expected, const json_t *value)
{
    return api_error_set(error, 400, "invalid_type", field,
                         "Invalid type for '%s': expected %s, but got %s instead.", field, expected,
                         type_name(value));
}

/* The member `field`; NULL when it is missing or null, which mean the same for every optional field. */
static const json_t *member(const json_t *body, const char *field)
{
    const json_t *value = json_object_get(body, field);
    return json_is_null(value) ? NULL : value;
}

static bool get_string(const json_t *body, const char *field, const char **out, struct api_error *error)
{
    const json_t *value = member(body, field);
    if (value != NULL && !json_is_string(value))
        return wrong_type(error, field, "a string", value);
    if (value != NULL)
        *out = json_string_value(value);
    return true;
}

static bool get_bool(const json_t *body, const char *field, bool *out, struct api_error *error)
{
    const json_t *value = member(body, field);
    if (value != NULL && !json_is_boolean(value))
        return wrong_type(error, field, "a boolean", value);
    if (value != NULL)
        *out = json_is_true(value);
    return true;
}

static bool get_number(const json_t *body, const char *field, float least, float most, float *out,
                       struct api_error *error)
{
    const json_t *value = member(body, field);
    if (value == NULL)
        return true;
    if (!json_is_number(value))
        return wrong_type(error, field, "a number", value);
    double number = json_number_value(value);
    if (number < (double)least)
        return api_error_set(error, 400, "decimal_below_min_value", field,
                             "Invalid '%s': expected a value of %g or more, but got %g instead.", field,
                             (double)least, number);
    if (!(number <= (double)most))
        return api_error_set(error, 400, "decimal_above_max_value", field,
                             "Invalid '%s': expected a value of %g or less, but got %g instead.", field,
                             (double)most, number);
    *out = (float)number;
    return true;
}

const char *request_text_field(enum request_kind kind)
{
    static const char *const fields[REQUEST_KIND_COUNT] = {"input", "input", "phonemes", "text", "text"};
    return fields[kind];
}

static bool get_text(const json_t *body, const struct speech_limits *limits, struct speech_request *request,
                     struct api_error *error)
{
    const char *field = request_text_field(request->kind);
    const json_t *value = member(body, field);
    if (value == NULL)
        return api_error_set(error, 400, "missing_required_parameter", field,
                             "Missing required parameter: '%s', the text to speak.", field);
    if (!json_is_string(value))
        return wrong_type(error, field, "a string", value);
    request->text = json_string_value(value);
    request->text_bytes = json_string_length(value);
    request->characters = utf8_count(request->text, request->text_bytes);
    if (strspn(request->text, " \t\r\n") == request->text_bytes)
        return api_error_set(error, 400, "empty_string", field,
                             "Invalid '%s': it is empty; send the text to speak.", field);
    if (request->characters > limits->max_characters)
        return api_error_set(
            error, 400, "string_above_max_length", field,
            "Invalid '%s': %zu characters are more than this server's limit of %zu; split the text.", field,
            request->characters, limits->max_characters);
    return true;
}

/* A name, or OpenAI's newer {"id": name}. */
static bool get_voice(const json_t *body, struct speech_request *request, struct api_error *error)
{
    const json_t *value = member(body, "voice");
    if (json_is_object(value))
        value = json_object_get(value, "id");
    else if (value == NULL)
        return true;
    if (!json_is_string(value))
        return api_error_set(error, 400, "invalid_type", "voice",
                             "Invalid type for 'voice': expected a string or an object with a string 'id'.");
    if (json_string_length(value) > MAX_VOICE_BYTES)
        return api_error_set(
            error, 400, "invalid_value", "voice",
            "Invalid 'voice': a name or blend has %d bytes at most; GET /v1/voices lists the voices.",
            MAX_VOICE_BYTES);
    request->voice = json_string_value(value);
    return true;
}

static bool get_format(const json_t *body, struct speech_request *request, struct api_error *error)
{
    const char *name = request->kind == REQUEST_PHONEMES_SPEECH ? "wav" : "mp3";
    if (!get_string(body, "response_format", &name, error))
        return false;
    /* lt_format_parse also takes the name of a file, which is no format here */
    if (strpbrk(name, "./") == NULL && lt_format_parse(name, &request->format, NULL) == LT_OK)
        return true;
    return api_error_set(
        error, 400, "invalid_value", "response_format",
        "Invalid value for 'response_format': '%.40s'. Supported values are: 'mp3', 'opus', 'aac', "
        "'flac', 'wav' and 'pcm'.",
        name);
}

/* A boolean member that switches `bits` of lt_text_switch; missing: the server's configuration holds. */
static bool get_switch(const json_t *object, const char *field, uint32_t bits, struct speech_request *request,
                       struct api_error *error)
{
    bool on = true;
    if (member(object, field) == NULL)
        return true;
    if (!get_bool(object, field, &on, error))
        return false;
    *(on ? &request->text_on : &request->text_off) |= bits;
    return true;
}

/* Kokoro-FastAPI's switches for what is done with the text, and two of our own (markdown, emoji). */
static bool get_switches(const json_t *body, struct speech_request *request, struct api_error *error)
{
    static const struct {
        const char *field;
        uint32_t bits;
    } switches[] = {
        {"normalize", LT_TEXT_NORMALIZE},
        {"unit_normalization", LT_TEXT_UNITS},
        {"url_normalization", LT_TEXT_URLS},
        {"email_normalization", LT_TEXT_EMAILS},
        {"optional_pluralization_normalization", LT_TEXT_PLURALS},
        {"phone_normalization", LT_TEXT_TELEPHONES},
        {"replace_remaining_symbols", LT_TEXT_SYMBOLS},
        {"markdown", LT_TEXT_MARKDOWN},
        {"emoji", LT_TEXT_EMOJI},
    };
    const json_t *options = member(body, "normalization_options");
    if (options != NULL && !json_is_object(options))
        return wrong_type(error, "normalization_options", "an object", options);
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        if (!get_switch(options, switches[i].field, switches[i].bits, request, error))
            return false;
    return get_switch(body, "allow_voice_tags", LT_TEXT_VOICE_MARKS | LT_TEXT_RATE_MARKS, request, error);
}

static bool get_options(const json_t *body, struct speech_request *request, struct api_error *error)
{
    const char *model = NULL, *stream_format = "audio";
    bool ssml = false;
    if (!get_string(body, "model", &model, error) || /* any name is taken: there is one engine */
        !get_string(body, "stream_format", &stream_format, error) ||
        !get_number(body, "speed", LEAST_SPEED, MOST_SPEED, &request->speed, error) ||
        !get_number(body, "volume_multiplier", 0, MOST_VOLUME, &request->volume, error) ||
        !get_bool(body, "stream", &request->stream, error) || !get_bool(body, "ssml", &ssml, error))
        return false;
    const json_t *seed = member(body, "seed");
    if (seed != NULL && !json_is_integer(seed))
        return wrong_type(error, "seed", "an integer", seed);
    request->seed = (uint64_t)json_integer_value(seed);
    request->input = request->kind == REQUEST_PHONEMES_SPEECH ? LT_INPUT_PHONEMES
                     : ssml                                   ? LT_INPUT_SSML
                                                              : LT_INPUT_TEXT;
    request->events = strcmp(stream_format, "sse") == 0;
    if (!request->events && strcmp(stream_format, "audio") != 0)
        return api_error_set(
            error, 400, "invalid_value", "stream_format",
            "Invalid value for 'stream_format': '%.40s'. Supported values are: 'audio' and 'sse'.",
            stream_format);
    return true;
}

/* What captioned speech has of its own: one more field, and its own form in a stream. */
static bool get_captions(const json_t *body, struct speech_request *request, struct api_error *error)
{
    if (request->kind != REQUEST_CAPTIONED_SPEECH)
        return true;
    request->events = false;
    return get_bool(body, "return_timestamps", &request->timestamps, error);
}

/* A BCP 47 tag, or the letter that Kokoro has for a language
 * (https://github.com/hexgrad/kokoro, pipeline.py, LANG_CODES). */
static bool get_language(const json_t *body, struct speech_request *request, struct api_error *error)
{
    static const struct {
        char letter;
        const char *tag;
    } letters[] = {{'a', "en-US"}, {'b', "en-GB"}, {'e', "es"},    {'f', "fr-FR"}, {'h', "hi"},
                   {'i', "it"},    {'j', "ja"},    {'p', "pt-BR"}, {'z', "zh"}};
    const char *name = "a";
    if (!get_string(body, "language", &name, error))
        return false;
    request->language = name;
    for (size_t i = 0; i < sizeof letters / sizeof *letters && name[0] != '\0' && name[1] == '\0'; i++)
        if (letters[i].letter == name[0])
            request->language = letters[i].tag;
    return true;
}

/* The fields of the routes that answer with text. */
static bool get_text_options(const json_t *body, struct speech_request *request, struct api_error *error)
{
    bool ssml = false;
    if (!get_language(body, request, error) || !get_bool(body, "explain", &request->explain, error) ||
        !get_bool(body, "ssml", &ssml, error))
        return false;
    request->input = ssml ? LT_INPUT_SSML : LT_INPUT_TEXT;
    request->stream = false;
    return true;
}

static bool get_fields(const json_t *body, const struct speech_limits *limits, struct speech_request *request,
                       struct api_error *error)
{
    if (!get_text(body, limits, request, error) || !get_switches(body, request, error))
        return false;
    if (request_kind_is_text(request->kind))
        return get_text_options(body, request, error);
    return get_voice(body, request, error) && get_format(body, request, error) &&
           get_options(body, request, error) && get_captions(body, request, error);
}

/* Some clients put the mark of UTF-8 before their JSON, which RFC 8259, section 8.1, lets a parser overlook. */
static json_t *load(const char *body, size_t size, json_error_t *fault)
{
    static const char mark[] = "\xef\xbb\xbf";
    const size_t skipped = size >= 3 && memcmp(body, mark, 3) == 0 ? 3 : 0;
    return json_loadb(size > skipped ? body + skipped : "", size - skipped, 0, fault);
}

bool request_parse(enum request_kind kind, const char *body, size_t size, const struct speech_limits *limits,
                   struct speech_request *request, struct api_error *error)
{
    *request = (struct speech_request){.kind = kind,
                                       .voice = "",
                                       .language = "en-US",
                                       .speed = limits->speed,
                                       .volume = 1,
                                       .stream = true,
                                       .timestamps = true};
    json_error_t fault;
    request->body = load(body, size, &fault);
    if (request->body == NULL)
        return api_error_set(error, 400, "invalid_json", NULL,
                             "The body of the request is not valid JSON: %s (line %d, column %d).",
                             json_error_code(&fault) == json_error_null_character
                                 ? "\\u0000 is no character of a text"
                                 : fault.text,
                             fault.line, fault.column);
    bool valid = json_is_object(request->body)
                     ? get_fields(request->body, limits, request, error)
                     : api_error_set(error, 400, "invalid_type", NULL,
                                     "The body of the request has to be a JSON object, but is %s.",
                                     type_name(request->body));
    if (!valid)
        request_free(request);
    return valid;
}

void request_free(struct speech_request *request)
{
    json_decref(request->body);
    *request = (struct speech_request){0};
}
