/* SPDX-License-Identifier: Apache-2.0
 * number_words.c - the words that the normalizer for numbers of OpenAI's Whisper knows. */
#include "score/number_words.h"

#include <string.h>

/* Words of one kind: the first has this value, the next `step` more. */
static const struct group {
    enum number_kind kind;
    int value, step;
    const char *affix, *words;
} groups[] = {
    {NUMBER_ZERO, 0, 0, NULL, "o oh zero"},
    {NUMBER_ONES, 1, 1, NULL,
     "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
     "eighteen nineteen"},
    {NUMBER_ONES_SUFFIXED, 1, 1, "s",
     "ones twos threes fours fives sixes sevens eights nines tens elevens twelves thirteens fourteens fifteens "
     "sixteens seventeens eighteens nineteens"},
    {NUMBER_ONES_SUFFIXED, 0, 0, "th", "zeroth"},
    {NUMBER_ONES_SUFFIXED, 1, 0, "st", "first"},
    {NUMBER_ONES_SUFFIXED, 2, 0, "nd", "second"},
    {NUMBER_ONES_SUFFIXED, 3, 0, "rd", "third"},
    {NUMBER_ONES_SUFFIXED, 4, 1, "th",
     "fourth fifth sixth seventh eighth nineth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth "
     "seventeenth eighteenth nineteenth"},
    {NUMBER_TENS, 20, 10, NULL, "twenty thirty forty fifty sixty seventy eighty ninety"},
    {NUMBER_TENS_SUFFIXED, 20, 10, "s", "twenties thirties forties fifties sixties seventies eighties nineties"},
    {NUMBER_TENS_SUFFIXED, 20, 10, "th",
     "twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth"},
    {NUMBER_POWER, 2, 0, NULL, "hundred"},
    {NUMBER_POWER, 3, 3, NULL,
     "thousand million billion trillion quadrillion quintillion sextillion septillion octillion nonillion decillion"},
    {NUMBER_POWER_SUFFIXED, 2, 0, "s", "hundreds"},
    {NUMBER_POWER_SUFFIXED, 3, 3, "s",
     "thousands millions billions trillions quadrillions quintillions sextillions septillions octillions nonillions "
     "decillions"},
    {NUMBER_POWER_SUFFIXED, 2, 0, "th", "hundredth"},
    {NUMBER_POWER_SUFFIXED, 3, 3, "th",
     "thousandth millionth billionth trillionth quadrillionth quintillionth sextillionth septillionth octillionth "
     "nonillionth decillionth"},
    {NUMBER_SIGN, 0, 0, "-", "minus negative"},
    {NUMBER_SIGN, 0, 0, "+", "plus positive"},
    {NUMBER_CURRENCY, 0, 0, "£", "pound pounds"},
    {NUMBER_CURRENCY, 0, 0, "€", "euro euros"},
    {NUMBER_CURRENCY, 0, 0, "$", "dollar dollars"},
    {NUMBER_CURRENCY, 0, 0, "¢", "cent cents"},
    {NUMBER_PER, 0, 0, NULL, "per"},
    {NUMBER_PERCENT, 0, 0, NULL, "percent"},
    {NUMBER_AND, 0, 0, NULL, "and"},
    {NUMBER_REPEAT, 2, 1, NULL, "double triple"},
    {NUMBER_POINT, 0, 0, NULL, "point"},
};

struct number_word number_words_find(const char *word, size_t n)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        const struct group *g = &groups[i];
        int value = g->value;
        for (const char *at = g->words; *at != '\0'; value += g->step) {
            size_t length = strcspn(at, " ");
            if (length == n && memcmp(at, word, n) == 0)
                return (struct number_word){g->kind, value, g->affix};
            at += length + (at[length] == ' ');
        }
    }
    return (struct number_word){.kind = NUMBER_PLAIN};
}

int number_words_is_number(const char *word, size_t n)
{
    enum number_kind kind = number_words_find(word, n).kind;
    return kind == NUMBER_ZERO || kind == NUMBER_ONES || kind == NUMBER_TENS || kind == NUMBER_POWER;
}
