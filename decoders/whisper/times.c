/* SPDX-License-Identifier: Apache-2.0
 * times.c - all tokens run through the decoder once more in one step, with the weights of the alignment heads tapped.
 * The matrix that the path goes through has a row for each of no_timestamps, text[0], ... text[n - 1]: row i is the
 * attention with which text[i] was predicted. */
#include "decoders/whisper/times.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/whisper_common/state.h"
#include "vocab/whisper_vocab.h"

enum { MEDIAN_WIDTH = 7, LOGIT_ROWS = 8 };
#define FRAME_S 0.02

struct whisper_times {
    const struct linnet_model *model;
    const int *tap_index;
    int n_taps, max_tokens;
    float *weights; /* [n_taps, n_rows, T]: grows to what is needed */
    size_t n_weights;
    void *block; /* of the arrays below, [max_tokens] where no other size is given */
    int *slots, *tokens, *ends;
    struct text_row *rows;
    float *logits;        /* [LOGIT_ROWS, n_vocab] */
    float *matrix, *cost; /* [max_tokens, T], [max_tokens + 1, T + 1] */
    signed char *trace;   /* [max_tokens + 1, T + 1] */
    int *jump;            /* [max_tokens + 1] frame at which each token starts */
    double *probability;
    struct whisper_word *words;
};

int whisper_times_open(struct whisper_times **out, const struct linnet_model *model, int use_model_heads,
                       struct message *msg)
{
    struct whisper_times *t = mem_array(1, sizeof *t);
    if (t == NULL)
        return fail_memory(msg);
    size_t n = (size_t)model->left->config.n_positions, frames = (size_t)whisper_window_states(model);
    t->model = model;
    t->max_tokens = (int)n;
    t->tap_index = use_model_heads ? model->named_heads.index : model->upper_heads.index;
    t->n_taps = use_model_heads ? model->named_heads.n : model->upper_heads.n;
    t->block = MEM_PARTS(MEM_PART(t->slots, n), MEM_PART(t->tokens, n), MEM_PART(t->ends, n + 1), MEM_PART(t->rows, n),
                         MEM_PART(t->logits, LOGIT_ROWS * (size_t)model->vocab->n), MEM_PART(t->matrix, n * frames),
                         MEM_PART(t->cost, (n + 1) * (frames + 1)), MEM_PART(t->trace, (n + 1) * (frames + 1)),
                         MEM_PART(t->jump, n + 1), MEM_PART(t->probability, n), MEM_PART(t->words, n + 1));
    if (t->block == NULL) {
        whisper_times_close(t);
        return fail_memory(msg);
    }
    for (size_t i = 0; i < n; i++)
        t->slots[i] = (int)i;
    *out = t;
    return LINNET_OK;
}

void whisper_times_close(struct whisper_times *t)
{
    if (t == NULL)
        return;
    mem_free(t->weights);
    mem_free(t->block);
    mem_free(t);
}

/* ---- attention to a matrix ---- */

/* Softmax over the first n frames of rows of ld: the weight of the padding is shared out again. */
static void renormalize(float *w, int n_rows, int ld, int n)
{
    for (int i = 0; i < n_rows; i++) {
        double sum = 0;
        for (int j = 0; j < n; j++)
            sum += (double)w[(ptrdiff_t)i * ld + j];
        for (int j = 0; j < n && sum > 0; j++)
            w[(ptrdiff_t)i * ld + j] = (float)((double)w[(ptrdiff_t)i * ld + j] / sum);
    }
}

/* Zero mean and unit deviation of each frame over the tokens. */
static void standardize(float *w, int n_rows, int ld, int n)
{
    for (int j = 0; j < n; j++) {
        double mean = 0, var = 0;
        for (int i = 0; i < n_rows; i++)
            mean += (double)w[(ptrdiff_t)i * ld + j];
        mean /= n_rows;
        for (int i = 0; i < n_rows; i++) {
            double d = (double)w[(ptrdiff_t)i * ld + j] - mean;
            var += d * d;
        }
        double factor = var > 0 ? 1.0 / sqrt(var / n_rows) : 0;
        for (int i = 0; i < n_rows; i++)
            w[(ptrdiff_t)i * ld + j] = (float)(((double)w[(ptrdiff_t)i * ld + j] - mean) * factor);
    }
}

static float median_at(const float *row, int n, int at)
{
    float window[MEDIAN_WIDTH];
    for (int k = 0; k < MEDIAN_WIDTH; k++) {
        int j = abs(at + k - MEDIAN_WIDTH / 2); /* mirrored at both ends */
        j = j >= n ? 2 * (n - 1) - j : j;
        int to = k;
        for (; to > 0 && window[to - 1] > row[j]; to--)
            window[to] = window[to - 1];
        window[to] = row[j];
    }
    return window[MEDIAN_WIDTH / 2];
}

/* matrix [n_rows, n] = mean over heads of the filtered rows from first_row on. */
static void make_matrix(struct whisper_times *t, int n_all, int ld, int n, int first_row, int n_rows)
{
    int n_taps = t->n_taps;
    memset(t->matrix, 0, (size_t)n_rows * (size_t)n * sizeof *t->matrix);
    for (int h = 0; h < n_taps; h++) {
        float *w = t->weights + (ptrdiff_t)h * n_all * ld;
        renormalize(w, n_all, ld, n);
        standardize(w, n_all, ld, n);
        for (int i = 0; i < n_rows; i++) {
            const float *row = w + (ptrdiff_t)(first_row + i) * ld;
            for (int j = 0; j < n; j++)
                t->matrix[(ptrdiff_t)i * n + j] +=
                    (n > MEDIAN_WIDTH / 2 ? median_at(row, n, j) : row[j]) / (float)n_taps;
        }
    }
}

/* ---- path ---- */

enum { BOTH, TOKEN, FRAME };

/* jump[i] = frame at which the path of least -matrix first enters row i. */
static void warp(struct whisper_times *t, int n_rows, int n)
{
    ptrdiff_t ld = n + 1;
    for (ptrdiff_t i = 0; i < (n_rows + 1) * ld; i++)
        t->cost[i] = INFINITY;
    t->cost[0] = 0;
    for (int j = 1; j <= n; j++)
        for (int i = 1; i <= n_rows; i++) {
            float both = t->cost[(i - 1) * ld + j - 1], token = t->cost[(i - 1) * ld + j],
                  frame = t->cost[i * ld + j - 1];
            int from = both < token && both < frame ? BOTH : token < both && token < frame ? TOKEN : FRAME;
            float c = from == BOTH ? both : from == TOKEN ? token : frame;
            t->cost[i * ld + j] = c - t->matrix[(ptrdiff_t)(i - 1) * n + j - 1];
            t->trace[i * ld + j] = (signed char)from;
        }
    int i = n_rows, j = n;
    while (i > 0 || j > 0) {
        if (i > 0)
            t->jump[i - 1] = j > 0 ? j - 1 : 0;
        int from = i == 0 ? FRAME : j == 0 ? TOKEN : t->trace[i * ld + j];
        i -= from != FRAME;
        j -= from != TOKEN;
    }
}

/* ---- words ---- */

static void token_probabilities(struct whisper_times *t, struct nn_context *ctx,
                                const struct text_decoder_state *decoder, const int *text, int n, int first_row)
{
    const struct linnet_model *m = t->model;
    int eot = whisper_vocab_of(m->vocab)->special.eot;
    for (int i = 0; i < n; i += LOGIT_ROWS) {
        int rows = n - i < LOGIT_ROWS ? n - i : LOGIT_ROWS;
        text_decoder_state_logits(decoder, ctx, first_row + i, rows, t->logits);
        for (int r = 0; r < rows; r++) {
            float *row = t->logits + (ptrdiff_t)r * m->vocab->n;
            ctx->kernels->softmax(row, eot); /* over the tokens of text */
            t->probability[i + r] = (double)row[text[i + r]];
        }
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median_duration(struct whisper_times *t, int n_words)
{
    double *durations = t->probability; /* no longer needed */
    int n = 0;
    for (int i = 0; i < n_words; i++)
        if (t->words[i].end_s > t->words[i].start_s)
            durations[n++] = t->words[i].end_s - t->words[i].start_s;
    if (n == 0)
        return 0;
    qsort(durations, (size_t)n, sizeof *durations, compare_doubles);
    double median = n % 2 ? durations[n / 2] : (durations[n / 2 - 1] + durations[n / 2]) / 2;
    return median < 0.7 ? median : 0.7;
}

/* The bytes of a word into text [size]. */
static const char *word_text(const struct whisper_times *t, const int *text, const struct whisper_word *w, char *out,
                             size_t size)
{
    size_t used = 0;
    for (int i = w->first; i < w->last; i++) {
        size_t n;
        const char *piece = whisper_vocab_piece(whisper_vocab_of(t->model->vocab), text[i], &n);
        if (used + n + 1 > size)
            break;
        memcpy(out + used, piece, n);
        used += n;
    }
    out[used] = '\0';
    return out;
}

static const char *const sentence_ends = ".\xe3\x80\x82!\xef\xbc\x81?\xef\xbc\x9f"; /* . 。 ! ！ ? ？ */
static const char *const before_word = "\"'\xe2\x80\x9c\xc2\xbf([{-";               /* " ' “ ¿ ( [ { - */
static const char *const after_word =
    "\"'.\xe3\x80\x82,\xef\xbc\x8c!\xef\xbc\x81?\xef\xbc\x9f:\xef\xbc\x9a\xe2\x80\x9d)]}\xe3\x80\x81";

/* A long word next to the end of a sentence is mostly the pause there. */
static void shorten_at_sentences(struct whisper_times *t, const int *text, int n_words, double longest)
{
    char a[64], b[64];
    for (int i = 1; i < n_words; i++) {
        struct whisper_word *w = &t->words[i];
        if (w->end_s - w->start_s <= longest)
            continue;
        if (strstr(sentence_ends, word_text(t, text, w, a, sizeof a)) != NULL)
            w->end_s = w->start_s + longest;
        else if (strstr(sentence_ends, word_text(t, text, w - 1, b, sizeof b)) != NULL)
            w->start_s = w->end_s - longest;
    }
}

/* Opening punctuation joins the next word, closing punctuation the one before; words without tokens are dropped. */
static int join_punctuation(struct whisper_times *t, const int *text, int n_words)
{
    char word[256];
    for (int i = n_words - 2, j = n_words - 1; i >= 0; i--) {
        struct whisper_word *left = &t->words[i], *right = &t->words[j];
        const char *s = word_text(t, text, left, word, sizeof word);
        if (s[0] == ' ' && strstr(before_word, s + 1) != NULL) { /* a lone space too */
            right->first = left->first;
            left->last = left->first;
        } else {
            j = i;
        }
    }
    for (int i = 0, j = 1; j < n_words; j++) {
        struct whisper_word *left = &t->words[i], *right = &t->words[j];
        char tail[256];
        const char *l = word_text(t, text, left, word, sizeof word), *r = word_text(t, text, right, tail, sizeof tail);
        size_t n = strlen(l);
        if ((n == 0 || l[n - 1] != ' ') && strstr(after_word, r) != NULL) {
            if (right->last > right->first) {
                if (left->last == left->first)
                    left->first = right->first;
                left->last = right->last;
            }
            right->first = right->last;
        } else {
            i = j;
        }
    }
    int kept = 0;
    for (int i = 0; i < n_words; i++)
        if (t->words[i].last > t->words[i].first)
            t->words[kept++] = t->words[i];
    return kept;
}

static int make_words(struct whisper_times *t, const int *text, int n, const char *language)
{
    int n_words = whisper_vocab_words(whisper_vocab_of(t->model->vocab), language, text, n, t->ends);
    for (int w = 0; w < n_words; w++) {
        int first = w > 0 ? t->ends[w - 1] : 0, last = t->ends[w];
        double sum = 0;
        for (int i = first; i < last; i++)
            sum += t->probability[i];
        t->words[w] = (struct whisper_word){first, last, t->jump[first] * FRAME_S, t->jump[last] * FRAME_S,
                                            sum / (last > first ? last - first : 1)};
    }
    return n_words;
}

static int reserve_weights(struct whisper_times *t, size_t n)
{
    if (n <= t->n_weights)
        return LINNET_OK;
    mem_free(t->weights);
    t->weights = mem_array(n, sizeof *t->weights);
    t->n_weights = t->weights != NULL ? n : 0;
    return t->weights != NULL ? LINNET_OK : LINNET_E_MEMORY;
}

int whisper_times_align(struct whisper_times *t, struct nn_context *ctx, struct text_decoder_state *decoder,
                        const struct whisper_times_text *x, struct whisper_words *words, struct message *msg)
{
    const struct whisper_specials *special = &whisper_vocab_of(t->model->vocab)->special;
    int n_all = x->n_start + x->n + 2, ld = text_decoder_state_frames(decoder);
    int n_frames = x->n_frames < ld ? x->n_frames : ld;
    *words = (struct whisper_words){.at = t->words};
    if (x->n < 1 || n_all > t->max_tokens || n_frames < 1)
        return LINNET_OK;
    if (reserve_weights(t, (size_t)t->n_taps * (size_t)n_all * (size_t)ld) < 0)
        return fail_memory(msg);
    memcpy(t->tokens, x->start, (size_t)x->n_start * sizeof *t->tokens);
    t->tokens[x->n_start] = special->no_timestamps;
    memcpy(t->tokens + x->n_start + 1, x->tokens, (size_t)x->n * sizeof *t->tokens);
    t->tokens[n_all - 1] = special->eot;
    for (int i = 0; i < n_all; i++)
        t->rows[i] = (struct text_row){t->tokens[i], i, t->slots};
    text_decoder_state_step(decoder, ctx, t->rows, n_all,
                            &(struct text_cross){.taps = t->tap_index, .weights = t->weights});
    token_probabilities(t, ctx, decoder, x->tokens, x->n, x->n_start);
    make_matrix(t, n_all, ld, n_frames, x->n_start, x->n + 1);
    warp(t, x->n + 1, n_frames);
    int count = make_words(t, x->tokens, x->n, x->language);
    words->median_s = median_duration(t, count);
    shorten_at_sentences(t, x->tokens, count, 2 * words->median_s);
    words->n = join_punctuation(t, x->tokens, count);
    return LINNET_OK;
}
