/* SPDX-License-Identifier: Apache-2.0
 * files.h - recordings that came whole: they wait in a line, and several at a time share decoder steps
 * (nn/text_batch.h).  Live streams go before them. */
#ifndef LINNET_SERVE_FILES_H
#define LINNET_SERVE_FILES_H

#include "serve/histogram.h"
#include "serve/models.h"

struct files;
struct file_job;

struct files_options {
    int most_waiting; /* recordings in the line */
    double most_s;    /* of a recording; 0: any */
};

/* Whom a recording tells, from a thread that decodes, one call at a time; `ended` once, and release last of all.  None
 * of them may wait: while one runs other recordings of the model do not. */
struct file_sink {
    int (*event)(void *arg, const linnet_event *event, struct message *msg); /* < 0: the recording fails */
    void (*fed)(void *arg, double fed_s, double length_s);                   /* length: 0 where it is not known */
    void (*ended)(void *arg, int code, const char *why, const struct linnet_stats *stats); /* code: LINNET_OK, or < 0 */
    void (*release)(void *arg);
    void *arg;
};

struct files_facts {
    int n_waiting, n_running;
    unsigned long n_done, n_failed, n_refused; /* who goes away has not failed */
    double audio_s, compute_s;
    struct histogram waited, ran; /* how long recordings waited, and were being decoded */
};

LINNET_MUST_CHECK int files_open(struct files **out, const struct files_options *o, const struct serve_models *models,
                                 struct message *msg);
void files_close(struct files *f); /* all that is left ends with LINNET_E_CANCELLED, before this returns */
void files_facts(struct files *f, struct files_facts *facts);

/* Puts a recording in the line.  fd is one that can be sought, of a file that nobody changes; it is read from its
 * beginning, and closed when the recording has ended, or here after a failure.  LINNET_E_BUSY: the line is full.  After
 * a failure release is not called.  What is wrong with a request (a language that the model does not know) is found out
 * when its turn comes, and said by `ended`. */
LINNET_MUST_CHECK int files_add(struct file_job **out, struct files *f, const struct serve_request *r, int fd,
                                const struct file_sink *sink, struct message *msg);

/* Nobody wants it any more: it ends with LINNET_E_CANCELLED soon, or at once, by this thread, if it waits.  Once for
 * each job, whether it has ended or not. */
void files_let_go(struct file_job *j);

#endif
