/* SPDX-License-Identifier: Apache-2.0
 * normalize_letters.c - BasicTextNormalizer(split_letters=True) of OpenAI's Whisper: a blank between any two letters.
 *
 * The original splits at the borders of extended grapheme clusters (Unicode Standard Annex 29), in text whose marks and
 * symbols have become blanks.  What can still hold on to a letter then are syllables of old Hangul, joiners and tags
 * behind it and a few signs before it: the rules here are for those alone. */
#include "score/normalize_rules.h"

enum part { NONE, LEAD, VOWEL, TAIL, OPEN_SYLLABLE, CLOSED_SYLLABLE };

static int lies_in(uint32_t code, uint32_t first, uint32_t last) { return code >= first && code <= last; }

/* Of Hangul; syllables come in rows of 28, of which the first is open. */
static enum part part_of(uint32_t code)
{
    if (lies_in(code, 0xAC00, 0xD7A3))
        return (code - 0xAC00) % 28 == 0 ? OPEN_SYLLABLE : CLOSED_SYLLABLE;
    if (lies_in(code, 0x1100, 0x115F) || lies_in(code, 0xA960, 0xA97C))
        return LEAD;
    if (lies_in(code, 0x1160, 0x11A7) || lies_in(code, 0xD7B0, 0xD7C6))
        return VOWEL;
    return lies_in(code, 0x11A8, 0x11FF) || lies_in(code, 0xD7CB, 0xD7FB) ? TAIL : NONE;
}

static int is_one_syllable(uint32_t before, uint32_t code)
{
    enum part a = part_of(before), b = part_of(code);
    if (a == LEAD)
        return b != NONE && b != TAIL;
    if (a == VOWEL || a == OPEN_SYLLABLE)
        return b == VOWEL || b == TAIL;
    return (a == TAIL || a == CLOSED_SYLLABLE) && b == TAIL;
}

/* Joiners and tags. */
static int is_behind(uint32_t code) { return code == 0x200C || code == 0x200D || lies_in(code, 0xE0020, 0xE007F); }

/* Signs of the property Prepend. */
static int is_in_front(uint32_t code)
{
    static const uint32_t runs[][2] = {{0x600, 0x605},     {0x6DD, 0x6DD},     {0x70F, 0x70F},     {0x890, 0x891},
                                       {0x8E2, 0x8E2},     {0xD4E, 0xD4E},     {0x110BD, 0x110BD}, {0x110CD, 0x110CD},
                                       {0x111C2, 0x111C3}, {0x1193F, 0x1193F}, {0x11941, 0x11941}, {0x11A84, 0x11A89},
                                       {0x11D46, 0x11D46}, {0x11F02, 0x11F02}};
    for (size_t i = 0; code >= 0x600 && i < sizeof runs / sizeof runs[0]; i++)
        if (lies_in(code, runs[i][0], runs[i][1]))
            return 1;
    return 0;
}

static int is_control(uint32_t code)
{
    return unicode_class_of(code) == UNICODE_OTHER && !is_behind(code) && !is_in_front(code);
}

static int is_one_letter(uint32_t before, uint32_t code)
{
    if (is_control(before) || is_control(code))
        return 0;
    return is_behind(code) || is_in_front(before) || is_one_syllable(before, code);
}

void normalize_basic_letters(struct codes *text)
{
    struct codes built = {0};
    normalize_basic(text);
    for (size_t i = 0; i < text->n; i++) {
        if (i > 0 && !is_one_letter(text->at[i - 1], text->at[i]))
            codes_add(&built, ' ');
        codes_add(&built, text->at[i]);
    }
    codes_replace(text, &built);
    normalize_squeeze(text);
}
