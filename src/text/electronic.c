/* electronic.c: addresses of the net and of files: URLs, e-mail, domains, paths, IP addresses, handles, hashtags. */
#include <string.h>

#include "text/norm.h"

enum {
    ADDRESS_LIMIT = 2048, /* longer is no address that anyone would listen to */
    RETRY_LIMIT = 128,    /* bytes of a run in whose middle an address may begin */
};

/* Top-level domains that make "name.xx" an address; those of two letters and some others are spelled. */
static const char domains[] = "com|org|net|edu|gov|mil|int|info|biz|name|dev|app|io|ai|co|me|tv|uk|us|de|fr|"
                              "it|es|nl|be|ch|at|au|ca|jp|cn|in|br|ru|pl|se|"
                              "no|dk|fi|ie|nz|za|mx|ar|kr|tw|hk|sg|eu|cc|ly|gg|fm|sm|xyz|online|shop|site|"
                              "tech|store|blog|cloud|news|abc|pt|gr|cz|hu|ro|"
                              "tr|il|ua|id|th|vn|my|ph|museum|travel|jobs|mobi|pro";

static const char files[] = "txt|pdf|doc|docx|xls|xlsx|ppt|pptx|csv|json|xml|html|htm|css|js|ts|py|c|h|cpp|"
                            "hpp|cc|rs|go|java|rb|php|sh|md|yml|yaml|toml|"
                            "ini|cfg|conf|log|zip|tar|gz|bz2|xz|7z|rar|exe|dll|so|bin|iso|img|png|jpg|jpeg|"
                            "gif|svg|bmp|webp|mp3|mp4|wav|flac|ogg|avi|mkv|"
                            "mov|sql|db|bak|lock|env|ps1|bat|apk|deb|rpm|jar|ipynb|tex|gguf|onnx|pth|pt|npz|"
                            "npy|wasm|vue|jsx|tsx|kt|swift|lua|pl|r|asm";

/* Endings that are said as words though they are short. */
static bool is_word_ending(const char *text, size_t size)
{
    return norm_in(
        text, size,
        "com|org|net|edu|gov|mil|info|biz|name|dev|app|online|shop|site|tech|store|blog|cloud|news|museum|"
        "travel|jobs|pro|me|in|it|at|be|is|no|so|us|log|doc|bat|bin|lock|jar|swift|java|tar|zip|bak|vue|gif|"
        "toml|conf|deb|wav|pie|img");
}

static const char *sign_name(char c)
{
    switch (c) {
    case '.':
        return "dot";
    case '@':
        return "at";
    case '-':
        return "dash";
    case '_':
        return "underscore";
    case '/':
        return "slash";
    case '\\':
        return "backslash";
    case ':':
        return "colon";
    case '?':
        return "question mark";
    case '=':
        return "equals";
    case '&':
        return "ampersand";
    case '%':
        return "percent";
    case '#':
        return "hash";
    case '~':
        return "tilde";
    case '+':
        return "plus";
    case '!':
        return "exclamation mark";
    case '$':
        return "dollar";
    case '*':
        return "star";
    case ';':
        return "semicolon";
    case ',':
        return "comma";
    case '\'':
        return "apostrophe";
    default:
        return NULL;
    }
}

bool say_sign(struct norm *x, size_t at)
{
    const char *name = sign_name(x->text[at]);
    if (name != NULL)
        norm_say_words(x, name);
    return name != NULL;
}

/* Says [begin, end) letter by letter, digit by digit, sign by sign. */
static void say_signs(struct norm *x, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        norm_range(x, i, i + 1, "address");
        if (char_is_digit(x->text[i]))
            say_digits(x, x->text + i, 1);
        else if (char_is_alpha(x->text[i]))
            norm_say_letters(x, x->text + i, 1);
        else
            say_sign(x, i);
    }
}

/* Says [begin, end): words, digits one by one, signs by name. `host_end`: up to there the last part is an ending. */
static void say_address(struct norm *x, size_t begin, size_t end, size_t host_end)
{
    const char *sign = memchr(x->text + begin, '@', end - begin);
    size_t host = sign == NULL ? begin : (size_t)(sign - x->text); /* the user before it has no ending */
    for (size_t at = begin; at < end;) {
        size_t n = norm_letters(x, at), m = norm_digits(x, at);
        norm_range(x, at, at + (n + m > 0 ? n + m : 1), "address");
        if (n > 0) {
            bool ending =
                at > host && x->text[at - 1] == '.' && (at < host_end || norm_in(x->text + at, n, files));
            bool capitals = n > 1 && char_is_upper(x->text[at]) && char_is_upper(x->text[at + 1]);
            bool scheme = norm_in(x->text + at, n, "http|https|ftp|sftp|ssh|www");
            bool spell = scheme || (ending && n <= 3 && !is_word_ending(x->text + at, n)) || n == 1;
            struct token *token = NULL;
            if (spell)
                norm_say_letters(x, x->text + at, n);
            else
                token = norm_say_text(x, x->text + at, n);
            if (token != NULL && capitals && n <= 4)
                token->spell = false; /* the lexicon knows acronyms */
            at += n;
        } else if (m > 0) {
            say_digits(x, x->text + at, m);
            at += m;
        } else {
            const char *name = sign_name(x->text[at]);
            if (name != NULL)
                norm_say_words(x, name);
            else if (char_is_wide(x->text[at])) {
                size_t wide = at;
                while (wide < end && (char_is_wide(x->text[wide]) || char_is_alpha(x->text[wide])))
                    wide++;
                norm_range(x, at, wide, "address");
                norm_say_text(x, x->text + at, wide - at);
                at = wide;
                continue;
            }
            at++;
        }
    }
}

/* The end of the run without spaces that begins at `at`, without the sentence's marks at its end. */
static size_t run_end(const struct norm *x, size_t at)
{
    size_t end = at;
    while (end < x->size && end - at < ADDRESS_LIMIT && !char_is_space(x->text[end]) &&
           strchr("<>\"|{}[]", x->text[end]) == NULL &&
           !(x->text[end] == '\xe2' && norm_char(x, end + 1) == '\x80'))
        end++;
    while (end > at && strchr(".,;:!?)'(*", x->text[end - 1]) != NULL)
        end--;
    return end;
}

/* The end of a host name ("www.example.com"): labels with points; 0 when there is no point in it. */
static size_t host_end(const struct norm *x, size_t at, size_t limit, size_t *last_label)
{
    size_t points = 0, label = at, end = at;
    while (end < limit &&
           (char_is_alnum(x->text[end]) || x->text[end] == '-' || x->text[end] == '_' ||
            (x->text[end] == '.' && end > label && end + 1 < limit && char_is_alnum(x->text[end + 1])))) {
        if (x->text[end] == '.') {
            points++;
            label = end + 1;
        }
        end++;
    }
    *last_label = label;
    return points == 0 ? 0 : end;
}

static size_t scan_email(struct norm *x, size_t at, size_t end)
{
    const char *sign = memchr(x->text + at, '@', end - at);
    if (sign == NULL || !norm_wants(x, LT_TEXT_EMAILS))
        return 0;
    size_t user = (size_t)(sign - x->text), label;
    for (size_t i = at; i < user; i++)
        if (!char_is_alnum(x->text[i]) && strchr("._-+&%$~='!#", x->text[i]) == NULL)
            return 0;
    size_t host = host_end(x, user + 1, end, &label);
    if (user == at || host == 0)
        return 0;
    bool repository =
        norm_char(x, host) == ':' && host + 1 < end && memchr(x->text + host, '/', end - host) != NULL;
    if (host < end && x->text[host] != '/' && !repository) /* "git@github.com:owner/name.git" */
        end = host;
    say_address(x, at, end, host);
    return end - at;
}

/* "https://…", "mailto:…" */
static size_t scan_url(struct norm *x, size_t at, size_t end)
{
    size_t scheme = at;
    while (scheme < end && char_is_alpha(x->text[scheme]))
        scheme++;
    size_t from = 0;
    if (scheme > at && norm_literal(x, scheme, "://") > 0)
        from = scheme + 3;
    else if (norm_literal(x, at, "mailto:") > 0)
        from = at + 7;
    if (from == 0 || from >= end || !norm_wants(x, LT_TEXT_URLS))
        return 0;
    size_t label, host = host_end(x, from, end, &label);
    say_address(x, at, end, host);
    return end - at;
}

/* "test.com", "www.x.org/path", "report.pdf" */
static size_t scan_domain(struct norm *x, size_t at, size_t end)
{
    size_t label, host = host_end(x, at, end, &label);
    if (host == 0 || !norm_wants(x, LT_TEXT_URLS))
        return 0;
    size_t n = host - label;
    bool www = norm_literal(x, at, "www.") > 0, domain = norm_in(x->text + label, n, domains), file = false;
    bool path = host < end && x->text[host] == '/';
    if (char_is_upper(x->text[label]) && char_is_lower(norm_char(x, label + 1)) && !www)
        return 0; /* "end.Then": a missing space */
    if (host == end || x->text[host] == ',')
        file = norm_in(x->text + label, n, files) && (n > 1 || char_is_lower(x->text[label]));
    if (!www && !domain && !file)
        return 0;
    if (!www && !file && !path &&
        norm_in(x->text + label, n, "no|in|me|it|at|be|is|so|us|id|my|ph|pro|name|news|travel") &&
        char_is_upper(x->text[at]))
        return 0;
    if (host < end && x->text[host] != '/' && x->text[host] != ':' && x->text[host] != '?' &&
        x->text[host] != '#')
        end = host;
    say_address(x, at, end, host);
    return end - at;
}

/* "/usr/local/bin", "~/x", "./run.sh", "C:\Windows" */
static size_t scan_path(struct norm *x, size_t at, size_t end)
{
    size_t signs = 0, letters = 0;
    bool drive = char_is_alpha(x->text[at]) && norm_char(x, at + 1) == ':' && norm_char(x, at + 2) == '\\';
    char first = x->text[at];
    bool home =
        (first == '~' || first == '.') && (norm_char(x, at + 1) == '/' || norm_literal(x, at, "../") > 0);
    for (size_t i = at; i < end; i++) {
        if (!char_is_alnum(x->text[i]) && strchr("/\\._-~:+@$%#*()", x->text[i]) == NULL &&
            !char_is_wide(x->text[i]))
            return 0;
        signs += x->text[i] == '/' || x->text[i] == '\\';
        letters += char_is_alpha(x->text[i]);
    }
    bool point = memchr(x->text + at, '.', end - at) != NULL;
    bool root = first == '/' && char_is_alpha(norm_char(x, at + 1)) && (signs > 1 || point);
    if (letters == 0 || !(drive || home || root || norm_literal(x, at, "\\\\") > 0))
        return 0;
    if (at > 0 && !char_is_space(x->text[at - 1]) && strchr("(\"'=", x->text[at - 1]) == NULL)
        return 0;
    say_address(x, at, end, at);
    return end - at;
}

/* "192.168.0.1", with a port or a prefix length; "::1" and other IPv6 in their groups. */
static size_t scan_ip(struct norm *x, size_t at)
{
    size_t end = at;
    if (!norm_wants(x, LT_TEXT_URLS))
        return 0;
    for (int part = 0; part < 4; part++) {
        size_t n = norm_digits(x, end);
        if (n == 0 || n > 3 || (part < 3 && norm_char(x, end + n) != '.'))
            return 0;
        end += n + (part < 3);
    }
    char next = norm_char(x, end);
    if (!norm_is_border(x, end) || (next == '.' && char_is_digit(norm_char(x, end + 1))))
        return 0;
    size_t port = (next == ':' || next == '/') ? norm_digits(x, end + 1) : 0;
    if (port > 0)
        end += 1 + port;
    say_address(x, at, end, at);
    return end - at;
}

/* "localhost:3000/x" */
static size_t scan_localhost(struct norm *x, size_t at, size_t end)
{
    size_t n = norm_literal(x, at, "localhost");
    if (n == 0 || !norm_wants(x, LT_TEXT_URLS) ||
        !(norm_char(x, at + n) == '/' ||
          (norm_char(x, at + n) == ':' && char_is_digit(norm_char(x, at + n + 1)))))
        return 0;
    say_address(x, at, end, at);
    return end - at;
}

/* "2001:db8::1/64", "00:1A:2B:3C:4D:5E": hexadecimal digits in groups, one by one. */
static size_t scan_hexadecimal(struct norm *x, size_t at)
{
    size_t end = at, groups = 0, pairs = 0, colons = 0, digits = 0;
    bool twice = false;
    if (!norm_wants(x, LT_TEXT_URLS))
        return 0;
    while (end - at < 48) {
        size_t n = 0;
        while (n < 5 && (char_is_digit(norm_char(x, end + n)) ||
                         (char_is_alpha(norm_char(x, end + n)) && char_lower(x->text[end + n]) <= 'f')))
            digits += char_is_digit(x->text[end + n++]);
        if (n > 4)
            return 0;
        groups += n > 0;
        pairs += n == 2;
        end += n;
        if (norm_char(x, end) != ':' ||
            (n == 0 && end > at + 1 && x->text[end - 1] == ':' && x->text[end - 2] == ':'))
            break;
        twice |= norm_char(x, end + 1) == ':';
        colons++;
        end++;
    }
    if (norm_char(x, end - 1) == ':' && !(twice && norm_char(x, end - 2) == ':'))
        return 0;
    bool address = groups == 8 || (groups == 6 && pairs == 6) || (twice && groups > 0 && digits > 0);
    if (!address || colons < 2 || !norm_is_border(x, end))
        return 0;
    if (norm_char(x, end) == '/' && norm_digits(x, end + 1) > 0)
        end += 1 + norm_digits(x, end + 1);
    say_signs(x, at, end);
    return end - at;
}

/* "#ff0000", "#1A2B3C": six hexadecimal digits with at least one letter and one digit. */
static bool is_colour(const struct norm *x, size_t at, size_t end)
{
    size_t digits = 0;
    for (size_t i = at + 1; i < end; i++) {
        if (!char_is_digit(x->text[i]) && (char_lower(x->text[i]) < 'a' || char_lower(x->text[i]) > 'f'))
            return false;
        digits += char_is_digit(x->text[i]);
    }
    return end - at == 7 && digits > 0;
}

/* A number in a hashtag: "#Election2024", "#100DaysOfCode", "#agent007". */
static void say_tag_number(struct norm *x, const char *digits, size_t size)
{
    if (*digits == '0' || size > NUMBER_DIGITS)
        say_digits(x, digits, size);
    else if (size == 4)
        say_year(x, digits, size);
    else
        say_cardinal(x, digits, size);
}

/* "#ThrowbackThursday": the words that its capitals show. */
static size_t scan_hashtag(struct norm *x, size_t at)
{
    size_t end = at + 1, from = at + 1;
    bool letter = false;
    if (at > 0 && (char_is_alnum(x->text[at - 1]) || x->text[at - 1] == '/'))
        return 0;
    while (end < x->size && end - at < 100 &&
           (char_is_alnum(x->text[end]) || x->text[end] == '_' || char_is_wide(x->text[end]))) {
        letter |= !char_is_digit(x->text[end]);
        end++;
    }
    norm_range(x, at, at + 1, "hashtag");
    if (end == at + 1)
        return 0;
    if (!letter) {
        norm_say(x, "number");
        return 1;
    }
    if (is_colour(x, at, end)) {
        norm_say(x, "hash");
        say_signs(x, at + 1, end);
        return end - at;
    }
    norm_say(x, "hashtag");
    for (size_t i = at + 2; i <= end; i++) {
        bool border = i == end || x->text[i] == '_' || x->text[i - 1] == '_' ||
                      (char_is_upper(x->text[i]) && char_is_lower(x->text[i - 1])) ||
                      (char_is_digit(x->text[i]) != char_is_digit(x->text[i - 1])) ||
                      (char_is_upper(x->text[i - 1]) && i + 1 < end && char_is_upper(x->text[i]) &&
                       char_is_lower(x->text[i + 1]));
        if (!border)
            continue;
        norm_range(x, from, i, "hashtag");
        if (char_is_digit(x->text[from]))
            say_tag_number(x, x->text + from, i - from);
        else if (x->text[from] != '_')
            norm_say_text(x, x->text + from, i - from);
        from = i;
    }
    return end - at;
}

/* "@name" */
static size_t scan_handle(struct norm *x, size_t at)
{
    size_t end = at + 1;
    if (at > 0 && char_is_alnum(x->text[at - 1]))
        return 0;
    while (end < x->size && (char_is_alnum(x->text[end]) || x->text[end] == '_'))
        end++;
    if (end == at + 1)
        return 0;
    say_address(x, at, end, at);
    return end - at;
}

size_t scan_electronic(struct norm *x, size_t at, size_t size)
{
    char first = x->text[at], next = norm_char(x, at + size);
    if (first == '#')
        return scan_hashtag(x, at);
    if (char_is_digit(first)) {
        size_t ip = scan_ip(x, at);
        if (ip > 0)
            return ip;
    }
    if ((char_is_digit(first) || (size <= 4 && (next == ':' || char_is_digit(next)))) &&
        char_is_alnum(first)) {
        size_t address = scan_hexadecimal(x, at);
        if (address > 0)
            return address;
    }
    if (size > 0 && strchr(".@:/\\-_&+%~=!#'", next) == NULL && !char_is_digit(next))
        return 0;
    if (at < x->no_address_until)
        return 0;
    size_t end = run_end(x, at), used;
    if (end - at > RETRY_LIMIT)
        x->no_address_until = end; /* a long run is looked at once, from its beginning */
    if (end <= at + 1 || end - at >= ADDRESS_LIMIT)
        return 0;
    if (first == '@')
        return scan_handle(x, at);
    if ((used = scan_localhost(x, at, end)) > 0 || (used = scan_url(x, at, end)) > 0 ||
        (used = scan_email(x, at, end)) > 0)
        return used;
    if (first == '/' || first == '~' || first == '.' || first == '\\' || next == ':')
        return scan_path(x, at, end);
    return scan_domain(x, at, end);
}
