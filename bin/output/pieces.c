/* SPDX-License-Identifier: Apache-2.0
 * pieces.c - where text may be broken, a small part of Unicode Standard Annex 14: at spaces, and in scripts that are
 * written without them between characters, but for marks and what is written with the character before or after it.
 *
 * Thai, Lao, Khmer and Burmese are broken between syllable signs, since words could only be told by a dictionary. */
#include "bin/output/pieces.h"

#include <string.h>

#include "base/mem.h"
#include "base/unicode.h"
#include "base/utf8.h"

#define BREATH_S 0.3 /* a pause this long parts clauses */
enum { SHORT = 3 };  /* columns of an article or a preposition */

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static int is_one_of(const uint16_t *codes, size_t n, uint32_t code)
{
    for (size_t i = 0; i < n; i++)
        if (codes[i] == code)
            return 1;
    return 0;
}

/* ---- characters ---- */

static int is_unspaced(uint32_t code)
{
    static const uint32_t ranges[][2] = {
        {0x0E00, 0x0EFF},   {0x1000, 0x109F}, {0x1780, 0x17FF}, {0x2E80, 0x312F},
        {0x3190, 0xA4CF},   {0xF900, 0xFAFF}, {0xFE30, 0xFE4F}, {0xFF00, 0xFF9F}, /* Hangul has spaces */
        {0x20000, 0x3FFFF},
    };
    for (size_t i = 0; i < COUNT(ranges); i++)
        if (code >= ranges[i][0] && code <= ranges[i][1])
            return 1;
    return 0;
}

/* Brackets and quotes that open; " and ' may, and count where a space tells. */
static int opens(uint32_t code)
{
    static const uint16_t all[] = {'(',    '[',    '{',    0xA1,   0xAB,   0xBF,   0x2018, 0x201A, 0x201C,
                                   0x201E, 0x2039, 0x3008, 0x300A, 0x300C, 0x300E, 0x3010, 0x3014, 0x3016,
                                   0x3018, 0x301A, 0x301D, 0xFF08, 0xFF3B, 0xFF5B, 0xFF5F, 0xFF62};
    return is_one_of(all, COUNT(all), code);
}

static int closes(uint32_t code)
{
    static const uint16_t all[] = {'"',    '\'',   ')',    ']',    '}',    0xBB,   0x2019, 0x201D, 0x203A,
                                   0x3009, 0x300B, 0x300D, 0x300F, 0x3011, 0x3015, 0x3017, 0x3019, 0x301B,
                                   0x301E, 0x301F, 0xFF09, 0xFF3D, 0xFF5D, 0xFF60, 0xFF63};
    return is_one_of(all, COUNT(all), code);
}

static int is_mark(uint32_t code)
{
    enum unicode_class c = unicode_class_of(code);
    return c == UNICODE_NONSPACING_MARK || c == UNICODE_MARK || c == UNICODE_OTHER;
}

/* Belongs to the character before it: marks, punctuation, small kana, signs of repetition and length. */
static int goes_on(uint32_t code)
{
    static const uint16_t small[] = {0x0E2F, 0x0E30, 0x0E32, 0x0E33, 0x0E45, 0x0E46, 0x0EB0, 0x0EB2, 0x0EB3, 0x0EC6,
                                     0x3005, 0x3041, 0x3043, 0x3045, 0x3047, 0x3049, 0x3063, 0x3083, 0x3085, 0x3087,
                                     0x308E, 0x3095, 0x3096, 0x309D, 0x309E, 0x30A1, 0x30A3, 0x30A5, 0x30A7, 0x30A9,
                                     0x30C3, 0x30E3, 0x30E5, 0x30E7, 0x30EE, 0x30F5, 0x30F6, 0x30FC, 0x30FD, 0x30FE};
    return is_mark(code) || is_one_of(small, COUNT(small), code) ||
           (unicode_class_of(code) == UNICODE_PUNCTUATION && !opens(code));
}

/* Belongs to the character after it: what opens, vowels that are written before their consonant, signs that join. */
static int goes_before(uint32_t code)
{
    return opens(code) || (code >= 0x0E40 && code <= 0x0E44) || (code >= 0x0EC0 && code <= 0x0EC4) || code == 0x1039 ||
           code == 0x17D2 || code == 0x200D;
}

/* Whether a break is allowed between the text so far and the code. */
static int may_break(const struct pieces *p, uint32_t code)
{
    if (p->is_spaced) /* French has spaces before marks */
        return !(code == '!' || code == '?' || code == ':' || code == ';' || code == '%' || code == 0xBB);
    return (is_unspaced(p->last) || is_unspaced(code)) && !goes_on(code) && !goes_before(p->last);
}

/* ---- the text ---- */

static int columns_but_spaces(uint32_t code) { return unicode_is_space(code) ? 0 : unicode_columns(code); }

static int columns_of(const char *text, size_t n)
{
    int columns = 0;
    uint32_t code;
    for (size_t at = 0; at < n; columns += columns_but_spaces(code))
        at += utf8_next(text + at, n - at, &code);
    return columns;
}

static int begin_piece(struct pieces *p, double start_s)
{
    int rc = MEM_GROW(p->at, p->room, p->n + 1);
    if (rc < 0)
        return rc;
    if (p->n > 0 && start_s < p->at[p->n - 1].start_s)
        start_s = p->at[p->n - 1].start_s;
    p->at[p->n++] = (struct piece){.at = p->text.n, .start_s = start_s, .end_s = start_s, .is_spaced = p->is_spaced};
    return 0;
}

static int add_code(struct pieces *p, uint32_t code, double start_s, double end_s, int widest)
{
    const struct piece *before = p->n > 0 ? &p->at[p->n - 1] : NULL;
    int columns = unicode_columns(code), rc = buffer_reserve(&p->text, 5), is_joined = 0;
    char bytes[4];
    if (rc < 0) /* no piece may stay without text */
        return rc;
    if (before == NULL || may_break(p, code) || (columns > 0 && before->columns + columns + p->is_spaced > widest))
        rc = begin_piece(p, start_s);
    else if ((is_joined = p->is_spaced))
        rc = buffer_puts(&p->text, " ");
    if (rc == 0)
        rc = buffer_append(&p->text, bytes, utf8_encode(code, bytes));
    if (rc < 0)
        return rc;
    struct piece *piece = &p->at[p->n - 1];
    piece->n = p->text.n - piece->at;
    piece->columns += columns + is_joined;
    piece->end_s = end_s > piece->end_s ? end_s : piece->end_s;
    p->last = code;
    p->is_spaced = 0;
    return 0;
}

int pieces_add(struct pieces *p, const char *text, double start_s, double end_s, int widest)
{
    size_t n = strlen(text);
    int columns = columns_of(text, n), done = 0, rc = 0;
    double column_s = columns > 0 && end_s > start_s ? (end_s - start_s) / columns : 0;
    uint32_t code;
    for (size_t at = 0; rc == 0 && at < n;) {
        at += utf8_next(text + at, n - at, &code);
        int before = done;
        done += columns_but_spaces(code);
        if (unicode_is_space(code))
            p->is_spaced = 1;
        else
            rc = add_code(p, code, start_s + before * column_s, start_s + done * column_s, widest);
    }
    return rc;
}

void pieces_end_segment(struct pieces *p)
{
    if (p->n > 0)
        p->at[p->n - 1].ends_segment = 1;
}

void pieces_drop(struct pieces *p, int n)
{
    size_t from = n < p->n ? p->at[n].at : p->text.n;
    p->n -= n;
    memmove(p->at, p->at + n, (size_t)p->n * sizeof *p->at);
    for (int i = 0; i < p->n; i++)
        p->at[i].at -= from;
    if (p->text.n > from)
        memmove(p->text.data, p->text.data + from, p->text.n - from);
    buffer_cut(&p->text, p->text.n - from);
}

void pieces_free(struct pieces *p)
{
    buffer_free(&p->text);
    mem_free(p->at);
    *p = (struct pieces){0};
}

int pieces_columns(const struct pieces *p, int first, int last)
{
    int columns = 0;
    for (int i = first; i < last; i++)
        columns += p->at[i].columns + (i > first && p->at[i].is_spaced);
    return columns;
}

int pieces_write(const struct pieces *p, int first, int last, struct buffer *out)
{
    int rc = 0;
    for (int i = first; rc == 0 && i < last; i++) {
        rc = i > first && p->at[i].is_spaced ? buffer_puts(out, " ") : 0;
        if (rc == 0)
            rc = buffer_append(out, p->text.data + p->at[i].at, p->at[i].n);
    }
    return rc;
}

/* ---- breaks ---- */

static uint32_t first_code(const struct pieces *p, int i)
{
    uint32_t code;
    utf8_next(p->text.data + p->at[i].at, p->at[i].n, &code);
    return code;
}

/* The last code but for brackets and quotes that close; *before gets how many letters and figures the piece has before
 * it, *is_number whether these are all figures. */
static uint32_t last_code(const struct pieces *p, int i, int *before, int *is_number)
{
    const char *text = p->text.data + p->at[i].at;
    uint32_t code, last = 0;
    *before = 0;
    *is_number = 1;
    for (size_t at = 0; at < p->at[i].n;) {
        at += utf8_next(text + at, p->at[i].n - at, &code);
        if (closes(code))
            continue;
        if (unicode_is_word(code)) {
            *is_number &= unicode_digit(code) >= 0;
            ++*before;
        }
        last = code;
    }
    return last;
}

/* "J.", "Dr.", "3.": a point that ends no sentence. */
static int is_abbreviation(const struct pieces *p, int i, int n_letters, int is_number)
{
    static const char *const all[] = {"Mr.", "Mrs.", "Ms.", "Dr.", "Prof.", "St.", "Sr.", "Jr.", "vs.", "Hr.", "Fr."};
    if ((n_letters == 1 && p->at[i].n <= 3) || (n_letters == 2 && is_number))
        return 1;
    for (size_t k = 0; k < COUNT(all); k++)
        if (strlen(all[k]) == p->at[i].n && memcmp(all[k], p->text.data + p->at[i].at, p->at[i].n) == 0)
            return 1;
    return 0;
}

/* In the alphabets that have lower case and that are met most. */
static int is_lower(uint32_t code)
{
    return (code >= 'a' && code <= 'z') || (code >= 0xDF && code <= 0xFF) || (code >= 0x3B1 && code <= 0x3C9) ||
           (code >= 0x430 && code <= 0x45F);
}

enum piece_break pieces_break(const struct pieces *p, int i)
{
    static const uint16_t sentence[] = {'.',    '!',    '?',    0x589,  0x61F,  0x6D4,  0x964,
                                        0x965,  0x104B, 0x1362, 0x17D4, 0x2026, 0x203C, 0x2047,
                                        0x2048, 0x2049, 0x3002, 0xFF01, 0xFF0E, 0xFF1F, 0xFF61};
    static const uint16_t clause[] = {',',    ';',    ':',    0x60C,  0x61B,  0x104A, 0x1363,
                                      0x2013, 0x2014, 0x3001, 0xFF0C, 0xFF1A, 0xFF1B, 0xFF64};
    if (i + 1 >= p->n)
        return PIECE_SENTENCE;
    const struct piece *next = &p->at[i + 1];
    int n_letters, is_number;
    uint32_t last = last_code(p, i, &n_letters, &is_number), first = first_code(p, i + 1);
    if (is_one_of(sentence, COUNT(sentence), last) && !is_lower(first) &&
        !(last == '.' && is_abbreviation(p, i, n_letters, is_number)))
        return PIECE_SENTENCE;
    if (is_one_of(clause, COUNT(clause), last) || p->at[i].ends_segment || next->start_s - p->at[i].end_s >= BREATH_S)
        return PIECE_CLAUSE;
    if (is_unspaced(last) || is_unspaced(first))
        return next->is_spaced ? PIECE_CLAUSE : PIECE_WORD;
    return p->at[i].columns <= SHORT ? PIECE_SHORT : PIECE_WORD;
}
