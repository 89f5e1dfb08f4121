/* SPDX-License-Identifier: Apache-2.0
 * units_spell.c - from text to units, as the tokenizer that the model was trained with.
 *
 * The text is cut into runs.  With sentencepiece each Han character is a run, as WeNet's tokenizer has it
 * (wenet/text/tokenize_utils.py), and the text between two of them is another one.  A run is then covered with units:
 * those with the largest sum of scores for a unigram model (Kudo 2018; without scores every unit counts -1, so: as few
 * as can be, and the longer first), or by merging neighbours in the order of scores for a byte pair model (Sennrich et
 * al. 2016).  Of sentencepiece's Unicode normalization NFC is done here, and what the vocabulary lacks is an error, not
 * <unk>: a phrase with an unknown unit cannot be boosted. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "vocab/units_table.h"

static int is_space(char c) { return c == ' ' || c == '\t'; }

static int is_han(uint32_t code) { return code >= 0x4E00 && code <= 0x9FFF; }

/* Bytes of the next run at text; *begins_word: a "▁" belongs in front. */
static size_t next_run(const struct units *u, const char *text, size_t n, int *begins_word)
{
    size_t at = 0;
    while (at < n && !is_space(text[at])) {
        uint32_t code;
        size_t size = utf8_next(text + at, n - at, &code);
        int alone = u->has_pieces ? is_han(code) : units_is_unspaced(code) && u->style == UNITS_SPACE_IN_FRONT;
        if (at == 0)
            *begins_word = !units_is_unspaced(code);
        if (alone)
            return at > 0 ? at : size;
        at += size;
    }
    return at;
}

/* Units for run [n] by the largest sum of scores, found from the end to the start; -1 when there is no way. */
static int cover(const struct units *u, const char *run, size_t n, int *ids, double *best, int *step)
{
    best[n] = 0.0;
    for (size_t from = n; from-- > 0;) {
        best[from] = -INFINITY;
        step[from] = -1;
        for (size_t size = 1; size <= u->max_size && size <= n - from; size++) {
            if (best[from + size] == -INFINITY)
                continue;
            int id = units_find_n(u, run + from, size);
            if (id >= 0 && (double)u->all[id].score + best[from + size] >= best[from] && u->all[id].score > -INFINITY) {
                best[from] = (double)u->all[id].score + best[from + size];
                step[from] = id;
            }
        }
    }
    int n_ids = 0;
    for (size_t at = 0; at < n; at += u->all[step[at]].size) {
        if (step[at] < 0)
            return -1;
        ids[n_ids++] = step[at];
    }
    return n_ids;
}

/* Units for run [n] by merging: ends [n] are where the parts end. */
static int merge(const struct units *u, const char *run, size_t n, int *ids, int *ends)
{
    int n_parts = 0;
    for (size_t at = 0; at < n;) {
        uint32_t code;
        at += utf8_next(run + at, n - at, &code);
        ends[n_parts++] = (int)at;
    }
    for (;;) {
        int best = -1;
        for (int i = 0; i + 1 < n_parts; i++) {
            int from = i > 0 ? ends[i - 1] : 0;
            int id = units_find_n(u, run + from, (size_t)(ends[i + 1] - from));
            if (id >= 0 && u->all[id].score > -INFINITY && (best < 0 || u->all[id].score > u->all[ids[best]].score)) {
                best = i;
                ids[i] = id;
            }
        }
        if (best < 0)
            break;
        memmove(ends + best, ends + best + 1, (size_t)(n_parts - best - 1) * sizeof *ends);
        n_parts--;
    }
    for (int i = 0; i < n_parts; i++) {
        int from = i > 0 ? ends[i - 1] : 0;
        ids[i] = units_find_n(u, run + from, (size_t)(ends[i] - from));
        if (ids[i] < 0 || u->all[ids[i]].score == -INFINITY)
            return -1;
    }
    return n_parts;
}

/* Fails with the first character of run that is no unit. */
static int fail_to_spell(const struct units *u, const char *run, size_t n, struct message *msg)
{
    for (size_t at = 0; at < n;) {
        uint32_t code;
        size_t size = utf8_next(run + at, n - at, &code);
        int id = units_find_n(u, run + at, size);
        if (id < 0 || u->all[id].score == -INFINITY)
            return fail(msg, LINNET_E_ARGUMENT, "the vocabulary has no '%.*s'", (int)size, run + at);
        at += size;
    }
    return fail(msg, LINNET_E_ARGUMENT, "the vocabulary cannot spell '%.*s'", n < 200 ? (int)n : 200, run);
}

/* A copy of text for spelling: its runs, a "▁" in front where one belongs, each run ended by a newline. */
static int cut_into_runs(const struct units *u, const char *text, struct buffer *runs)
{
    size_t n = strlen(text), at = 0;
    int rc = 0, after_space = 0;
    while (rc == 0 && at < n) {
        if (is_space(text[at])) {
            after_space = runs->n > 0;
            at++;
            continue;
        }
        int begins_word = 0;
        size_t size = next_run(u, text + at, n - at, &begins_word);
        if (u->style == UNITS_SPACE_IN_FRONT ? begins_word : u->style == UNITS_SPACE_APART && after_space)
            rc = buffer_puts(runs, UNITS_SPACE);
        if (rc == 0)
            rc = buffer_append(runs, text + at, size);
        if (rc == 0)
            rc = buffer_append(runs, "\n", 1);
        at += size;
        after_space = 0;
    }
    return rc;
}

static int spell_runs(const struct units *u, const struct buffer *runs, int *ids, struct message *msg)
{
    double *best = mem_array(runs->n + 1, sizeof *best);
    int *step = mem_array(runs->n + 1, sizeof *step);
    int n_ids = 0, rc = best != NULL && step != NULL ? LINNET_OK : fail_memory(msg);
    for (size_t at = 0; rc == 0 && at < runs->n;) {
        const char *run = runs->data + at;
        size_t size = (size_t)(strchr(run, '\n') - run);
        int n = u->is_bpe ? merge(u, run, size, ids + n_ids, step) : cover(u, run, size, ids + n_ids, best, step);
        if (n < 0)
            rc = fail_to_spell(u, run, size, msg);
        n_ids += n;
        at += size + 1;
    }
    mem_free(best);
    mem_free(step);
    return rc < 0 ? rc : n_ids;
}

static int spell(const struct units *u, const char *text, int **ids, struct message *msg)
{
    struct buffer runs = {0};
    if (strchr(text, '\n') != NULL)
        return fail(msg, LINNET_E_ARGUMENT, "a line break cannot be spelled");
    int *fresh = mem_array(strlen(text) * 2 + 2, sizeof *fresh); /* a "▁" for each character is the worst */
    int n = fresh != NULL ? cut_into_runs(u, text, &runs) : LINNET_E_MEMORY;
    if (n < 0)
        n = fail_memory(msg);
    else if (runs.n == 0)
        n = fail(msg, LINNET_E_ARGUMENT, "there is nothing to spell");
    else
        n = spell_runs(u, &runs, fresh, msg);
    buffer_free(&runs);
    if (n < 0)
        mem_free(fresh);
    else
        *ids = fresh;
    return n;
}

int units_spell(const struct vocab *v, const char *text, int **ids, struct message *msg)
{
    static void (*const changes[])(struct codes *) = {codes_normalize, codes_upper, codes_lower};
    struct codes codes = {0};
    int n = LINNET_E_ARGUMENT;
    codes_read(&codes, text, strlen(text));
    for (int i = 0; n == LINNET_E_ARGUMENT && i < 3; i++) {
        struct buffer changed = {0};
        changes[i](&codes);
        n = codes_write(&codes, &changed) < 0 ? fail_memory(msg)
                                              : spell(units_of(v), buffer_text(&changed), ids, i == 0 ? msg : NULL);
        buffer_free(&changed);
    }
    codes_free(&codes);
    return n;
}
