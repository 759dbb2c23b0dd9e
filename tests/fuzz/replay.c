/* replay.c: runs a fuzz target without libFuzzer: over every file of a folder, each cut short and mutated in a fixed
 * pseudo-random way, so that the targets are exercised by every compiler and sanitizer, always with the same input. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MUTATIONS = 200, LARGEST = 1 << 20 };

static uint64_t state = 1;

static uint64_t next_random(void) /* xorshift64*, Vigna 2016 */
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545F4914F6CDD1Du;
}

/* Runs a copy of exactly `size` bytes, so that a sanitizer sees a read past the end. */
static int run(const char *data, size_t size)
{
    uint8_t *copy = calloc(1, size > 0 ? size : 1);
    if (copy == NULL)
        return 1;
    if (size > 0)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return 0;
}

static int run_mutations(struct str *seed)
{
    int failed = run(seed->data, seed->length);
    for (int m = 0; m < MUTATIONS && seed->length > 0 && !failed; m++) {
        size_t size = m % 4 == 0 ? next_random() % seed->length : seed->length;
        char *changed = malloc(seed->length);
        if (changed == NULL)
            return 1;
        memcpy(changed, seed->data, seed->length);
        for (int changes = m % 5; changes > 0; changes--)
            changed[next_random() % seed->length] = (char)next_random();
        failed = run(changed, size);
        free(changed);
    }
    return failed;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: replay FOLDER\n");
        return 2;
    }
    int failed = run(NULL, 0), files = 0;
    DIR *folder = opendir(argv[1]);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL && !failed;) {
        if (entry->d_name[0] == '.')
            continue;
        struct str path = {0}, seed = {0};
        lt_error error;
        str_printf(&path, "%s/%s", argv[1], entry->d_name);
        if (file_read(path.data, LARGEST, &seed, &error) != LT_OK) {
            fprintf(stderr, "replay: %s\n", error.message);
            failed = 1;
        } else {
            failed = run_mutations(&seed);
            files++;
        }
        str_free(&path);
        str_free(&seed);
    }
    if (folder != NULL)
        closedir(folder);
    printf("%d seeds, %d mutations each\n", files, MUTATIONS);
    return failed;
}
