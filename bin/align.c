/* SPDX-License-Identifier: Apache-2.0
 * align.c - `linnet align`: the frames of each token of transcribed recordings, and the lengths of segments.
 *
 * Writes into the output folder:
 *
 *     alignments.txt   a line for each token: utterance, token, first frame, frame after the last (of the encoder, from
 *                      the start of the utterance), the same in seconds, log probability
 *     lengths.txt      how often each token's segment had which length (decoders/segmental/length_model.h)
 *
 * A token's frames are its run in the most probable CTC alignment.  Its segment is that of the segmental search: it
 * ends with the token's first frame and begins after that of the token before. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "bin/data_set.h"
#include "bin/decoding.h"
#include "bin/problems.h"
#include "bin/progress.h"
#include "decoders/ctc/align.h"
#include "decoders/ctc/layer.h"
#include "decoders/segmental/length_model.h"
#include "decoders/utterance/frames.h"
#include "frontend/audio_file.h"
#include "models/model.h"

enum { BLOCK = 2 * AUDIO_RATE_HZ, MAX_LOGPROBS = 1 << 27 /* half a gigabyte */ };

struct align_options {
    struct decoding_options decoding;
    const char *data, *out;
    int longest;
};

static const struct align_options defaults = {.longest = 50};

#define FIELD(name) offsetof(struct align_options, name)
#define DECODING(name) offsetof(struct align_options, decoding.name)

static const struct option_spec options[] = {
    {"data", 0, OPTION_TEXT, FIELD(data), "LIST", .help = "utterances with their texts, as 'linnet decode' takes them"},
    {"out", 'o', OPTION_TEXT, FIELD(out), "DIR", .help = "folder for the results"},
    {"longest", 0, OPTION_INT, FIELD(longest), "N",
     .help = "encoder frames from which on lengths are counted as one (50)", .low = 1, .high = 10000},
    {"model", 'm', OPTION_TEXT, DECODING(model), "DIR", .help = "directory of a model with a CTC layer"},
    {"recipe", 'r', OPTION_TEXT, DECODING(recipe), "FILE", .help = "settings from a recipe.yaml"},
    {"threads", 't', OPTION_INT, DECODING(threads), "N", .help = "threads; 0: one for each processor", .high = 256},
    {"set", 's', OPTION_LIST, DECODING(set), "KEY=VALUE", .help = "any setting of 'linnet settings': decoder.chunk=16"},
    {0}};

struct job {
    const struct align_options *options;
    struct decoding decoding;
    struct nn_context ctx;
    struct frames *frames;
    struct data_set data;
    struct length_counts lengths;
    FILE *out;
    float *logprobs; /* [n_frames, V] of the utterance */
    int n_frames, room_frames;
    int n_done;
    struct problems problems;
    long long n_tokens;
};

/* ---- opening ---- */

static int open_encoder(struct job *j, struct message *msg)
{
    int rc = decoding_open_model(&j->decoding, &j->options->decoding, msg);
    const struct linnet_model *m = j->decoding.model;
    if (rc < 0)
        return rc;
    const char *lacks = model_lacks(m, MODEL_FRAMES | MODEL_CTC);
    if (lacks != NULL)
        return fail(msg, LINNET_E_UNSUPPORTED, "%s: linnet align needs %s; this model has none", m->dir, lacks);
    if ((rc = nn_context_open(&j->ctx, m->pool, msg)) < 0 ||
        (rc = length_counts_open(&j->lengths, m->ctc->n_vocabulary, j->options->longest, msg)) < 0)
        return rc;
    return frames_open(&j->frames, m, &j->ctx, settings_of(&j->decoding.settings, &frames_settings), msg);
}

static int has_texts(const struct data_set *d)
{
    for (int i = 0; i < d->n; i++)
        if (d->at[i].text != NULL)
            return 1;
    return 0;
}

static int open_files(struct job *j, struct message *msg)
{
    char path[FILE_MAX_PATH];
    int rc = data_set_open(&j->data, j->options->data, 1, msg);
    if (rc >= 0 && !has_texts(&j->data))
        rc = fail(msg, LINNET_E_ARGUMENT, "%s: has no texts to align", j->options->data);
    if (rc < 0 || (rc = file_make_folder(j->options->out, msg)) < 0 ||
        (rc = file_in(path, j->options->out, "alignments.txt", msg)) < 0)
        return rc;
    data_set_problems(&j->data, &j->problems);
    j->out = fopen(path, "w");
    return j->out != NULL ? LINNET_OK : fail(msg, LINNET_E_IO, "%s: %s", path, strerror(errno));
}

/* ---- one utterance ---- */

static int keep(struct job *j, const struct frame_block *block, struct message *msg)
{
    size_t v = (size_t)j->decoding.model->ctc->n_vocabulary, row = v * sizeof *j->logprobs;
    if (block->n > MAX_LOGPROBS / (int)v - j->n_frames)
        return fail(msg, LINNET_E_ARGUMENT, "the recording is too long to be aligned");
    if (mem_grow((void **)&j->logprobs, &j->room_frames, j->n_frames + block->n, row) < 0)
        return fail_memory(msg);
    memcpy(j->logprobs + (size_t)j->n_frames * v, block->logprobs, (size_t)block->n * row);
    j->n_frames += block->n;
    return LINNET_OK;
}

static int take_blocks(struct job *j, struct message *msg)
{
    struct frame_block block;
    int rc;
    while ((rc = frames_next(j->frames, &block, msg)) > 0)
        if ((rc = keep(j, &block, msg)) < 0)
            break;
    return rc;
}

static int feed(struct job *j, const float *samples, size_t n, struct message *msg)
{
    while (n > 0) {
        size_t n_taken;
        int rc = frames_feed(j->frames, samples, n, &n_taken, msg);
        if (rc < 0 || (rc = take_blocks(j, msg)) < 0)
            return rc;
        samples += n_taken;
        n -= n_taken;
    }
    return LINNET_OK;
}

/* Log probabilities of the next n_max samples (< 0: all that are left) or as many as there are, which is told. */
static int encode(struct job *j, struct audio_file *audio, long n_max, double *heard_s, struct message *msg)
{
    static float block[BLOCK];
    long done = 0, n = 1;
    int rc = LINNET_OK;
    frames_reset(j->frames);
    j->n_frames = 0;
    while (rc >= 0 && n > 0 && (n_max < 0 || done < n_max)) {
        n = audio_file_read(audio, block, n_max >= 0 && n_max - done < BLOCK ? (size_t)(n_max - done) : BLOCK, msg);
        rc = n < 0 ? (int)n : feed(j, block, (size_t)n, msg);
        done += n;
    }
    *heard_s = (double)done / AUDIO_RATE_HZ;
    if (rc >= 0 && (rc = frames_finish(j->frames, msg)) >= 0)
        rc = take_blocks(j, msg);
    return rc;
}

static int write_tokens(struct job *j, const char *id, const int *tokens, int n, const struct ctc_alignment *a,
                        struct message *msg)
{
    const struct linnet_model *m = j->decoding.model;
    double frame_s = model_frame_s(m);
    for (int i = 0; i < n; i++) {
        length_counts_add(&j->lengths, tokens[i], a->begins[i] - (i > 0 ? a->begins[i - 1] : -1));
        fprintf(j->out, "%s %s %d %d %.3f %.3f %.4f\n", id, vocab_token(m->vocab, tokens[i]), a->begins[i], a->ends[i],
                a->begins[i] * frame_s, a->ends[i] * frame_s, (double)a->logprobs[i]);
    }
    j->n_tokens += n;
    return fflush(j->out) == 0 ? LINNET_OK : fail(msg, LINNET_E_IO, "%s: %s", j->options->out, strerror(errno));
}

static int align_tokens(struct job *j, const char *id, const int *tokens, int n, struct message *msg)
{
    const struct ctc_layer *ctc = j->decoding.model->ctc;
    const struct ctc_align_input in = {j->logprobs, j->n_frames, ctc->n_vocabulary, ctc->blank, tokens, n};
    struct ctc_alignment a = {0};
    size_t size = (size_t)n;
    void *block = MEM_PARTS(MEM_PART(a.begins, size), MEM_PART(a.ends, size), MEM_PART(a.logprobs, size));
    int rc = block != NULL ? ctc_align(&in, &a, msg) : fail_memory(msg);
    if (rc >= 0)
        rc = write_tokens(j, id, tokens, n, &a, msg);
    mem_free(block);
    return rc;
}

static int align_audio(struct job *j, const struct data_utterance *u, struct audio_file *audio, struct message *msg)
{
    if (u->text == NULL)
        return fail(msg, LINNET_E_ARGUMENT, "has no transcript");
    long n_max = u->end_s < 0 ? -1 : lrint((u->end_s - u->start_s) * AUDIO_RATE_HZ);
    double heard_s = 0;
    int *tokens = NULL, n, rc = u->start_s > 0 ? audio_file_seek_s(audio, u->start_s, msg) : LINNET_OK;
    if (rc < 0 || (rc = n = vocab_spell(j->decoding.model->vocab, u->text, &tokens, msg)) < 0)
        return rc;
    if ((rc = encode(j, audio, n_max, &heard_s, msg)) >= 0 && (rc = align_tokens(j, u->id, tokens, n, msg)) >= 0)
        data_set_is_cut(&j->data, u, heard_s, msg); /* a warning */
    mem_free(tokens);
    return rc;
}

static int align_utterance(struct job *j, const struct data_utterance *u, struct message *msg)
{
    char path[FILE_MAX_PATH];
    struct audio_file *audio = NULL;
    int rc = data_set_find(&j->data, u, path, sizeof path, msg);
    if (rc >= 0 && (rc = decoding_open_audio(&j->decoding, &audio, path, NULL, msg)) >= 0)
        rc = align_audio(j, u, audio, msg);
    if (audio != NULL)
        decoding_warn(NULL, audio_file_warning(audio));
    audio_file_close(audio);
    return rc;
}

/* ---- all ---- */

static int align(struct job *j, struct message *msg)
{
    struct progress progress;
    char path[FILE_MAX_PATH];
    int rc;
    if ((rc = open_encoder(j, msg)) < 0 || (rc = open_files(j, msg)) < 0 ||
        (rc = file_in(path, j->options->out, "lengths.txt", msg)) < 0)
        return rc;
    progress_start(&progress, j->data.n);
    for (int i = 0; i < j->data.n; i++) {
        struct message what = {""};
        int is_good = align_utterance(j, &j->data.at[i], &what) >= 0;
        j->n_done += is_good;
        if (!is_good)
            problems_add(&j->problems, j->data.at[i].id, what.text);
        if (what.text[0] != '\0') {
            progress_hide(&progress);
            fprintf(stderr, "linnet: %s: %s\n", j->data.at[i].id, what.text);
        }
        progress_step(&progress, i + 1);
    }
    progress_hide(&progress);
    fprintf(stderr, "linnet: %d utterances with %lld tokens aligned, %d failed\n", j->n_done, j->n_tokens,
            problems_count(&j->problems));
    problems_list(&j->problems);
    return j->n_done > 0 ? length_counts_write(&j->lengths, path, msg) : LINNET_OK;
}

static void close_job(struct job *j)
{
    if (j->out != NULL)
        fclose(j->out);
    frames_close(j->frames);
    nn_context_close(&j->ctx);
    length_counts_close(&j->lengths);
    data_set_close(&j->data);
    problems_close(&j->problems);
    decoding_close(&j->decoding);
    mem_free(j->logprobs);
}

static int run(void *values, int n, char **arguments, struct message *msg)
{
    struct job j = {.options = values};
    (void)n, (void)arguments;
    if (j.options->data == NULL || j.options->out == NULL)
        return options_mistake("align", "--data and --out are needed");
    int rc = align(&j, msg), is_whole = problems_count(&j.problems) == 0;
    close_job(&j);
    return rc >= 0 && !is_whole ? EXIT_WORK_FAILED : rc;
}

const struct command align_command = {
    .name = "align",
    .summary = "CTC alignments of transcribed recordings, and lengths of tokens",
    .arguments = "",
    .text = "Reads a data directory or list with texts, see 'linnet decode --help'.  Writes\n"
            "alignments.txt (utterance, token, its frames and seconds, log probability) and\n"
            "lengths.txt, which segmental.length_file takes.",
    .options = options,
    .defaults = &defaults,
    .size = sizeof defaults,
    .run = run,
};
