/* SPDX-License-Identifier: Apache-2.0
 * phrases.c - " Linnet" and "Linnet" are other tokens: the first stands in a sentence, the second where a text begins,
 * behind a quotation mark, and in languages that are written without blanks. */
#include "decoders/whisper_common/phrases.h"

#include "base/mem.h"
#include "decoders/common/hotword_list.h"

/* A phrase as it stands in a sentence; the blanks before it are not part of it. */
static int add(struct hotword_list *list, const char *phrase, double bonus, struct message *msg)
{
    struct buffer spaced = {0};
    while (*phrase == ' ')
        phrase++;
    int rc = buffer_printf(&spaced, " %s", phrase) < 0 ? fail_memory(msg) : LINNET_OK;
    if (rc >= 0 && *phrase != '\0' && (rc = hotword_list_add(list, buffer_text(&spaced), bonus, msg)) >= 0)
        rc = hotword_list_add(list, phrase, bonus, msg);
    buffer_free(&spaced);
    return rc;
}

int whisper_phrases_open(struct hotwords **out, const struct decoder_host *host, const char *const *phrases,
                         const float *bonus, size_t n, struct buffer *unspelled)
{
    const struct decoder_options *o = settings_of(host->settings, &decoder_settings);
    struct hotword_list list = {0};
    int rc = LINNET_OK;
    for (size_t i = 0; i < n && rc >= 0; i++)
        rc = add(&list, phrases[i], bonus != NULL ? (double)bonus[i] : o->hotword_bonus, host->msg);
    struct hotwords *graph = NULL;
    if (rc >= 0 && list.n > 0)
        rc = hotword_list_graph(&list, host->model->vocab, &graph, unspelled, host->msg);
    hotword_list_free(&list);
    if (rc >= 0)
        *out = graph;
    return rc < 0 ? rc : rc / 2;
}
