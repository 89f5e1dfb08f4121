/* SPDX-License-Identifier: Apache-2.0
 * data_dir.c - a data directory as Kaldi lays it out. */
#include "bin/data_dir.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/parse.h"

#define MAX_TIME_S 1e7

static int check_recordings(const struct transcripts *t, const char *path, struct message *msg)
{
    for (int i = 0; i < t->n; i++) {
        const char *at = t->at[i].text;
        size_t n = strlen(at);
        if (n == 0)
            return fail(msg, LINNET_E_FORMAT, "%s: recording '%s' has no path", path, t->at[i].id);
        if (at[n - 1] == '|')
            return fail(msg, LINNET_E_UNSUPPORTED,
                        "%s: recording '%s' is a command (%.200s): only plain files are read", path, t->at[i].id, at);
    }
    return LINNET_OK;
}

/* "recording start end", perhaps with a channel after it */
static int read_segment(const struct data_dir *d, const struct transcript *line, struct data_utterance *out)
{
    char recording[1024], start[64], end[64];
    *out = (struct data_utterance){.id = line->id};
    if (sscanf(line->text, "%1023s %63s %63s", recording, start, end) != 3 ||
        parse_number(start, 0, MAX_TIME_S, &out->start_s) < 0 || parse_number(end, -1, MAX_TIME_S, &out->end_s) < 0 ||
        (out->end_s >= 0 && out->end_s <= out->start_s))
        return LINNET_E_FORMAT;
    out->path = transcripts_text(&d->recordings, recording);
    return out->path != NULL ? LINNET_OK : LINNET_E_ARGUMENT;
}

static int cut_recordings(struct data_dir *d, const char *path, struct message *msg)
{
    for (int i = 0; i < d->n; i++) {
        const struct transcript *line = &d->segments.at[i];
        int rc = read_segment(d, line, &d->at[i]);
        if (rc == LINNET_E_FORMAT)
            return fail(msg, rc, "%s: '%s %.200s' is not 'utterance recording start end'", path, line->id, line->text);
        if (rc < 0)
            return fail(msg, LINNET_E_FORMAT, "%s: the recording of '%s' is not in wav.scp", path, line->id);
    }
    return LINNET_OK;
}

static int read_all(struct data_dir *d, struct message *msg)
{
    char path[FILE_MAX_PATH];
    int rc;
    if ((rc = file_in(path, d->dir, "wav.scp", msg)) < 0 || (rc = transcripts_read(&d->recordings, path, msg)) < 0 ||
        (rc = check_recordings(&d->recordings, path, msg)) < 0 || (rc = file_in(path, d->dir, "segments", msg)) < 0)
        return rc;
    int is_cut = file_exists(path);
    if (is_cut && (rc = transcripts_read(&d->segments, path, msg)) < 0)
        return rc;
    d->n = is_cut ? d->segments.n : d->recordings.n;
    d->at = mem_array((size_t)d->n, sizeof *d->at);
    if (d->at == NULL)
        return fail_memory(msg);
    for (int i = 0; i < d->n && !is_cut; i++)
        d->at[i] = (struct data_utterance){d->recordings.at[i].id, d->recordings.at[i].text, 0, -1};
    return is_cut ? cut_recordings(d, path, msg) : LINNET_OK;
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
