/* SPDX-License-Identifier: Apache-2.0
 * ggml.c - whisper.cpp's ggml files, which bring the pieces of their vocabulary along. */
#include "convert/ggml_file.h"
#include "convert/whisper.h"

static int convert_file(const char *source, const char *dir, const struct convert_options *options, struct message *msg)
{
    struct checkpoint *c = NULL;
    struct buffer vocabulary = {0};
    struct whisper_sizes sizes = {0};
    int rc = ggml_file_open(&c, source, &vocabulary, msg);
    if (rc == 0 && (checkpoint_number(c, "n_audio_head", &sizes.n_encoder_heads) < 0 ||
                    checkpoint_number(c, "n_text_head", &sizes.n_decoder_heads) < 0))
        rc = fail(msg, LINNET_E_FORMAT, "%s: no header", source);
    if (rc == 0)
        rc = whisper_write_model(c, WHISPER_NAMES_OPENAI, "", dir, options, &sizes, msg);
    if (rc == 0) /* the format does not say how many tensors there are: a cut file may look whole */
        rc = whisper_check_sizes(c, "", &sizes, msg);
    checkpoint_close(c);
    if (rc == 0)
        rc = convert_write(dir, "vocab.tiktoken", buffer_text(&vocabulary), vocabulary.n, msg);
    buffer_free(&vocabulary);
    return rc < 0 ? rc : whisper_write_generation(&sizes, source, dir, NULL, msg);
}

const struct convert_kind convert_ggml = {"whisper.cpp ggml", 0, ggml_file_recognizes, convert_file};
