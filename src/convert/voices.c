/* voices.c: finding and reading voice files. */
#include "convert/voices.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zip.h>

#include "base/file.h"
#include "convert/checkpoint.h"
#include "convert/npy.h"

enum { MAX_FILE = 64 << 20 }; /* 54 voices in one .npz have 28 million bytes */

/* ---- The list ---------------------------------------------------------------------------------- */

static bool good_name(const char *name, size_t length)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    return length > 0 && length <= VOICE_NAME && strspn(name, allowed) >= length;
}

/* Adds a voice named after the last part of `file` without its ending. */
static lt_status add(struct voice_list *list, const char *path, const char *member, uint64_t rows,
                     lt_error *error)
{
    const char *file = member != NULL ? member : path;
    const char *slash = strrchr(file, '/');
    const char *base = slash != NULL ? slash + 1 : file;
    const char *dot = strrchr(base, '.');
    size_t length = dot != NULL ? (size_t)(dot - base) : strlen(base);
    if (!good_name(base, length))
        return error_set(
            error, LT_ERR_MODEL,
            "'%s' in '%s' is no name for a voice: up to %d letters, digits, '_', '-' and '.' make one", base,
            path, VOICE_NAME);
    if (rows > VOICE_MAX_ROWS || list->count == VOICE_MAX_COUNT)
        return error_set(error, LT_ERR_MODEL, "'%s' holds more than a voice has, or more than %d voices",
                         path, VOICE_MAX_COUNT);
    if (list->count == list->capacity) {
        size_t capacity = list->capacity * 2 + 16;
        struct voice_file *more = realloc(list->voices, capacity * sizeof *more);
        if (more == NULL)
            return error_memory(error, "a list of voices");
        list->voices = more;
        list->capacity = capacity;
    }
    struct voice_file *voice = &list->voices[list->count];
    *voice = (struct voice_file){
        .path = strdup(path), .member = member != NULL ? strdup(member) : NULL, .rows = rows};
    memcpy(voice->name, base, length);
    list->count++;
    if (voice->path == NULL || (member != NULL && voice->member == NULL))
        return error_memory(error, "a list of voices");
    return LT_OK;
}

void voice_list_free(struct voice_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->voices[i].path);
        free(list->voices[i].member);
    }
    free(list->voices);
    *list = (struct voice_list){0};
}

/* ---- Single formats ---------------------------------------------------------------------------- */

static lt_status no_voice(const char *path, uint64_t width, lt_error *error)
{
    return error_set(error, LT_ERR_MODEL, "'%s' is no voice of this model: rows of %llu numbers are needed",
                     path, (unsigned long long)width);
}

/* Rows of a table of `elements` numbers in rows of `width`, the last dimension; 0: it is none. */
static uint64_t rows_of(int dims, const uint64_t *shape, uint64_t elements, uint64_t width)
{
    return dims >= 1 && shape[dims - 1] == width ? elements / width : 0;
}

/* A PyTorch voice: fills *rows, and *values (to be freed) when it is not NULL. */
static lt_status read_torch(const char *path, uint64_t width, uint64_t *rows, float **values, lt_error *error)
{
    struct checkpoint *checkpoint;
    lt_status status = torch_open(path, &checkpoint, error);
    if (status != LT_OK)
        return status;
    const struct checkpoint_tensor *tensor = &checkpoint->tensors[0];
    *rows = checkpoint->count == 1 ? rows_of(tensor->dims, tensor->shape, tensor->elements, width) : 0;
    if (*rows == 0) {
        status = no_voice(path, width, error);
    } else if (values != NULL) {
        *values = malloc((size_t)tensor->elements * sizeof **values);
        status = *values == NULL ? error_memory(error, "a voice")
                                 : checkpoint_read(checkpoint, tensor, *values, error);
        if (status != LT_OK) {
            free(*values);
            *values = NULL;
        }
    }
    checkpoint_close(checkpoint);
    return status;
}

/* A voice in memory: .npy, or raw float32. */
static lt_status read_bytes(const struct voice_list *list, const char *path, const unsigned char *bytes,
                            size_t size, uint64_t *rows, float **values, lt_error *error)
{
    const uint64_t width = list->width;
    struct npy npy = {.type = ELEMENT_F32, .data = bytes, .elements = size / sizeof(float)};
    if (size >= 6 && memcmp(bytes, "\x93NUMPY", 6) == 0) {
        lt_status status = npy_read(bytes, size, path, &npy, error);
        if (status != LT_OK)
            return status;
        *rows = rows_of(npy.dims, npy.shape, npy.elements, width);
    } else {
        *rows = size % (width * sizeof(float)) == 0 ? npy.elements / width : 0;
        if (*rows > 0 && *rows < list->least_rows)
            return error_set(
                error, LT_ERR_MODEL,
                "'%s' is no whole voice: it has %llu rows of %llu numbers, and %llu are needed; if it is cut "
                "off, download it again",
                path, (unsigned long long)*rows, (unsigned long long)width,
                (unsigned long long)list->least_rows);
    }
    if (*rows == 0)
        return no_voice(path, width, error);
    if (values == NULL)
        return LT_OK;
    *values = malloc((size_t)npy.elements * sizeof **values);
    if (*values == NULL)
        return error_memory(error, "a voice");
    element_decode(npy.type, npy.data, (size_t)npy.elements, *values);
    return LT_OK;
}

/* ---- Zips of .npy ------------------------------------------------------------------------------ */

/* Reads a member; *bytes is the caller's. */
static lt_status read_member(zip_t *zip, uint64_t index, const char *path, unsigned char **bytes,
                             size_t *size, lt_error *error)
{
    zip_stat_t info;
    *bytes = NULL;
    if (zip_stat_index(zip, index, 0, &info) != 0 || !(info.valid & ZIP_STAT_SIZE) || info.size > MAX_FILE)
        return error_set(error, LT_ERR_MODEL, "'%s' holds a member that is too large for a voice", path);
    zip_file_t *file = zip_fopen_index(zip, index, 0);
    *size = (size_t)info.size;
    *bytes = malloc(*size + 1);
    lt_status status = LT_OK;
    if (*bytes == NULL)
        status = error_memory(error, "a voice");
    else if (file == NULL || zip_fread(file, *bytes, *size + 1) != (zip_int64_t)*size)
        status = error_set(error, LT_ERR_MODEL, "'%s' is damaged: %s", path,
                           file != NULL ? zip_file_strerror(file) : zip_strerror(zip));
    if (file != NULL)
        zip_fclose(file);
    if (status != LT_OK) {
        free(*bytes);
        *bytes = NULL;
    }
    return status;
}

/* Adds every member of a .npz. */
static lt_status list_npz(zip_t *zip, const char *path, struct voice_list *list, lt_error *error)
{
    const size_t before = list->count;
    zip_int64_t count = zip_get_num_entries(zip, 0);
    lt_status status = LT_OK;
    for (zip_int64_t i = 0; i < count && status == LT_OK; i++) {
        const char *name = zip_get_name(zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        size_t length = name != NULL ? strlen(name) : 0;
        if (length < 5 || strcmp(name + length - 4, ".npy") != 0)
            continue;
        unsigned char *bytes;
        size_t size;
        uint64_t rows = 0;
        status = read_member(zip, (uint64_t)i, path, &bytes, &size, error);
        if (status == LT_OK)
            status = read_bytes(list, path, bytes, size, &rows, NULL, error);
        if (status == LT_OK)
            status = add(list, path, name, rows, error);
        free(bytes);
    }
    if (status == LT_OK && list->count == before)
        status =
            error_set(error, LT_ERR_MODEL,
                      "'%s' is a zip without voices: those of a .npz are members that end in .npy", path);
    return status;
}

static lt_status open_zip(const char *path, zip_t **zip, lt_error *error)
{
    int number = 0;
    *zip = zip_open(path, ZIP_RDONLY, &number);
    if (*zip != NULL)
        return LT_OK;
    zip_error_t code;
    zip_error_init_with_code(&code, number);
    error_set(error, LT_ERR_MODEL, "'%s' is not a usable zip: %s; download it again", path,
              zip_error_strerror(&code));
    zip_error_fini(&code);
    return LT_ERR_MODEL;
}

/* A zip is a PyTorch file when it has a data.pkl, else a .npz. */
static bool is_torch(zip_t *zip)
{
    return zip_name_locate(zip, "data.pkl", ZIP_FL_NODIR | ZIP_FL_ENC_RAW) >= 0;
}

static lt_status list_zip(const char *path, struct voice_list *list, lt_error *error)
{
    zip_t *zip;
    lt_status status = open_zip(path, &zip, error);
    if (status != LT_OK)
        return status;
    bool torch = is_torch(zip);
    if (!torch)
        status = list_npz(zip, path, list, error);
    zip_discard(zip);
    uint64_t rows;
    if (torch)
        status = read_torch(path, list->width, &rows, NULL, error);
    return torch && status == LT_OK ? add(list, path, NULL, rows, error) : status;
}

/* ---- Files and folders ------------------------------------------------------------------------- */

static bool is_zip(const struct mapped_file *file)
{
    return file->size >= 4 && memcmp(file->data, "PK\3\4", 4) == 0;
}

static lt_status list_file(const char *path, struct voice_list *list, lt_error *error)
{
    struct mapped_file file;
    lt_status status = file_map(path, &file, error);
    if (status != LT_OK)
        return status;
    uint64_t rows = 0;
    bool zip = is_zip(&file);
    if (!zip)
        status = read_bytes(list, path, file.data, file.size, &rows, NULL, error);
    file_unmap(&file);
    if (zip)
        return list_zip(path, list, error);
    return status == LT_OK ? add(list, path, NULL, rows, error) : status;
}

static bool is_voice_file(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL && name[0] != '.' &&
           (strcmp(dot, ".pt") == 0 || strcmp(dot, ".bin") == 0 || strcmp(dot, ".npy") == 0 ||
            strcmp(dot, ".npz") == 0);
}

static lt_status list_folder(DIR *folder, const char *path, struct voice_list *list, lt_error *error)
{
    lt_status status = LT_OK;
    struct dirent *entry;
    while (status == LT_OK && (entry = readdir(folder)) != NULL) {
        if (!is_voice_file(entry->d_name))
            continue;
        struct str file = {0};
        str_printf(&file, "%s/%s", path, entry->d_name);
        status = file.failed ? error_memory(error, "a path") : list_file(file.data, list, error);
        str_free(&file);
    }
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct voice_file *)a)->name, ((const struct voice_file *)b)->name);
}

/* Sorts a list that has been read, and finds names that are there twice. */
static lt_status finish_list(struct voice_list *list, lt_error *error)
{
    if (list->count > 0)
        qsort(list->voices, list->count, sizeof *list->voices, by_name);
    for (size_t i = 1; i < list->count; i++)
        if (by_name(&list->voices[i - 1], &list->voices[i]) == 0)
            return error_set(error, LT_ERR_MODEL, "'%s' and '%s' hold two voices named '%s': leave one out",
                             list->voices[i - 1].path, list->voices[i].path, list->voices[i].name);
    return LT_OK;
}

lt_status voice_list_read(const char *path, struct voice_list *list, lt_error *error)
{
    DIR *folder = opendir(path);
    lt_status status = folder != NULL ? list_folder(folder, path, list, error) : list_file(path, list, error);
    if (folder != NULL)
        closedir(folder);
    if (status == LT_OK && list->count == 0)
        status = error_set(error, LT_ERR_MODEL,
                           "'%s' holds no voices: .pt, .bin, .npy or .npz files are needed", path);
    return status == LT_OK ? finish_list(list, error) : status;
}

lt_status voice_list_read_files(const char *const *paths, size_t count, struct voice_list *list,
                                lt_error *error)
{
    lt_status status = LT_OK;
    for (size_t i = 0; i < count && status == LT_OK; i++)
        status = list_file(paths[i], list, error);
    return status == LT_OK ? finish_list(list, error) : status;
}

static lt_status read_zipped(const struct voice_list *list, const struct voice_file *voice, uint64_t *rows,
                             float **values, lt_error *error)
{
    zip_t *zip;
    lt_status status = open_zip(voice->path, &zip, error);
    if (status != LT_OK)
        return status;
    unsigned char *bytes = NULL;
    size_t size;
    zip_int64_t index = zip_name_locate(zip, voice->member, ZIP_FL_ENC_RAW);
    if (index < 0)
        status = error_set(error, LT_ERR_MODEL, "'%s' changed while it was read", voice->path);
    else
        status = read_member(zip, (uint64_t)index, voice->path, &bytes, &size, error);
    if (status == LT_OK)
        status = read_bytes(list, voice->path, bytes, size, rows, values, error);
    free(bytes);
    zip_discard(zip);
    return status;
}

lt_status voice_read(const struct voice_list *list, const struct voice_file *voice, float **values,
                     lt_error *error)
{
    *values = NULL;
    uint64_t rows = 0;
    lt_status status;
    struct mapped_file file = {0};
    if (voice->member != NULL) {
        status = read_zipped(list, voice, &rows, values, error);
    } else {
        status = file_map(voice->path, &file, error);
        if (status == LT_OK && is_zip(&file))
            status = read_torch(voice->path, list->width, &rows, values, error);
        else if (status == LT_OK)
            status = read_bytes(list, voice->path, file.data, file.size, &rows, values, error);
        file_unmap(&file);
    }
    if (status == LT_OK && rows != voice->rows) {
        free(*values);
        *values = NULL;
        status = error_set(error, LT_ERR_MODEL, "'%s' changed while it was read", voice->path);
    }
    return status;
}
