/* SPDX-License-Identifier: Apache-2.0
 * whisper_vocab.c - Whisper's vocabulary: special tokens, and tokens to text.
 *
 * The layout after the pieces is always the same: end of text, start of transcript, languages, translate, transcribe,
 * start of LM, start of previous, no speech, no timestamps, 1501 times.  So one id and the number of languages give all
 * of it; a file's names must agree with that. */
#include "vocab/whisper_vocab.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "vocab/whisper_language.h"
#include "vocab/whisper_pieces.h"

#define N_OTHER_SPECIALS (2 + 6) /* besides languages and times */
#define LANGUAGES_BEFORE_V3 99

static void lay_out(struct whisper_specials *s, int eot, int n_languages, int multilingual)
{
    s->eot = eot;
    s->sot = eot + 1;
    s->first_language = eot + 2;
    s->n_languages = multilingual ? n_languages : 0;
    s->translate = s->first_language + n_languages;
    s->transcribe = s->translate + 1;
    s->sot_lm = s->translate + 2;
    s->sot_prev = s->translate + 3;
    s->no_speech = s->translate + 4;
    s->no_timestamps = s->translate + 5;
    s->timestamp_begin = s->translate + 6;
    s->multilingual = multilingual;
}

/* The kinds by size, as in openai-whisper: 51864 is English-only, later ones have a language more each. */
static int lay_out_by_size(struct whisper_vocab *v, struct message *msg)
{
    int multilingual = v->base.n >= 51865;
    int n_languages = multilingual ? v->base.n - 51766 : LANGUAGES_BEFORE_V3;
    int eot = v->base.n - WHISPER_TIMESTAMPS - n_languages - N_OTHER_SPECIALS;
    if (v->base.n < 51864 || n_languages > WHISPER_LANGUAGES)
        return fail(msg, LINNET_E_MODEL, "a vocabulary of %d tokens is not one of Whisper's (51864 to 51866)",
                    v->base.n);
    lay_out(&v->special, eot, n_languages, multilingual);
    return 0;
}

static int id_of_name(const struct whisper_vocab *v, const char *name)
{
    size_t n = strlen(name);
    for (int id = v->base.n - 1; id >= 0; id--) /* names come last */
        if (v->pieces[id].n == n && memcmp(v->pool.data + v->pieces[id].offset, name, n) == 0)
            return id;
    return -1;
}

/* By the names that the file gave; 0 when it gave none. */
static int lay_out_by_names(struct whisper_vocab *v, struct message *msg)
{
    int eot = id_of_name(v, "<|endoftext|>"), sot = id_of_name(v, "<|startoftranscript|>");
    int translate = id_of_name(v, "<|translate|>");
    if (sot < 0)
        return 0;
    int n_languages = translate - sot - 1;
    if (eot < 0 || eot != sot - 1 || n_languages < 1 || n_languages > WHISPER_LANGUAGES)
        return fail(msg, LINNET_E_MODEL, "the special tokens are not in Whisper's order");
    lay_out(&v->special, eot, n_languages, eot >= 50257);
    struct {
        const char *name;
        int id;
    } others[] = {{"<|transcribe|>", v->special.transcribe},
                  {"<|startoflm|>", v->special.sot_lm},
                  {"<|startofprev|>", v->special.sot_prev},
                  {"<|notimestamps|>", v->special.no_timestamps},
                  {"<|0.00|>", v->special.timestamp_begin}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        int id = id_of_name(v, others[i].name);
        if (id >= 0 && id != others[i].id)
            return fail(msg, LINNET_E_MODEL, "%s is token %d, expected %d", others[i].name, id, others[i].id);
    }
    if (v->special.timestamp_begin + WHISPER_TIMESTAMPS > v->base.n)
        return fail(msg, LINNET_E_MODEL, "the model's %d tokens do not reach the times, which need %d", v->base.n,
                    v->special.timestamp_begin + WHISPER_TIMESTAMPS);
    return 1;
}

/* The name that special token id has by the layout. */
static void name_of(const struct whisper_vocab *v, int id, char *name, size_t size)
{
    const struct whisper_specials *s = &v->special;
    static const char *const tasks[] = {"translate",   "transcribe", "startoflm",
                                        "startofprev", "nospeech",   "notimestamps"};
    if (id <= s->sot)
        snprintf(name, size, "<|%s|>", id == s->eot ? "endoftext" : "startoftranscript");
    else if (id < s->translate)
        snprintf(name, size, "<|%s|>", whisper_language_code(id - s->first_language));
    else if (id < s->timestamp_begin)
        snprintf(name, size, "<|%s|>", tasks[id - s->translate]);
    else
        snprintf(name, size, "<|%.2f|>", (id - s->timestamp_begin) * 0.02);
}

/* Gives every special token without bytes its name; a piece must have bytes. */
static int fill_names(struct whisper_vocab *v, struct message *msg)
{
    for (int id = 0; id < v->base.n; id++) {
        struct whisper_piece *p = &v->pieces[id];
        char name[32];
        if (p->offset != 0)
            continue;
        if (id < v->special.eot)
            return fail(msg, LINNET_E_MODEL, "token %d is missing in the vocabulary", id);
        name_of(v, id, name, sizeof name);
        p->offset = (uint32_t)v->pool.n;
        p->n = (uint32_t)strlen(name);
        if (buffer_append(&v->pool, name, p->n) < 0)
            return fail_memory(msg);
    }
    return 0;
}

static uint32_t hash_of(const char *bytes, size_t n)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)bytes[i]) * 16777619u;
    return h ^ h >> 15;
}

static int build_table(struct whisper_vocab *v, struct message *msg)
{
    uint32_t size = 1;
    while (size < (uint32_t)v->special.eot * 2)
        size *= 2;
    v->table = mem_array(size, sizeof *v->table);
    if (v->table == NULL)
        return fail_memory(msg);
    v->table_mask = size - 1;
    for (int id = 0; id < v->special.eot; id++) {
        uint32_t at = hash_of(v->pool.data + v->pieces[id].offset, v->pieces[id].n) & v->table_mask;
        while (v->table[at] != 0)
            at = (at + 1) & v->table_mask;
        v->table[at] = (uint32_t)id + 1;
    }
    return 0;
}

int whisper_vocab_find(const struct whisper_vocab *v, const char *bytes, size_t n)
{
    for (uint32_t at = hash_of(bytes, n) & v->table_mask; v->table[at] != 0; at = (at + 1) & v->table_mask) {
        const struct whisper_piece *p = &v->pieces[v->table[at] - 1];
        if (p->n == n && memcmp(v->pool.data + p->offset, bytes, n) == 0)
            return (int)v->table[at] - 1;
    }
    return -1;
}

static int load(struct whisper_vocab *v, const char *dir, struct message *msg)
{
    v->pieces = mem_array((size_t)v->base.n, sizeof *v->pieces);
    if (v->pieces == NULL || buffer_reserve(&v->pool, (size_t)1 << 19) < 0 || buffer_append(&v->pool, "", 1) < 0)
        return fail_memory(msg); /* one byte first, so that offset 0 means "not there" */
    int rc = whisper_pieces_read(v, dir, msg);
    if (rc < 0)
        return rc;
    rc = lay_out_by_names(v, msg);
    if (rc == 0)
        rc = lay_out_by_size(v, msg);
    if (rc < 0 || (rc = fill_names(v, msg)) < 0)
        return fail_in(msg, rc, dir);
    return build_table(v, msg);
}

int whisper_vocab_open(struct whisper_vocab **out, const char *dir, int n_vocab, struct message *msg)
{
    if (n_vocab < 1 || n_vocab > 1 << 20)
        return fail(msg, LINNET_E_MODEL, "%s: a vocabulary of %d tokens", dir, n_vocab);
    struct whisper_vocab *v = mem_array(1, sizeof *v);
    if (v == NULL)
        return fail_memory(msg);
    v->base = (struct vocab){.kind = &bpe_vocab, .n = n_vocab, .has_tasks = 1};
    int rc = load(v, dir, msg);
    if (rc < 0) {
        whisper_vocab_close(v);
        return rc;
    }
    *out = v;
    return 0;
}

void whisper_vocab_close(struct whisper_vocab *v)
{
    if (v != NULL) {
        buffer_free(&v->pool);
        mem_free(v->pieces);
        mem_free(v->table);
        mem_free(v);
    }
}

const char *whisper_vocab_piece(const struct whisper_vocab *v, int id, size_t *n)
{
    if (id < 0 || id >= v->base.n) {
        *n = 0;
        return "";
    }
    *n = v->pieces[id].n;
    return v->pool.data + v->pieces[id].offset;
}

/* Appends the bytes of ids, repaired where they are not UTF-8. */
static int add_text(const struct whisper_vocab *v, const int *ids, int n, int only_text, struct buffer *out)
{
    size_t from = out->n;
    int rc = 0;
    for (int i = 0; rc == 0 && i < n; i++) {
        size_t size;
        const char *bytes = whisper_vocab_piece(v, ids[i], &size);
        if (!only_text || ids[i] < v->special.eot)
            rc = buffer_append(out, bytes, size);
    }
    if (rc == 0 && utf8_valid(buffer_text(out) + from, out->n - from) < out->n - from) {
        struct buffer repaired = {0};
        rc = utf8_append(&repaired, out->data + from, out->n - from);
        buffer_cut(out, from);
        if (rc == 0)
            rc = buffer_append(out, repaired.data, repaired.n);
        buffer_free(&repaired);
    }
    return rc;
}

int whisper_vocab_text(const struct whisper_vocab *v, const int *ids, int n, struct buffer *out)
{
    return add_text(v, ids, n, 1, out);
}

int whisper_vocab_annotated(const struct whisper_vocab *v, const int *ids, int n, struct buffer *out)
{
    return add_text(v, ids, n, 0, out);
}

int whisper_vocab_language(const struct whisper_vocab *v, const char *code_or_name)
{
    int index = whisper_language_find(code_or_name);
    return index >= 0 && index < v->special.n_languages ? v->special.first_language + index : -1;
}

const char *whisper_vocab_language_code(const struct whisper_vocab *v, int id)
{
    int index = id - v->special.first_language;
    return index >= 0 && index < v->special.n_languages ? whisper_language_code(index) : NULL;
}

/* ---- the table's entry ---- */

static int open_dir(struct vocab **out, const char *dir, int n, struct message *msg)
{
    struct whisper_vocab *v;
    int rc = whisper_vocab_open(&v, dir, n, msg);
    if (rc >= 0)
        *out = &v->base;
    return rc;
}

static void close_vocab(struct vocab *v) { whisper_vocab_close((struct whisper_vocab *)v); }

static const char *token(const struct vocab *v, int id)
{
    size_t n;
    return whisper_vocab_piece(whisper_vocab_of(v), id, &n);
}

static int text_of(const struct vocab *v, const int *ids, int n, int at_start, struct buffer *text)
{
    size_t from = text->n;
    int rc = whisper_vocab_text(whisper_vocab_of(v), ids, n, text);
    if (rc >= 0 && at_start && text->n > from && text->data[from] == ' ') {
        memmove(text->data + from, text->data + from + 1, text->n - from - 1);
        buffer_cut(text, text->n - 1);
    }
    return rc;
}

static int words_of(const struct vocab *v, const int *ids, int n, int *ends)
{
    return whisper_vocab_words(whisper_vocab_of(v), NULL, ids, n, ends);
}

static int spell(const struct vocab *v, const char *text, int **ids, struct message *msg)
{
    int n = 0, rc = whisper_vocab_encode(whisper_vocab_of(v), text, strlen(text), ids, &n, msg);
    return rc < 0 ? rc : n;
}

const struct vocab_kind bpe_vocab = {
    .name = "bpe",
    .open = open_dir,
    .close = close_vocab,
    .token = token,
    .text = text_of,
    .words = words_of,
    .spell = spell,
};
