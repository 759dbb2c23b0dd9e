/* test_playback.c: playing, on ALSA devices that a configuration of our own makes: one that records to a
 * file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audio/playback.h"
#include "base/file.h"

struct folder {
    char path[64], configuration[80], recording[80];
};

static int make_folder(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);
    if (folder == NULL)
        return -1;
    snprintf(folder->path, sizeof folder->path, "/tmp/litetts-test-XXXXXX");
    if (mkdtemp(folder->path) == NULL) {
        free(folder);
        return -1;
    }
    snprintf(folder->configuration, sizeof folder->configuration, "%s/asound.conf", folder->path);
    snprintf(folder->recording, sizeof folder->recording, "%s/recording", folder->path);
    *state = folder;
    return 0;
}

static int remove_folder(void **state)
{
    struct folder *folder = *state;
    unlink(folder->configuration);
    unlink(folder->recording);
    rmdir(folder->path);
    free(folder);
    return 0;
}

static void configure(const struct folder *folder, const char *text)
{
    assert_int_equal(file_replace(folder->configuration, text, strlen(text), NULL), LT_OK);
    setenv("ALSA_CONFIG_PATH", folder->configuration, 1);
}

static void what_is_written_sounds(void **state)
{
    struct folder *folder = *state;
    char text[512];
    snprintf(text, sizeof text,
             "pcm.nothing { type null }\n"
             "pcm.!default { type file slave.pcm nothing file \"%s\" format raw }\n",
             folder->recording);
    configure(folder, text);

    enum { BYTES = 2 * 40001 };
    unsigned char *pcm = malloc(BYTES);
    assert_non_null(pcm);
    for (int i = 0; i < BYTES; i++)
        pcm[i] = (unsigned char)(i * 7 + i / 256);
    lt_error error;
    struct playback *playback;
    assert_int_equal(playback_open(NULL, &playback, &error), LT_OK);
    for (size_t at = 0, piece = 2; at < BYTES; piece = piece * 3 % 4998) {
        size_t n = piece < BYTES - at ? piece : BYTES - at;
        assert_int_equal(playback_write(playback, pcm + at, n, &error), LT_OK);
        at += n;
    }
    assert_int_equal(playback_drain(playback, &error), LT_OK);
    playback_close(playback);

    struct str recorded = {0};
    assert_int_equal(file_read(folder->recording, SIZE_MAX, &recorded, &error), LT_OK);
    assert_int_equal(recorded.length, BYTES);
    assert_memory_equal(recorded.data, pcm, BYTES);
    str_free(&recorded);
    free(pcm);
}

static void no_device_is_a_sentence_and_no_noise(void **state)
{
    struct folder *folder = *state;
    configure(folder, "pcm.other { type null }\n");
    FILE *caught = tmpfile();
    assert_non_null(caught);
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    dup2(fileno(caught), STDERR_FILENO);
    lt_error error;
    struct playback *playback;
    lt_status status = playback_open(NULL, &playback, &error);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    assert_int_equal(status, LT_ERR_IO);
    assert_null(playback);
    assert_non_null(strstr(error.message, "-o FILE"));
    assert_int_equal(lseek(fileno(caught), 0, SEEK_END), 0);
    fclose(caught);
}

static void nothing_to_play_is_fine(void **state)
{
    struct folder *folder = *state;
    configure(folder, "pcm.other { type null }\n");
    lt_error error;
    struct playback *playback;
    assert_int_equal(playback_open("other", &playback, &error), LT_OK);
    assert_int_equal(playback_write(playback, "", 0, &error), LT_OK);
    assert_int_equal(playback_drain(playback, &error), LT_OK);
    playback_close(playback);
    playback_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_sounds),
        cmocka_unit_test(no_device_is_a_sentence_and_no_noise),
        cmocka_unit_test(nothing_to_play_is_fine),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
