/* SPDX-License-Identifier: Apache-2.0
 * entries.h - the entries of a list of utterances, whatever form it has: the one reader of transcripts and data lists.
 *
 *     JSON lines   {"utt": ..., "text": ...}      the first line begins with {
 *     a table      audio,sentence                 the first line names columns, with tabs, commas or semicolons between
 *                  a.wav,"words, with a comma"
 *     plain        u1 words                       else; what a line says depends on what the list is read for
 *
 * Names of fields and columns, the first that is there counts; case does not matter in a table:
 *
 *     id        utt id key                        without one: the recording's name, without folders and ending
 *     path      audio path file audio_path wav file_name
 *     text      text sentence transcription transcript txt
 *     speaker   speaker speaker_id client_id
 *     start     start      end   end              in seconds
 *
 * WeNet's data.list has key, wav, txt, perhaps start and end; tables of Hugging Face's data sets file_name or path and
 * sentence or transcription; linnet's hyp.jsonl utt and text. */
#ifndef LINNET_SCORE_ENTRIES_H
#define LINNET_SCORE_ENTRIES_H

#include <jansson.h>

#include "base/csv.h"
#include "base/lines.h"

enum entry_field { ENTRY_ID, ENTRY_PATH, ENTRY_TEXT, ENTRY_SPEAKER, ENTRY_START, ENTRY_END, ENTRY_FIELDS };

/* What a list is read for, and what a plain line of it is. */
enum entries_use {
    ENTRIES_TEXTS,      /* id words */
    ENTRIES_SPEAKERS,   /* id speaker */
    ENTRIES_FILES,      /* path */
    ENTRIES_RECORDINGS, /* id path, as in wav.scp, which has no other form; paths may be any bytes */
};

/* Valid until the next one is read. */
struct entry {
    const char *at[ENTRY_FIELDS]; /* NULL: not there; the id in NFC, with _ for blanks */
    int line;
};

struct entries_kind;

/* Zeroed may be closed. */
struct entries {
    struct lines lines;
    enum entries_use use;
    const struct entries_kind *kind;
    struct csv csv;
    int columns[ENTRY_FIELDS], n_columns, is_past_header; /* column -1: none */
    json_t *object;                                       /* the line's */
    struct buffer id;
    char times[2][40]; /* start, end */
};

/* A file called .csv or .tsv must be a table. */
int entries_open(struct entries *e, const char *path, enum entries_use use, struct message *msg) LINNET_MUST_CHECK;
void entries_close(struct entries *e);

/* 1 and the next entry; 0: there is none; LINNET_E_FORMAT: one that cannot be used, and others may follow; or
 * LINNET_E_MEMORY. */
int entries_next(struct entries *e, struct entry *out, struct message *msg) LINNET_MUST_CHECK;

#endif
