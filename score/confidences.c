/* SPDX-License-Identifier: Apache-2.0
 * confidences.c - reading confidences of words, and handing them on to the words of the normalized text. */
#include "score/confidences.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "score/entries.h"
#include "score/normalize.h"

/* ---- reading ---- */

static int add_word(struct confidences *c, const json_t *word, const char *const *keys)
{
    const json_t *text = json_object_get(word, "word"), *value = json_object_get(word, keys[0]);
    if (!json_is_number(value))
        value = json_object_get(word, keys[1]);
    if (!json_is_string(text) || !json_is_number(value))
        return 0;
    const char *bytes = json_string_value(text);
    size_t n = json_string_length(text), size, at = c->bytes.n;
    int rc = MEM_GROW(c->words, c->room_words, c->n_words + 1);
    for (size_t i = 0; rc == 0 && i < n; i += size) {
        uint32_t code;
        size = utf8_next(bytes + i, n - i, &code);
        if (!unicode_is_blank(code))
            rc = buffer_append(&c->bytes, bytes + i, size);
    }
    if (rc == 0)
        c->words[c->n_words++] =
            (struct confidences_word){at, c->bytes.n - at, fmin(fmax(json_number_value(value), 0), 1)};
    return rc;
}

static int add_words(struct confidences *c, const json_t *words, const char *const *keys)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(words); i++)
        rc = add_word(c, json_array_get(words, i), keys);
    return rc;
}

static int add_utterance(struct confidences *c, const json_t *object, const struct entry *e, const char *const *keys)
{
    const char *id = e->at[ENTRY_ID];
    const json_t *segments = json_object_get(object, "segments");
    struct confidences_utterance u = {.id_at = c->bytes.n, .first = c->n_words, .line = e->line};
    int rc = MEM_GROW(c->at, c->room, c->n + 1);
    if (rc == 0)
        rc = buffer_append(&c->bytes, id, strlen(id) + 1);
    for (size_t i = 0; rc == 0 && i < json_array_size(segments); i++)
        rc = add_words(c, json_object_get(json_array_get(segments, i), "words"), keys);
    if (rc == 0 && segments == NULL)
        rc = add_words(c, json_object_get(object, "words"), keys);
    u.n = c->n_words - u.first;
    if (rc == 0)
        c->at[c->n++] = u;
    return rc;
}

static int read_entries(struct confidences *c, struct entries *entries, const char *const *keys)
{
    struct entry e;
    int rc;
    while ((rc = entries_next(entries, &e, NULL)) != 0) {
        if (rc > 0 && entries->object == NULL)
            return 0;
        if (rc > 0)
            rc = add_utterance(c, entries->object, &e, keys);
        if (rc < 0 && rc != LINNET_E_FORMAT)
            return rc;
    }
    return 0;
}

static int by_id(const void *a, const void *b)
{
    const struct confidences_utterance *x = a, *y = b;
    int order = strcmp(x->id, y->id);
    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

int confidences_read(struct confidences *c, const char *path, int is_raw, struct message *msg)
{
    static const char *const keys[] = {"confidence", "probability", "confidence"};
    struct confidences read = {.bytes.max = SIZE_MAX / 4};
    struct entries entries = {0};
    struct stat status;
    int is_file = stat(path, &status) == 0 && S_ISREG(status.st_mode);
    int rc = is_file ? entries_open(&entries, path, ENTRIES_TEXTS, msg) : 0;
    if (rc == 0 && is_file && read_entries(&read, &entries, keys + (is_raw != 0)) < 0)
        rc = fail_memory(msg);
    entries_close(&entries);
    if (rc < 0) {
        confidences_close(&read);
        return rc;
    }
    for (int i = 0; i < read.n; i++)
        read.at[i].id = read.bytes.data + read.at[i].id_at;
    if (read.n > 0)
        qsort(read.at, (size_t)read.n, sizeof *read.at, by_id);
    *c = read;
    return 0;
}

void confidences_close(struct confidences *c)
{
    mem_free(c->at);
    mem_free(c->words);
    buffer_free(&c->bytes);
    *c = (struct confidences){0};
}

/* The first with that id, as transcripts_read takes it. */
static const struct confidences_utterance *find(const struct confidences *c, const char *id)
{
    int low = 0, high = c->n;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (strcmp(c->at[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->n && strcmp(c->at[low].id, id) == 0 ? &c->at[low] : NULL;
}

/* ---- words of the text ---- */

static double mean(const double *values, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += log(values[i]);
    return exp(sum / n);
}

/* Gives the words [n] of the text their values: the bytes of the decoder's words, one after the other, must be those of
 * the text.  Returns 1, or 0 where they are not. */
static int take_values(const struct confidences *c, const struct confidences_utterance *u,
                       const struct edits_token *words, int n, double *values)
{
    const struct confidences_word *from = c->words + u->first, *end = from + u->n;
    size_t used = 0; /* bytes of *from */
    for (int i = 0; i < n; i++) {
        double sum = 0;
        int n_parts = 0;
        for (size_t at = 0, size; at < words[i].n; at += size, used += size) {
            while (from < end && used == from->n) {
                from++;
                used = 0;
            }
            if (from == end)
                return 0;
            size = from->n - used < words[i].n - at ? from->n - used : words[i].n - at;
            if (memcmp(c->bytes.data + from->at + used, words[i].text + at, size) != 0)
                return 0;
            sum += log(from->value);
            n_parts++;
        }
        values[i] = exp(sum / n_parts);
    }
    for (; from < end && used == from->n; from++)
        used = 0;
    return from == end;
}

/* ---- words of the normalized text ---- */

/* Words, normalized one by one, with the values of those they come from. */
struct spelled {
    struct buffer text;
    struct edits_token *words; /* [n] in text */
    double *values;            /* [n] */
    int n;
};

static int spell(struct spelled *s, const struct edits_token *words, const double *values, int n,
                 const char *normalizer, struct message *msg)
{
    size_t *ends = mem_array((size_t)n, sizeof *ends);
    int rc = ends == NULL ? fail_memory(msg) : 0;
    for (int i = 0; rc == 0 && i < n; i++) {
        if ((rc = normalize_text(normalizer, words[i].text, words[i].n, &s->text, msg)) == 0 &&
            buffer_puts(&s->text, " ") < 0)
            rc = fail_memory(msg);
        ends[i] = s->text.n;
    }
    if (rc == 0 && ((s->n = edits_split(buffer_text(&s->text), s->text.n, 0, &s->words)) < 0 ||
                    (s->values = mem_array((size_t)s->n, sizeof *s->values)) == NULL))
        rc = fail_memory(msg);
    for (int i = 0, k = 0; rc == 0 && i < s->n; i++) {
        while (s->words[i].text >= s->text.data + ends[k])
            k++;
        s->values[i] = values[k];
    }
    mem_free(ends);
    return rc;
}

static void spelled_free(struct spelled *s)
{
    buffer_free(&s->text);
    mem_free(s->words);
    mem_free(s->values);
}

/* Along an alignment of words that have values with the words that get them. */
static void hand_on(const unsigned char *steps, int n_steps, const double *from, int n_from, double *to)
{
    for (int i = 0, k = 0, n = 0; i < n_steps;) {
        int first = k, first_to = n;
        for (; i < n_steps && steps[i] != EDITS_MATCH; i++) {
            k += steps[i] != EDITS_INSERTION;
            n += steps[i] != EDITS_DELETION;
        }
        int low = k > first ? first : first > 0 ? first - 1 : 0, high = k > first || k == n_from ? k : k + 1;
        for (int j = first_to; j < n; j++)
            to[j] = mean(from + low, high - low);
        for (; i < n_steps && steps[i] == EDITS_MATCH; i++)
            to[n++] = from[k++];
    }
}

/* The values of the normalized words [n]: 1, or 0 where no word of the text has become one. */
static int carry_over(const struct spelled *s, const struct edits_token *words, int n, double *values,
                      struct message *msg)
{
    struct edits edits;
    int n_steps = 0;
    if (s->n == 0)
        return n == 0;
    unsigned char *steps = mem_array((size_t)s->n + (size_t)n, 1);
    int rc = steps == NULL ? LINNET_E_MEMORY : edits_count(s->words, s->n, words, n, &edits, steps, &n_steps);
    if (rc == 0)
        hand_on(steps, n_steps, s->values, s->n, values);
    mem_free(steps);
    return rc < 0 ? fail_memory(msg) : 1;
}

/* ---- judging ---- */

static int add_judged(struct confidences_judged *judged, const struct score_alignment *a, const double *values)
{
    struct score_walk walk = {0};
    struct score_pair pair;
    int n = judged->n + a->n_hypothesis;
    if (MEM_GROW(judged->values, judged->room, n) < 0 || MEM_GROW(judged->is_right, judged->room_right, n) < 0)
        return LINNET_E_MEMORY;
    while (score_next(&walk, a, &pair)) {
        if (pair.hypothesis == NULL)
            continue;
        judged->values[judged->n] = values[pair.hypothesis - a->hypothesis];
        judged->is_right[judged->n++] = pair.step == EDITS_MATCH;
    }
    return 0;
}

int confidences_judge(const struct confidences *c, const struct score_alignment *a, const char *normalizer,
                      struct confidences_judged *judged, struct message *msg)
{
    const struct confidences_utterance *u = find(c, a->utterance->id);
    struct spelled spelled = {0};
    struct edits_token *words = NULL;
    if (u == NULL || u->n == 0 || a->hypothesis_text == NULL)
        return 0;
    int n = edits_split(a->hypothesis_text, strlen(a->hypothesis_text), 0, &words);
    double *values = n < 0 ? NULL : mem_array((size_t)n, sizeof *values);
    double *normalized = mem_array((size_t)a->n_hypothesis, sizeof *normalized);
    int rc = values == NULL || normalized == NULL ? fail_memory(msg) : take_values(c, u, words, n, values);
    if (rc > 0 && (rc = spell(&spelled, words, values, n, normalizer, msg)) == 0)
        rc = carry_over(&spelled, a->hypothesis, a->n_hypothesis, normalized, msg);
    if (rc > 0 && add_judged(judged, a, normalized) < 0)
        rc = fail_memory(msg);
    spelled_free(&spelled);
    mem_free(words);
    mem_free(values);
    mem_free(normalized);
    return rc;
}

void confidences_judged_free(struct confidences_judged *judged)
{
    mem_free(judged->values);
    mem_free(judged->is_right);
    *judged = (struct confidences_judged){0};
}
