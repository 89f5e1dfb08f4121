/* SPDX-License-Identifier: Apache-2.0
 * entries.c - JSON lines, tables, plain lines. */
#include "score/entries.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/unicode.h"
#include "base/utf8.h"

#define MAX_FILE_BYTES ((size_t)1 << 30)
#define PEEK_BYTES ((size_t)1 << 16)

static const char *const names[ENTRY_FIELDS][7] = {
    [ENTRY_ID] = {"utt", "id", "key"},
    [ENTRY_PATH] = {"audio", "path", "file", "audio_path", "wav", "file_name"},
    [ENTRY_TEXT] = {"text", "sentence", "transcription", "transcript", "txt"},
    [ENTRY_SPEAKER] = {"speaker", "speaker_id", "client_id"},
    [ENTRY_START] = {"start"},
    [ENTRY_END] = {"end"},
};

/* The field that a list is read for. */
static enum entry_field wanted(enum entries_use use)
{
    return use == ENTRIES_TEXTS ? ENTRY_TEXT : use == ENTRIES_SPEAKERS ? ENTRY_SPEAKER : ENTRY_PATH;
}

/* "name", "name" of the field. */
static const char *name_all(enum entry_field field, char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    for (int i = 0; names[field][i] != NULL && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s\"%s\"", i > 0 ? ", " : "", names[field][i]);
    return out;
}

/* The next line that holds more than blanks, as it is: in a table they may be empty fields. */
static int next_filled(struct lines *l, struct line *line, struct message *msg)
{
    int rc;
    do
        rc = lines_next(l, line, msg);
    while (rc > 0 && strspn(line->text, " \t") == line->n);
    return rc;
}

/* The next line that is not empty, trimmed. */
static int next_line(struct lines *l, struct line *line, struct message *msg)
{
    int rc;
    do {
        rc = lines_next(l, line, msg);
        if (rc > 0)
            line_trim(line);
    } while (rc > 0 && line->n == 0);
    return rc;
}

/* Blanks would end an id in a Kaldi file. */
static int put_id(struct entries *e, const char *id, size_t n)
{
    struct buffer normal = {0};
    int rc = unicode_normalize(id, n, &normal);
    buffer_cut(&e->id, 0);
    for (size_t at = 0, size; rc >= 0 && at < normal.n; at += size) {
        uint32_t code;
        size = utf8_next(normal.data + at, normal.n - at, &code);
        rc = unicode_is_blank(code) ? buffer_puts(&e->id, "_") : buffer_append(&e->id, normal.data + at, size);
    }
    buffer_free(&normal);
    return rc;
}

/* The name of a recording without folders and ending. */
static int put_name(struct entries *e, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path, *dot = strrchr(name, '.');
    return put_id(e, name, dot != NULL && dot > name ? (size_t)(dot - name) : strlen(name));
}

/* ---- kinds ---- */

struct entries_kind {
    int (*next)(struct entries *e, struct entry *out, struct message *msg);
};

/* The member's text, or NULL. */
static const char *member(struct entries *e, enum entry_field field, const char *name)
{
    const json_t *value = json_object_get(e->object, name);
    if (json_is_string(value) && (json_string_length(value) > 0 || field == ENTRY_TEXT))
        return json_string_value(value);
    if (!json_is_number(value) || field < ENTRY_START)
        return NULL;
    char *text = e->times[field - ENTRY_START];
    snprintf(text, sizeof e->times[0], "%.9f", json_number_value(value));
    return text;
}

static int next_json(struct entries *e, struct entry *out, struct message *msg)
{
    struct line line;
    json_error_t error;
    int rc = next_line(&e->lines, &line, msg);
    if (rc <= 0)
        return rc;
    json_decref(e->object);
    e->object = json_loadb(line.text, line.n, 0, &error);
    if (e->object == NULL)
        return lines_fail(&e->lines, msg, "%s", error.text);
    for (int i = 0; i < ENTRY_FIELDS; i++)
        for (int k = 0; out->at[i] == NULL && names[i][k] != NULL; k++)
            out->at[i] = member(e, (enum entry_field)i, names[i][k]);
    return 1;
}

/* Reads lines until a record ends.  One of them that is no text spoils the record, not its end. */
static int next_record(struct entries *e, int *line_number, struct message *msg)
{
    struct message why;
    struct line line;
    int rc, is_whole = 0, is_bad = 0;
    do {
        rc = e->csv.is_quoted ? lines_next(&e->lines, &line, &why) : next_filled(&e->lines, &line, &why);
        if (!e->csv.is_quoted)
            *line_number = e->lines.number;
        if (rc == LINNET_E_FORMAT && !is_bad++ && msg != NULL)
            *msg = why;
        if (rc != 0)
            is_whole = csv_take(&e->csv, line.text, line.n);
    } while (rc != 0 && is_whole == 0);
    if (rc == 0 && e->csv.is_quoted) {
        csv_reset(&e->csv);
        return fail(msg, LINNET_E_FORMAT, "%.240s:%d: its quote does not end", e->lines.path, *line_number);
    }
    return is_whole < 0 ? is_whole : is_bad ? LINNET_E_FORMAT : rc;
}

static int next_row(struct entries *e, struct entry *out, struct message *msg)
{
    int rc = next_record(e, &out->line, msg);
    if (rc > 0 && !e->is_past_header) {
        e->is_past_header = 1;
        rc = next_record(e, &out->line, msg);
    }
    if (rc <= 0)
        return rc;
    if (e->csv.n != e->n_columns)
        return fail(msg, LINNET_E_FORMAT, "%.240s:%d: has %d fields, the first line %d", e->lines.path, out->line,
                    e->csv.n, e->n_columns);
    for (int i = 0; i < ENTRY_FIELDS; i++) {
        const char *field = e->columns[i] >= 0 ? csv_field(&e->csv, e->columns[i]) : NULL;
        out->at[i] = field != NULL && (*field != '\0' || i == ENTRY_TEXT) ? field : NULL;
    }
    return 1;
}

static int next_plain(struct entries *e, struct entry *out, struct message *msg)
{
    struct line line, id = {0};
    int rc = next_line(&e->lines, &line, msg);
    if (rc <= 0)
        return rc;
    if (e->use != ENTRIES_FILES)
        line_cut_word(&line, &id);
    out->at[ENTRY_ID] = id.text;
    out->at[wanted(e->use)] = line.text;
    return 1;
}

static const struct entries_kind json = {next_json}, table = {next_row}, plain = {next_plain};

/* ---- opening ---- */

static int find_column(const struct csv *c, enum entry_field field)
{
    for (int i = 0; names[field][i] != NULL; i++)
        for (int k = 0; k < c->n; k++)
            if (strcasecmp(csv_field(c, k), names[field][i]) == 0)
                return k;
    return -1;
}

/* Whether the line names the column that is wanted, and n others that are known.  Returns it, or an error. */
static int find_columns(struct entries *e, const struct line *line, char separator, int n)
{
    e->csv.separator = separator;
    csv_reset(&e->csv);
    int rc = csv_take(&e->csv, line->text, line->n), n_found = 0;
    for (int i = 0; rc > 0 && i < ENTRY_FIELDS; i++) {
        e->columns[i] = find_column(&e->csv, (enum entry_field)i);
        n_found += e->columns[i] >= 0;
    }
    e->n_columns = e->csv.n;
    return rc < 0 ? rc : rc > 0 && e->columns[wanted(e->use)] >= 0 && n_found > n;
}

static int is_table(struct entries *e, const struct line *line, int n)
{
    int rc = find_columns(e, line, '\t', n);
    if (rc == 0)
        rc = find_columns(e, line, ',', n);
    return rc == 0 ? find_columns(e, line, ';', n) : rc;
}

/* Looks at the line, the first good one; the file's name says whether it must be a table. */
static int recognize(struct entries *e, struct line *line, struct message *msg)
{
    char known[120];
    const char *path = e->lines.path;
    int is_called_table = file_has_suffix(path, ".csv") || file_has_suffix(path, ".tsv");
    int rc = is_table(e, line, !is_called_table);
    csv_reset(&e->csv);
    line_trim(line);
    e->kind = rc > 0 ? &table : *line->text == '{' ? &json : &plain;
    if (rc < 0)
        return fail_memory(msg);
    if (is_called_table && e->kind == &plain)
        return fail(msg, LINNET_E_FORMAT, "%s: its first line names none of these columns: %s", path,
                    name_all(wanted(e->use), known, sizeof known));
    return LINNET_OK;
}

/* Finds out what the list is, from a copy of its beginning: lines are cut when they are read. */
static int peek(struct entries *e, struct message *msg)
{
    struct lines copy = {.path = e->lines.path};
    const struct buffer *text = &e->lines.text;
    size_t n = text->n < PEEK_BYTES ? text->n : PEEK_BYTES;
    char nothing[] = "";
    struct line line = {.text = nothing};
    int rc = buffer_append(&copy.text, buffer_text(text), n - utf8_unfinished(buffer_text(text), n));
    if (rc < 0)
        return fail_memory(msg);
    do
        rc = next_filled(&copy, &line, NULL);
    while (rc == LINNET_E_FORMAT);
    if (rc == 0)
        line = (struct line){.text = nothing};
    rc = recognize(e, &line, msg);
    lines_close(&copy);
    return rc;
}

int entries_open(struct entries *e, const char *path, enum entries_use use, struct message *msg)
{
    struct entries fresh = {.use = use, .kind = &plain};
    int rc = lines_open(&fresh.lines, path, MAX_FILE_BYTES, msg);
    if (rc >= 0 && use != ENTRIES_RECORDINGS)
        rc = peek(&fresh, msg);
    fresh.lines.any_bytes = fresh.kind == &plain && (use == ENTRIES_FILES || use == ENTRIES_RECORDINGS);
    if (rc < 0)
        entries_close(&fresh);
    else
        *e = fresh;
    return rc;
}

void entries_close(struct entries *e)
{
    lines_close(&e->lines);
    csv_close(&e->csv);
    json_decref(e->object);
    buffer_free(&e->id);
    *e = (struct entries){0};
}

int entries_next(struct entries *e, struct entry *out, struct message *msg)
{
    struct entry entry = {0};
    char known[120];
    int rc = e->kind->next(e, &entry, msg);
    if (e->kind != &table)
        entry.line = e->lines.number;
    if (rc <= 0)
        return rc;
    const char *id = entry.at[ENTRY_ID], *path = entry.at[ENTRY_PATH];
    if (entry.at[wanted(e->use)] == NULL)
        rc = fail(msg, LINNET_E_FORMAT, "%.240s:%d: no %s", e->lines.path, entry.line,
                  name_all(wanted(e->use), known, sizeof known));
    else if (id == NULL && path == NULL)
        rc = fail(msg, LINNET_E_FORMAT, "%.240s:%d: no %s", e->lines.path, entry.line,
                  name_all(ENTRY_ID, known, sizeof known));
    else if ((id != NULL ? put_id(e, id, strlen(id)) : put_name(e, path)) < 0)
        rc = LINNET_E_MEMORY;
    else if (e->id.n == 0)
        rc = fail(msg, LINNET_E_FORMAT, "%.240s:%d: '%.100s' is no name to make an id of", e->lines.path, entry.line,
                  path != NULL ? path : "");
    if (rc < 0)
        return rc;
    entry.at[ENTRY_ID] = buffer_text(&e->id);
    *out = entry;
    return 1;
}
