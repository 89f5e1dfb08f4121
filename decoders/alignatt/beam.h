/* SPDX-License-Identifier: Apache-2.0
 * beam.h - beam search for what follows the committed text, up to where attention comes near the end of the audio. */
#ifndef LINNET_DECODERS_ALIGNATT_BEAM_H
#define LINNET_DECODERS_ALIGNATT_BEAM_H

#include "decoders/alignatt/audio.h"
#include "decoders/alignatt/network.h"
#include "decoders/alignatt/text.h"
#include "decoders/common/hotwords.h"
#include "decoders/whisper_common/candidates.h"
#include "decoders/whisper_common/rules.h"

/* The i-th lies on the network's i-th path. */
struct alignatt_hypothesis {
    int is_open;
    int *ids; /* [n_max] after the committed ones */
    struct alignatt_token *at;
    int n;
    double sum_logprob;
    int64_t last, earliest;       /* frame of the last token; attention before this one repeats earlier text */
    int64_t attended;             /* frame of the next token */
    struct alignatt_pause before; /* the next token */
};

struct alignatt_beam {
    const struct decoder_host *host;
    const struct alignatt_options *options;
    const struct whisper_vocab *vocab;
    struct whisper_search_options rules;
    int *suppressed;
    struct hotwords *hotwords;              /* its own, or NULL */
    int width;                              /* hypotheses, and paths of the network */
    void *block;                            /* of the arrays */
    struct alignatt_hypothesis *hypotheses; /* [width], and the best */
    struct whisper_candidate *candidates;   /* [width * (width + 1)] */
    int n_candidates;
    int *to, *tokens;                 /* [width] scratch */
    struct alignatt_hypothesis *best; /* of those that stopped, .. */
    int next;                         /* .. and the token before which it did */
    double score;
    int n_stopped;
    int is_loop; /* the last result was nothing but a loop */
};

/* n_max: tokens of a text.  host must live as long as the beam. */
LINNET_MUST_CHECK int alignatt_beam_open(struct alignatt_beam *b, const struct decoder_host *host,
                                         const struct whisper_vocab *vocab, int n_max);
void alignatt_beam_close(struct alignatt_beam *b); /* zeroed and half-opened ones too */

/* Boosts phrases of tokens from the next call on (NULL: none), and becomes the owner of the graph. */
void alignatt_beam_set_hotwords(struct alignatt_beam *b, struct hotwords *hotwords);

/* Decodes what follows the committed tokens, which have run on the network's path 0 with the start of the next segment
 * if one is due; its audio begins at frame `first`.  is_complete: no more comes.  Returns the token before which the
 * search stopped, -1 at the end of the text. */
int alignatt_beam_decode(struct alignatt_beam *b, struct alignatt_network *r, const struct alignatt_audio *audio,
                         struct alignatt_text *t, int64_t first, int is_complete);

#endif
