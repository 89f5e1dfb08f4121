/* SPDX-License-Identifier: Apache-2.0
 * normalize_numbers.c - spelled-out numbers to digits, as EnglishNumberNormalizer of OpenAI's Whisper does.
 *
 * Words are taken from left to right.  `value` is the number so far: a whole number, to which tens, ones and
 * powers of a thousand are added, or a string of digits, to which they are appended ("nineteen ninety", "one oh one",
 * decimals).  A word that cannot continue it ends it: it is written.  Numbers may be longer than any integer type, so
 * whole ones are kept as decimal digits: all that is ever done to them is looking at and replacing the last digits,
 * shifting by a power of ten, and one addition.  What the original does by accident ("ninth" is no number, "$1" becomes
 * "$one") is done here too. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/utf8.h"
#include "score/normalize_rules.h"
#include "score/number_words.h"

/* One word of the text, as UTF-8. */
struct word {
    const char *text;
    size_t n;
    struct number_word known;
};

enum value_kind { NOTHING, WHOLE, STRING };

struct numbers {
    const struct word *words; /* [n] */
    size_t n, i;
    enum value_kind kind;
    struct buffer value, out;
    char prefix[4]; /* UTF-8 */
    size_t n_prefix;
    int skip, rc; /* rc: the first thing that failed */
};

static void add(struct numbers *s, struct buffer *b, const char *text, size_t n)
{
    if (s->rc == 0)
        s->rc = buffer_append(b, text, n);
}

/* Writes text as a word, after the pending prefix. */
static void put(struct numbers *s, const char *text, size_t n, const char *suffix)
{
    if (s->out.n > 0)
        add(s, &s->out, " ", 1);
    add(s, &s->out, s->prefix, s->n_prefix);
    add(s, &s->out, text, n);
    if (suffix != NULL)
        add(s, &s->out, suffix, strlen(suffix));
    s->n_prefix = 0;
}

/* Writes the value, then there is none. */
static void put_value(struct numbers *s, const char *suffix)
{
    put(s, buffer_text(&s->value), s->value.n, suffix);
    buffer_cut(&s->value, 0);
    s->kind = NOTHING;
}

static void flush(struct numbers *s)
{
    if (s->kind != NOTHING)
        put_value(s, NULL);
}

static void put_word(struct numbers *s) { put(s, s->words[s->i].text, s->words[s->i].n, NULL); }

/* The word so many after the current one; an empty, plain one where there is none. */
static struct word neighbour(const struct numbers *s, int step)
{
    size_t i = s->i + (size_t)step; /* before the first wraps to past the last */
    return i < s->n ? s->words[i] : (struct word){.known.kind = NUMBER_PLAIN};
}

static int is_kind(const struct numbers *s, int step, enum number_kind kind)
{
    return neighbour(s, step).known.kind == kind;
}

/* Digits, or digits, a point and digits, from the first to the last byte. */
static int is_numeric(const char *text, size_t n)
{
    size_t n_digits = 0, n_points = 0;
    for (size_t at = 0; at < n;) {
        uint32_t code;
        at += utf8_next(text + at, n - at, &code);
        if (code == '.' && n_digits > 0 && n_points == 0) {
            n_points = 1;
            n_digits = 0;
        } else if (unicode_digit(code) >= 0) {
            n_digits++;
        } else {
            return 0;
        }
    }
    return n_digits > 0;
}

static int next_is_numeric(const struct numbers *s) { return is_numeric(neighbour(s, 1).text, neighbour(s, 1).n); }

static int next_may_be_number(const struct numbers *s) { return !is_kind(s, 1, NUMBER_PLAIN) || next_is_numeric(s); }

/* Makes digits (no sign) the whole value, without zeros before it. */
static void set_whole(struct numbers *s, const char *digits, size_t n)
{
    while (n > 1 && *digits == '0') {
        digits++;
        n--;
    }
    buffer_cut(&s->value, 0);
    add(s, &s->value, digits, n);
    s->kind = WHOLE;
}

static int is_zero(const struct numbers *s) { return s->kind == WHOLE && s->value.n == 1 && s->value.data[0] == '0'; }

/* Appends text to the value as a string; a zero before it is nothing where the original says `value or ""`. */
static void append(struct numbers *s, const char *text, size_t n, int drop_zero)
{
    if (drop_zero && is_zero(s))
        buffer_cut(&s->value, 0);
    add(s, &s->value, text, n);
    s->kind = STRING;
}

/* True when the whole value ends in n zeros, as 0 does for any n. */
static int ends_in_zeros(const struct numbers *s, size_t n)
{
    if (is_zero(s))
        return 1;
    if (s->value.n < n)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (s->value.data[s->value.n - 1 - i] != '0')
            return 0;
    return 1;
}

/* Puts digits over the last ones of the value (which are zeros, or it is 0). */
static void replace_end(struct numbers *s, const char *digits, size_t n)
{
    if (is_zero(s))
        set_whole(s, digits, n);
    else
        memcpy(s->value.data + s->value.n - n, digits, n);
}

/* Continues with one to ninety; true for tens, and whether the word was one of the ones. */
static void add_small(struct numbers *s, int number, int is_tens)
{
    char digits[4];
    size_t n = (size_t)snprintf(digits, sizeof digits, "%d", number);
    int after_ones = !is_tens && is_kind(s, -1, NUMBER_ONES), after_tens = !is_tens && is_kind(s, -1, NUMBER_TENS);
    if (s->kind == NOTHING)
        set_whole(s, digits, n);
    else if (s->kind == STRING || after_ones)
        if (after_tens && number < 10 && s->value.n > 0 && s->value.data[s->value.n - 1] == '0')
            s->value.data[s->value.n - 1] = digits[0];
        else
            append(s, digits, n, 0);
    else if (ends_in_zeros(s, number < 10 ? 1 : 2))
        replace_end(s, digits, n);
    else
        append(s, digits, n, 0);
}

/* The digits of a decimal fraction without its point in out, and how many come after the point without zeros at the
 * end; -1 when text is none.  "5." and ".5" are. */
static int read_fraction(const char *text, size_t n, struct buffer *out, int *rc)
{
    int n_decimals = 0, in_decimals = 0;
    for (size_t at = 0; at < n;) {
        uint32_t code;
        at += utf8_next(text + at, n - at, &code);
        int digit = unicode_digit(code);
        if (code == '.' && !in_decimals) {
            in_decimals = 1;
        } else if (digit >= 0) {
            char c = (char)('0' + digit);
            n_decimals += in_decimals;
            if (*rc == 0)
                *rc = buffer_append(out, &c, 1);
        } else {
            return -1;
        }
    }
    if (out->n == 0)
        return -1;
    while (n_decimals > 0 && out->data[out->n - 1] == '0') {
        buffer_cut(out, out->n - 1);
        n_decimals--;
    }
    return n_decimals;
}

/* The value times ten to the power, when that is whole: then 1 and it is the value. */
static int shift_fraction(struct numbers *s, int power)
{
    struct buffer digits = {0};
    int n_decimals = read_fraction(buffer_text(&s->value), s->value.n, &digits, &s->rc);
    int good = n_decimals >= 0 && n_decimals <= power && s->rc == 0;
    for (int i = good ? n_decimals : power; i < power; i++)
        add(s, &digits, "0", 1);
    if (good && digits.n > 0)
        set_whole(s, digits.data, digits.n);
    else if (good)
        set_whole(s, "0", 1);
    buffer_free(&digits);
    return good;
}

/* value = value // 1000 * 1000 + value % 1000 * 10^power, by long addition. */
static void shift_last_three(struct numbers *s, int power)
{
    char residual[4] = "";
    size_t n_low = s->value.n < 3 ? s->value.n : 3, n_high = s->value.n - n_low;
    memcpy(residual, s->value.data + n_high, n_low);
    struct buffer sum = {0};
    size_t n_shifted = n_low + (size_t)power, n_old = s->value.n, n = (n_shifted > n_old ? n_shifted : n_old) + 1;
    int carry = 0;
    for (size_t i = 0; i < n; i++)
        add(s, &sum, "0", 1);
    for (size_t i = 0; s->rc == 0 && i < n; i++) { /* i: place from the right */
        int a = i >= 3 && i < n_old ? s->value.data[n_old - 1 - i] - '0' : 0;
        int b = i >= (size_t)power && i < n_shifted ? residual[n_shifted - 1 - i] - '0' : 0;
        carry += a + b;
        sum.data[n - 1 - i] = (char)('0' + carry % 10);
        carry /= 10;
    }
    if (s->rc == 0)
        set_whole(s, sum.data, sum.n);
    buffer_free(&sum);
}

static void set_power(struct numbers *s, int power)
{
    char digits[40] = "1";
    memset(digits + 1, '0', (size_t)power);
    set_whole(s, digits, (size_t)power + 1);
}

static void take_power(struct numbers *s, int power, const char *suffix)
{
    if (s->kind == NOTHING) {
        set_power(s, power);
    } else if (s->kind == STRING || (is_zero(s) && suffix == NULL)) {
        if (!shift_fraction(s, power)) {
            put_value(s, NULL);
            set_power(s, power);
        }
    } else {
        shift_last_three(s, power);
    }
    if (suffix != NULL)
        put_value(s, suffix);
}

/* A word of digits, maybe with a currency sign before them; 0 when it is something else. */
static int take_digits(struct numbers *s)
{
    const struct word *w = &s->words[s->i];
    uint32_t first;
    size_t n_sign = utf8_next(w->text, w->n, &first);
    if (first != '$' && first != 0xA2 && first != 0x20AC && first != 0xA3 && first != '-' && first != '+')
        n_sign = 0;
    if (!is_numeric(w->text + n_sign, w->n - n_sign))
        return 0;
    if (s->kind == STRING && s->value.n > 0 && s->value.data[s->value.n - 1] == '.') {
        append(s, w->text, w->n, 0); /* decimals, or parts of an address */
        return 1;
    }
    flush(s);
    if (n_sign > 0) {
        memcpy(s->prefix, w->text, n_sign);
        s->n_prefix = n_sign;
    }
    struct buffer digits = {0};
    if (read_fraction(w->text + n_sign, w->n - n_sign, &digits, &s->rc) == 0)
        set_whole(s, digits.n > 0 ? digits.data : "0", digits.n > 0 ? digits.n : 1);
    else
        append(s, w->text + n_sign, w->n - n_sign, 0);
    buffer_free(&digits);
    return 1;
}

static void take_and(struct numbers *s)
{
    if (is_kind(s, -1, NUMBER_POWER))
        return; /* "hundred and five" */
    flush(s);
    put_word(s);
}

static void take_repeat(struct numbers *s, int times)
{
    if (!is_kind(s, 1, NUMBER_ONES) && !is_kind(s, 1, NUMBER_ZERO)) {
        flush(s);
        put_word(s);
        return;
    }
    char digits[4];
    int n = snprintf(digits, sizeof digits, "%d", neighbour(s, 1).known.value);
    for (int i = 0; i < times; i++)
        append(s, digits, (size_t)n, i == 0);
    s->skip = 1;
}

static void take_special(struct numbers *s, const struct number_word *w)
{
    if (!next_may_be_number(s)) {
        flush(s);
        put_word(s);
    } else if (w->kind == NUMBER_AND) {
        take_and(s);
    } else if (w->kind == NUMBER_REPEAT) {
        take_repeat(s, w->value);
    } else if (is_kind(s, 1, NUMBER_ONES) || is_kind(s, 1, NUMBER_TENS) || is_kind(s, 1, NUMBER_ZERO) ||
               next_is_numeric(s)) {
        append(s, ".", 1, 1);
    }
}

/* Words that stand before or after a number and say what it counts. */
static void take_affix(struct numbers *s, const struct number_word *w)
{
    if (w->kind == NUMBER_SIGN) {
        flush(s);
        if (next_may_be_number(s)) {
            memcpy(s->prefix, w->affix, strlen(w->affix));
            s->n_prefix = strlen(w->affix);
        } else {
            put_word(s);
        }
    } else if (s->kind == NOTHING) {
        put_word(s);
    } else if (w->kind == NUMBER_CURRENCY) {
        memcpy(s->prefix, w->affix, strlen(w->affix));
        s->n_prefix = strlen(w->affix);
        put_value(s, NULL);
    } else if (w->kind == NUMBER_PERCENT) {
        put_value(s, "%");
    } else if (neighbour(s, 1).n == 4 && memcmp(neighbour(s, 1).text, "cent", 4) == 0) {
        put_value(s, "%"); /* per cent */
        s->skip = 1;
    } else {
        put_value(s, NULL);
        put_word(s);
    }
}

static void take_word(struct numbers *s)
{
    const struct number_word *w = &s->words[s->i].known;
    if (w->kind == NUMBER_PLAIN) {
        if (take_digits(s))
            return;
        flush(s);
        put_word(s);
    } else if (w->kind == NUMBER_ZERO) {
        append(s, "0", 1, 1);
    } else if (w->kind == NUMBER_ONES || w->kind == NUMBER_TENS) {
        add_small(s, w->value, w->kind == NUMBER_TENS);
    } else if (w->kind == NUMBER_ONES_SUFFIXED || w->kind == NUMBER_TENS_SUFFIXED) {
        add_small(s, w->value, w->kind == NUMBER_TENS_SUFFIXED);
        put_value(s, w->affix);
    } else if (w->kind == NUMBER_POWER || w->kind == NUMBER_POWER_SUFFIXED) {
        take_power(s, w->value, w->affix);
    } else if (w->kind == NUMBER_SIGN || w->kind == NUMBER_CURRENCY || w->kind == NUMBER_PER ||
               w->kind == NUMBER_PERCENT) {
        take_affix(s, w);
    } else {
        take_special(s, w);
    }
}

/* Splits text [n bytes] at blanks; the words point into it. */
static int split(const char *text, size_t n, struct word **words, size_t *n_words)
{
    struct word *all = mem_array(n / 2 + 1, sizeof *all);
    if (all == NULL)
        return LINNET_E_MEMORY;
    *n_words = 0;
    for (size_t at = 0, from = 0; at <= n;) {
        uint32_t code = ' ';
        size_t size = at < n ? utf8_next(text + at, n - at, &code) : 1;
        if (unicode_is_blank(code)) {
            if (at > from)
                all[(*n_words)++] = (struct word){text + from, at - from, number_words_find(text + from, at - from)};
            from = at + size;
        }
        at += size;
    }
    *words = all;
    return 0;
}

int normalize_number_words(const struct buffer *text, struct buffer *out)
{
    struct word *words;
    struct numbers s = {0};
    int rc = split(buffer_text(text), text->n, &words, &s.n);
    if (rc < 0)
        return rc;
    s.words = words;
    for (; s.i < s.n && s.rc == 0; s.i++) {
        if (s.skip)
            s.skip = 0;
        else
            take_word(&s);
    }
    flush(&s);
    buffer_free(&s.value);
    mem_free(words);
    *out = s.out;
    return s.rc;
}
