/* SPDX-License-Identifier: Apache-2.0
 * number_words.h - the English words that numbers are made of, and the words around them that say what they count. */
#ifndef LINNET_SCORE_NUMBER_WORDS_H
#define LINNET_SCORE_NUMBER_WORDS_H

#include <stddef.h>

enum number_kind {
    NUMBER_PLAIN, /* no number word */
    NUMBER_ZERO,
    NUMBER_ONES, /* one to nineteen */
    NUMBER_ONES_SUFFIXED,
    NUMBER_TENS,
    NUMBER_TENS_SUFFIXED,
    NUMBER_POWER, /* value: of ten */
    NUMBER_POWER_SUFFIXED,
    NUMBER_SIGN,     /* before a number */
    NUMBER_CURRENCY, /* after a number */
    NUMBER_PER,
    NUMBER_PERCENT,
    NUMBER_AND,
    NUMBER_REPEAT,
    NUMBER_POINT,
};

struct number_word {
    enum number_kind kind;
    int value;
    const char *affix; /* what is written after or before the number, or NULL */
};

/* What a word [n bytes] is. */
struct number_word number_words_find(const char *word, size_t n);

int number_words_is_number(const char *word, size_t n); /* zero to ninety, or a power of ten from hundred on */

#endif
