/* hello.c: the smallest useful program on liblitetts: speaks its first argument to the file in its second.
 *
 *     cc hello.c $(pkg-config --cflags --libs litetts) -o hello
 *     ./hello "Hello from C." hello.wav
 */
#include <stdio.h>

#include <litetts/litetts.h>

/* Receives encoded bytes as they are ready. */
static bool write_file(void *user, const void *bytes, size_t size)
{
    return fwrite(bytes, 1, size, user) == size;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: hello TEXT FILE\n");
        return 2;
    }
    lt_error error;
    lt_engine *engine;
    lt_request request;
    lt_request_init(&request);
    if (lt_format_parse(argv[2], &request.format, &error) != LT_OK ||
        lt_engine_open(NULL, &engine, &error) != LT_OK) {
        fprintf(stderr, "hello: %s\n", error.message);
        return 1;
    }
    FILE *file = fopen(argv[2], "wb");
    if (file == NULL) {
        perror(argv[2]);
        lt_engine_close(engine);
        return 1;
    }
    request.text = argv[1];
    request.write = write_file;
    request.user = file;
    lt_result result;
    lt_status status = lt_speak(engine, &request, &result, &error);
    lt_engine_close(engine);
    if (fclose(file) != 0 && status == LT_OK) {
        perror(argv[2]);
        return 1;
    }
    if (status != LT_OK) {
        fprintf(stderr, "hello: %s\n", error.message);
        return 1;
    }
    printf("%s: %.2f s of audio in %.2f s\n", argv[2], result.audio_seconds, result.wall_seconds);
    return 0;
}
