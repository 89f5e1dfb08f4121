/* SPDX-License-Identifier: Apache-2.0
 * convert.c - `linnet convert`: checkpoints of other programs to model directories. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "bin/options.h"
#include "convert/convert.h"

struct convert_command_options {
    const char *quantize, *vocabulary;
    int quiet;
};

static const struct convert_command_options defaults = {.quantize = "none"};

#define FIELD(name) offsetof(struct convert_command_options, name)

static const struct option_spec options[] = {
    {"quantize", 'q', OPTION_TEXT, FIELD(quantize), "TYPE",
     .help = "number format of the weight matrices; none: as in the source; int8: packed, for --precision int8",
     .choices = "none|fp32|fp16|bf16|int8"},
    {"vocab", 0, OPTION_TEXT, FIELD(vocabulary), "FILE",
     .help = "tokenizer.json or .tiktoken file, for an OpenAI checkpoint without one beside it"},
    {"quiet", 0, OPTION_FLAG, FIELD(quiet), .help = "print nothing on success"},
    {0},
};

static enum dtype matrix_type(const char *name)
{
    if (strcmp(name, "fp16") == 0)
        return DTYPE_F16;
    if (strcmp(name, "bf16") == 0)
        return DTYPE_BF16;
    return strcmp(name, "fp32") == 0 ? DTYPE_F32 : N_DTYPES;
}

static int run(void *values, int n_arguments, char **arguments, struct message *msg)
{
    const struct convert_command_options *o = values;
    const struct convert_options how = {o->vocabulary, matrix_type(o->quantize), strcmp(o->quantize, "int8") == 0};
    const char *kind = "";
    (void)n_arguments;
    int rc = convert(arguments[0], arguments[1], &how, &kind, msg);
    if (rc >= 0 && !o->quiet)
        fprintf(stderr, "%s: %s, converted to %s\n", arguments[0], kind, arguments[1]);
    return rc;
}

const struct command convert_command = {
    .name = "convert",
    .summary = "make a model directory from a checkpoint of another program",
    .arguments = "SOURCE DIR",
    .text = "SOURCE is one of\n"
            "    a WeNet directory (train.yaml, units.txt, global_cmvn and final.pt), or its\n"
            "        checkpoint file with these beside it\n"
            "    an OpenAI Whisper checkpoint (.pt)\n"
            "    a CTranslate2 (faster-whisper) directory, its model.bin whole or in parts\n"
            "    a whisper.cpp file (ggml-*.bin)\n"
            "    Silero VAD's silero_vad_16k_op15.onnx, the voice detector\n"
            "    a Simul-Whisper truncation head (.pt), which is added to the model in DIR\n"
            "    a model directory, for --quantize, or a Hugging Face directory with\n"
            "        pytorch_model.bin; one with safetensors loads as it is\n"
            "A model that is already in DIR is replaced when the new one is whole.\n"
            "With --quantize int8 the layers are stored as --precision int8 computes them: the model\n"
            "opens at once, gives the same results, and runs in int8 alone.",
    .options = options,
    .defaults = &defaults,
    .size = sizeof defaults,
    .min_arguments = 2,
    .max_arguments = 2,
    .run = run,
};
