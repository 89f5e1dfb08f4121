/* SPDX-License-Identifier: Apache-2.0 */
#include "decoders/common/model.h"

static int has(const struct linnet_model *m, enum model_part part)
{
    switch (part) {
    case MODEL_FRAMES:
        return m->encoder->window == 0;
    case MODEL_WINDOWS:
        return m->encoder->window > 0;
    case MODEL_CTC:
        return m->ctc != NULL;
    case MODEL_TEXT_DECODER:
        return m->left != NULL;
    case MODEL_TASK_TOKENS:
        return m->vocab->has_tasks;
    }
    return 0;
}

const char *model_lacks(const struct linnet_model *m, int needs)
{
    static const struct {
        enum model_part part;
        const char *words;
    } parts[] = {
        {MODEL_CTC, "a CTC layer"},
        {MODEL_TEXT_DECODER, "an attention decoder"},
        {MODEL_TASK_TOKENS, "tokens for languages, tasks and times"},
        {MODEL_FRAMES, "an encoder for recordings of any length"},
        {MODEL_WINDOWS, "an encoder for windows"},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if ((needs & (int)parts[i].part) != 0 && !has(m, parts[i].part))
            return parts[i].words;
    return NULL;
}

double model_frame_s(const struct linnet_model *m) { return m->encoder->rate * m->features.shift_ms / 1000.0; }
