/* SPDX-License-Identifier: Apache-2.0
 * openai.h - the audio part of the OpenAI API: openai.c has its requests, openai_form.c what a form asks for,
 * openai_reply.c what is told of a recording. */
#ifndef LINNET_SERVE_OPENAI_H
#define LINNET_SERVE_OPENAI_H

#include "bin/output.h"
#include "serve/request.h"
#include "serve/upload.h"

struct file_job;
struct serve_model;

enum openai_format { OPENAI_JSON, OPENAI_TEXT, OPENAI_SRT, OPENAI_VTT, OPENAI_VERBOSE_JSON };

/* What a form asks for; texts are the upload's, NULL: nothing. */
struct openai_form {
    const char *model, *language, *prompt, *temperature, *decoder;
    enum openai_format format;
    int is_stream;
    int has_words, has_segments; /* verbose_json: timestamp_granularities */
    int has_logprobs;            /* include[]=logprobs: of words, which have a probability here */
    int has_progress;            /* include[]=progress, ours: how much of the recording is decoded */
    const char *param;           /* the field that a failure is about, or NULL */
};

LINNET_MUST_CHECK int openai_form_read(struct openai_form *f, const struct upload *u, struct message *msg);

/* A recording that is transcribed for a request, whose state it is. */
struct openai_job {
    struct request *request;
    struct upload *upload;
    struct openai_form form;
    const char *task;
    struct file_job *file; /* the loop's thread's */
    /* of what decodes: */
    struct output output;
    struct buffer words, logprobs; /* items of JSON arrays */
    char language[64];             /* in English where that is known */
    size_t n_told;                 /* bytes of the text that were sent */
};

/* Puts the recording in the line; its reply will be made. */
LINNET_MUST_CHECK int openai_job_start(struct openai_job *j, struct serve_model *model, struct message *msg);
void openai_job_free(struct openai_job *j);

#endif
