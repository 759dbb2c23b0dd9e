/* test_store.c: the cache's levels below memory: records, files, and a real Redis server where one is installed. */
#include <dirent.h>
#include <ftw.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <nettle/sha2.h>

#include "base/clock.h"
#include "base/file.h"
#include "engine/clip_key.h"
#include "engine/disk.h"
#include "engine/engine.h"
#include "engine/frequent.h"
#include "engine/record.h"
#include "engine/redis.h"

/* ---- A folder of the test's own ---- */

static char folder[] = "/tmp/litetts-store-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info, (void)type, (void)walk;
    return remove(path);
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* ---- Keys ---- */

static void identify_as_x(const struct backend *backend, const void *voice, struct str *out)
{
    (void)backend, (void)voice;
    str_puts(out, "x");
}

/* What another version spoke, or an older build of this one that sounded otherwise, must not be found. */
static void keys_tell_versions_and_sounds_apart(void **state)
{
    (void)state;
    const struct backend_type type = {.identify = identify_as_x};
    const struct registry registry = {.backends = {{&type, NULL}}, .backend_count = 1};
    const struct utterance utterance = {.text = "Hello", .speed = 1, .pitch = 1};
    struct cache_key key;
    assert_true(clip_key_make(&registry, &(struct voice_ref){0}, &utterance, &key));

    char spoken[64];
    const int length =
        snprintf(spoken, sizeof spoken, "LiteTTS %s %d x%cHello", lt_version(), CLIP_SOUND_REVISION, 0);
    const float manner[] = {1, 1, 0}; /* speed, pitch, pitch_hertz */
    const uint64_t seed = 0;
    struct sha256_ctx context;
    unsigned char expected[CACHE_KEY_BYTES];
    sha256_init(&context);
    sha256_update(&context, (size_t)length + 1, (const unsigned char *)spoken);
    sha256_update(&context, sizeof manner, (const unsigned char *)manner);
    sha256_update(&context, sizeof seed, (const unsigned char *)&seed);
    sha256_digest(&context, sizeof expected, expected);
    assert_memory_equal(key.bytes, expected, sizeof expected);
}

/* ---- Records ---- */

enum { WORDS = 3, SAMPLES = 500 };

static struct clip *empty_clip(unsigned char number)
{
    struct clip *clip = clip_new(WORDS);
    memset(clip->entry.key.bytes, number, sizeof clip->entry.key.bytes);
    return clip;
}

static struct clip *spoken_clip(unsigned char number, float scale)
{
    struct clip *clip = empty_clip(number);
    for (int i = 0; i < SAMPLES; i++) {
        float sample = scale * (float)((i * 7919 + number) % 1000) / 1000;
        assert_true(clip_add(clip, &sample, 1));
    }
    for (int i = 0; i < WORDS; i++)
        clip->times[i] = (struct clip_time){(float)i, (float)i + 0.5f};
    clip_finish(clip, LT_OK, NULL, 1);
    return clip;
}

static void assert_same_clip(struct clip *a, struct clip *b)
{
    float x[SAMPLES + 1], y[SAMPLES + 1];
    bool done;
    assert_int_equal(clip_read(a, 0, 0, x, SAMPLES + 1, &done), SAMPLES);
    assert_int_equal(clip_read(b, 0, 0, y, SAMPLES + 1, &done), SAMPLES);
    assert_memory_equal(x, y, SAMPLES * sizeof *x);
    assert_memory_equal(a->times, b->times, WORDS * sizeof *a->times);
}

static void records_give_the_clip_back(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        struct clip *clip = spoken_clip(1, wide ? 1.5f : 1), *back = empty_clip(1), *other = empty_clip(2);
        struct str record = {0};
        record_write(clip, &record);
        assert_false(record_read(record.data, record.length, other)); /* another's key */
        assert_true(record_read(record.data, record.length, back));
        assert_same_clip(clip, back);
        str_free(&record);
        clip_free(clip);
        clip_free(back);
        clip_free(other);
    }
}

static void damaged_records_are_refused(void **state)
{
    (void)state;
    struct clip *clip = spoken_clip(1, 1), *back = empty_clip(1);
    struct str record = {0};
    record_write(clip, &record);
    for (size_t i = 0; i < record.length; i++) {
        record.data[i] = (char)(record.data[i] ^ 0x10);
        assert_false(record_read(record.data, record.length, back));
        record.data[i] = (char)(record.data[i] ^ 0x10);
    }
    for (size_t size = 0; size < record.length; size++)
        assert_false(record_read(record.data, size, back));
    assert_true(record_read(record.data, record.length, back));
    str_free(&record);
    clip_free(clip);
    clip_free(back);
}

/* ---- Files ---- */

static void save(struct disk *disk, unsigned char number)
{
    struct clip *clip = spoken_clip(number, 1);
    struct str record = {0};
    record_write(clip, &record);
    disk_save(disk, clip, record.data, record.length);
    str_free(&record);
    clip_free(clip);
}

static bool load(struct disk *disk, unsigned char number)
{
    struct clip *expected = spoken_clip(number, 1), *clip = empty_clip(number);
    bool loaded = disk_load(disk, clip);
    if (loaded)
        assert_same_clip(clip, expected);
    clip_free(clip);
    clip_free(expected);
    return loaded;
}

static struct disk *open_disk(const char *name, uint64_t limit)
{
    struct disk *disk;
    lt_error error;
    assert_int_equal(disk_open(in_folder(name), limit, &disk, &error), LT_OK);
    return disk;
}

static void files_outlive_the_process(void **state)
{
    (void)state;
    struct level_counts counts;
    struct disk *disk = open_disk("deep/er/files", 0);
    assert_false(load(disk, 1));
    save(disk, 1);
    save(disk, 2);
    disk_close(disk);
    disk = open_disk("deep/er/files", 0);
    assert_true(load(disk, 1) && load(disk, 2) && !load(disk, 3));
    disk_look(disk, &counts);
    assert_int_equal(counts.hits, 2);
    assert_int_equal(counts.misses, 1);
    assert_int_equal(counts.entries, 2);
    disk_close(disk);
    lt_error error;
    assert_int_equal(disk_open("/proc/no/such", 0, &disk, &error), LT_ERR_IO);
}

static void torn_files_are_misses_and_go(void **state)
{
    (void)state;
    struct level_counts counts;
    struct disk *disk = open_disk("torn", 0);
    save(disk, 0x11);
    struct str path = {0};
    str_printf(&path, "%s/11/", in_folder("torn"));
    for (int i = 0; i < CACHE_KEY_BYTES; i++)
        str_puts(&path, "11");
    struct stat info;
    assert_int_equal(stat(path.data, &info), 0);
    assert_int_equal(truncate(path.data, info.st_size - 100), 0);
    assert_false(load(disk, 0x11));
    assert_int_not_equal(stat(path.data, &info), 0);
    disk_close(disk);
    disk = open_disk("torn", 0);
    save(disk, 0x11);
    assert_int_equal(stat(path.data, &info), 0);
    const off_t whole = info.st_size;
    disk_close(disk);
    assert_int_equal(truncate(path.data, whole - 100), 0);
    disk = open_disk("torn", 0); /* which counts what is there */
    assert_false(load(disk, 0x11));
    disk_look(disk, &counts);
    assert_true(counts.entries == 0 && counts.bytes == 0);
    save(disk, 0x11);
    assert_true(load(disk, 0x11));
    disk_look(disk, &counts);
    assert_int_equal(counts.errors, 1);
    assert_true(counts.entries == 1 && counts.bytes == (uint64_t)whole);
    str_free(&path);
    disk_close(disk);
}

static void files_that_cannot_be_opened_now_stay(void **state)
{
    (void)state;
    struct disk *disk = open_disk("busy", 0);
    struct rlimit limit;
    save(disk, 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool loaded = load(disk, 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_false(loaded);
    assert_true(load(disk, 1));
    disk_close(disk);
}

static void the_longest_unused_files_go(void **state)
{
    (void)state;
    enum { BYTES = 1200, ROOM = 20 }; /* of a record: a little less */
    struct level_counts counts;
    struct disk *disk = open_disk("bound", ROOM * BYTES);
    for (unsigned char i = 0; i < 100; i++) {
        save(disk, i);
        usleep(2000); /* files' times are as coarse as the kernel's tick */
        if (i >= 1)
            assert_true(load(disk, 1)); /* always in use */
        disk_look(disk, &counts);
        assert_true(counts.bytes <= ROOM * BYTES);
    }
    assert_true(counts.evictions > 50 && counts.entries > 10);
    assert_true(load(disk, 99) && !load(disk, 2));
    disk_close(disk);
}

/* Servers that share a folder do not see what the others write until they look; together they keep to the
 * bound but for a tenth of it each. */
static void a_folder_of_several_servers_is_bounded(void **state)
{
    (void)state;
    enum { BYTES = 1200, ROOM = 40, SERVERS = 3 };
    struct disk *disks[SERVERS];
    for (int i = 0; i < SERVERS; i++)
        disks[i] = open_disk("several", ROOM * BYTES);
    for (int i = 0; i < 240; i++) {
        save(disks[i % SERVERS], (unsigned char)i);
        if (i < ROOM)
            continue;
        uint64_t there = 0;
        for (int number = 0; number <= i; number++) {
            struct stat info;
            struct str path = {0};
            str_printf(&path, "%s/%02x/", in_folder("several"), (unsigned)number);
            for (int j = 0; j < CACHE_KEY_BYTES; j++)
                str_printf(&path, "%02x", (unsigned)number);
            there += stat(path.data, &info) == 0 ? (uint64_t)info.st_size : 0;
            str_free(&path);
        }
        assert_true(there <= ROOM * BYTES + SERVERS * (ROOM * BYTES / 10 + BYTES));
    }
    for (int i = 0; i < SERVERS; i++)
        disk_close(disks[i]);
}

/* ---- An engine ---- */

static lt_engine *open_engine(const char *folder_name, const char *redis)
{
    lt_error error;
    lt_engine *engine = NULL;
    lt_config *config = lt_config_new();
    lt_config_set(config, "engine.data_folder", "/nonexistent", &error);
    lt_config_set(config, "engine.threads", "2", &error);
    if (folder_name != NULL)
        lt_config_set(config, "cache.disk_folder", in_folder(folder_name), &error);
    if (redis != NULL)
        lt_config_set(config, "cache.redis", redis, &error);
    lt_config_set(config, "cache.redis_timeout_ms", "1000", &error); /* on a busy machine, too */
    lt_status status = lt_engine_open(config, &engine, &error);
    if (status != LT_OK)
        print_error("%s\n", error.message);
    lt_config_free(config);
    return engine;
}

static bool hear(void *user, const void *bytes, size_t size)
{
    str_append(user, bytes, size);
    return true;
}

static struct str speak(lt_engine *engine, const char *text, lt_result *result)
{
    struct str bytes = {0};
    lt_request request;
    lt_error error;
    lt_request_init(&request);
    request.text = text;
    request.voice = "rms"; /* draws noise at random: the same bytes mean a cache */
    request.write = hear;
    request.user = &bytes;
    assert_int_equal(lt_speak(engine, &request, result, &error), LT_OK);
    assert_true(bytes.length > 10000);
    return bytes;
}

static void expect_cached(lt_engine *engine, const char *text, const struct str *expected)
{
    lt_result result;
    struct str bytes = speak(engine, text, &result);
    assert_int_equal(result.chunks_cached, result.chunks);
    assert_int_equal(bytes.length, expected->length);
    assert_memory_equal(bytes.data, expected->data, expected->length);
    str_free(&bytes);
}

static lt_cache_stats level(lt_engine *engine, const char *name)
{
    lt_stats stats;
    lt_engine_stats(engine, &stats);
    for (size_t i = 0; i < stats.cache_count; i++)
        if (strcmp(stats.caches[i].level, name) == 0)
            return stats.caches[i];
    fail_msg("no level '%s'", name);
    return (lt_cache_stats){0};
}

static void wait_for_writes(lt_engine *engine, const char *name, uint64_t added)
{
    double give_up = clock_seconds() + 10;
    while (level(engine, name).added < added && clock_seconds() < give_up)
        usleep(2000);
    assert_int_equal(level(engine, name).added, added);
}

static void a_later_engine_finds_files(void **state)
{
    (void)state;
    lt_result result;
    lt_engine *engine = open_engine("engine", NULL);
    struct str first = speak(engine, "What was said once is said again.", &result);
    lt_engine_close(engine); /* writes what waits */
    engine = open_engine("engine", NULL);
    expect_cached(engine, "What was said once is said again.", &first);
    assert_int_equal(level(engine, "disk").hits, result.chunks);
    expect_cached(engine, "What was said once is said again.", &first); /* now from memory */
    assert_int_equal(level(engine, "disk").hits, result.chunks);
    lt_engine_close(engine);
    str_free(&first);
}

static void a_list_of_phrases_is_spoken_at_the_start(void **state)
{
    (void)state;
    static const char list[] =
        "# greetings\n\nrms\tGood morning.\r\nnobody\tNot with this voice.\nrms\tGood night, everybody.";
    lt_error error;
    lt_engine *engine = NULL;
    lt_config *config = lt_config_new();
    assert_int_equal(file_replace(in_folder("phrases"), list, strlen(list), &error), LT_OK);
    lt_config_set(config, "engine.data_folder", "/nonexistent", &error);
    lt_config_set(config, "cache.warm_file", in_folder("phrases"), &error);
    assert_int_equal(lt_engine_open(config, &engine, &error), LT_OK);
    wait_for_writes(engine, "memory", 2);
    lt_result result;
    struct str bytes = speak(engine, "Good night, everybody.", &result);
    assert_int_equal(result.chunks_cached, 1);
    str_free(&bytes);
    lt_engine_close(engine);
    lt_config_set(config, "cache.warm_file", in_folder("no phrases"), &error);
    assert_int_equal(lt_engine_open(config, &engine, &error), LT_ERR_IO);
    assert_non_null(strstr(error.message, "cache.warm_file: ")); /* whose file it is */
    lt_config_free(config);
}

/* ---- Frequent phrases ---- */

static void note(struct frequent *frequent, const char *text, int times)
{
    lt_request request;
    lt_request_init(&request);
    request.text = text;
    for (int i = 0; i < times; i++)
        frequent_note(frequent, &request, strlen(text));
}

static struct phrase phrases[FREQUENT_MOST];

static void frequent_phrases_are_found_among_many(void **state)
{
    (void)state;
    struct frequent *frequent = frequent_new();
    char text[FREQUENT_TEXT_BYTES + 1];
    for (int i = 0; i < 20000; i++) { /* each once, but for ten */
        snprintf(text, sizeof text, "phrase number %d", i);
        note(frequent, text, 1);
        snprintf(text, sizeof text, "common %d", i % 10);
        note(frequent, text, i % 10 < 5 ? 3 : 2);
    }
    assert_true(frequent_list(frequent, phrases) >= 10);
    for (int i = 0; i < 10; i++)
        assert_int_equal(strncmp(phrases[i].text, "common ", 7), 0);
    for (int i = 0; i < 5; i++)
        assert_true(phrases[i].text[7] < '5');
    frequent_free(frequent);

    frequent = frequent_new();
    lt_request request, others[5];
    lt_request_init(&request);
    memset(text, 'a', FREQUENT_TEXT_BYTES);
    text[FREQUENT_TEXT_BYTES] = '\0';
    for (int i = 0; i < 5; i++)
        others[i] = request;
    others[0].text = text; /* too long */
    others[1].text = "";
    others[2].text = "ssml", others[2].input = LT_INPUT_SSML;
    others[3].text = "seed", others[3].seed = 1;
    others[4].text = "switch", others[4].text_off = LT_TEXT_UNITS;
    for (int i = 0; i < 10; i++)
        frequent_note(frequent, &others[i % 5], strlen(others[i % 5].text));
    assert_int_equal(frequent_list(frequent, phrases), 0);
    frequent_free(frequent);
}

static struct frequent *load_frequent(const char *path)
{
    struct frequent *frequent = frequent_new();
    frequent_load(frequent, path);
    return frequent;
}

static void frequent_phrases_outlive_the_process_and_fade(void **state)
{
    (void)state;
    const char *path = in_folder("frequent.json");
    struct frequent *frequent = load_frequent(path); /* there is none yet */
    assert_int_equal(frequent_list(frequent, phrases), 0);
    assert_int_equal(frequent_save(frequent, path, NULL), LT_OK);
    assert_int_not_equal(access(path, F_OK), 0); /* nothing was counted */
    note(frequent, "Once.", 1);
    note(frequent, "Often: \"caf\xc3\xa9\"\n\ttwice.", 8);
    assert_int_equal(frequent_save(frequent, path, NULL), LT_OK);
    frequent_free(frequent);
    for (int run = 0; run < 2; run++) { /* 8, 4, 2; then 1, which is not enough */
        frequent = load_frequent(path);
        assert_int_equal(frequent_list(frequent, phrases), 1);
        assert_string_equal(phrases[0].text, "Often: \"caf\xc3\xa9\"\n\ttwice.");
        assert_true(phrases[0].speed == 1 && phrases[0].volume == 1 && phrases[0].format == LT_FORMAT_WAV);
        note(frequent, "Another.", 1);
        assert_int_equal(frequent_save(frequent, path, NULL), LT_OK);
        frequent_free(frequent);
    }
    frequent = load_frequent(path);
    assert_int_equal(frequent_list(frequent, phrases), 0);
    frequent_free(frequent);
}

static void a_damaged_list_of_frequent_phrases_is_ignored(void **state)
{
    (void)state;
    const char *path = in_folder("damaged.json");
    struct frequent *frequent = frequent_new();
    struct str whole = {0};
    note(frequent, "Hello there.", 9);
    note(frequent, "And again.", 9);
    assert_int_equal(frequent_save(frequent, path, NULL), LT_OK);
    frequent_free(frequent);
    assert_int_equal(file_read(path, 1 << 20, &whole, NULL), LT_OK);
    for (size_t size = 0; size < whole.length; size++) { /* torn */
        assert_int_equal(file_replace(path, whole.data, size, NULL), LT_OK);
        frequent = load_frequent(path);
        assert_int_equal(frequent_list(frequent, phrases), 0);
        frequent_free(frequent);
    }
    for (size_t at = 0; at < whole.length; at++) { /* scribbled on */
        char was = whole.data[at];
        whole.data[at] = (char)(was ^ 0x15);
        assert_int_equal(file_replace(path, whole.data, whole.length, NULL), LT_OK);
        frequent = load_frequent(path);
        assert_true(frequent_list(frequent, phrases) <= 2);
        frequent_free(frequent);
        whole.data[at] = was;
    }
    str_free(&whole);
}

/* What people had spoken is nobody else's: the file is its owner's, and a link put in its place is not followed. */
static void the_file_of_frequent_phrases_is_private(void **state)
{
    (void)state;
    char path[512], other[512];
    struct stat info;
    struct str content = {0};
    snprintf(path, sizeof path, "%s", in_folder("private.json"));
    snprintf(other, sizeof other, "%s", in_folder("other.json"));
    struct frequent *frequent = frequent_new();
    note(frequent, "My name is nobody.", 3);
    assert_int_equal(file_replace(other, "mine", 4, NULL), LT_OK);
    assert_int_equal(frequent_save(frequent, path, NULL), LT_OK);
    assert_int_equal(lstat(path, &info), 0);
    assert_int_equal(info.st_mode, S_IFREG | 0600);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(other, path), 0);
    note(frequent, "My name is nobody.", 3);
    assert_int_equal(frequent_save(frequent, path, NULL), LT_OK);
    assert_int_equal(lstat(path, &info), 0);
    assert_true(S_ISREG(info.st_mode));
    assert_int_equal(file_read(other, 1 << 20, &content, NULL), LT_OK);
    assert_string_equal(content.data, "mine");
    str_free(&content);
    frequent_free(frequent);
}

static size_t files_in(const char *path)
{
    size_t count = 0;
    DIR *opened = opendir(path);
    assert_non_null(opened);
    for (const struct dirent *entry; (entry = readdir(opened)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(opened);
    return count;
}

/* A write that fails half-way leaves the old list and no other file, and is tried again. */
static void a_full_disk_keeps_the_old_list(void **state)
{
    (void)state;
    char inside[512], path[512];
    snprintf(inside, sizeof inside, "%s", in_folder("full"));
    snprintf(path, sizeof path, "%s", in_folder("full/list.json"));
    struct frequent *frequent = frequent_new();
    note(frequent, "Before.", 3);
    assert_int_equal(frequent_save(frequent, path, NULL), LT_OK);
    note(frequent, "After.", 3);
    /* as on a full disk, part of it is written */
    struct rlimit was;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    const struct rlimit little = {.rlim_cur = 20, .rlim_max = was.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    lt_error error;
    lt_status status = frequent_save(frequent, path, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(status, LT_ERR_IO);
    assert_non_null(strstr(error.message, path));
    assert_int_equal(files_in(inside), 1);
    struct frequent *read = load_frequent(path);
    assert_int_equal(frequent_list(read, phrases), 1);
    frequent_free(read);
    assert_int_equal(frequent_save(frequent, path, &error), LT_OK); /* nothing was counted since */
    read = load_frequent(path);
    assert_int_equal(frequent_list(read, phrases), 2);
    frequent_free(read);
    frequent_free(frequent);
}

static lt_engine *open_predicting(const char *file)
{
    lt_error error;
    lt_engine *engine = NULL;
    lt_config *config = lt_config_new();
    lt_config_set(config, "engine.data_folder", "/nonexistent", &error);
    lt_config_set(config, "cache.predict_file", file, &error);
    assert_int_equal(lt_engine_open(config, &engine, &error), LT_OK);
    lt_config_free(config);
    return engine;
}

static void what_was_asked_for_often_is_there_at_the_next_start(void **state)
{
    (void)state;
    char file[512];
    lt_result result;
    snprintf(file, sizeof file, "%s", in_folder("predict.json"));
    lt_engine *engine = open_predicting(file);
    for (int i = 0; i < 4; i++) {
        struct str bytes = speak(engine, "You have one new message.", &result);
        str_free(&bytes);
    }
    struct str once = speak(engine, "This was said only once.", &result);
    str_free(&once);
    lt_engine_close(engine);
    for (int run = 0; run < 3; run++) {
        engine = open_predicting(file);
        wait_for_writes(engine, "memory", 1);
        usleep(20000);
        assert_int_equal(level(engine, "memory").added, 1);
        struct str bytes = speak(engine, "You have one new message.", &result);
        assert_int_equal(result.chunks_cached, result.chunks);
        assert_true(result.encode_seconds == 0); /* the whole answer is there */
        str_free(&bytes);
        lt_engine_close(engine);
        struct str left = {0};
        assert_int_equal(file_read(file, 1 << 20, &left, NULL), LT_OK);
        assert_non_null(strstr(
            left.data, "\"count\": 3")); /* half of before and one: what it said itself does not count */
        assert_null(strstr(left.data, "only once"));
        str_free(&left);
    }
}

/* ---- Redis ---- */

static void addresses_are_checked(void **state)
{
    (void)state;
    static const char *const good[] = {"redis://localhost",    "redis://127.0.0.1:7000/3",
                                       "redis://:secret@host", "redis://user:se:cret@host:1/0",
                                       "redis://[::1]:6379",   "unix:///run/redis.sock",
                                       "REDIS://host/",        "redis://us%65r:p%40s%2fs@host"};
    static const char *const bad[] = {
        "localhost",          "redis://",        "redis://:7000",  "redis://host:x",    "redis://host:0",
        "redis://host:99999", "redis://host/db", "unix:",          "redis://user@host", "http://host",
        "redis://[::1",       "redis://:%4@h",   "redis://:%zz@h", "redis://:a%00b@h",  "rediss://host"};
    struct redis *redis;
    lt_error error;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(redis_open(good[i], 50, 0, &redis, &error), LT_OK);
        redis_close(redis);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(redis_open(bad[i], 50, 0, &redis, &error), LT_ERR_CONFIG);
    assert_int_equal(redis_open("rediss://user:secret@host", 50, 0, &redis, &error), LT_ERR_CONFIG);
    assert_non_null(strstr(error.message, "TLS"));
    assert_null(strstr(error.message, "secret"));
}

/* A Redis that is not there costs nothing but counts. */
static void a_missing_redis_fails_no_request(void **state)
{
    (void)state;
    char url[300];
    snprintf(url, sizeof url, "unix://%s", in_folder("nobody.sock"));
    lt_result result;
    lt_engine *engine = open_engine(NULL, url);
    struct str bytes = speak(engine, "Nobody is there.", &result);
    assert_int_equal(result.chunks_cached, 0);
    lt_cache_stats redis = level(engine, "redis");
    assert_true(redis.errors >= 1 && redis.down && redis.hits == 0);
    str_free(&bytes);
    lt_engine_close(engine);
}

/* Waits until a Redis that was started takes connections: its process, or -1 when it ended. */
static pid_t await_redis(pid_t child, const void *address, socklen_t size)
{
    const double give_up = clock_seconds() + 30;
    bool listens = false;
    assert_true(child > 0);
    while (!listens && clock_seconds() < give_up) {
        if (waitpid(child, NULL, WNOHANG) == child)
            return -1;
        const int client = socket(((const struct sockaddr *)address)->sa_family, SOCK_STREAM, 0);
        listens = connect(client, address, size) == 0;
        close(client);
        usleep(10000);
    }
    assert_true(listens);
    return child;
}

/* A Redis on a socket in the file system; -1 when it is not installed. */
static pid_t start_redis(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    unlink(path);
    const pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when an assertion ends the test */
        (void)!freopen("/dev/null", "w", stdout);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir",
               folder, (char *)NULL);
        _exit(127);
    }
    return await_redis(child, &address, sizeof address);
}

/* A Redis on a port of its own that asks for a password; -1 when it is not installed. */
static pid_t start_locked_redis(const char *password, int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int probe = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(probe, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(probe, (struct sockaddr *)&address, &size), 0);
    close(probe);
    *port = ntohs(address.sin_port);
    const pid_t child = fork();
    if (child == 0) {
        char number[16];
        snprintf(number, sizeof number, "%d", *port);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)!freopen("/dev/null", "w", stdout);
        execlp("redis-server", "redis-server", "--port", number, "--bind", "127.0.0.1", "--requirepass",
               password, "--save", "", "--dir", folder, (char *)NULL);
        _exit(127);
    }
    return await_redis(child, &address, size);
}

static void end_redis(pid_t server)
{
    kill(server, SIGCONT);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}

/* Speaks new words until Redis takes part again. */
static void wait_until_used(lt_engine *engine)
{
    uint64_t before = level(engine, "redis").added;
    double give_up = clock_seconds() + 20;
    for (int i = 0; level(engine, "redis").added == before && clock_seconds() < give_up; i++) {
        char text[64];
        snprintf(text, sizeof text, "Attempt number %d to be heard.", i);
        struct str bytes = speak(engine, text, &(lt_result){0});
        str_free(&bytes);
        usleep(100000);
    }
    assert_true(level(engine, "redis").added > before);
}

static void redis_may_come_and_go(void **state)
{
    (void)state;
    char socket[256], url[300];
    snprintf(socket, sizeof socket, "%s", in_folder("redis.sock"));
    snprintf(url, sizeof url, "unix://%s", socket);
    pid_t server = start_redis(socket);
    if (server < 0) {
        print_message("redis-server is not installed: not tested against a real one\n");
        skip();
    }
    static const char text[] = "Shared between machines.";
    lt_result result;
    lt_engine *one = open_engine(NULL, url), *two = open_engine(NULL, url);
    struct str first = speak(one, text, &result);
    wait_for_writes(one, "redis", result.chunks);
    expect_cached(two, text, &first);
    assert_int_equal(level(two, "redis").hits, result.chunks);

    kill(server, SIGSTOP); /* slow: it accepts and never answers */
    double began = clock_seconds();
    struct str slow = speak(two, "It hangs, and we go on.", &result);
    assert_true(clock_seconds() - began < 20);
    assert_true(level(two, "redis").errors >= 1 && level(two, "redis").down);
    kill(server, SIGCONT);
    wait_until_used(two);

    end_redis(server); /* down: connections break */
    struct str down = speak(two, "It is gone, and we go on.", &result);
    server = start_redis(socket); /* restarted */
    assert_true(server > 0);
    wait_until_used(two);
    end_redis(server);
    str_free(&first);
    str_free(&slow);
    str_free(&down);
    lt_engine_close(one);
    lt_engine_close(two);
}

static bool is_in_redis(const char *format, int port, int64_t ttl, unsigned char number, bool write)
{
    char url[100];
    struct redis *redis;
    struct clip *clip = spoken_clip(number, 1), *back = empty_clip(number);
    struct str record = {0};
    snprintf(url, sizeof url, format, port);
    assert_int_equal(redis_open(url, 10000, ttl, &redis, NULL), LT_OK);
    record_write(clip, &record);
    if (write)
        redis_save(redis, clip, record.data, record.length);
    const bool found = redis_load(redis, back);
    struct level_counts counts = {0};
    redis_look(redis, &counts);
    assert_int_equal(counts.down, counts.errors > 0);
    str_free(&record);
    clip_free(clip);
    clip_free(back);
    redis_close(redis);
    return found;
}

static void passwords_databases_and_times_to_live_hold(void **state)
{
    (void)state;
    int port;
    pid_t server = start_locked_redis("p@ss:w/rd%", &port);
    if (server < 0)
        skip();
    static const char right[] = "redis://:p%%40ss%%3aw%%2Frd%%25@127.0.0.1:%d/3",
                      user[] = "redis://default:p%%40ss%%3aw%%2Frd%%25@127.0.0.1:%d/3",
                      other[] = "redis://:p%%40ss%%3aw%%2Frd%%25@127.0.0.1:%d/4",
                      wrong[] = "redis://:guess@127.0.0.1:%d/3", none[] = "redis://127.0.0.1:%d/3";
    assert_true(is_in_redis(right, port, 0, 1, true));
    assert_true(is_in_redis(user, port, 0, 1, false));
    assert_false(is_in_redis(other, port, 0, 1, false)); /* another database */
    assert_false(is_in_redis(wrong, port, 0, 2, true));
    assert_false(is_in_redis(none, port, 0, 2, true));
    assert_false(is_in_redis(right, port, 0, 2, false)); /* neither was let in */
    assert_true(is_in_redis(right, port, 60, 3, true));
    is_in_redis(right, port, 1, 3, true); /* most likely so, unless this takes a second */
    usleep(1200000);
    assert_false(is_in_redis(right, port, 1, 3, false));
    assert_true(is_in_redis(right, port, 1, 1, false)); /* that one is for ever */
    end_redis(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_tell_versions_and_sounds_apart),
        cmocka_unit_test(records_give_the_clip_back),
        cmocka_unit_test(damaged_records_are_refused),
        cmocka_unit_test(files_outlive_the_process),
        cmocka_unit_test(torn_files_are_misses_and_go),
        cmocka_unit_test(files_that_cannot_be_opened_now_stay),
        cmocka_unit_test(the_longest_unused_files_go),
        cmocka_unit_test(a_folder_of_several_servers_is_bounded),
        cmocka_unit_test(a_later_engine_finds_files),
        cmocka_unit_test(a_list_of_phrases_is_spoken_at_the_start),
        cmocka_unit_test(frequent_phrases_are_found_among_many),
        cmocka_unit_test(frequent_phrases_outlive_the_process_and_fade),
        cmocka_unit_test(a_damaged_list_of_frequent_phrases_is_ignored),
        cmocka_unit_test(the_file_of_frequent_phrases_is_private),
        cmocka_unit_test(a_full_disk_keeps_the_old_list),
        cmocka_unit_test(what_was_asked_for_often_is_there_at_the_next_start),
        cmocka_unit_test(addresses_are_checked),
        cmocka_unit_test(a_missing_redis_fails_no_request),
        cmocka_unit_test(redis_may_come_and_go),
        cmocka_unit_test(passwords_databases_and_times_to_live_hold),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
