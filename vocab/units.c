/* SPDX-License-Identifier: Apache-2.0
 * units.c - reading a vocabulary, and from ids to text and words. */
#include "vocab/units.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "vocab/units_table.h"

#define MAX_FILE ((size_t)64 << 20)

static size_t hash(const char *name, size_t size)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < size; i++)
        h = (h ^ (unsigned char)name[i]) * 0x100000001b3u;
    return (size_t)(h ^ h >> 32);
}

/* The place of the name in the table, or of the hole where it belongs. */
static size_t place(const struct units *u, const char *name, size_t size)
{
    size_t at = hash(name, size) & (u->n_table - 1);
    while (u->table[at] >= 0 &&
           (u->all[u->table[at]].size != size || memcmp(u->all[u->table[at]].name, name, size) != 0))
        at = (at + 1) & (u->n_table - 1);
    return at;
}

int units_find_n(const struct units *u, const char *name, size_t size) { return u->table[place(u, name, size)]; }

int units_find(const struct vocab *v, const char *name) { return units_find_n(units_of(v), name, strlen(name)); }

int units_is_unspaced(uint32_t code)
{
    return (code >= 0x3400 && code <= 0x4DBF) || (code >= 0x4E00 && code <= 0x9FFF) ||
           (code >= 0xF900 && code <= 0xFAFF) || (code >= 0x20000 && code <= 0x3FFFF) || /* Han */
           (code >= 0x3040 && code <= 0x30FF) || (code >= 0x31F0 && code <= 0x31FF);     /* kana */
}

static int byte_of(const char *name)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *high, *low;
    if (strncmp(name, "<0x", 3) != 0 || strlen(name) != 6 || name[5] != '>' ||
        (high = strchr(digits, name[3])) == NULL || (low = strchr(digits, name[4])) == NULL)
        return -1;
    return (int)(high - digits) * 16 + (int)(low - digits);
}

static int is_special(const char *name)
{
    static const char *const names[] = {"<blank>", "<blk>", "<sos/eos>", "<sos>", "<eos>", "<s>", "</s>", "<pad>"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return 1;
    return 0;
}

static int starts_with_space(const struct unit *x) { return strncmp(x->name, UNITS_SPACE, UNITS_SPACE_SIZE) == 0; }

static int goes_on(const struct unit *x) { return x->size > 2 && strcmp(x->name + x->size - 2, "@@") == 0; }

static struct unit describe(const char *name)
{
    struct unit x = {.name = name, .size = strlen(name), .byte = byte_of(name), .is_special = is_special(name)};
    const char *at = name;
    size_t left = x.size - (goes_on(&x) ? 2 : 0);
    while (left > 0 && x.byte < 0) {
        uint32_t code;
        size_t n = utf8_next(at, left, &code);
        if (code != 0x2581) {
            x.last = code;
            if (x.first == 0)
                x.first = code;
        }
        at += n;
        left -= n;
    }
    if (x.is_special || x.byte >= 0 || strcmp(name, "<unk>") == 0)
        x.score = -INFINITY;
    else
        x.score = -1.0f; /* without scores: as few units as can be */
    return x;
}

/* "unit id": the last blanks part them, and only blanks of ASCII are none of the unit. */
static int read_line(struct units *u, struct line *line, struct message *msg)
{
    static const char blanks[] = " \t";
    while (line->n > 0 && strchr(blanks, line->text[line->n - 1]) != NULL)
        line->text[--line->n] = '\0';
    char *name = line->text + strspn(line->text, blanks), *id_text = line->text + line->n, *end;
    long long id;
    if (*name == '\0')
        return 0;
    while (id_text > name && strchr(blanks, id_text[-1]) == NULL)
        id_text--;
    for (end = id_text; end > name && strchr(blanks, end[-1]) != NULL; end--)
        ;
    if (end == name)
        return lines_fail(&u->file, msg, "is not \"unit id\"");
    if (parse_int(id_text, 0, u->base.n - 1, &id) < 0)
        return lines_fail(&u->file, msg, "the id '%.20s' is not in 0 to %d", id_text, u->base.n - 1);
    *end = '\0';
    if (u->all[id].name != NULL)
        return lines_fail(&u->file, msg, "the id %lld is there twice", id);
    u->all[id] = describe(strcmp(name, "<space>") == 0 ? UNITS_SPACE : name);
    if (u->all[id].size > u->max_size)
        u->max_size = u->all[id].size;
    return 1;
}

static int read_units(struct units *u, const char *path, struct message *msg)
{
    struct line line;
    int rc = lines_open(&u->file, path, MAX_FILE, msg), n_read = 0;
    while (rc >= 0 && (rc = lines_next(&u->file, &line, msg)) > 0)
        if ((rc = read_line(u, &line, msg)) >= 0)
            n_read += rc;
    if (rc < 0)
        return rc;
    if (n_read != u->base.n)
        return fail(msg, LINNET_E_FORMAT, "%s: %d units, the model has %d", path, n_read, u->base.n);
    for (int id = u->base.n - 1; id >= 0; id--) /* of equal names the first is found */
        u->table[place(u, u->all[id].name, u->all[id].size)] = id;
    return LINNET_OK;
}

/* "piece<TAB>score" */
static int read_piece(struct units *u, const struct lines *file, const struct line *line, struct message *msg)
{
    const char *tab = strrchr(line->text, '\t');
    double score;
    if (file->number == 1 && tab != NULL && strncmp(line->text, "#model\t", 7) == 0 &&
        (strcmp(tab + 1, "bpe") == 0 || strcmp(tab + 1, "unigram") == 0)) {
        u->is_bpe = strcmp(tab + 1, "bpe") == 0;
        return LINNET_OK;
    }
    if (tab == NULL || parse_number(tab + 1, -1e9, 1e9, &score) < 0)
        return lines_fail(file, msg, "is not \"piece<TAB>score\"");
    int id = units_find_n(u, line->text, (size_t)(tab - line->text));
    if (id >= 0 && !u->all[id].is_special && u->all[id].byte < 0 && strcmp(u->all[id].name, "<unk>") != 0)
        u->all[id].score = (float)score;
    return LINNET_OK;
}

static int read_pieces(struct units *u, const char *path, struct message *msg)
{
    struct lines file = {0};
    struct line line;
    int rc = lines_open(&file, path, MAX_FILE, msg);
    for (int id = 0; id < u->base.n; id++)
        u->all[id].score = -INFINITY;
    while (rc >= 0 && (rc = lines_next(&file, &line, msg)) > 0)
        rc = read_piece(u, &file, &line, msg);
    u->has_pieces = 1;
    lines_close(&file);
    return rc;
}

static int is_letter(uint32_t code) { return code != 0 && unicode_is_word(code) && !units_is_unspaced(code); }

static enum units_style style_of(const struct units *u)
{
    enum units_style style = UNITS_CHARACTERS;
    for (int id = 0; id < u->base.n; id++) {
        const struct unit *x = &u->all[id];
        if (starts_with_space(x) && x->size > UNITS_SPACE_SIZE)
            return UNITS_SPACE_IN_FRONT;
        if (strcmp(x->name, UNITS_SPACE) == 0)
            style = UNITS_SPACE_APART;
        char first[4];
        if (style == UNITS_CHARACTERS && is_letter(x->first) && x->size > utf8_encode(x->first, first))
            style = UNITS_WORDS;
    }
    return style;
}

static void units_close(struct vocab *v)
{
    struct units *u = (struct units *)v;
    lines_close(&u->file);
    mem_free(u->all);
    mem_free(u->table);
    mem_free(u);
}

int units_open(struct vocab **out, const char *units_path, const char *pieces_path, int n_vocabulary,
               struct message *msg)
{
    if (n_vocabulary < 1 || n_vocabulary > INT_MAX / 8)
        return fail(msg, LINNET_E_ARGUMENT, "a vocabulary of %d units", n_vocabulary);
    struct units *u = mem_array(1, sizeof *u);
    if (u == NULL)
        return fail_memory(msg);
    int rc;
    u->base = (struct vocab){.kind = &units_vocab, .n = n_vocabulary};
    for (u->n_table = 16; u->n_table < 2 * (size_t)u->base.n;)
        u->n_table *= 2;
    u->all = mem_array((size_t)u->base.n, sizeof *u->all);
    u->table = mem_array(u->n_table, sizeof *u->table);
    if (u->all == NULL || u->table == NULL) {
        rc = fail_memory(msg);
        goto fail;
    }
    for (size_t i = 0; i < u->n_table; i++)
        u->table[i] = -1;
    if ((rc = read_units(u, units_path, msg)) < 0 ||
        (pieces_path != NULL && (rc = read_pieces(u, pieces_path, msg)) < 0))
        goto fail;
    u->style = style_of(u);
    *out = &u->base;
    return LINNET_OK;
fail:
    units_close(&u->base);
    return rc;
}

/* In a vocabulary without spaces: true when one belongs between a and b. */
static int space_between(const struct units *u, const struct unit *a, const struct unit *b)
{
    return u->style == UNITS_WORDS && !goes_on(a) && is_letter(a->last) && is_letter(b->first);
}

/* Appends the name with "▁" as spaces and without "@@". */
static int append_name(const struct unit *x, int skip_space, struct buffer *text)
{
    size_t size = x->size - (goes_on(x) ? 2 : 0), i = 0;
    while (i < size) {
        int is_space = size - i >= UNITS_SPACE_SIZE && memcmp(x->name + i, UNITS_SPACE, UNITS_SPACE_SIZE) == 0;
        int rc = 0;
        if (!is_space)
            rc = buffer_append(text, x->name + i, 1);
        else if (!skip_space && (text->n == 0 || text->data[text->n - 1] != ' '))
            rc = buffer_append(text, " ", 1);
        if (rc < 0)
            return rc;
        skip_space = skip_space && is_space;
        i += is_space ? UNITS_SPACE_SIZE : 1;
    }
    return LINNET_OK;
}

static int text_of(const struct vocab *v, const int *ids, int n, int at_start, struct buffer *text)
{
    const struct units *u = units_of(v);
    size_t n_before = text->n;
    const struct unit *last = NULL;
    for (int i = 0; i < n; i++) {
        const struct unit *x = &u->all[ids[i]];
        if (x->is_special)
            continue;
        int rc = 0;
        if (last != NULL && space_between(u, last, x))
            rc = buffer_append(text, " ", 1);
        if (rc == 0 && x->byte >= 0)
            rc = buffer_append(text, &(char){(char)x->byte}, 1);
        else if (rc == 0)
            rc = append_name(x, at_start && text->n == n_before, text);
        if (rc < 0)
            return rc;
        last = x;
    }
    return LINNET_OK;
}

/* Of a script without spaces, or its punctuation. */
static int is_wide(uint32_t code)
{
    return units_is_unspaced(code) || (code >= 0x3000 && code <= 0x303F) || (code >= 0xFF00 && code <= 0xFFEF);
}

/* True when a word begins at x, which comes after last; word_is_empty: only spaces since the word's start. */
static int word_begins(const struct units *u, const struct unit *last, const struct unit *x, int word_is_empty)
{
    if (x->is_special || word_is_empty)
        return 0;
    if (starts_with_space(x) || space_between(u, last, x))
        return 1;
    return units_is_unspaced(x->first) || (is_wide(last->last) && is_letter(x->first));
}

static int words_of(const struct vocab *v, const int *ids, int n, int *ends)
{
    const struct units *u = units_of(v);
    int n_words = n > 0, word_is_empty = 1;
    const struct unit *last = NULL;
    for (int i = 0; i < n; i++) {
        const struct unit *x = &u->all[ids[i]];
        if (last != NULL && word_begins(u, last, x, word_is_empty)) {
            n_words++;
            word_is_empty = 1;
        }
        ends[n_words - 1] = i + 1;
        if (x->is_special)
            continue;
        word_is_empty = word_is_empty && x->first == 0 && x->byte < 0;
        last = x;
    }
    return n_words;
}

/* ---- the table's entry ---- */

static int open_dir(struct vocab **out, const char *dir, int n, struct message *msg)
{
    char path[FILE_MAX_PATH], pieces[FILE_MAX_PATH];
    int rc;
    if ((rc = file_in(path, dir, "units.txt", msg)) < 0 || (rc = file_in(pieces, dir, "pieces.tsv", msg)) < 0)
        return rc;
    return units_open(out, path, file_exists(pieces) ? pieces : NULL, n, msg);
}

static const char *token(const struct vocab *v, int id) { return units_of(v)->all[id].name; }

const struct vocab_kind units_vocab = {
    .name = "units",
    .open = open_dir,
    .close = units_close,
    .token = token,
    .text = text_of,
    .words = words_of,
    .spell = units_spell,
};
