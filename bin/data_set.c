/* SPDX-License-Identifier: Apache-2.0
 * data_set.c - opens any list of utterances, and finds their recordings. */
#include "bin/data_set.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"

#define MAX_TIME_S 1e7
#define SLACK_S 0.01 /* times are written with two decimals */

static int read_any(struct data_set *d, const char *path, int with_texts, struct message *msg)
{
    const char *slash = strrchr(path, '/'), *folder = path;
    size_t n = strlen(path);
    int is_dir = file_is_folder(path);
    if (access(path, R_OK) < 0)
        return fail(msg, LINNET_E_IO, "%s: %s; --data takes %s", path, strerror(errno), DATA_SET_FORMATS);
    if (!is_dir) {
        n = slash != NULL ? (size_t)(slash - path) : 1;
        folder = slash != NULL ? path : ".";
    }
    if (n >= sizeof d->folder)
        return fail(msg, LINNET_E_ARGUMENT, "%.100s...: path too long", path);
    memcpy(d->folder, folder, n);
    return is_dir ? data_dir_read(d, with_texts, msg) : data_list_read(d, path, msg);
}

int data_set_open(struct data_set *d, const char *path, int with_texts, struct message *msg)
{
    struct data_set fresh = {.n = 0};
    int rc = read_any(&fresh, path, with_texts, msg);
    problems_report(&fresh.recordings);
    problems_report(&fresh.segments);
    problems_report(&fresh.texts);
    if (rc < 0)
        data_set_close(&fresh);
    else
        *d = fresh;
    return rc;
}

void data_set_close(struct data_set *d)
{
    mem_free(d->at);
    buffer_free(&d->bytes);
    transcripts_close(&d->recordings);
    transcripts_close(&d->segments);
    transcripts_close(&d->texts);
    *d = (struct data_set){.n = 0};
}

void data_set_problems(const struct data_set *d, struct problems *p)
{
    problems_add_lines(p, &d->recordings);
    problems_add_lines(p, &d->segments);
    problems_add_lines(p, &d->texts);
}

const char *data_set_times(struct data_utterance *u, const char *start, const char *end)
{
    double start_s = 0, end_s = -1;
    if ((start != NULL && parse_number(start, 0, MAX_TIME_S, &start_s) < 0) ||
        (end != NULL && parse_number(end, -1, MAX_TIME_S, &end_s) < 0) || (end_s < 0 && end_s > -1))
        return "has a start or an end that is no time in seconds";
    if (end_s >= 0 && end_s <= start_s)
        return "ends where it starts, or before";
    u->start_s = start_s;
    u->end_s = end_s;
    return NULL;
}

int data_set_find(const struct data_set *d, const struct data_utterance *u, char *path, size_t size,
                  struct message *msg)
{
    int n = snprintf(path, size, "%s", u->path);
    if (!file_exists(path) && u->path[0] != '/') {
        n = snprintf(path, size, "%s/%s", d->folder, u->path);
        if (!file_exists(path))
            n = snprintf(path, size, "%s", u->path); /* as the list has it, for the message of who opens it */
    }
    return n >= 0 && (size_t)n < size ? LINNET_OK : fail(msg, LINNET_E_ARGUMENT, "%.100s...: path too long", u->path);
}

int data_set_is_cut(const struct data_set *d, const struct data_utterance *u, double heard_s, struct message *msg)
{
    double end_s = u->start_s + heard_s;
    msg->text[0] = '\0';
    if (u->end_s < 0 || end_s >= u->end_s - SLACK_S)
        return 0;
    fail(msg, 0, "ends at %.2f s in %s, its recording at %.2f s: cut there", u->end_s, d->times_from, end_s);
    return 1;
}
