/* SPDX-License-Identifier: Apache-2.0
 * unicode.c - properties by binary search in tables of runs; normal forms as in Unicode Standard Annex 15.
 *
 * Decomposing replaces each code by its full decomposition (Hangul syllables are computed) and puts runs of marks into
 * the order of their combining classes; composing then joins a starter with each following mark that is not blocked. */
#include "base/unicode.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/utf8.h"

struct case_run {
    uint32_t first, last;
    uint8_t step;
    int32_t difference;
};

struct mapping {
    uint32_t code;
    uint16_t offset, n; /* in mapped */
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

int unicode_columns(uint32_t code)
{
    enum unicode_class k = unicode_class_of(code);
    int is_wide = (int)(run_of(wide_runs, COUNT(wide_runs), 1, code) & 1);
    return k == UNICODE_NONSPACING_MARK || k == UNICODE_OTHER ? 0 : 1 + is_wide;
}

static int by_run(const void *key, const void *item)
{
    const uint32_t code = *(const uint32_t *)key;
    const struct case_run *r = item;
    return code > r->last ? 1 : code < r->first ? -1 : 0;
}

static uint32_t other_case(const struct case_run *runs, size_t n, uint32_t code)
{
    const struct case_run *r = bsearch(&code, runs, n, sizeof *runs, by_run);
    return r != NULL && (code - r->first) % r->step == 0 ? (uint32_t)((int32_t)code + r->difference) : code;
}

uint32_t unicode_lower(uint32_t code) { return other_case(lower_runs, COUNT(lower_runs), code); }

static int by_code(const void *key, const void *item)
{
    uint32_t code = *(const uint32_t *)key, other = ((const struct mapping *)item)->code;
    return (code > other) - (code < other);
}

static const struct mapping *find(const struct mapping *mappings, size_t n, uint32_t code)
{
    return code < 0xA0 ? NULL : bsearch(&code, mappings, n, sizeof *mappings, by_code);
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
        const struct case_run *r = &lower_runs[i];
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

void codes_upper(struct codes *c)
{
    struct codes built = {0};
    for (size_t i = 0; i < c->n; i++) {
        const struct mapping *m = find(long_upper, COUNT(long_upper), c->at[i]);
        if (m != NULL)
            codes_add_all(&built, mapped + m->offset, m->n);
        else
            codes_add(&built, other_case(upper_runs, COUNT(upper_runs), c->at[i]));
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

static void add_decomposed(struct codes *out, uint32_t code, int is_compatible)
{
    const struct mapping *d = is_compatible ? find(compatible, COUNT(compatible), code) : NULL;
    if (d == NULL)
        d = find(canonical, COUNT(canonical), code);
    if (code >= HANGUL && code < HANGUL + N_HANGUL)
        add_hangul(out, code - HANGUL);
    else if (d != NULL)
        codes_add_all(out, mapped + d->offset, d->n);
    else
        codes_add(out, code);
}

/* Sorts marks [n] by combining class, equal ones staying in their order; by counting, since a line may be nothing else.
 * spare [n] */
static void order_run(uint32_t *marks, size_t n, uint32_t *spare)
{
    size_t places[257] = {0};
    for (size_t i = 0; i < n; i++)
        places[combining_class(marks[i]) + 1]++;
    for (size_t k = 1; k < 257; k++)
        places[k] += places[k - 1];
    for (size_t i = 0; i < n; i++)
        spare[places[combining_class(marks[i])]++] = marks[i];
    memcpy(marks, spare, n * sizeof *marks);
}

static int is_starter(uint32_t code) { return code < 0x300 || combining_class(code) == 0; }

/* Sorts each run of marks. */
static void order_marks(struct codes *c)
{
    uint32_t *spare = NULL;
    for (size_t i = 0, n; c->rc == 0 && i < c->n; i += n + 1) {
        for (n = 0; i + n < c->n && !is_starter(c->at[i + n]); n++)
            ;
        if (n > 1 && spare == NULL && (spare = mem_array(c->n, sizeof *spare)) == NULL)
            c->rc = LINNET_E_MEMORY;
        else if (n > 1)
            order_run(c->at + i, n, spare);
    }
    mem_free(spare);
}

static void decompose(struct codes *c, int is_compatible)
{
    struct codes built = {0};
    for (size_t i = 0; i < c->n; i++)
        add_decomposed(&built, c->at[i], is_compatible);
    order_marks(&built);
    codes_replace(c, &built);
}

void codes_decompose(struct codes *c) { decompose(c, 1); }

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

/* Joins what composes of decomposed codes. */
static void compose(struct codes *c)
{
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

void codes_compose(struct codes *c)
{
    decompose(c, 1);
    compose(c);
}

void codes_normalize(struct codes *c)
{
    size_t i = 0;
    while (i < c->n && c->at[i] < 0x300) /* nothing below composes with what comes before it */
        i++;
    if (i < c->n) {
        decompose(c, 0);
        compose(c);
    }
}

int unicode_normalize(const char *utf8, size_t n, struct buffer *out)
{
    struct codes c = {0};
    codes_read(&c, utf8, n);
    codes_normalize(&c);
    int rc = codes_write(&c, out);
    codes_free(&c);
    return rc;
}
