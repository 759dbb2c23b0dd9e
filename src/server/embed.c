/* embed.c: a tool of the build: writes a C file that holds the bytes of other files.
 *   embed VERSION OUTPUT NAME FILE [NAME FILE ...]
 * Each FILE becomes `const struct page NAME`; "@VERSION@" in it becomes VERSION. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char mark[] = "@VERSION@";

static void put_bytes(FILE *out, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        fprintf(out, "%u,", (unsigned char)bytes[i]);
}

/* Reads a whole file into a NUL-terminated buffer that is the caller's; NULL when it cannot. */
static char *read_all(const char *path)
{
    FILE *in = fopen(path, "rb");
    char *text = NULL;
    if (in != NULL && fseek(in, 0, SEEK_END) == 0) {
        long size = ftell(in);
        rewind(in);
        text = size >= 0 ? malloc((size_t)size + 1) : NULL;
        if (text != NULL && fread(text, 1, (size_t)size, in) == (size_t)size) {
            text[size] = '\0';
        } else {
            free(text);
            text = NULL;
        }
    }
    if (in != NULL)
        fclose(in);
    return text;
}

static void put_page(FILE *out, const char *name, const char *text, const char *version)
{
    fprintf(out, "static const unsigned char %s_bytes[] = {", name);
    const char *from = text;
    for (const char *at; (at = strstr(from, mark)) != NULL; from = at + sizeof mark - 1) {
        put_bytes(out, from, (size_t)(at - from));
        put_bytes(out, version, strlen(version));
    }
    put_bytes(out, from, strlen(from));
    fprintf(out, "};\nconst struct page %s = {%s_bytes, sizeof %s_bytes};\n", name, name, name);
}

int main(int argc, char **argv)
{
    FILE *out = argc >= 3 ? fopen(argv[2], "wb") : NULL;
    if (out == NULL) {
        fprintf(stderr, "usage: embed VERSION OUTPUT NAME FILE ...\n");
        return 1;
    }
    fprintf(out, "/* Written by embed.c; do not edit. */\n#include \"server/pages.h\"\n");
    for (int i = 3; i + 1 < argc; i += 2) {
        char *text = read_all(argv[i + 1]);
        if (text == NULL) {
            fprintf(stderr, "embed: cannot read '%s'\n", argv[i + 1]);
            fclose(out);
            return 1;
        }
        put_page(out, argv[i], text, argv[1]);
        free(text);
    }
    return fclose(out) == 0 ? 0 : 1;
}
