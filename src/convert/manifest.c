/* manifest.c: the list of files that make a model, with their sizes and SHA-256. */
#include "convert/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

enum { MAX_MANIFEST = 1 << 20, MAX_FILES = 4096 };

/* The published model. The voices' and lexicons' sums were computed from the named commits of their
 * repositories; those of the checkpoint and its config.json are as many projects pin them for the named
 * revision (the checkpoint's is also what Hugging Face announces for it). */
static const char kokoro[] =
    "base https://huggingface.co/hexgrad/Kokoro-82M/resolve/f3ff3571791e39611d31c381e3a41a3af07b4987\n"
    "496dba118d1a58f5f3db2efc88dbdc216e0483fc89fe6e47ee1f2c53f18ad1e4 327212226 kokoro-v1_0.pth\n"
    "5abb01e2403b072bf03d04fde160443e209d7a0dad49a423be15196b9b43c17f 2351 config.json\n"
    "base "
    "https://raw.githubusercontent.com/hexgrad/kokoro/dfb907a02bba8152ca444717ca5d78747ccb4bec/kokoro.js\n"
    "c4a6b876047fd7fb472edf4ebd63cfac7c3b958a7cae7c106e8f038ca6308c45 522240 voices/af_alloy.bin\n"
    "4a004c33430762e2461eedb2013fad808ef4ab3121f5300f554476caf58d8361 522240 voices/af_aoede.bin\n"
    "f69d836209b78eb8c66e75e3cda491e26ea838a3674257e9d4e5703cbaf55c8b 522240 voices/af_bella.bin\n"
    "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b 522240 voices/af_heart.bin\n"
    "a240a5e3c15b43563d6e923bdca8ef5613a23471d9b77653694012435df23bd8 522240 voices/af_jessica.bin\n"
    "9be5221b6a941c04b561959b8ff0b06e809444dcc4ab7e75a7b23606f691819e 522240 voices/af_kore.bin\n"
    "cd2191ab31b914ed7b318416b0e4440fdf392ddad9106a060819aa600a64f59a 522240 voices/af_nicole.bin\n"
    "18778272caa0d0eebaea251c35fd635f038434f9eee5e691d02a174bd328414f 522240 voices/af_nova.bin\n"
    "00a2bcf82b1d86e8f19902ede58c65ccf6c0e43b44b7d74fad54e5d8933c9c30 522240 voices/af_river.bin\n"
    "4409fbc125afabacc615d94db5398d847006a737b0247d6892b7a9a0007a2f0a 522240 voices/af_sarah.bin\n"
    "4435255c9744f3f31659e0d714ab7689bf65d9e77ec1cce060f083912614f0b9 522240 voices/af_sky.bin\n"
    "162b035ed91cfc48b6046982184c645f72edcdd1b82843347f605d7bf7b15716 522240 voices/am_adam.bin\n"
    "3968b92c3c4cd1c4416dbded36c13eaa388a90d5788d02a13e4d781f5f8cf3c3 522240 voices/am_echo.bin\n"
    "e8b5be17edd1e3636901ce7598baafe2dc8dd8ff707a0c23bf9e461add7e2832 522240 voices/am_eric.bin\n"
    "c27989f741f7ee34d273a39d8a595cc0837d35f5ced9a29b7cc162614616df43 522240 voices/am_fenrir.bin\n"
    "52403be32fd047c6a44517cb0bcd6b134f2a18baa73e70ef41651e0eab921ade 522240 voices/am_liam.bin\n"
    "1d1f21dd8da39c30705cd4c75d039d265e9bc4a2a93ed09bc9e1b1225eb95ba1 522240 voices/am_michael.bin\n"
    "da5d135b424164916d75a68ffb4c2abce3d7d5ccc82dd1ee6cf447ce286145e6 522240 voices/am_onyx.bin\n"
    "fcf73c989033e9233e0b98713eca600c8c74dcc1614b37009d5450ff4a2274a0 522240 voices/am_puck.bin\n"
    "61150cf726ab6c5ed7a99f90a304f91f5a72c00c592e89ec94e5df11c319227a 522240 voices/am_santa.bin\n"
    "08afa6ba24da61ea5e8efa139e5aadc938d83f0a6da5a900adaf763ac1da5573 522240 voices/bf_alice.bin\n"
    "669fe0647f9dd04fcab92f1439a40eeb4c8b4ab1f82e4996fe3d918ce4a63b73 522240 voices/bf_emma.bin\n"
    "3754352c4aaa46d17f27654ab7518d65b62ad6163a0f55a5f4330c2da2c4e94f 522240 voices/bf_isabella.bin\n"
    "5e0ee32ebe64a467124976b14e69590746f1c4ce41a12b587a50c862edfea335 522240 voices/bf_lily.bin\n"
    "6b3194bbceffb746733cbc22c8f593dd44e401a71d53895a2dca891bc595a1e8 522240 voices/bm_daniel.bin\n"
    "f889083196807b4adb15e9204252165f503b8d33d3982e681c52443c49d798f1 522240 voices/bm_fable.bin\n"
    "c4b235a4c1f2cd3b939fed08b899ce9385638b763f7b73a59616c4fc9bd6c9bc 522240 voices/bm_george.bin\n"
    "b8f671cef828c30e66fdf0b0756a76bba58f6bb3398cbbf27058642acbcedb97 522240 voices/bm_lewis.bin\n"
    "f66ec66bd295acb18372e37008533a9a3228483ccd294e7538d5d9294ac9a532 522240 voices/ef_dora.bin\n"
    "27809e9eafdcbcfff90a3016c697568676531de2a2c39cee29c96c7bd6b83e95 522240 voices/em_alex.bin\n"
    "ad43b774e1ca24d05c6161297d8aeb770ac3d29bb95daf516727af5f7d543683 522240 voices/em_santa.bin\n"
    "a35f5675ad08948e326ae75fd0ea16ba5d0042e4f76b5f3d1df77d0a48c54861 522240 voices/ff_siwis.bin\n"
    "040be6a4425411cc01fda5fd06693c76bfa78572632852bc8cda9c99232ffb56 522240 voices/hf_alpha.bin\n"
    "cd83ae0bb9b2e4e4fb92b4973bd8d1822ca0036d3c498bf4fc89aa8e33917cc7 522240 voices/hf_beta.bin\n"
    "b02d9222d9ed00ce26b302173a862c2c93f96cc40b5c422b8d14910b9ff34137 522240 voices/hm_omega.bin\n"
    "644daf88ba8aeb7bd08950bbdcd4453bb280864e49dc4df93fabc6be32e03f37 522240 voices/hm_psi.bin\n"
    "409b69248798fcdc2542330c76953d230710f19b057e59cb82fdc3c4cf71265c 522240 voices/if_sara.bin\n"
    "bc578e510d52a96d6940d46f12e96d7b3df00905dbea075113226d100e6e1ab0 522240 voices/im_nicola.bin\n"
    "56b479360aad9f367aeb8cef908f9201cf48b4555e488c5f4590c9dfcd978bb6 522240 voices/jf_alpha.bin\n"
    "0f1181f3772d27b7c12aaf4bcd71e31b186c4146e330d074a3dc64ee392af396 522240 voices/jf_gongitsune.bin\n"
    "13cb71eebb0b48739d444558322aa35a8c9a489b80e1e631f14d2e6aea93026b 522240 voices/jf_nezumi.bin\n"
    "29c6c0561b4288d59639677bebe7533c919743d5ea68d0d2ae992644beea6696 522240 voices/jf_tebukuro.bin\n"
    "09e959d239724c734d65661f06f14cdabcddfd476bfaaad905a937099ae9e64f 522240 voices/jm_kumo.bin\n"
    "3da7b5b2d91847ebf5646f57631af6ececae3c29a89cd300f06edf9aa6cfe9ee 522240 voices/pf_dora.bin\n"
    "0175c753f59c54e7fd5a995bedef0c5ff2fb67e0043dd3dcb2ae74ec2acbeb2a 522240 voices/pm_alex.bin\n"
    "8b012db3185778afe2e45a62cbad69db73021774fe68dda634bcc748a982eede 522240 voices/pm_santa.bin\n"
    "5dde6e1c9c4f12c8b327bc29c0cee361a23b52b952c04636858ba637ec66e640 522240 voices/zf_xiaobei.bin\n"
    "08892b62a39af0a615cd0581238db7e19e44c578e8fa0bfd0e586e93327d9cba 522240 voices/zf_xiaoni.bin\n"
    "03adb5d5e3ddd88b047954e974e651cb0a4b524c985057e5d872e962c7be1169 522240 voices/zf_xiaoxiao.bin\n"
    "bc1555c5c486099196ac254bae5e0bb543c121952a3092f50b7d8724f1bc36b3 522240 voices/zf_xiaoyi.bin\n"
    "de48a00bdbf3649f07162269a2b6e0513604389bfac8a2e6c75cb34b323ad6fa 522240 voices/zm_yunjian.bin\n"
    "7243892fb4e560d47014090ddf010f8b8b790f3c6b029ff82b2ac06aa4e27c8b 522240 voices/zm_yunxi.bin\n"
    "6b2b8fc15b3df19a368daebe5c581c7fabf433ee5b8a17ffd6b3d723cff8936d 522240 voices/zm_yunxia.bin\n"
    "261e2c89470534dbbcb8fd98b8fdc495ec94063d9bb6c8277f7be43cccba3f42 522240 voices/zm_yunyang.bin\n"
    "base "
    "https://raw.githubusercontent.com/hexgrad/misaki/fba1236595f2d2bf21d414ba6e57d25256afada3/misaki/data\n"
    "dc414872a49a28ae6c141463d502fd945f3b2fde040484fdc47d00cc4612686f 3000469 lexicon/us_gold.json "
    "us_gold.json\n"
    "de8f67be911bb6c659187b4a65fd966b6a30e56350e0f790d763210b053ac475 3099517 lexicon/us_silver.json "
    "us_silver.json\n"
    "29e62f4b60261c88f7f3c2c7811ca3825978948090b72d2b27d565b729282f71 2838552 lexicon/gb_gold.json "
    "gb_gold.json\n"
    "48131e2d92ccc41655f4543e87e0f938e71463eb5a54be7f0693bb712ebb6bce 3663898 lexicon/gb_silver.json "
    "gb_silver.json\n";

const char *manifest_kokoro(void)
{
    return kokoro;
}

/* A path that stays below the folder it is put into. */
static bool good_path(const char *path)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
    return path[0] != '/' && path[0] != '.' && path[strspn(path, allowed)] == '\0' &&
           strstr(path, "..") == NULL && strstr(path, "//") == NULL && path[strlen(path) - 1] != '/';
}

static bool read_sum(const char *text, unsigned char sum[MANIFEST_SUM])
{
    if (strlen(text) != 2 * MANIFEST_SUM || strspn(text, "0123456789abcdef") != 2 * MANIFEST_SUM)
        return false;
    for (int i = 0; i < MANIFEST_SUM; i++) {
        unsigned byte;
        if (sscanf(text + 2 * i, "%2x", &byte) != 1)
            return false;
        sum[i] = (unsigned char)byte;
    }
    return true;
}

static lt_status add(struct manifest *manifest, const struct manifest_file *file, lt_error *error)
{
    if (manifest->count == manifest->capacity) {
        size_t capacity = manifest->capacity * 2 + 64;
        struct manifest_file *more = realloc(manifest->files, capacity * sizeof *more);
        if (more == NULL)
            return error_memory(error, "a list of files");
        manifest->files = more;
        manifest->capacity = capacity;
    }
    manifest->files[manifest->count++] = *file;
    manifest->bytes += file->size;
    return LT_OK;
}

enum { BASE_SIZE = 256, MOST_WORDS = 4 };

/* Splits a line at its blanks, in place; returns how many words it has, at most MOST_WORDS + 1. */
static int split(char *line, char *words[MOST_WORDS + 1])
{
    int count = 0;
    char *rest;
    for (char *word = strtok_r(line, " \t", &rest); word != NULL && count <= MOST_WORDS;
         word = strtok_r(NULL, " \t", &rest))
        words[count++] = word;
    return count;
}

/* Reads one line: "base URL", "SUM SIZE PATH" or "SUM SIZE PATH NAME"; it is taken apart. */
static lt_status read_line(struct manifest *manifest, char *line, char base[BASE_SIZE], const char *name,
                           unsigned number, lt_error *error)
{
    char *words[MOST_WORDS + 1];
    if (line[0] == '#')
        return LT_OK;
    int count = split(line, words);
    if (count == 0)
        return LT_OK;
    if (count == 2 && strcmp(words[0], "base") == 0 && strlen(words[1]) < BASE_SIZE) {
        snprintf(base, BASE_SIZE, "%s", words[1]);
        return LT_OK;
    }
    struct manifest_file file = {0};
    int64_t size = 0;
    if (count < 3 || count > MOST_WORDS || !read_sum(words[0], file.sum) || !str_to_whole(words[1], &size) ||
        size < 1 || size > (int64_t)1 << 40 || !good_path(words[2]) || strlen(words[2]) >= MANIFEST_PATH ||
        strlen(words[count - 1]) >= MANIFEST_PATH)
        return error_set(
            error, LT_ERR_MODEL,
            "'%s', line %u: a SHA-256, a size and a relative path of less than %d bytes are needed", name,
            number, MANIFEST_PATH);
    if (manifest->count == MAX_FILES)
        return error_set(error, LT_ERR_MODEL, "'%s' lists more than %d files", name, MAX_FILES);
    file.size = (uint64_t)size;
    strcpy(file.path, words[2]);
    snprintf(file.url, sizeof file.url, "%s%s%s", base, base[0] != '\0' ? "/" : "", words[count - 1]);
    return add(manifest, &file, error);
}

lt_status manifest_parse(const char *text, const char *name, struct manifest *manifest, lt_error *error)
{
    *manifest = (struct manifest){0};
    char base[BASE_SIZE] = "", line[512];
    lt_status status = LT_OK;
    for (unsigned number = 1; *text != '\0' && status == LT_OK; number++) {
        size_t length = strcspn(text, "\n");
        if (length >= sizeof line)
            return error_set(error, LT_ERR_MODEL, "'%s', line %u is too long", name, number);
        memcpy(line, text, length);
        line[length] = '\0';
        if (length > 0 && line[length - 1] == '\r')
            line[length - 1] = '\0';
        status = read_line(manifest, line, base, name, number, error);
        text += length + (text[length] == '\n');
    }
    if (status == LT_OK && manifest->count == 0)
        status = error_set(error, LT_ERR_MODEL, "'%s' lists no files", name);
    return status;
}

lt_status manifest_read(const char *path, struct manifest *manifest, lt_error *error)
{
    *manifest = (struct manifest){0};
    if (path == NULL)
        return manifest_parse(kokoro, "the built-in manifest", manifest, error);
    struct str text = {0};
    lt_status status = file_read(path, MAX_MANIFEST, &text, error);
    if (status == LT_OK)
        status = manifest_parse(text.data, path, manifest, error);
    str_free(&text);
    return status;
}

void manifest_free(struct manifest *manifest)
{
    free(manifest->files);
    *manifest = (struct manifest){0};
}
