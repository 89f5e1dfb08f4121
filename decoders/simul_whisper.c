/* SPDX-License-Identifier: Apache-2.0
 * simul_whisper.c - what Simul-Whisper does, to the letter (simul_whisper.py and segment_loader.py at ffeb3ff).
 *
 * Audio comes in chunks; each but the first starts with the last 240 samples of the one before, and the chunks are
 * joined as they are, so that 15 ms come twice at every boundary.  Each chunk encodes all audio in the buffer again,
 * padded to 30 s, and decodes from the tokens of its chunks.  Decoding stops where attention comes near the end.  When
 * the truncation head says that a word is cut, the text after the last space is dropped (without a space all of it) and
 * the rest encoded again.  The oldest chunk and its tokens are dropped when the buffer is full.
 * A chunk is an event. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "decoders/alignatt/network.h"
#include "decoders/alignatt/options.h"
#include "decoders/decoder.h"
#include "decoders/whisper_common/candidates.h"
#include "decoders/whisper_common/options.h"
#include "decoders/whisper_common/rules.h"
#include "decoders/whisper_common/state.h"
#include "frontend/log_mel.h"

enum {
    OVERLAP = 240,      /* N_FFT - HOP_LENGTH */
    LAST_THRESHOLD = 4, /* frame threshold at the end of the recording */
    FRAMES_PER_S = 50,
    WINDOW = LOG_MEL_WINDOW_FRAMES,
    WINDOW_SAMPLES = WINDOW * LOG_MEL_HOP + 40, /* that many give just the frames of a window */
};

struct simul {
    struct decoder_host host;
    const struct decoder_options *shared;
    const struct alignatt_options *options;
    const struct whisper_vocab *vocab;
    struct alignatt_network network;
    struct whisper_search_options rules;
    int *suppressed;
    struct features_stream *mel;
    void *block;                   /* of the arrays */
    float *window;                 /* [WINDOW, n_mels] */
    float *audio;                  /* [max_chunks * n_chunk] chunks of the buffer, joined */
    int n_chunk;                   /* samples of a chunk */
    int n_chunks, max_chunks;      /* before the open one */
    int n_open;                    /* samples of the open chunk so far */
    int64_t n_samples, chunk_from; /* since the start of the stream; where the new samples of the open chunk start */
    int start[3], n_start;
    int *tokens, n_tokens; /* [n_text_ctx] of the chunks */
    int *counts, n_counts; /* [max_chunks] how many of them each chunk gave */
    int last_frame;
    struct buffer text;
};

static int simul_reset(void *state)
{
    struct simul *s = state;
    s->n_chunks = s->n_tokens = s->n_counts = s->n_open = 0;
    s->n_samples = s->chunk_from = 0;
    s->last_frame = -s->options->rewind_threshold;
    return LINNET_OK;
}

static void simul_close(void *state)
{
    struct simul *s = state;
    if (s == NULL)
        return;
    alignatt_network_close(&s->network);
    features_close(s->mel);
    buffer_free(&s->text);
    mem_free(s->suppressed);
    mem_free(s->block);
    mem_free(s);
}

static int rules_open(struct simul *s)
{
    const struct whisper_options *set = settings_of(s->host.settings, &whisper_settings);
    struct whisper_options options = *set; /* only the special tokens are suppressed, and there are no time stamps */
    options.suppress_tokens.n = 0;
    options.timestamps = 0;
    return whisper_options_for_search(&options, s->shared, s->vocab, &s->rules, &s->suppressed, s->host.msg);
}

static int start_open(struct simul *s)
{
    const struct whisper_specials *special = &s->vocab->special;
    const char *name = s->shared->language;
    s->start[s->n_start++] = special->sot;
    if (special->n_languages == 0)
        return LINNET_OK;
    int language = whisper_vocab_language(s->vocab, name);
    if (language < 0)
        return fail(s->host.msg, LINNET_E_ARGUMENT, "language '%s': decoder 'simul_whisper' needs one of the model's",
                    name);
    s->start[s->n_start++] = language;
    s->start[s->n_start++] = special->transcribe;
    return LINNET_OK;
}

static int buffers_open(struct simul *s)
{
    const struct alignatt_options *o = s->options;
    const struct linnet_model *m = s->host.model;
    s->n_chunk = (int)(o->segment_s * AUDIO_RATE_HZ / LOG_MEL_HOP) * LOG_MEL_HOP + OVERLAP;
    s->max_chunks = (int)(o->buffer_s / o->segment_s) + 2;
    s->block =
        MEM_PARTS(MEM_PART(s->window, WINDOW * (size_t)m->encoder->n_features),
                  MEM_PART(s->audio, (size_t)s->max_chunks * (size_t)s->n_chunk),
                  MEM_PART(s->tokens, (size_t)m->left->config.n_positions), MEM_PART(s->counts, (size_t)s->max_chunks));
    return s->block == NULL ? fail_memory(s->host.msg) : whisper_window_check(m, s->host.msg);
}

static int simul_open(void **state, const struct decoder_host *host)
{
    struct simul *s = mem_array(1, sizeof *s);
    if (s == NULL)
        return fail_memory(host->msg);
    s->host = *host;
    s->shared = settings_of(host->settings, &decoder_settings);
    s->options = settings_of(host->settings, &alignatt_settings);
    s->vocab = whisper_vocab_of(host->model->vocab);
    int rc = LINNET_OK;
    if (s->shared->beam > 1)
        rc = fail(host->msg, LINNET_E_UNSUPPORTED, "decoder.beam is %d: decoder 'simul_whisper' is greedy",
                  s->shared->beam);
    if (rc < 0 || (rc = buffers_open(s)) < 0 || (rc = rules_open(s)) < 0 || (rc = start_open(s)) < 0 ||
        (rc = features_open(&s->mel, &host->model->features, host->msg)) < 0 ||
        (rc = alignatt_network_open(&s->network, host->model, 0, 1, s->options->head, host->msg)) < 0) {
        simul_close(s);
        return rc;
    }
    *state = s;
    return simul_reset(s);
}

/* ---- a chunk ---- */

static void encode(struct simul *s, int n_audio)
{
    static const float silence[4000];
    size_t n_mels = (size_t)s->host.model->encoder->n_features, n_rows;
    double start = clock_s();
    int n = n_audio < WINDOW_SAMPLES ? n_audio : WINDOW_SAMPLES;
    features_reset(s->mel);
    n_rows = features_feed(s->mel, s->audio, (size_t)n, s->window);
    for (int n_more; n < WINDOW_SAMPLES; n += n_more) {
        n_more = WINDOW_SAMPLES - n < 4000 ? WINDOW_SAMPLES - n : 4000;
        n_rows += features_feed(s->mel, silence, (size_t)n_more, s->window + n_rows * n_mels);
    }
    log_mel_normalize(s->window, (size_t)WINDOW * n_mels, -INFINITY);
    s->host.stats->features_s += clock_s() - start;
    start = clock_s();
    alignatt_network_encode(&s->network, s->window, WINDOW, n_audio / LOG_MEL_HOP / 2, 0);
    s->host.stats->encoder_s += clock_s() - start;
}

/* Whether attention has jumped back too far, to frame, and the chunk's tokens are dropped; updates last_frame. */
static int has_rewound(struct simul *s, int frame, int before, int is_last)
{
    int limit = s->options->rewind_threshold;
    if (is_last || s->last_frame - frame <= limit || before >= s->vocab->special.eot) {
        s->last_frame = frame;
        return 0;
    }
    s->last_frame = -limit;
    return 1;
}

/* Appends the chunk's tokens to those before; returns how many. */
static int decode_chunk(struct simul *s, int is_last)
{
    struct alignatt_network *r = &s->network;
    int *fresh = s->tokens + s->n_tokens, n = 0, n_most = s->host.model->left->config.n_positions;
    int threshold = is_last ? LAST_THRESHOLD : s->options->frame_threshold;
    alignatt_network_run(r, 0, s->start, s->n_start);
    if (s->n_tokens > 0)
        alignatt_network_run(r, 0, s->tokens, s->n_tokens);
    while (s->n_start + s->n_tokens + n < n_most) {
        whisper_rules_apply(r->ctx.kernels, s->vocab, &s->rules, s->tokens, s->n_tokens + n, r->paths[0].logits);
        int token = whisper_candidates_top(r->ctx.kernels, r->paths[0].logits, s->vocab->base.n), frame;
        if (token == s->vocab->special.eot)
            break;
        frame = alignatt_network_attended(r, 0);
        if (has_rewound(s, frame, s->n_tokens + n > 0 ? fresh[n - 1] : s->start[s->n_start - 1], is_last))
            return 0;
        if (r->n_content - frame <= threshold)
            break;
        fresh[n++] = token;
        s->host.stats->n_tokens++;
        if (s->n_start + s->n_tokens + n < n_most)
            alignatt_network_run(r, 0, &token, 1);
    }
    return n;
}

/* Appends the tokens of the text, if any, to ids. */
static int spell(struct simul *s, int *ids, int *n)
{
    int *spelled = NULL, n_spelled = 0;
    if (s->text.n == 0)
        return LINNET_OK;
    int rc = whisper_vocab_encode(s->vocab, s->text.data, s->text.n, &spelled, &n_spelled, s->host.msg);
    for (int i = 0; rc >= 0 && i < n_spelled && s->n_tokens + *n < s->host.model->left->config.n_positions; i++)
        ids[(*n)++] = spelled[i];
    mem_free(spelled);
    s->text.n = 0;
    return rc;
}

/* Where the last space of the ids' text is: id and byte in its piece; 0 when there is none. */
static int find_last_space(const struct simul *s, const int *ids, int n, int *i_id, size_t *i_byte)
{
    for (int i = n - 1; i >= 0; i--) {
        size_t size;
        const char *piece = whisper_vocab_piece(s->vocab, ids[i], &size);
        for (size_t k = size; ids[i] < s->vocab->special.eot && k > 0; k--)
            if (piece[k - 1] == ' ') {
                *i_id = i;
                *i_byte = k - 1;
                return 1;
            }
    }
    return 0;
}

/* Drops the text after the last space and encodes the rest again, in place; time stamps are dropped, other special
 * tokens stay. */
static int drop_last_word(struct simul *s, int *fresh, int *n)
{
    const struct whisper_specials *special = &s->vocab->special;
    int i_id = 0, n_kept = 0, rc = LINNET_OK;
    size_t i_byte = 0, size;
    int *ids = mem_array((size_t)*n + 1, sizeof *ids);
    if (ids == NULL)
        return fail_memory(s->host.msg);
    memcpy(ids, fresh, (size_t)*n * sizeof *ids);
    int found = find_last_space(s, ids, *n, &i_id, &i_byte);
    s->text.n = 0;
    for (int i = 0; found && i <= i_id && rc >= 0; i++) {
        if (ids[i] >= special->timestamp_begin)
            continue;
        if (ids[i] >= special->eot) {
            rc = spell(s, fresh, &n_kept);
            fresh[n_kept++] = ids[i];
            continue;
        }
        const char *piece = whisper_vocab_piece(s->vocab, ids[i], &size);
        rc = buffer_append(&s->text, piece, i == i_id ? i_byte : size);
    }
    if (rc >= 0)
        rc = spell(s, fresh, &n_kept);
    *n = n_kept;
    mem_free(ids);
    return rc;
}

static int push_chunk(struct simul *s, const int *fresh, int n)
{
    linnet_event e = {.type = LINNET_EVENT_FINAL, .tokens = fresh, .n_tokens = n};
    s->text.n = 0;
    int rc = whisper_vocab_text(s->vocab, fresh, n, &s->text);
    if (rc < 0 || n == 0)
        return rc;
    e.text = buffer_text(&s->text);
    e.committed = s->text.n;
    e.start_s = (double)s->chunk_from / AUDIO_RATE_HZ;
    e.end_s = (double)s->n_samples / AUDIO_RATE_HZ;
    e.language = s->n_start > 1 ? whisper_vocab_language_code(s->vocab, s->start[1]) : "en";
    return events_push(s->host.events, &e, s->host.msg);
}

static void drop_oldest(struct simul *s)
{
    memmove(s->audio, s->audio + s->n_chunk, (size_t)(s->n_chunks * s->n_chunk) * sizeof *s->audio);
    s->n_chunks--;
    s->last_frame -= (int)(FRAMES_PER_S * s->options->segment_s);
    if (s->n_counts == 0)
        return;
    int n = s->counts[0];
    memmove(s->tokens, s->tokens + n, (size_t)(s->n_tokens - n) * sizeof *s->tokens);
    s->n_tokens -= n;
    memmove(s->counts, s->counts + 1, (size_t)(s->n_counts - 1) * sizeof *s->counts);
    s->n_counts--;
}

/* Decodes the open chunk and closes it. */
static int chunk_step(struct simul *s, int is_last)
{
    const struct alignatt_options *o = s->options;
    int *fresh, rc = LINNET_OK;
    if (*s->host.cancelled != 0)
        return fail(s->host.msg, LINNET_E_CANCELLED, "cancelled");
    if ((s->n_chunks + 1) * o->segment_s >= o->buffer_s && s->n_chunks > 0)
        drop_oldest(s);
    encode(s, s->n_chunks * s->n_chunk + s->n_open);
    double start = clock_s();
    int is_whole = alignatt_network_fires(&s->network) || is_last, n = decode_chunk(s, is_last);
    fresh = s->tokens + s->n_tokens;
    if (!is_whole)
        rc = drop_last_word(s, fresh, &n);
    s->host.stats->decoder_s += clock_s() - start;
    if (rc >= 0)
        rc = push_chunk(s, fresh, n);
    s->n_tokens += n;
    s->counts[s->n_counts++] = n;
    s->n_chunks++;
    return rc;
}

/* Starts a chunk with the end of the one before. */
static void open_chunk(struct simul *s)
{
    float *chunk = s->audio + (ptrdiff_t)s->n_chunks * s->n_chunk;
    memcpy(chunk, chunk - OVERLAP, OVERLAP * sizeof *chunk);
    s->n_open = OVERLAP;
    s->chunk_from = s->n_samples;
}

/* A chunk is decoded when the first sample after it is there: only then is it known not to be the last. */
static int simul_feed(void *state, const float *samples, size_t n)
{
    struct simul *s = state;
    int rc = LINNET_OK;
    while (n > 0) {
        if (s->n_open == s->n_chunk) {
            if ((rc = chunk_step(s, 0)) < 0)
                return rc;
            open_chunk(s);
        }
        size_t room = (size_t)(s->n_chunk - s->n_open), n_taken = n < room ? n : room;
        memcpy(s->audio + (ptrdiff_t)s->n_chunks * s->n_chunk + s->n_open, samples, n_taken * sizeof *samples);
        s->n_open += (int)n_taken;
        s->n_samples += (int64_t)n_taken;
        samples += n_taken;
        n -= n_taken;
    }
    return rc;
}

static int simul_finish(void *state)
{
    struct simul *s = state;
    return s->n_open > 0 ? chunk_step(s, 1) : LINNET_OK;
}

static const struct settings_table *const settings[] = {&alignatt_settings, &whisper_settings, NULL};

const struct decoder simul_whisper_decoder = {
    .name = "simul_whisper",
    .summary = "what Simul-Whisper does, to the letter",
    .needs = MODEL_WINDOWS | MODEL_TEXT_DECODER | MODEL_TASK_TOKENS,
    .settings = settings,
    .ignores =
        "task|decoder.word_times|decoder.beam|decoder.length_penalty|decoder.nbest|decoder.max_tokens|decoder.clip|"
        "decoder.patience|decoder.best_of|decoder.temperature|decoder.seed|"
        "decoder.compression_ratio_threshold|decoder.prefix|decoder.timestamps|"
        "decoder.max_initial_timestamp|decoder.suppress_blank|decoder.alignment_heads|decoder.padding|"
        "decoder.context|decoder.skip_silence|decoder.suppress_tokens|decoder.no_speech_threshold|"
        "decoder.logprob_threshold|decoder.initial_prompt|decoder.condition_on_previous|decoder.hotwords_prompt",
    .open = simul_open,
    .feed = simul_feed,
    .finish = simul_finish,
    .reset = simul_reset,
    .close = simul_close,
};
