/* SPDX-License-Identifier: Apache-2.0
 * data_dir.c - a data directory as Kaldi lays it out. */
#include "bin/data_dir.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/unicode.h"
#include "bin/problems.h"

#define MAX_TIME_S 1e7
#define SLACK_S 0.01 /* times are written with two decimals */

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
static int find_recording(const struct data_dir *d, const char *id, const char **path)
{
    struct buffer name = {0};
    int rc = unicode_normalize(id, strlen(id), &name);
    if (rc == 0)
        *path = transcripts_text(&d->recordings, buffer_text(&name));
    buffer_free(&name);
    return rc;
}

/* "recording start end", perhaps with a channel after it.  *what is what is wrong with it, or NULL. */
static int read_segment(const struct data_dir *d, const char *text, struct data_utterance *out, const char **what)
{
    char recording[1024], start[64], end[64];
    int rc = LINNET_OK;
    *what = NULL;
    if (sscanf(text, "%1023s %63s %63s", recording, start, end) != 3 ||
        parse_number(start, 0, MAX_TIME_S, &out->start_s) < 0 || parse_number(end, -1, MAX_TIME_S, &out->end_s) < 0 ||
        (out->end_s < 0 && out->end_s > -1))
        *what = "is not 'utterance recording start end'";
    else if (out->end_s >= 0 && out->end_s <= out->start_s)
        *what = "ends where it starts, or before";
    else if ((rc = find_recording(d, recording, &out->path)) == 0 && out->path == NULL)
        *what = "is of a recording that is not in wav.scp";
    return rc;
}

static int cut_recordings(struct data_dir *d, const char *path)
{
    int rc = LINNET_OK;
    for (int i = 0; rc == 0 && i < d->segments.n; i++) {
        const struct transcript *line = &d->segments.at[i];
        const char *what;
        d->at[d->n] = (struct data_utterance){.id = line->id};
        rc = read_segment(d, line->text, &d->at[d->n], &what);
        if (rc == 0 && what != NULL)
            rc = complain(&d->segments, line, path, what);
        else
            d->n += rc == 0;
    }
    return rc;
}

static int list_utterances(struct data_dir *d, int is_cut, const char *path, struct message *msg)
{
    d->at = mem_array((size_t)(is_cut ? d->segments.n : d->recordings.n), sizeof *d->at);
    if (d->at == NULL || (is_cut && cut_recordings(d, path) < 0))
        return fail_memory(msg);
    for (; !is_cut && d->n < d->recordings.n; d->n++)
        d->at[d->n] = (struct data_utterance){d->recordings.at[d->n].id, d->recordings.at[d->n].text, 0, -1};
    problems_report(&d->recordings);
    problems_report(&d->segments);
    return d->n > 0 ? LINNET_OK : fail(msg, LINNET_E_FORMAT, "%s: no utterance in it that can be used", path);
}

static int read_all(struct data_dir *d, struct message *msg)
{
    char path[FILE_MAX_PATH], segments[FILE_MAX_PATH];
    int rc;
    if ((rc = file_in(path, d->dir, "wav.scp", msg)) < 0 || (rc = file_in(segments, d->dir, "segments", msg)) < 0 ||
        (rc = transcripts_read_paths(&d->recordings, path, msg)) < 0)
        return rc;
    if (check_recordings(&d->recordings, path) < 0)
        return fail_memory(msg);
    int is_cut = file_exists(segments);
    if (is_cut && (rc = transcripts_read(&d->segments, segments, msg)) < 0)
        return rc;
    return list_utterances(d, is_cut, is_cut ? segments : path, msg);
}

int data_dir_open(struct data_dir *d, const char *dir, struct message *msg)
{
    struct data_dir fresh = {.dir = dir};
    int rc = read_all(&fresh, msg);
    if (rc < 0)
        data_dir_close(&fresh);
    else
        *d = fresh;
    return rc;
}

void data_dir_close(struct data_dir *d)
{
    mem_free(d->at);
    transcripts_close(&d->recordings);
    transcripts_close(&d->segments);
    *d = (struct data_dir){0};
}

int data_dir_problems(const struct data_dir *d) { return d->recordings.n_problems + d->segments.n_problems; }

int data_dir_find(const struct data_dir *d, const struct data_utterance *u, char *path, size_t size,
                  struct message *msg)
{
    int n = snprintf(path, size, "%s", u->path);
    if (!file_exists(path) && u->path[0] != '/') {
        n = snprintf(path, size, "%s/%s", d->dir, u->path);
        if (!file_exists(path))
            n = snprintf(path, size, "%s", u->path); /* as wav.scp has it, for the message of who opens it */
    }
    return n >= 0 && (size_t)n < size ? LINNET_OK : fail(msg, LINNET_E_ARGUMENT, "%.100s...: path too long", u->path);
}

int data_dir_is_cut(const struct data_utterance *u, double heard_s, struct message *msg)
{
    double end_s = u->start_s + heard_s;
    msg->text[0] = '\0';
    if (u->end_s < 0 || end_s >= u->end_s - SLACK_S)
        return 0;
    fail(msg, 0, "ends at %.2f s in segments, its recording at %.2f s: cut there", u->end_s, end_s);
    return 1;
}
