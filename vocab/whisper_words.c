/* SPDX-License-Identifier: Apache-2.0
 * whisper_words.c - Whisper's tokens grouped into words, as openai-whisper's split_to_word_tokens.
 *
 * Tokens are first joined until they end at a whole character.  For languages with spaces such a group then goes to the
 * word before it, unless it starts with a space, is punctuation or a special token. */
#include <string.h>

#include "base/mem.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "vocab/whisper_language.h"
#include "vocab/whisper_vocab.h"

/* The annotated text of ids [n] as code points. */
static int codes_of(const struct whisper_vocab *v, const int *ids, int n, struct codes *out)
{
    struct buffer text = {0};
    int rc = whisper_vocab_annotated(v, ids, n, &text);
    out->n = 0;
    if (rc == 0)
        codes_read(out, buffer_text(&text), text.n);
    buffer_free(&text);
    return rc < 0 ? rc : out->rc;
}

/* True when group ends at a character of full, in which it starts at offset: what looks broken in the group is either
 * not there or is broken in the whole text too. */
static int is_whole(const struct codes *group, const struct codes *full, size_t offset)
{
    size_t i = 0;
    while (i < group->n && group->at[i] != UTF8_REPLACEMENT)
        i++;
    return i == group->n || (offset + i < full->n && full->at[offset + i] == UTF8_REPLACEMENT);
}

/* ends [n] of groups that are whole characters; returns their number. */
static int split_at_characters(const struct whisper_vocab *v, const int *ids, int n, int *ends)
{
    struct codes full = {0}, group = {0};
    int rc = codes_of(v, ids, n, &full), n_groups = 0, from = 0;
    size_t offset = 0;
    for (int i = 0; rc == 0 && i < n; i++) {
        rc = codes_of(v, ids + from, i + 1 - from, &group);
        if (rc == 0 && is_whole(&group, &full, offset)) {
            ends[n_groups++] = from = i + 1;
            offset += group.n;
        }
    }
    codes_free(&full);
    codes_free(&group);
    return rc < 0 ? rc : n_groups;
}

/* True when the text without space around it is part of the row of ASCII punctuation (the empty text is). */
static int is_punctuation(const struct codes *text)
{
    static const char row[] = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    char stripped[sizeof row];
    size_t from = 0, to = text->n;
    while (from < to && unicode_is_blank(text->at[from]))
        from++;
    while (to > from && unicode_is_blank(text->at[to - 1]))
        to--;
    if (to - from >= sizeof row)
        return 0;
    for (size_t i = from; i < to; i++) {
        if (text->at[i] < 33 || text->at[i] > 126)
            return 0;
        stripped[i - from] = (char)text->at[i];
    }
    stripped[to - from] = '\0';
    return strstr(row, stripped) != NULL;
}

/* Joins groups into words in place. */
static int join_at_spaces(const struct whisper_vocab *v, const int *ids, int *ends, int n_groups)
{
    struct codes text = {0};
    int n_words = 0, from = 0, rc = 0;
    for (int g = 0; rc == 0 && g < n_groups; g++) {
        int end = ends[g];
        rc = codes_of(v, ids + from, end - from, &text);
        int starts =
            n_words == 0 || ids[from] >= v->special.eot || (text.n > 0 && text.at[0] == ' ') || is_punctuation(&text);
        n_words += starts;
        ends[n_words - 1] = end;
        from = end;
    }
    codes_free(&text);
    return rc < 0 ? rc : n_words;
}

int whisper_vocab_words(const struct whisper_vocab *v, const char *language, const int *ids, int n, int *ends)
{
    int n_groups = split_at_characters(v, ids, n, ends);
    if (n_groups < 0 || whisper_language_is_unspaced(language))
        return n_groups;
    return join_at_spaces(v, ids, ends, n_groups);
}
