/* record.c: a clip as bytes, for a file or for Redis. */
#include "engine/record.h"

#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are written as they stand in memory");

enum record_kind { RECORD_NARROW, RECORD_WIDE };

struct record_head {
    char magic[8];
    struct cache_key key;
    uint32_t kind; /* enum record_kind */
    uint32_t word_count;
    uint64_t count; /* samples */
};

static const char magic[8] = "LTclip1";

static void digest(const void *bytes, size_t size, unsigned char sum[SHA256_DIGEST_SIZE])
{
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, size, bytes);
    sha256_digest(&context, SHA256_DIGEST_SIZE, sum);
}

static void write_content(const struct clip *clip, struct str *out)
{
    const size_t times = clip->word_count * sizeof *clip->times;
    const bool wide = clip->wide != NULL;
    const size_t samples = clip->count * (wide ? sizeof *clip->wide : sizeof *clip->narrow);
    struct record_head head = {.key = clip->entry.key,
                               .kind = wide ? RECORD_WIDE : RECORD_NARROW,
                               .word_count = (uint32_t)clip->word_count,
                               .count = clip->count};
    memcpy(head.magic, magic, sizeof magic);
    str_reserve(out, sizeof head + times + samples + SHA256_DIGEST_SIZE);
    str_append(out, &head, sizeof head);
    if (times > 0)
        str_append(out, clip->times, times);
    if (samples > 0)
        str_append(out, wide ? (const void *)clip->wide : clip->narrow, samples);
}

void record_write(struct clip *clip, struct str *out)
{
    const size_t begin = out->length;
    pthread_mutex_lock(&clip->lock); /* also when it is done: clip_pack may be moving the samples */
    write_content(clip, out);
    pthread_mutex_unlock(&clip->lock);
    if (out->failed)
        return;
    unsigned char sum[SHA256_DIGEST_SIZE];
    digest(out->data + begin, out->length - begin, sum);
    str_append(out, sum, sizeof sum);
}

/* Whether the bytes are a whole record of this clip; *head is filled. */
static bool is_record_of(const unsigned char *bytes, size_t size, const struct clip *clip,
                         struct record_head *head)
{
    if (size < sizeof *head + SHA256_DIGEST_SIZE || size > RECORD_MOST_BYTES)
        return false;
    memcpy(head, bytes, sizeof *head);
    if (memcmp(head->magic, magic, sizeof magic) != 0 ||
        memcmp(&head->key, &clip->entry.key, sizeof clip->entry.key) != 0 ||
        head->word_count != clip->word_count || head->kind > RECORD_WIDE || head->count > RECORD_MOST_BYTES)
        return false;
    size_t sample = head->kind == RECORD_WIDE ? sizeof(float) : sizeof(int16_t);
    if (size != sizeof *head + head->word_count * sizeof(struct clip_time) + head->count * sample +
                    SHA256_DIGEST_SIZE)
        return false;
    unsigned char sum[SHA256_DIGEST_SIZE];
    digest(bytes, size - SHA256_DIGEST_SIZE, sum);
    return memcmp(sum, bytes + size - SHA256_DIGEST_SIZE, sizeof sum) == 0;
}

bool record_read(const void *bytes, size_t size, struct clip *clip)
{
    struct record_head head;
    if (!is_record_of(bytes, size, clip, &head))
        return false;
    const unsigned char *at = (const unsigned char *)bytes + sizeof head;
    size_t sample = head.kind == RECORD_WIDE ? sizeof(float) : sizeof(int16_t);
    size_t times = head.word_count * sizeof *clip->times, samples = (size_t)head.count * sample;
    void *own = malloc(samples > 0 ? samples : 1);
    if (own == NULL)
        return false;
    memcpy(own, at + times, samples);
    if (times > 0)
        memcpy(clip->times, at, times);
    clip_adopt(clip, head.kind == RECORD_WIDE ? own : NULL, head.kind == RECORD_NARROW ? own : NULL,
               (size_t)head.count);
    return true;
}
