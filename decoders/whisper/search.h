/* SPDX-License-Identifier: Apache-2.0
 * search.h - decoding of one window with Whisper's decoder: greedy, beam search, sampling.
 *
 * Follows openai-whisper's decoding.py: what may come next (blank, annotations, time-stamp rules), how hypotheses are
 * kept and ranked, what the probabilities of a result are. */
#ifndef LINNET_DECODERS_WHISPER_SEARCH_H
#define LINNET_DECODERS_WHISPER_SEARCH_H

#include <stdatomic.h>

#include "decoders/common/hotwords.h"
#include "decoders/common/model.h"
#include "decoders/whisper_common/rules.h"
#include "nn/text_batch.h"

/* A finished hypothesis: tokens without prompt and end. */
struct whisper_hypothesis {
    int *tokens; /* [n] */
    int n;
    int is_full;        /* there was no room for another token */
    double sum_logprob; /* natural log, the end of text included; with hotwords, of what they make of them */
    double bonus;       /* what hotwords add to it in ranking */
    double score;       /* what hypotheses are ranked by */
};

struct whisper_search;

/* The model and options->suppressed must outlive the search; the other options are copied. */
LINNET_MUST_CHECK int whisper_search_open(struct whisper_search **out, const struct linnet_model *model,
                                          const struct whisper_search_options *options, struct nn_context *ctx,
                                          struct message *msg);
void whisper_search_close(struct whisper_search *s);

/* From now on steps are those of the batch, which must outlive the search: the thread that decodes must be inside. */
LINNET_MUST_CHECK int whisper_search_set_batch(struct whisper_search *s, struct text_batch *batch, struct message *msg);

/* The text decoder's state, for alignment; its slots are free between windows. */
struct text_decoder_state *whisper_search_state(struct whisper_search *s);

/* A new window: encoder states [n_frames, D]. */
void whisper_search_set_states(struct whisper_search *s, const float *states, int n_frames);

/* Probabilities of the languages [vocab->special.n_languages]; returns the index of the most probable. */
int whisper_search_language(struct whisper_search *s, float *probabilities);

/* Runs the prompt [n] (it must hold sot and leave room for a token); no_speech gets the probability of silence. */
LINNET_MUST_CHECK int whisper_search_prompt(struct whisper_search *s, const int *prompt, int n, double *no_speech,
                                            struct message *msg);

enum { WHISPER_HOTWORDS_BEAM = 5 };

/* Boosts phrases of tokens from the next window on (NULL: none), and becomes the owner of the graph.  may_widen: a
 * beam that nobody chose becomes WHISPER_HOTWORDS_BEAM, where there is room, for a bonus can only be taken back where
 * other hypotheses are left. */
void whisper_search_set_hotwords(struct whisper_search *s, struct hotwords *hotwords, int may_widen);

/* Decodes from the prompt; may be called again with another temperature, the prompt is not run again.  seed is that of
 * the samples.  *best gets *n hypotheses, best first, that live until the next call.  cancelled: see
 * linnet_stream_cancel; NULL is fine. */
LINNET_MUST_CHECK int whisper_search_run(struct whisper_search *s, double temperature, uint64_t seed,
                                         const atomic_int *cancelled, const struct whisper_hypothesis **best, int *n);

/* Decoder steps done so far; seconds that went to the others of the batch meanwhile. */
uint64_t whisper_search_steps(const struct whisper_search *s);
double whisper_search_others_s(const struct whisper_search *s);

#endif
