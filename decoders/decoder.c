/* SPDX-License-Identifier: Apache-2.0
 * decoder.c - the table of decoders. */
#include "decoders/decoder.h"

#include <string.h>

#include "decoders/alignatt.h"
#include "decoders/hybrid.h"
#include "decoders/whisper.h"

static const struct decoder_ops *const table[] = {
    &whisper_decoder,
    &alignatt_decoder,
    &hybrid_greedy_decoder,
    &hybrid_prefix_decoder,
    &hybrid_attention_decoder,
    &hybrid_rescoring_decoder,
    &hybrid_segmental_decoder,
};
enum { N_DECODERS = sizeof table / sizeof table[0] };

/* The decoder for "auto" of a kind of model. */
static const char *usual(const char *kind, int streaming)
{
    if (strcmp(kind, "whisper") == 0)
        return streaming ? "alignatt" : "whisper";
    return "attention_rescoring";
}

int decoder_find(const struct decoder_ops **ops, const char *name, const char *kind, int streaming, struct message *msg)
{
    if (strcmp(name, "auto") == 0)
        name = usual(kind, streaming);
    for (int i = 0; i < N_DECODERS; i++) {
        if (strcmp(table[i]->name, name) != 0)
            continue;
        if (strcmp(table[i]->kind, kind) != 0)
            return fail(msg, LINNET_E_UNSUPPORTED, "decoder '%s' is for %s models, this is a %s model", name,
                        table[i]->kind, kind);
        *ops = table[i];
        return LINNET_OK;
    }
    return fail(msg, LINNET_E_UNSUPPORTED, "there is no decoder '%s'", name);
}
