/* SPDX-License-Identifier: Apache-2.0
 * openai.c - OpenAI's Whisper checkpoints: {"dims": {...}, "model_state_dict": {...}} in one .pt file.
 *
 * They come without a vocabulary: it is the file given with the conversion, or multilingual.tiktoken (gpt2.tiktoken for
 * the English models) beside the checkpoint. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "convert/torch_file.h"
#include "convert/whisper.h"

static int recognizes(const char *source) { return file_has_suffix(source, ".pt") && file_exists(source); }

static int copy_vocabulary(const char *source, const char *dir, const struct convert_options *options,
                           const struct whisper_sizes *sizes, struct message *msg)
{
    char path[4096];
    const char *name = sizes->n_vocab >= 51865 ? "multilingual.tiktoken" : "gpt2.tiktoken";
    const char *slash = strrchr(source, '/');
    if (options->vocabulary != NULL) {
        int is_json = file_has_suffix(options->vocabulary, ".json");
        return convert_copy(options->vocabulary, dir, is_json ? "tokenizer.json" : "vocab.tiktoken", msg);
    }
    snprintf(path, sizeof path, "%.*s%s", slash != NULL ? (int)(slash - source + 1) : 0, source, name);
    if (!file_exists(path))
        return fail(
            msg, LINNET_E_MODEL,
            "%s: has no vocabulary: put openai-whisper's %s beside it, or give a tokenizer.json or .tiktoken file",
            source, name);
    return convert_copy(path, dir, "vocab.tiktoken", msg);
}

static int convert_file(const char *source, const char *dir, const struct convert_options *options, struct message *msg)
{
    struct checkpoint *c = NULL;
    struct whisper_sizes sizes = {0};
    int rc = torch_file_open(&c, source, msg);
    if (rc < 0)
        return rc;
    if (checkpoint_number(c, "dims.n_audio_head", &sizes.n_encoder_heads) < 0 ||
        checkpoint_number(c, "dims.n_text_head", &sizes.n_decoder_heads) < 0)
        rc = fail(msg, LINNET_E_MODEL, "%s: not a Whisper checkpoint: no dims in it", source);
    if (rc == 0)
        rc = whisper_write_model(c, WHISPER_NAMES_OPENAI, "model_state_dict.", dir, options, &sizes, msg);
    if (rc == 0)
        rc = whisper_check_sizes(c, "dims.", &sizes, msg);
    checkpoint_close(c);
    if (rc == 0)
        rc = copy_vocabulary(source, dir, options, &sizes, msg);
    return rc < 0 ? rc : whisper_write_generation(&sizes, source, dir, NULL, msg);
}

const struct convert_kind convert_openai = {"OpenAI Whisper", 0, recognizes, convert_file};
