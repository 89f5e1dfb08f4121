/* SPDX-License-Identifier: Apache-2.0
 * data_dir.c - a data directory as Kaldi lays it out: `wav.scp` and, where recordings are cut, `segments`.
 *
 *     wav.scp    recording path                        commands are refused
 *     segments   utterance recording start end         in seconds; end -1: to the end of the recording
 *     text       utterance words
 *
 * Without segments every recording is an utterance. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/unicode.h"
#include "bin/data_set.h"

/* Tells what is wrong with the line. */
static int complain(struct transcripts *t, const struct transcript *line, const char *path, const char *what)
{
    struct message why;
    fail(&why, LINNET_E_FORMAT, "%.240s:%d: '%.60s %.60s' %s", path, line->line, line->id, line->text, what);
    return transcripts_complain(t, &why);
}

/* Keeps the recordings that are files. */
static int check_recordings(struct transcripts *t, const char *path)
{
    int n = 0, rc = 0;
    for (int i = 0; rc == 0 && i < t->n; i++) {
        struct transcript line = t->at[i];
        size_t size = strlen(line.text);
        if (size == 0)
            rc = complain(t, &line, path, "names no file");
        else if (line.text[size - 1] == '|' || *line.text == '|')
            rc = complain(t, &line, path, "is a command: only plain files are read");
        else
            t->at[n++] = line;
    }
    t->n = n;
    return rc;
}

/* The path of a recording, or NULL. */
static int find_recording(const struct data_set *d, const char *id, const char **path)
{
    struct buffer name = {0};
    int rc = unicode_normalize(id, strlen(id), &name);
    if (rc == 0)
        *path = transcripts_text(&d->recordings, buffer_text(&name));
    buffer_free(&name);
    return rc;
}

/* "recording start end", perhaps with a channel after it.  *what is what is wrong with it, or NULL. */
static int read_segment(const struct data_set *d, const char *text, struct data_utterance *out, const char **what)
{
    char recording[1024], start[64], end[64];
    int rc = LINNET_OK;
    if (sscanf(text, "%1023s %63s %63s", recording, start, end) != 3)
        *what = "is not 'utterance recording start end'";
    else if ((*what = data_set_times(out, start, end)) == NULL &&
             (rc = find_recording(d, recording, &out->path)) == 0 && out->path == NULL)
        *what = "is of a recording that is not in wav.scp";
    return rc;
}

static int cut_recordings(struct data_set *d, const char *path)
{
    int rc = LINNET_OK;
    for (int i = 0; rc == 0 && i < d->segments.n; i++) {
        const struct transcript *line = &d->segments.at[i];
        const char *what = NULL;
        d->at[d->n] = (struct data_utterance){.id = line->id};
        rc = read_segment(d, line->text, &d->at[d->n], &what);
        if (rc == 0 && what != NULL)
            rc = complain(&d->segments, line, path, what);
        else
            d->n += rc == 0;
    }
    return rc;
}

static int list_utterances(struct data_set *d, int is_cut, const char *path, struct message *msg)
{
    d->at = mem_array((size_t)(is_cut ? d->segments.n : d->recordings.n), sizeof *d->at);
    if (d->at == NULL || (is_cut && cut_recordings(d, path) < 0))
        return fail_memory(msg);
    for (; !is_cut && d->n < d->recordings.n; d->n++)
        d->at[d->n] = (struct data_utterance){d->recordings.at[d->n].id, d->recordings.at[d->n].text, NULL, 0, -1};
    return d->n > 0 ? LINNET_OK : fail(msg, LINNET_E_FORMAT, "%s: no utterance in it that can be used", path);
}

static int read_texts(struct data_set *d, struct message *msg)
{
    char path[FILE_MAX_PATH];
    int rc = file_in(path, d->folder, "text", msg);
    if (rc < 0 || !file_exists(path) || (rc = transcripts_read(&d->texts, path, msg)) < 0)
        return rc;
    for (int i = 0; i < d->n; i++)
        d->at[i].text = transcripts_text(&d->texts, d->at[i].id);
    return LINNET_OK;
}

int data_dir_read(struct data_set *d, int with_texts, struct message *msg)
{
    char path[FILE_MAX_PATH], segments[FILE_MAX_PATH];
    int rc;
    d->times_from = "segments";
    if ((rc = file_in(path, d->folder, "wav.scp", msg)) < 0 || (rc = file_in(segments, d->folder, "segments", msg)) < 0)
        return rc;
    if (!file_exists(path))
        return fail(msg, LINNET_E_IO, "%s: is not there; --data takes %s", path, DATA_SET_FORMATS);
    if ((rc = transcripts_read_paths(&d->recordings, path, msg)) < 0)
        return rc;
    if (check_recordings(&d->recordings, path) < 0)
        return fail_memory(msg);
    int is_cut = file_exists(segments);
    if ((is_cut && (rc = transcripts_read(&d->segments, segments, msg)) < 0) ||
        (rc = list_utterances(d, is_cut, is_cut ? segments : path, msg)) < 0)
        return rc;
    return with_texts ? read_texts(d, msg) : LINNET_OK;
}
