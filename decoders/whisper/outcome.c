/* SPDX-License-Identifier: Apache-2.0
 * outcome.c - openai-whisper's measures of a text (decoding.py, utils.py): its mean log probability, and how much of it
 * zlib leaves.  What differs: where no temperature gives a text that is accepted, other programs keep the last one with
 * all its repetitions. */
#include "decoders/whisper/outcome.h"

#include <string.h>
#include <zlib.h>

#include "base/mem.h"

/* ---- measures ---- */

/* Of the text [n] without the spaces around it. */
static int compression_ratio(const char *text, size_t n, double *ratio)
{
    const char *end = text + n;
    while (text < end && (*text == ' ' || *text == '\n'))
        text++;
    while (end > text && (end[-1] == ' ' || end[-1] == '\n'))
        end--;
    *ratio = 0;
    if (text == end)
        return LINNET_OK;
    uLong n_text = (uLong)(end - text);
    uLongf size = compressBound(n_text);
    Bytef *packed = mem_array(size, 1);
    int ok = packed != NULL && compress(packed, &size, (const Bytef *)text, n_text) == Z_OK;
    mem_free(packed);
    if (ok)
        *ratio = (double)n_text / (double)size;
    return ok ? LINNET_OK : LINNET_E_MEMORY;
}

static int measure_repetitions(struct whisper_outcome *o, const struct whisper_vocab *vocab, struct buffer *text,
                               struct message *msg)
{
    text->n = 0;
    if (whisper_vocab_text(vocab, o->best->tokens, o->n_tokens, text) < 0 ||
        compression_ratio(buffer_text(text), text->n, &o->compression_ratio) < 0)
        return fail_memory(msg);
    return LINNET_OK;
}

int whisper_outcome_measure(struct whisper_outcome *o, const struct whisper_vocab *vocab, struct buffer *text,
                            struct message *msg)
{
    o->n_tokens = o->best->n;
    o->mean_logprob = o->best->sum_logprob / (o->best->n + 1);
    return measure_repetitions(o, vocab, text, msg);
}

int whisper_outcome_last_time(const struct whisper_outcome *o, const struct whisper_vocab *vocab, int *n_text)
{
    const struct whisper_specials *s = &vocab->special;
    int last = -1;
    *n_text = 0;
    for (int i = 0; i < o->n_tokens; i++) {
        int token = o->best->tokens[i];
        *n_text += token < s->eot;
        last = token >= s->timestamp_begin ? token - s->timestamp_begin : last;
    }
    return last;
}

/* ---- judgement ---- */

int whisper_outcome_is_repetitive(const struct whisper_outcome *o, const struct whisper_options *options)
{
    return options->compression_ratio_threshold > 0 && o->compression_ratio > options->compression_ratio_threshold;
}

int whisper_outcome_is_accepted(const struct whisper_outcome *o, const struct whisper_options *options)
{
    if (o->mean_logprob < options->logprob_threshold)
        return o->no_speech > options->no_speech_threshold;
    return !whisper_outcome_is_repetitive(o, options);
}

int whisper_outcome_is_silence(const struct whisper_outcome *o, const struct whisper_options *options)
{
    return o->no_speech > options->no_speech_threshold && o->mean_logprob <= options->logprob_threshold;
}

/* ---- repetitions ---- */

/* Of text [n], the repetition of the most tokens: what follows itself `period` tokens later at least twice.  Returns
 * where its second time begins, n where nothing is repeated so. */
static int second_time(const int *text, int n)
{
    int at = n, longest = 0;
    for (int period = 1; period <= n / 3; period++) {
        int run = 0; /* tokens up to i that equal those a period before */
        for (int i = period; i < n; i++) {
            run = text[i] == text[i - period] ? run + 1 : 0;
            if (run >= 2 * period && run > longest) {
                longest = run;
                at = i + 1 - run;
            }
        }
    }
    return at;
}

/* Tokens of the best hypothesis, time stamps among them, up to the first repetition of its text. */
static int before_repetition(const struct whisper_outcome *o, int eot, int *text)
{
    int n_text = 0, n = 0;
    for (int i = 0; i < o->n_tokens; i++)
        if (o->best->tokens[i] < eot)
            text[n_text++] = o->best->tokens[i];
    for (int left = second_time(text, n_text); n < o->n_tokens; n++)
        if (o->best->tokens[n] < eot && left-- == 0)
            break;
    return n;
}

int whisper_outcome_cut_repetition(struct whisper_outcome *o, const struct whisper_options *options,
                                   const struct whisper_vocab *vocab, struct buffer *text, struct message *msg)
{
    int *tokens = mem_array((size_t)o->n_tokens + 1, sizeof *tokens), rc = LINNET_OK;
    if (tokens == NULL)
        return fail_memory(msg);
    while (rc >= 0 && whisper_outcome_is_repetitive(o, options)) {
        int n = before_repetition(o, vocab->special.eot, tokens);
        if (n == o->n_tokens)
            break;
        o->n_tokens = n;
        rc = measure_repetitions(o, vocab, text, msg);
    }
    mem_free(tokens);
    return rc;
}
