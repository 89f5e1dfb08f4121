/* SPDX-License-Identifier: Apache-2.0
 * whisper_bpe.c - text to Whisper's tokens: byte-level byte pair encoding, as GPT-2's.
 *
 * Text is first cut by GPT-2's pattern
 *     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * into stretches that no token spans.  In a stretch of bytes the two neighbours whose join is the piece with the lowest
 * id are joined, the leftmost first, until no join is a piece (as tiktoken does it: ids are ranks, merges follow). */
#include <string.h>

#include "base/mem.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "vocab/whisper_vocab.h"

#define MAX_TEXT_BYTES 65536 /* joining is quadratic in the length of a stretch; prompts are 224 tokens */
#define NO_RANK INT32_MAX

struct ids {
    int *at;
    int n, room;
};

static int ids_add(struct ids *ids, int id)
{
    if (MEM_GROW(ids->at, ids->room, ids->n + 1) < 0)
        return LINNET_E_MEMORY;
    ids->at[ids->n++] = id;
    return 0;
}

enum kind { SPACE, LETTER, NUMBER, OTHER, NONE };

static enum kind kind_at(const char *text, size_t n, size_t *size)
{
    uint32_t code;
    *size = 0;
    if (n == 0)
        return NONE;
    *size = utf8_next(text, n, &code);
    if (unicode_is_space(code))
        return SPACE;
    enum unicode_class k = unicode_class_of(code);
    return k == UNICODE_LETTER ? LETTER : k == UNICODE_DIGIT || k == UNICODE_NUMBER ? NUMBER : OTHER;
}

static size_t contraction(const char *text, size_t n)
{
    static const char *const endings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t size = strlen(endings[i]);
        if (size <= n && memcmp(text, endings[i], size) == 0)
            return size;
    }
    return 0;
}

/* Bytes of the run of characters of one kind at the start; in *last the size of its last character. */
static size_t run_of(const char *text, size_t n, enum kind kind, size_t *last)
{
    size_t at = 0, size;
    *last = 0;
    while (kind_at(text + at, n - at, &size) == kind) {
        at += size;
        *last = size;
    }
    return at;
}

/* Bytes of the first stretch of text [n], n > 0. */
static size_t stretch(const char *text, size_t n)
{
    size_t size, last, matched = contraction(text, n);
    if (matched > 0)
        return matched;
    size_t space = text[0] == ' ';
    enum kind kind = kind_at(text + space, n - space, &size);
    if (kind != SPACE && kind != NONE)
        return space + run_of(text + space, n - space, kind, &last);
    matched = run_of(text, n, SPACE, &last);
    return matched < n && matched > last ? matched - last : matched; /* a space before a word belongs to the word */
}

struct part {
    uint32_t from;
    int rank; /* of this part joined with the next */
};

static int rank_of(const struct whisper_vocab *v, const char *bytes, const struct part *parts, size_t n_parts, size_t i)
{
    if (i + 2 >= n_parts) /* the last entry only marks the end */
        return NO_RANK;
    int id = whisper_vocab_find(v, bytes + parts[i].from, parts[i + 2].from - parts[i].from);
    return id >= 0 ? id : NO_RANK;
}

/* Joins parts [*n] (a part a byte and an end mark) as far as possible. */
static void join(const struct whisper_vocab *v, const char *bytes, struct part *parts, size_t *n)
{
    for (size_t i = 0; i < *n; i++)
        parts[i].rank = rank_of(v, bytes, parts, *n, i);
    for (;;) {
        size_t best = 0;
        for (size_t i = 1; i + 2 < *n; i++)
            if (parts[i].rank < parts[best].rank)
                best = i;
        if (*n < 3 || parts[best].rank == NO_RANK)
            return;
        memmove(&parts[best + 1], &parts[best + 2], (*n - best - 2) * sizeof *parts);
        --*n;
        parts[best].rank = rank_of(v, bytes, parts, *n, best);
        if (best > 0)
            parts[best - 1].rank = rank_of(v, bytes, parts, *n, best - 1);
    }
}

static int encode_stretch(const struct whisper_vocab *v, const char *bytes, size_t n, struct part *parts,
                          struct ids *ids)
{
    int whole = whisper_vocab_find(v, bytes, n);
    if (whole >= 0)
        return ids_add(ids, whole);
    for (size_t i = 0; i <= n; i++)
        parts[i].from = (uint32_t)i;
    size_t n_parts = n + 1;
    join(v, bytes, parts, &n_parts);
    for (size_t i = 0; i + 1 < n_parts; i++) {
        int id = whisper_vocab_find(v, bytes + parts[i].from, parts[i + 1].from - parts[i].from);
        int rc = id < 0 ? LINNET_E_MODEL : ids_add(ids, id);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int encode(const struct whisper_vocab *v, const char *text, size_t n, struct ids *ids)
{
    struct part *parts = mem_array(n + 1, sizeof *parts);
    if (parts == NULL)
        return LINNET_E_MEMORY;
    int rc = 0;
    while (rc == 0 && n > 0) {
        size_t size = stretch(text, n);
        rc = encode_stretch(v, text, size, parts, ids);
        text += size;
        n -= size;
    }
    mem_free(parts);
    return rc;
}

int whisper_vocab_encode(const struct whisper_vocab *v, const char *text, size_t n_bytes, int **ids, int *n_ids,
                         struct message *msg)
{
    struct ids found = {0};
    if (n_bytes > MAX_TEXT_BYTES)
        return fail(msg, LINNET_E_ARGUMENT, "text of %zu bytes is too long (%d)", n_bytes, MAX_TEXT_BYTES);
    int rc = encode(v, text, n_bytes, &found);
    if (rc < 0) {
        mem_free(found.at);
        return rc == LINNET_E_MEMORY ? fail_memory(msg) : fail(msg, rc, "the vocabulary lacks single bytes");
    }
    *ids = found.at;
    *n_ids = found.n;
    return 0;
}

/* Symbols of annotations that are not spoken, after openai-whisper's tokenizer (non_speech_tokens): brackets, quotes,
 * dashes and notes.  Of the notes every first token is taken, also where one is spread over several tokens. */
static const char *const symbols[] = {
    "\"",  "#",  "(",  ")",  "*",   "+",  "/",  ":",   ";",   "<",  "=",  ">",  "@",  "[",   "\\",  "]",
    "^",   "_",  "`",  "{",  "|",   "}",  "~",  "「",  "」",  "『", "』", "<<", ">>", "<<<", ">>>", "--",
    "---", "-(", "-[", "('", "(\"", "((", "))", "(((", ")))", "[[", "]]", "{{", "}}", "♪♪",  "♪♪♪",
};
static const char *const notes[] = {"♩", "♪", "♫", "♬", "♭", "♮", "♯"};

/* Adds the first token of text, with and without a space before it, if it is the only one or takes any. */
static int add_symbol(const struct whisper_vocab *v, const char *symbol, int without_space, int any, struct ids *out)
{
    char text[16] = " ";
    size_t n = strlen(symbol);
    int rc = 0;
    memcpy(text + 1, symbol, n);
    for (int i = without_space ? 1 : 0; rc == 0 && i >= 0; i--) {
        struct ids ids = {0};
        rc = encode(v, text + i, n + 1 - (size_t)i, &ids);
        if (rc == 0 && ids.n > 0 && (any || ids.n == 1))
            rc = ids_add(out, ids.at[0]);
        mem_free(ids.at);
    }
    return rc;
}

static void sort_unique(struct ids *ids)
{
    int n = 0;
    for (int i = 0; i < ids->n; i++) { /* by insertion: there are about ninety */
        int id = ids->at[i], j = n;
        while (j > 0 && ids->at[j - 1] > id)
            j--;
        if (j > 0 && ids->at[j - 1] == id)
            continue;
        memmove(&ids->at[j + 1], &ids->at[j], (size_t)(n - j) * sizeof *ids->at);
        ids->at[j] = id;
        n++;
    }
    ids->n = n;
}

int whisper_vocab_non_speech(const struct whisper_vocab *v, int **ids, int *n_ids, struct message *msg)
{
    struct ids found = {0};
    int rc = add_symbol(v, "-", 0, 1, &found); /* hyphens and apostrophes are fine within a word only */
    if (rc == 0)
        rc = add_symbol(v, "'", 0, 1, &found);
    for (size_t i = 0; rc == 0 && i < sizeof symbols / sizeof symbols[0]; i++)
        rc = add_symbol(v, symbols[i], 1, 0, &found);
    for (size_t i = 0; rc == 0 && i < sizeof notes / sizeof notes[0]; i++)
        rc = add_symbol(v, notes[i], 1, 1, &found);
    if (rc < 0) {
        mem_free(found.at);
        return rc == LINNET_E_MEMORY ? fail_memory(msg) : fail(msg, rc, "the vocabulary lacks single bytes");
    }
    sort_unique(&found);
    *ids = found.at;
    *n_ids = found.n;
    return 0;
}
