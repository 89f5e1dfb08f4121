/* SPDX-License-Identifier: Apache-2.0
 * unicode.c - properties by binary search in tables of runs; normal forms as in Unicode Standard Annex 15.
 *
 * Decomposing replaces each code by its full decomposition (Hangul syllables are computed) and puts runs of marks into
 * the order of their combining classes; composing then joins a starter with each following mark that is not blocked. */
#include "base/unicode.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/utf8.h"

struct lower_run {
    uint32_t first, last;
    uint8_t step;
    int32_t difference;
};

struct decomposition {
    uint32_t code;
    uint16_t offset, n; /* in decomposed */
};

struct composition {
    uint32_t first, second, composed;
};

#include "base/unicode_data.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { HANGUL = 0xAC00, HANGUL_L = 0x1100, HANGUL_V = 0x1161, HANGUL_T = 0x11A7, N_HANGUL = 11172, N_V = 21, N_T = 28 };

/* The last run whose first code (in the bits from shift on) is <= code. */
static uint32_t run_of(const uint32_t *runs, size_t n, int shift, uint32_t code)
{
    size_t low = 0, high = n;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (runs[middle] >> shift <= code)
            low = middle;
        else
            high = middle;
    }
    return runs[low];
}

enum unicode_class unicode_class_of(uint32_t code)
{
    return code > 0x10FFFF ? UNICODE_OTHER : (enum unicode_class)(run_of(class_runs, COUNT(class_runs), 4, code) & 15);
}

int unicode_is_space(uint32_t code)
{
    return (code >= 9 && code <= 13) || code == 0x85 || unicode_class_of(code) == UNICODE_SPACE;
}

int unicode_is_blank(uint32_t code) { return (code >= 0x1C && code <= 0x1F) || unicode_is_space(code); }

int unicode_is_word(uint32_t code)
{
    enum unicode_class k = unicode_class_of(code);
    return k == UNICODE_LETTER || k == UNICODE_DIGIT || k == UNICODE_NUMBER || code == '_';
}

int unicode_digit(uint32_t code)
{
    uint32_t run = run_of(class_runs, COUNT(class_runs), 4, code > 0x10FFFF ? 0 : code);
    return (run & 15) == UNICODE_DIGIT ? (int)((code - (run >> 4)) % 10) : -1; /* digits come in tens from 0 */
}

static int by_run(const void *key, const void *item)
{
    const uint32_t code = *(const uint32_t *)key;
    const struct lower_run *r = item;
    return code > r->last ? 1 : code < r->first ? -1 : 0;
}

uint32_t unicode_lower(uint32_t code)
{
    const struct lower_run *r = bsearch(&code, lower_runs, COUNT(lower_runs), sizeof lower_runs[0], by_run);
    return r != NULL && (code - r->first) % r->step == 0 ? (uint32_t)((int32_t)code + r->difference) : code;
}

static uint8_t combining_class(uint32_t code)
{
    return (uint8_t)(run_of(combining_runs, COUNT(combining_runs), 8, code) & 0xFF);
}

void codes_add(struct codes *c, uint32_t code)
{
    if (c->rc == 0)
        c->rc = MEM_GROW(c->at, c->room, (int)c->n + 1);
    if (c->rc == 0)
        c->at[c->n++] = code;
}

void codes_add_all(struct codes *c, const uint32_t *codes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        codes_add(c, codes[i]);
}

void codes_add_ascii(struct codes *c, const char *text)
{
    for (; *text != '\0'; text++)
        codes_add(c, (uint32_t)*text);
}

void codes_read(struct codes *c, const char *utf8, size_t n)
{
    uint32_t code;
    for (size_t at = 0; at < n; codes_add(c, code))
        at += utf8_next(utf8 + at, n - at, &code);
}

int codes_write(const struct codes *c, struct buffer *out)
{
    int rc = c->rc;
    for (size_t i = 0; rc == 0 && i < c->n; i++) {
        char bytes[4];
        rc = buffer_append(out, bytes, utf8_encode(c->at[i], bytes));
    }
    return rc;
}

void codes_free(struct codes *c)
{
    mem_free(c->at);
    *c = (struct codes){0};
}

void codes_replace(struct codes *c, struct codes *by)
{
    if (by->rc == 0)
        by->rc = c->rc;
    mem_free(c->at);
    *c = *by;
    *by = (struct codes){0};
}

/* A letter with a partner of the other case; asked for neighbours of a sigma only, so looking through the table will
 * do. */
static int has_case(uint32_t code)
{
    for (size_t i = 0; i < COUNT(lower_runs); i++) {
        const struct lower_run *r = &lower_runs[i];
        uint32_t from_low = (uint32_t)((int32_t)code - r->difference);
        if ((code >= r->first && code <= r->last && (code - r->first) % r->step == 0) ||
            (from_low >= r->first && from_low <= r->last && (from_low - r->first) % r->step == 0))
            return 1;
    }
    return 0;
}

/* What does not part letters of a word: marks, apostrophes and points (the property Case_Ignorable, nearly). */
static int is_ignored(uint32_t code)
{
    static const uint16_t others[] = {'\'', '.',  ':',  '^',  '`',    0xA8,   0xAD,
                                      0xAF, 0xB4, 0xB7, 0xB8, 0x2018, 0x2019, 0x2024};
    for (size_t i = 0; i < COUNT(others); i++)
        if (others[i] == code)
            return 1;
    return unicode_class_of(code) == UNICODE_NONSPACING_MARK;
}

/* A capital sigma ends a word when a letter comes before it and none after. */
static int sigma_is_final(const struct codes *c, size_t i)
{
    size_t before = i, after = i + 1;
    while (before > 0 && is_ignored(c->at[before - 1]))
        before--;
    while (after < c->n && is_ignored(c->at[after]))
        after++;
    return before > 0 && has_case(c->at[before - 1]) && (after >= c->n || !has_case(c->at[after]));
}

void codes_lower(struct codes *c)
{
    struct codes built = {0};
    for (size_t i = 0; i < c->n; i++) {
        uint32_t code = c->at[i];
        if (code == 0x130) { /* I with a dot: the one that becomes two */
            codes_add(&built, 'i');
            code = 0x307;
        } else {
            code = code == 0x3A3 && sigma_is_final(c, i) ? 0x3C2 : unicode_lower(code);
        }
        codes_add(&built, code);
    }
    codes_replace(c, &built);
}

static void add_hangul(struct codes *out, uint32_t index)
{
    codes_add(out, HANGUL_L + index / (N_V * N_T));
    codes_add(out, HANGUL_V + index % (N_V * N_T) / N_T);
    if (index % N_T > 0)
        codes_add(out, HANGUL_T + index % N_T);
}

static int by_code(const void *key, const void *item)
{
    uint32_t code = *(const uint32_t *)key, other = ((const struct decomposition *)item)->code;
    return (code > other) - (code < other);
}

static void add_decomposed(struct codes *out, uint32_t code)
{
    const struct decomposition *d =
        code < 0xA0 ? NULL : bsearch(&code, decompositions, COUNT(decompositions), sizeof *d, by_code);
    if (code >= HANGUL && code < HANGUL + N_HANGUL)
        add_hangul(out, code - HANGUL);
    else if (d != NULL)
        codes_add_all(out, decomposed + d->offset, d->n);
    else
        codes_add(out, code);
}

/* Sorts each run of marks by combining class, equal ones staying in their order. */
static void order_marks(struct codes *c)
{
    for (size_t i = 1; i < c->n; i++) {
        uint32_t code = c->at[i];
        uint8_t k = code < 0x300 ? 0 : combining_class(code);
        size_t j = i;
        for (; k > 0 && j > 0 && combining_class(c->at[j - 1]) > k; j--)
            c->at[j] = c->at[j - 1];
        c->at[j] = code;
    }
}

void codes_decompose(struct codes *c)
{
    struct codes built = {0};
    for (size_t i = 0; i < c->n; i++)
        add_decomposed(&built, c->at[i]);
    order_marks(&built);
    codes_replace(c, &built);
}

static int by_pair(const void *key, const void *item)
{
    const struct composition *a = key, *b = item;
    return a->first != b->first ? (a->first > b->first ? 1 : -1) : (a->second > b->second) - (a->second < b->second);
}

/* What the two codes compose to, or 0. */
static uint32_t composed_of(uint32_t first, uint32_t second)
{
    if (first >= HANGUL_L && first < HANGUL_L + 19 && second >= HANGUL_V && second < HANGUL_V + N_V)
        return HANGUL + ((first - HANGUL_L) * N_V + (second - HANGUL_V)) * N_T;
    if (first >= HANGUL && first < HANGUL + N_HANGUL && (first - HANGUL) % N_T == 0 && second > HANGUL_T &&
        second < HANGUL_T + N_T)
        return first + (second - HANGUL_T);
    const struct composition key = {first, second, 0};
    const struct composition *p = bsearch(&key, compositions, COUNT(compositions), sizeof *p, by_pair);
    return p != NULL ? p->composed : 0;
}

void codes_compose(struct codes *c)
{
    codes_decompose(c);
    size_t n = 0, starter = 0;
    int has_starter = 0, last_class = 0; /* class of the code before, 0 right after the starter */
    for (size_t i = 0; i < c->n; i++) {
        uint32_t code = c->at[i], joined = 0;
        int k = combining_class(code);
        if (has_starter && (n == starter + 1 || (last_class != 0 && last_class < k)))
            joined = composed_of(c->at[starter], code);
        if (joined != 0) {
            c->at[starter] = joined;
            continue;
        }
        if (k == 0) {
            starter = n;
            has_starter = 1;
        }
        last_class = k;
        c->at[n++] = code;
    }
    c->n = n;
}
