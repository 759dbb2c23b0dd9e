/* pull.c: `litetts pull kokoro`: downloads the published model and makes it the default voice. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/transfer.h"
#include "convert/manifest.h"
#include "convert/pull.h"
#include "text/lexicon.h"

static const struct option options[] = {
    {"from", 0, "URL|DIR", "take the files from a mirror or a folder, by the manifest's paths", NULL, NULL},
    {"manifest", 0, "FILE", "files, sizes and SHA-256 to pull instead of the built-in list", NULL, NULL},
    {"list", 0, NULL, "print the built-in manifest: what is downloaded, and from where", NULL, NULL},
    {"type", 't', "TYPE", "of the large weights: f32, f16, q8_0 (the default) or q4_0", NULL,
     "f32|f16|q8_0|q4_0"},
    {"keep", 0, NULL, "keep the downloaded files in the data folder", NULL, NULL},
    {"timeout", 0, "SECONDS", "give a silent server up after so long (30)", NULL, NULL},
    {"tries", 0, "N", "tries in a row without a new byte (5)", NULL, NULL},
    {"data-folder", 0, "DIR", NULL, "engine.data_folder", NULL},
    {"quiet", 'q', NULL, "say nothing but errors", NULL, NULL},
    {NULL},
};

struct job {
    struct transfer transfer;
    lt_cancel *cancel;
    bool quiet;
    size_t shown; /* number of the item on the line, from 1; 0: none yet */
};

static bool show_progress(void *user, const char *item, size_t index, size_t count, uint64_t done,
                          uint64_t total, const char *note)
{
    struct job *job = user;
    if (note != NULL && !job->quiet) {
        transfer_erase(&job->transfer);
        fprintf(stderr, "litetts: %s; trying again\n", note);
    }
    if (job->shown != index + 1) {
        char title[160];
        snprintf(title, sizeof title, "%zu/%zu %s", index + 1, count, item);
        transfer_item(&job->transfer, title, done);
        job->shown = index + 1;
    }
    transfer_show(&job->transfer, done, total);
    return !lt_cancel_fired(job->cancel);
}

/* Packs the lexicons that a pull brought into the file that the text front end maps. */
static lt_status compile_lexicons(const char *folder, lt_error *error)
{
    static const char *const names[LEXICON_PARTS] = {
        [LEXICON_US_GOLD] = "us_gold",
        [LEXICON_US_SILVER] = "us_silver",
        [LEXICON_GB_GOLD] = "gb_gold",
        [LEXICON_GB_SILVER] = "gb_silver",
    };
    struct str paths[LEXICON_PARTS + 1] = {0};
    const char *inputs[LEXICON_PARTS];
    bool complete = true;
    lt_status status = LT_OK;
    str_printf(&paths[LEXICON_PARTS], "%s/lexicon.bin", folder);
    for (int i = 0; i < LEXICON_PARTS; i++) {
        str_printf(&paths[i], "%s/lexicon/%s.json", folder, names[i]);
        if (paths[i].failed || paths[LEXICON_PARTS].failed)
            status = error_memory(error, "a path");
        inputs[i] = paths[i].data;
        complete = complete && status == LT_OK && access(inputs[i], F_OK) == 0;
    }
    if (status == LT_OK && complete) /* a manifest of one's own may have none */
        status = lexicon_compile(inputs, paths[LEXICON_PARTS].data, error);
    for (int i = 0; i <= LEXICON_PARTS; i++)
        str_free(&paths[i]);
    return status;
}

static lt_status pull(const struct arguments *arguments, struct job *job, const char *folder, lt_error *error)
{
    int timeout, tries = 0;
    lt_status status = arguments_whole(arguments, "timeout", 1, 3600, 30, &timeout, error);
    if (status == LT_OK)
        status = arguments_whole(arguments, "tries", 1, 1000, 5, &tries, error);
    if (status != LT_OK)
        return status;
    enum gguf_type type = GGUF_Q8_0;
    if (arguments_given(arguments, "type"))
        gguf_type_parse(arguments_value(arguments, "type"), &type); /* a choice: it is one */
    struct pull_options options_of_pull = {
        .folder = folder,
        .from = arguments_value(arguments, "from"),
        .manifest = arguments_value(arguments, "manifest"),
        .type = type,
        .stall_seconds = (unsigned)timeout,
        .tries = (unsigned)tries,
        .keep = arguments_given(arguments, "keep"),
        .progress = show_progress,
        .user = job,
    };
    transfer_start(&job->transfer, job->quiet);
    status = pull_kokoro(&options_of_pull, error);
    transfer_erase(&job->transfer);
    if (status == LT_OK)
        status = compile_lexicons(folder, error);
    if (status == LT_OK && !job->quiet)
        fprintf(stderr, "%s/kokoro.gguf is ready: it is the default voice from now on\n", folder);
    return status;
}

static lt_status pull_into_folder(const struct arguments *arguments, struct job *job, lt_error *error)
{
    char *const *operands;
    if (arguments_operands(arguments, &operands) != 1 || strcmp(operands[0], "kokoro") != 0)
        return error_set(error, LT_ERR_ARGUMENT,
                         "the model to pull is needed, and 'kokoro' is the one that there is: "
                         "litetts pull kokoro");
    lt_config *config = arguments_config(arguments, error);
    if (config == NULL)
        return error->status;
    struct str folder = {0};
    file_data_folder(config_string(config, CONFIG_engine_data_folder), &folder);
    lt_config_free(config);
    lt_status status =
        folder.failed ? error_memory(error, "a path") : pull(arguments, job, folder.data, error);
    str_free(&folder);
    return status;
}

static int run(const struct arguments *arguments)
{
    if (arguments_given(arguments, "list")) {
        fputs(manifest_kokoro(), stdout);
        return command_finish_output();
    }
    lt_error error;
    struct job job = {.quiet = arguments_given(arguments, "quiet")};
    lt_status status = interrupt_setup(&job.cancel, &error);
    if (status == LT_OK)
        status = pull_into_folder(arguments, &job, &error);
    int code = status == LT_OK ? EXIT_OK : command_fail(&error);
    if (interrupt_signal() != 0)
        code = 128 + interrupt_signal();
    return code;
}

const struct command pull_command = {
    .name = "pull",
    .operands = "kokoro",
    .summary = "Download the published Kokoro model, its voices and lexicons",
    .notes =
        "Downloads 368 MB into the data folder, checks every file against its SHA-256, imports the model as\n"
        "kokoro.gguf, the default voice from then on, and removes the downloads. Stopped, the same command "
        "goes\n"
        "on where it was. For a machine without network: copy the files that --list names into a folder, by\n"
        "their paths, and name it with --from.\n",
    .options = options,
    .run = run,
};
