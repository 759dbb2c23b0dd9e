/* import.c: `litetts import`: a published checkpoint becomes a model file. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/transfer.h"
#include "convert/import.h"

static const struct option options[] = {
    {"output", 'o', "MODEL.gguf", "the model file to write (required)", NULL, NULL},
    {"type", 't', "TYPE", "of the large weights: f32, f16, q8_0 (the default) or q4_0", NULL,
     "f32|f16|q8_0|q4_0"},
    {"config", 0, "FILE", "the checkpoint's config.json; without it, the published values", NULL, NULL},
    {"voices", 0, "DIR|FILE", "voices to put in: .pt, .bin, .npy or .npz", NULL, NULL},
    {"name", 0, "NAME", "the model's name; without it, that of the file", NULL, NULL},
    {"license", 0, "ID", "the model's licence (apache-2.0)", NULL, NULL},
    {"quiet", 'q', NULL, "say nothing but errors", NULL, NULL},
    {NULL},
};

struct job {
    struct transfer transfer;
    lt_cancel *cancel;
};

static bool show_progress(void *user, uint64_t done, uint64_t total)
{
    struct job *job = user;
    transfer_show(&job->transfer, done, total);
    return !lt_cancel_fired(job->cancel);
}

static void print_summary(const struct import_options *import, double seconds)
{
    struct stat info;
    double size = stat(import->output, &info) == 0 ? 1e-6 * (double)info.st_size : 0;
    fprintf(stderr, "%s: %.1f MB of %s weights, in %.1f s\n", import->output, size,
            gguf_type_name(import->type), seconds);
}

static lt_status import(const struct arguments *arguments, struct job *job, lt_error *error)
{
    char *const *operands;
    if (arguments_operands(arguments, &operands) != 1 || !arguments_given(arguments, "output"))
        return error_set(error, LT_ERR_ARGUMENT,
                         "one checkpoint and -o are needed: litetts import kokoro-v1_0.pth -o kokoro.gguf");
    if (strcmp(arguments_value(arguments, "output"), "-") == 0)
        return error_set(
            error, LT_ERR_ARGUMENT,
            "a model is mapped from its file, so it cannot go to standard output: name a file with -o");
    enum gguf_type type = GGUF_Q8_0;
    if (arguments_given(arguments, "type"))
        gguf_type_parse(arguments_value(arguments, "type"), &type); /* a choice: it is one */
    struct import_options import = {
        .checkpoint = operands[0],
        .config = arguments_value(arguments, "config"),
        .voices = arguments_value(arguments, "voices"),
        .output = arguments_value(arguments, "output"),
        .type = type,
        .name = arguments_value(arguments, "name"),
        .license = arguments_value(arguments, "license"),
        .progress = show_progress,
        .user = job,
    };
    bool quiet = arguments_given(arguments, "quiet");
    double start = clock_seconds();
    transfer_start(&job->transfer, quiet);
    transfer_item(&job->transfer, "importing", 0);
    lt_status status = import_model(&import, error);
    transfer_erase(&job->transfer);
    if (status == LT_OK && !quiet)
        print_summary(&import, clock_seconds() - start);
    return status;
}

static int run(const struct arguments *arguments)
{
    lt_error error;
    struct job job = {0};
    lt_status status = interrupt_setup(&job.cancel, &error);
    if (status == LT_OK)
        status = import(arguments, &job, &error);
    int code = status == LT_OK ? EXIT_OK : command_fail(&error);
    if (interrupt_signal() != 0)
        code = 128 + interrupt_signal();
    return code;
}

const struct command import_command = {
    .name = "import",
    .operands = "CHECKPOINT",
    .summary = "Make a model file from a published Kokoro checkpoint",
    .notes =
        "CHECKPOINT is a PyTorch file (.pth), .safetensors or an ONNX export. Nothing in it is executed.\n"
        "The result is a GGUF file for --model, or kokoro.gguf in the data folder, where it becomes the\n"
        "default voice; 'litetts pull kokoro' downloads the published model and does all of it.\n",
    .options = options,
    .run = run,
};
