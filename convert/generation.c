/* SPDX-License-Identifier: Apache-2.0
 * generation.c - generation_config.json of a converted Whisper model.
 *
 * Alignment heads are those of openai-whisper (__init__.py, _ALIGNMENT_HEADS), by size: they are the (layer, head)
 * pairs of the decoder whose attention follows the audio.  large-v1 and large-v2 have the same shapes and different
 * heads: a source that is called large-v1 is that, others are large-v2.  Sizes that OpenAI did not publish get none. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "convert/whisper.h"
#include "vocab/whisper_vocab.h"

static const struct published {
    const char *name; /* must stand in the source's name, or NULL */
    int d_model, n_decoder_layers, n_mels, is_english;
    const char *heads; /* JSON: [[layer, head], ...] */
} published[] = {
    {NULL, 384, 4, 80, 1, "[[1,0], [2,0], [2,5], [3,0], [3,1], [3,2], [3,3], [3,4]]"},
    {NULL, 384, 4, 80, 0, "[[2,2], [3,0], [3,2], [3,3], [3,4], [3,5]]"},
    {NULL, 512, 6, 80, 1, "[[3,3], [4,7], [5,1], [5,5], [5,7]]"},
    {NULL, 512, 6, 80, 0, "[[3,1], [4,2], [4,3], [4,7], [5,1], [5,2], [5,4], [5,6]]"},
    {NULL, 768, 12, 80, 1,
     "[[6,6], [7,0], [7,3], [7,8], [8,2], [8,5], [8,7], [9,0], [9,4], [9,8], [9,10], [10,0], [10,1], [10,2], [10,3], "
     "[10,6], [10,11], [11,2], [11,4]]"},
    {NULL, 768, 12, 80, 0, "[[5,3], [5,9], [8,0], [8,4], [8,7], [8,8], [9,0], [9,7], [9,9], [10,5]]"},
    {NULL, 1024, 24, 80, 1,
     "[[11,4], [14,1], [14,12], [14,14], [15,4], [16,0], [16,4], [16,9], [17,12], [17,14], [18,7], [18,10], [18,15], "
     "[20,0], [20,3], [20,9], [20,14], [21,12]]"},
    {NULL, 1024, 24, 80, 0, "[[13,15], [15,4], [15,15], [16,1], [20,0], [23,4]]"},
    {"large-v1", 1280, 32, 80, 0, "[[9,19], [11,2], [11,4], [11,17], [22,7], [22,11], [22,17], [23,2], [23,15]]"},
    {NULL, 1280, 32, 80, 0,
     "[[10,12], [13,17], [16,11], [16,12], [16,13], [17,15], [17,16], [18,4], [18,11], [18,19], [19,11], [21,2], "
     "[21,3], [22,3], [22,9], [22,12], [23,5], [23,7], [23,13], [25,5], [26,1], [26,12], [27,15]]"},
    {NULL, 1280, 32, 128, 0, "[[7,0], [10,17], [12,18], [13,12], [16,1], [17,14], [19,11], [21,4], [24,1], [25,6]]"},
    {NULL, 1280, 4, 128, 0, "[[2,4], [2,11], [3,3], [3,6], [3,11], [3,14]]"},
};

static const char *published_heads(const struct whisper_sizes *s, const char *source)
{
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        const struct published *p = &published[i];
        if (p->d_model == s->d_model && p->n_decoder_layers == s->n_decoder_layers && p->n_mels == s->n_mels &&
            p->is_english == (s->n_vocab < 51865) && (p->name == NULL || strstr(source, p->name) != NULL))
            return p->heads;
    }
    return "[]";
}

/* Tokens that are no speech, and the special ones that only a prompt may hold (openai-whisper, decoding.py,
 * _get_suppress_tokens). */
static int suppressed(const struct whisper_vocab *v, json_t *list, struct message *msg)
{
    const struct whisper_specials *s = &v->special;
    const int more[] = {s->sot, s->translate, s->transcribe, s->sot_lm, s->sot_prev, s->no_speech};
    int *ids = NULL, n_ids = 0, rc = whisper_vocab_non_speech(v, &ids, &n_ids, msg);
    if (rc < 0)
        return rc;
    for (int i = 0; i < n_ids; i++)
        json_array_append_new(list, json_integer(ids[i]));
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        json_array_append_new(list, json_integer(more[i]));
    mem_free(ids);
    return 0;
}

int whisper_write_generation(const struct whisper_sizes *sizes, const char *source, const char *dir, json_t *known,
                             struct message *msg)
{
    struct whisper_vocab *v = NULL;
    int rc = whisper_vocab_open(&v, dir, (int)sizes->n_vocab, msg);
    if (rc < 0)
        return rc;
    json_t *config = json_object();
    json_t *heads = json_incref(json_object_get(known, "alignment_heads"));
    json_t *suppress = json_incref(json_object_get(known, "suppress_ids"));
    json_t *begin = json_incref(json_object_get(known, "suppress_ids_begin"));
    if (heads == NULL)
        heads = json_loads(published_heads(sizes, source), 0, NULL);
    if (suppress == NULL) {
        suppress = json_array();
        rc = suppressed(v, suppress, msg);
    }
    if (begin == NULL)
        begin = json_pack("[i,i]", whisper_vocab_find(v, " ", 1), v->special.eot);
    if (json_array_size(heads) > 0)
        json_object_set(config, "alignment_heads", heads);
    json_object_set_new(config, "suppress_tokens", suppress);
    json_object_set_new(config, "begin_suppress_tokens", begin);
    json_object_set_new(config, "is_multilingual", json_boolean(v->special.multilingual));
    json_object_set_new(config, "no_timestamps_token_id", json_integer(v->special.no_timestamps));
    json_object_set_new(config, "decoder_start_token_id", json_integer(v->special.sot));
    json_object_set_new(config, "eos_token_id", json_integer(v->special.eot));
    json_decref(heads);
    whisper_vocab_close(v);
    if (rc < 0) {
        json_decref(config);
        return rc;
    }
    return convert_write_json(dir, "generation_config.json", config, msg);
}
