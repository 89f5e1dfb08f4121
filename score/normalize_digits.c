/* SPDX-License-Identifier: Apache-2.0
 * normalize_digits.c - what EnglishNumberNormalizer of OpenAI's Whisper does to text before and after number words are
 * replaced: halves, letters next to digits, currency.  The comment over a pass shows the expression it stands for. */
#include <string.h>

#include "base/status.h"
#include "score/normalize_rules.h"
#include "score/number_words.h"

static int is_lower(uint32_t code) { return code >= 'a' && code <= 'z'; }

/* True when text has the word at i; boundaries are the caller's. */
static int has(const struct codes *text, size_t i, const char *word)
{
    for (; *word != '\0'; word++, i++)
        if (i >= text->n || text->at[i] != (uint32_t)*word)
            return 0;
    return 1;
}

static size_t skip_blanks(const struct codes *text, size_t i)
{
    while (i < text->n && unicode_is_blank(text->at[i]))
        i++;
    return i;
}

/* Where \band\s+a\s+half\b that starts at i ends, or 0. */
static size_t and_a_half(const struct codes *text, size_t i)
{
    if (!has(text, i, "and") || !normalize_at_boundary(text, i))
        return 0;
    size_t a = skip_blanks(text, i + 3);
    if (a == i + 3 || !has(text, a, "a"))
        return 0;
    size_t half = skip_blanks(text, a + 1);
    return half > a + 1 && has(text, half, "half") && normalize_at_boundary(text, half + 4) ? half + 4 : 0;
}

/* True when the last word of codes [from, to) is a number word that "and a half" can follow. */
static int ends_in_number(const struct codes *text, size_t from, size_t to)
{
    char word[16];
    size_t n = 0;
    while (to > from && unicode_is_blank(text->at[to - 1]))
        to--;
    size_t at = to;
    while (at > from && !unicode_is_blank(text->at[at - 1]))
        at--;
    for (; at < to; at++) {
        if (n == sizeof word || text->at[at] > 'z')
            return 0;
        word[n++] = (char)text->at[at];
    }
    return number_words_is_number(word, n);
}

/* Adds a part of the text and, if it is not the last, what "and a half" after it becomes.  Blank parts are dropped. */
static void add_part(struct codes *out, const struct codes *text, size_t from, size_t to, int is_last)
{
    if (skip_blanks(text, from) >= to)
        return;
    if (out->n > 0)
        codes_add(out, ' ');
    codes_add_all(out, text->at + from, to - from);
    if (!is_last)
        codes_add_ascii(out, ends_in_number(text, from, to) ? " point five" : " and a half");
}

/* "<number> and a half" -> "<number> point five" */
static void replace_halves(struct codes *text)
{
    struct codes built = {0};
    size_t from = 0;
    for (size_t i = 0; i < text->n; i++) {
        size_t end = and_a_half(text, i);
        if (end == 0)
            continue;
        add_part(&built, text, from, i, 0);
        from = end;
        i = end - 1;
    }
    add_part(&built, text, from, text->n, 1);
    codes_replace(text, &built);
}

/* ([a-z])([0-9]) and ([0-9])([a-z]) -> a space between them */
static void part_letters_and_digits(struct codes *text)
{
    struct codes built = {0};
    for (size_t i = 0; i < text->n; i++) {
        uint32_t before = i > 0 ? text->at[i - 1] : 0, code = text->at[i];
        if ((is_lower(before) && normalize_is_ascii_digit(code)) ||
            (normalize_is_ascii_digit(before) && is_lower(code)))
            codes_add(&built, ' ');
        codes_add(&built, code);
    }
    codes_replace(text, &built);
}

/* ([0-9])\s+(st|nd|rd|th|s)\b -> without the space */
static void join_suffixes(struct codes *text)
{
    static const char *const suffixes[] = {"st", "nd", "rd", "th", "s"};
    size_t n = 0;
    for (size_t i = 0; i < text->n; i++) {
        text->at[n++] = text->at[i];
        size_t after = skip_blanks(text, i + 1);
        if (!normalize_is_ascii_digit(text->at[i]) || after == i + 1)
            continue;
        for (size_t k = 0; k < 5; k++)
            if (has(text, after, suffixes[k]) && normalize_at_boundary(text, after + strlen(suffixes[k]))) {
                i = after - 1;
                break;
            }
    }
    text->n = n;
}

static int is_currency(uint32_t code) { return code == 0x20AC || code == 0xA3 || code == '$'; }

/* How many digits from i on, at most most, end at a boundary; 0 when none do. */
static size_t digits_at(const struct codes *text, size_t i, size_t most)
{
    size_t n = 0;
    while (n < most && i + n < text->n && normalize_is_ascii_digit(text->at[i + n]))
        n++;
    while (n > 0 && !normalize_at_boundary(text, i + n))
        n--;
    return n;
}

/* ([euro pound $])([0-9]+) (?:and )?cent([0-9]{1,2})\b -> the amount with two decimals */
static void combine_cents(struct codes *text)
{
    struct codes built = {0};
    for (size_t i = 0; i < text->n; i++) {
        size_t end = i + 1, cents;
        while (is_currency(text->at[i]) && end < text->n && normalize_is_ascii_digit(text->at[end]))
            end++;
        cents = end + (has(text, end, " and ") ? 5 : 1);
        size_t n = end > i + 1 && has(text, end, " ") && cents < text->n && text->at[cents] == 0xA2
                       ? digits_at(text, cents + 1, 2)
                       : 0;
        if (n == 0) {
            codes_add(&built, text->at[i]);
            continue;
        }
        codes_add_all(&built, text->at + i, end - i);
        codes_add_ascii(&built, n == 1 ? ".0" : ".");
        codes_add_all(&built, text->at + cents + 1, n);
        i = cents + n;
    }
    codes_replace(text, &built);
}

/* [euro pound $]0.([0-9]{1,2})\b -> the cents; the point stands for any character */
static void extract_cents(struct codes *text)
{
    size_t n = 0;
    for (size_t i = 0; i < text->n; i++) {
        size_t n_digits =
            is_currency(text->at[i]) && i + 3 < text->n && text->at[i + 1] == '0' && text->at[i + 2] != '\n'
                ? digits_at(text, i + 3, 2)
                : 0;
        if (n_digits == 0) {
            text->at[n++] = text->at[i];
            continue;
        }
        text->at[n++] = 0xA2;
        if (n_digits == 1 || text->at[i + 3] != '0')
            text->at[n++] = text->at[i + 3];
        if (n_digits == 2)
            text->at[n++] = text->at[i + 4];
        i += 2 + n_digits;
    }
    text->n = n;
}

/* \b1(s?)\b -> "one" with what was after it */
static void spell_one(struct codes *text)
{
    struct codes built = {0};
    for (size_t i = 0; i < text->n; i++) {
        int alone =
            text->at[i] == '1' && normalize_at_boundary(text, i) &&
            (normalize_at_boundary(text, i + 1) || (has(text, i + 1, "s") && normalize_at_boundary(text, i + 2)));
        if (alone)
            codes_add_ascii(&built, "one");
        else
            codes_add(&built, text->at[i]);
    }
    codes_replace(text, &built);
}

static void replace_number_words(struct codes *text)
{
    struct buffer in = {0}, out = {0};
    int rc = codes_write(text, &in);
    if (rc == 0)
        rc = normalize_number_words(&in, &out);
    text->n = 0;
    codes_read(text, buffer_text(&out), out.n);
    if (rc < 0)
        text->rc = rc;
    buffer_free(&in);
    buffer_free(&out);
}

void normalize_numbers(struct codes *text)
{
    replace_halves(text);
    part_letters_and_digits(text);
    join_suffixes(text);
    replace_number_words(text);
    combine_cents(text);
    extract_cents(text);
    spell_one(text);
}
