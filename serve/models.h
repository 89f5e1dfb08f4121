/* SPDX-License-Identifier: Apache-2.0
 * models.h - the models that a server has open, each shared by all who decode with it. */
#ifndef LINNET_SERVE_MODELS_H
#define LINNET_SERVE_MODELS_H

#include "bin/decoding.h"
#include "decoders/common/hotword_list.h"
#include "serve/cost.h"

struct serve_model {
    char name[128];           /* of its directory: "whisper-base" */
    struct decoding decoding; /* the model, and the settings of the command line; its stream is not used */
    linnet_model *low;        /* the model for files: with threads that give way to those of live streams */
    const char *recipe;       /* the command line's, or NULL */
    struct hotword_list hotwords;
    struct cost cost; /* of its live streams, and how many there are: the scheduler's (live.h) */
    int n_live;
};

struct serve_models {
    struct serve_model *at; /* [n] the first is the default */
    int n;
};

/* Opens the model of the options, and those named. */
LINNET_MUST_CHECK int serve_models_open(struct serve_models *m, const struct decoding_options *options,
                                        char *const *names, int n_names, struct message *msg);
void serve_models_close(struct serve_models *m);

/* The model of that name; NULL, "" and what programs name that know only OpenAI's ("whisper-1") is the default.  NULL:
 * there is none. */
struct serve_model *serve_models_find(const struct serve_models *m, const char *name);

/* Bytes of a text in a request at most: far more than the 223 tokens that Whisper takes of a prompt. */
enum { SERVE_TEXT = 16384 };

/* What a client wants of a stream; NULL, 0: as the server's command line has it.  What is added here is compared in
 * models.c. */
struct serve_request {
    struct serve_model *model;
    const char *language, *task, *decoder;
    const char *prompt;      /* Whisper's */
    const char *temperature; /* Whisper's, a number as text */
    const char *endpoint_ms; /* silence after speech that ends an utterance, a number as text */
    const struct hotword_list *hotwords;
    int word_times, nbest;
    int is_whole;       /* live: to be decoded as a file is, windows when they are full and the rest at the end */
    int sample_rate_hz; /* of samples fed; 0: a file's own */
};

/* A copy with texts of its own and without hotwords, which only live streams have; one that is zeroed may be freed. */
LINNET_MUST_CHECK int serve_request_copy(struct serve_request *out, const struct serve_request *r, struct message *msg);
void serve_request_free(struct serve_request *r);
int serve_request_is(const struct serve_request *r, const struct serve_request *other); /* the same, but for hotwords */

/* Opens a stream: live, or for a file. */
LINNET_MUST_CHECK int serve_models_open_stream(linnet_stream **out, const struct serve_request *r, int is_live,
                                               struct message *msg);

/* The name of what decodes a stream that is live. */
const char *serve_models_decoder(const struct serve_model *m, const linnet_stream *stream);

#endif
