/* SPDX-License-Identifier: Apache-2.0 */
#include "decoders/alignatt/text.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "decoders/whisper_common/options.h"
#include "vocab/whisper_language.h"

#define MARKS ".,?!;:- "
enum {
    LOOP_LONGEST = 16, /* tokens that repeat */
    LOOP_FEWEST = 3,   /* repetitions are a loop where they are .. */
    LOOP_FRAMES = 7,   /* .. closer than this, or .. */
    LOOP_LONG = 4,     /* .. of at least so many tokens */
    LOOP_MOST = 6,     /* so many always are */
};
#define LAST_WORD_S 0.2 /* a word lasts about that long after attention has reached its last token */

int alignatt_text_open(struct alignatt_text *t, const struct decoder_host *host, const struct whisper_vocab *vocab,
                       int n_max, int n_context_max)
{
    const struct decoder_options *shared = settings_of(host->settings, &decoder_settings);
    const struct whisper_options *whisper = settings_of(host->settings, &whisper_settings);
    size_t n = (size_t)n_max;
    *t = (struct alignatt_text){.host = host,
                                .options = settings_of(host->settings, &alignatt_settings),
                                .word_times = shared->word_times,
                                .condition_on_previous = whisper->condition_on_previous,
                                .vocab = vocab,
                                .language = -1,
                                .n_max = n_max,
                                .n_context_max = n_context_max};
    t->block = MEM_PARTS(MEM_PART(t->ids, n), MEM_PART(t->at, n), MEM_PART(t->ends, n), MEM_PART(t->words, n),
                         MEM_PART(t->context, (size_t)n_context_max));
    return t->block == NULL ? fail_memory(host->msg) : LINNET_OK;
}

void alignatt_text_close(struct alignatt_text *t)
{
    mem_free(t->block);
    buffer_free(&t->partial);
    *t = (struct alignatt_text){0};
}

void alignatt_text_reset(struct alignatt_text *t)
{
    t->n = t->n_final = t->n_committed = t->n_context = 0;
    t->partial.n = t->n_partial_committed = 0;
}

const char *alignatt_text_language(const struct alignatt_text *t)
{
    if (t->vocab->special.n_languages == 0)
        return "en";
    return t->language >= 0 ? whisper_vocab_language_code(t->vocab, t->language) : "";
}

struct alignatt_pause alignatt_text_pause(const struct alignatt_text *t, int64_t from)
{
    return (struct alignatt_pause){t->n_final > 0 ? t->ended : -1, from};
}

void alignatt_text_truncate(struct alignatt_text *t, int n) { t->n = n; }

int alignatt_text_drop_incomplete(struct alignatt_text *t)
{
    enum { LONGEST = 4 }; /* bytes of a character */
    char end[LONGEST];
    size_t n = 0, size;
    for (int i = t->n - 1; i >= t->n_committed && n < LONGEST; i--) {
        const char *piece = whisper_vocab_piece(t->vocab, t->ids[i], &size);
        while (size > 0 && n < LONGEST)
            end[LONGEST - ++n] = piece[--size];
    }
    size_t left = utf8_unfinished(end + LONGEST - n, n);
    if (left == 0)
        return -1;
    while (left > 0) {
        whisper_vocab_piece(t->vocab, t->ids[--t->n], &size);
        left -= size < left ? size : left;
    }
    return t->ids[t->n];
}

void alignatt_text_add(struct alignatt_text *t, int id, struct alignatt_token at)
{
    t->ids[t->n] = id;
    t->at[t->n++] = at;
}

/* Up to LOOP_LONGEST tokens repeated, faster than anybody speaks or more often than anybody would. */
int alignatt_text_loop(const struct alignatt_text *t)
{
    for (int length = 1; length <= LOOP_LONGEST && length <= t->n / LOOP_FEWEST; length++) {
        int n = length;
        while (n < t->n && t->ids[t->n - 1 - n] == t->ids[t->n - 1 - n + length])
            n++;
        int times = n / length;
        int64_t span = t->at[t->n - 1].frame - t->at[t->n - n].frame;
        if (times >= LOOP_MOST || (times >= LOOP_FEWEST && (length >= LOOP_LONG || span < (times - 1) * LOOP_FRAMES)))
            return n - length;
    }
    return 0;
}

int alignatt_text_echo(const struct alignatt_text *t)
{
    int most = 0;
    for (int from = 0; from < t->n_final; from++) {
        int n = 0;
        if (from > 0 && t->at[from].before.to < 0)
            continue;
        while (t->n_final + n < t->n && from + n < t->n_final && t->ids[t->n_final + n] == t->ids[from + n])
            n++;
        most = n > most ? n : most;
    }
    return most;
}

/* How a number is written changes with the digits that follow. */
static int has_digit(const struct alignatt_text *t, int id)
{
    size_t size;
    const char *piece = whisper_vocab_piece(t->vocab, id, &size);
    for (size_t i = 0; i < size; i++)
        if (piece[i] >= '0' && piece[i] <= '9')
            return 1;
    return 0;
}

/* Later words may change a word, more often where it is improbable or may repeat the text of an earlier segment. */
static int is_stable(const struct alignatt_text *t, int from, int end, int n_echo, int64_t now)
{
    const struct alignatt_options *o = t->options;
    double delay_s = o->delay_s;
    int is_sure = end > t->n_final + n_echo;
    for (int i = from; i < end; i++)
        is_sure = is_sure && exp((double)t->at[i].logprob) >= o->sure && !has_digit(t, t->ids[i]);
    if (is_sure && o->sure_delay_s < delay_s)
        delay_s = o->sure_delay_s;
    return t->at[end - 1].frame < now - llrint(delay_s / ALIGNATT_FRAME_S);
}

int alignatt_text_stable(struct alignatt_text *t, int next, int64_t now)
{
    int n = t->n - t->n_committed, n_all = n, n_whole = 0, n_echo = alignatt_text_echo(t);
    if (next >= 0 && t->n < t->n_max)
        t->ids[t->n_committed + n_all++] = next;
    int n_words = whisper_vocab_words(t->vocab, alignatt_text_language(t), t->ids + t->n_committed, n_all, t->ends);
    for (int i = 0; i < n_words && t->ends[i] <= n; i++) {
        if (!is_stable(t, t->n_committed + n_whole, t->n_committed + t->ends[i], n_echo, now))
            break;
        n_whole = t->ends[i];
    }
    return n_words < 0 ? n_words : t->n_committed + n_whole;
}

/* Whether a piece is punctuation alone: of the ASCII characters given, or East Asian. */
static int is_mark(const struct alignatt_text *t, int id, const char *ascii)
{
    static const char *const wide[] = {"。", "，", "？", "！", "、"};
    size_t size;
    const char *piece = whisper_vocab_piece(t->vocab, id, &size);
    if (id >= t->vocab->special.eot || size == 0)
        return 0;
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
        if (size == strlen(wide[i]) && memcmp(piece, wide[i], size) == 0)
            return 1;
    for (size_t i = 0; i < size; i++)
        if (strchr(ascii, piece[i]) == NULL || piece[i] == '\0')
            return 0;
    return 1;
}

int alignatt_text_is_punctuation(const struct alignatt_text *t, int id) { return is_mark(t, id, MARKS); }

int alignatt_text_without_punctuation(const struct alignatt_text *t, int n)
{
    while (n > t->n_committed && is_mark(t, t->ids[n - 1], MARKS))
        n--;
    return n;
}

int alignatt_text_find_cut(struct alignatt_text *t, int64_t latest)
{
    int at_word = 0, at_sentence = 0;
    int n_words = whisper_vocab_words(t->vocab, alignatt_text_language(t), t->ids, t->n_committed, t->ends);
    for (int i = 0; i < n_words; i++) {
        int end = t->ends[i];
        if (end >= t->n || t->at[end - 1].frame >= latest)
            break;
        if (is_mark(t, t->ids[end], MARKS))
            continue;
        at_word = end;
        at_sentence = end > t->n_final && is_mark(t, t->ids[end - 1], ".?!") ? end : at_sentence;
    }
    return n_words < 0 ? n_words : at_sentence > 0 ? at_sentence : at_word;
}

/* ---- events ---- */

/* Joins punctuation, and what follows it without a space, to the word before, in place. */
static int join_words(struct alignatt_text *t, const int *ids, int n_words)
{
    int n = 0, from = 0, spaced = !whisper_language_is_unspaced(alignatt_text_language(t));
    for (int i = 0; i < n_words; from = t->ends[i++]) {
        size_t size;
        const char *piece = whisper_vocab_piece(t->vocab, ids[from], &size);
        n += n == 0 || !(is_mark(t, ids[from], MARKS) || (spaced && (size == 0 || piece[0] != ' ')));
        t->ends[n - 1] = t->ends[i];
    }
    return n_words < 0 ? n_words : n;
}

/* Times of the words of the first n tokens that are not final into t->words, their text at the end of b (pointers are
 * set by the caller). */
static int time_words(struct alignatt_text *t, int n, double end_s, struct buffer *b, int *n_words)
{
    const int *ids = t->ids + t->n_final;
    const struct alignatt_token *at = t->at + t->n_final;
    int from = 0, rc = LINNET_OK;
    double last_s = 0;
    *n_words = join_words(t, ids, whisper_vocab_words(t->vocab, alignatt_text_language(t), ids, n, t->ends));
    for (int i = 0; i < *n_words && rc >= 0; from = t->ends[i++]) {
        double start = (double)at[from].frame * ALIGNATT_FRAME_S, sum = 0;
        int last = t->ends[i] - 1; /* punctuation is attended in the pause after the word */
        while (last > from && is_mark(t, ids[last], MARKS))
            last--;
        double end = (double)at[last].frame * ALIGNATT_FRAME_S + LAST_WORD_S;
        if (t->ends[i] < n && (double)at[t->ends[i]].frame * ALIGNATT_FRAME_S < end)
            end = (double)at[t->ends[i]].frame * ALIGNATT_FRAME_S;
        for (int k = from; k < t->ends[i]; k++)
            sum += (double)at[k].logprob;
        start = start > last_s ? start : last_s;
        end = end < end_s ? end : end_s;
        end = end > start ? end : start;
        last_s = end;
        float p = (float)exp(sum / (t->ends[i] - from));
        t->words[i] = (struct linnet_word){NULL, start, end, p, p};
        rc = whisper_vocab_text(t->vocab, ids + from, t->ends[i] - from, b);
        if (rc >= 0)
            rc = buffer_append(b, "", 1);
    }
    return *n_words < 0 ? *n_words : rc;
}

static int push(struct alignatt_text *t, enum linnet_event_type type, int n, size_t n_committed_bytes, double end_s)
{
    linnet_event e = {.type = type, .text = buffer_text(&t->partial), .committed = n_committed_bytes};
    const struct alignatt_token *at = t->at + t->n_final;
    struct buffer b = {0};
    int rc = LINNET_OK;
    double sum = 0, end = n > 0 ? (double)at[n - 1].frame * ALIGNATT_FRAME_S + LAST_WORD_S : end_s;
    for (int i = 0; i < n; i++)
        sum += (double)at[i].logprob;
    e.start_s = n > 0 ? (double)at[0].frame * ALIGNATT_FRAME_S : end_s; /* none: the last partial is withdrawn */
    e.end_s = end < end_s ? end : end_s;
    e.end_s = e.end_s > e.start_s ? e.end_s : e.start_s;
    e.language = alignatt_text_language(t);
    e.tokens = t->ids + t->n_final;
    e.n_tokens = n;
    e.logprob = n > 0 ? sum / n : 0;
    e.confidence = (float)exp(e.logprob);
    if (t->word_times)
        rc = time_words(t, n, end_s, &b, &e.n_words);
    e.words = t->words;
    const char *text = b.data;
    for (int i = 0; i < e.n_words && rc >= 0; i++, text += strlen(text) + 1)
        t->words[i].text = text;
    if (rc >= 0)
        rc = events_push(t->host->events, &e, t->host->msg);
    buffer_free(&b);
    return rc;
}

int alignatt_text_push_partial(struct alignatt_text *t, double end_s)
{
    struct buffer now = {0};
    int rc = whisper_vocab_text(t->vocab, t->ids + t->n_final, t->n_committed - t->n_final, &now);
    size_t n_committed = now.n;
    if (rc >= 0)
        rc = whisper_vocab_text(t->vocab, t->ids + t->n_committed, t->n - t->n_committed, &now);
    if (rc < 0 || (now.n == t->partial.n && n_committed == t->n_partial_committed &&
                   (now.n == 0 || memcmp(now.data, t->partial.data, now.n) == 0))) {
        buffer_free(&now);
        return rc;
    }
    buffer_free(&t->partial);
    t->partial = now;
    t->n_partial_committed = n_committed;
    return push(t, LINNET_EVENT_PARTIAL, t->n - t->n_final, n_committed, end_s);
}

/* The context is the last n_context_max of its tokens and the first n of the text. */
static void add_context(struct alignatt_text *t, int n)
{
    int most = t->n_context_max, n_new = n < most ? n : most;
    int n_kept = t->n_context < most - n_new ? t->n_context : most - n_new;
    memmove(t->context, t->context + t->n_context - n_kept, (size_t)n_kept * sizeof *t->context);
    memcpy(t->context + n_kept, t->ids + n - n_new, (size_t)n_new * sizeof *t->context);
    t->n_context = n_kept + n_new;
}

int alignatt_text_push_final(struct alignatt_text *t, int n, double end_s)
{
    t->partial.n = t->n_partial_committed = 0;
    if (n <= t->n_final)
        return LINNET_OK;
    int rc = whisper_vocab_text(t->vocab, t->ids + t->n_final, n - t->n_final, &t->partial);
    if (rc >= 0)
        rc = push(t, LINNET_EVENT_FINAL, n - t->n_final, t->partial.n, end_s);
    t->partial.n = 0;
    t->n_final = n;
    t->n_committed = t->n_committed > n ? t->n_committed : n;
    t->ended = llrint(end_s / ALIGNATT_FRAME_S);
    return rc;
}

void alignatt_text_attach_punctuation(struct alignatt_text *t)
{
    while (t->n_final > 0 && t->n_final < t->n && is_mark(t, t->ids[t->n_final], MARKS))
        t->n_final++;
    t->n_committed = t->n_committed > t->n_final ? t->n_committed : t->n_final;
}

void alignatt_text_drop(struct alignatt_text *t, int n)
{
    if (t->condition_on_previous)
        add_context(t, n);
    t->n_final -= n;
    t->n_committed -= n;
    t->n -= n;
    memmove(t->ids, t->ids + n, (size_t)t->n * sizeof *t->ids);
    memmove(t->at, t->at + n, (size_t)t->n * sizeof *t->at);
}
