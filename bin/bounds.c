/* SPDX-License-Identifier: Apache-2.0
 * bounds.c - the work that a context counts, the time it takes, and the time it would take at the machine's peaks. */
#include "bin/bounds.h"

#include "base/clock.h"
#include "base/mem.h"

enum { ENCODING_S = 30, N_STEPS = 32 };

int bounds_open(struct bounds *b, const struct linnet_model *m, struct message *msg)
{
    const struct encoder *e = m->encoder;
    *b = (struct bounds){.model = m};
    b->n_features = e->window > 0 ? e->window : ENCODING_S * m->features.rate_hz / features_shift_samples(&m->features);
    b->n_states = encoder_frames(e, b->n_features);
    size_t n = (size_t)b->n_features * (size_t)e->n_features;
    b->features = mem_array(n, sizeof *b->features);
    b->states = mem_array((size_t)b->n_states * (size_t)e->n_dims, sizeof *b->states);
    for (size_t i = 0; b->features != NULL && i < n; i++)
        b->features[i] = (float)(i % 17) / 8.0f - 1.0f;
    int rc = b->features != NULL && b->states != NULL ? nn_context_open(&b->ctx, m->pool, msg) : fail_memory(msg);
    if (rc >= 0 && m->left != NULL && (rc = text_decoder_state_open(&b->state, m->left, b->n_states, msg)) >= 0 &&
        (rc = text_decoder_state_reserve(&b->state, &b->ctx, 1, N_STEPS, N_STEPS, msg)) >= 0)
        rc = text_decoder_state_reserve_frames(&b->state, &b->ctx, b->n_states, msg);
    if (rc < 0)
        bounds_close(b);
    return rc;
}

void bounds_close(struct bounds *b)
{
    text_decoder_state_close(&b->state);
    nn_context_close(&b->ctx);
    mem_free(b->features);
    mem_free(b->states);
    *b = (struct bounds){0};
}

/* A text of N_STEPS tokens, one by one. */
static int time_steps(struct bounds *b, double *step_s, struct message *msg)
{
    struct text_decoder_state *s = &b->state;
    int slots[N_STEPS];
    float *logits = mem_array((size_t)b->model->left->config.n_vocabulary, sizeof *logits);
    if (logits == NULL)
        return fail_memory(msg);
    text_decoder_state_clear(s);
    text_decoder_state_append(s, &b->ctx, b->states, b->n_states);
    double start = clock_s();
    for (int i = 0; i < N_STEPS; i++) {
        slots[i] = i;
        b->ctx.work = (struct nn_work){0};
        text_decoder_state_step(s, &b->ctx, &(struct text_row){b->model->left->config.sos, i, slots}, 1, NULL);
        text_decoder_state_logits(s, &b->ctx, 0, 1, logits);
    }
    *step_s = (clock_s() - start) / N_STEPS;
    b->step = b->ctx.work;
    mem_free(logits);
    return LINNET_OK;
}

static int measure_peaks(struct bounds *b, struct message *msg)
{
    for (int weights = 0; weights < N_DTYPES; weights++)
        for (int inputs = 0; inputs < N_DTYPES; inputs++) {
            if (b->encoding.products[weights][inputs] == 0)
                continue;
            double peak = peak_products(&b->ctx, (enum dtype)weights, (enum dtype)inputs);
            if (peak == 0)
                return fail_memory(msg);
            if (peak > b->peak[weights][inputs])
                b->peak[weights][inputs] = peak;
        }
    return LINNET_OK;
}

int bounds_round(struct bounds *b, struct bounds_times *times, struct message *msg)
{
    const struct encoder_input in = {.features = b->features, .n = b->n_features};
    *times = (struct bounds_times){0};
    b->ctx.work = (struct nn_work){0};
    double start = clock_s();
    int rc = encoder_forward(b->model->encoder, &b->ctx, &in, b->states, msg);
    times->encoding_s = clock_s() - start;
    b->encoding = b->ctx.work;
    if (rc < 0 || (rc = measure_peaks(b, msg)) < 0 || b->model->left == NULL ||
        (rc = time_steps(b, &times->step_s, msg)) < 0)
        return rc;
    times->reading_s = peak_reading_s(&b->ctx, (size_t)b->step.read_bytes, N_STEPS);
    return times->reading_s > 0 ? LINNET_OK : fail_memory(msg);
}

double bounds_products(const struct nn_work *work)
{
    double sum = 0;
    for (int i = 0; i < N_DTYPES * N_DTYPES; i++)
        sum += work->products[i / N_DTYPES][i % N_DTYPES];
    return sum;
}

double bounds_encoding_s(const struct bounds *b)
{
    double sum = 0;
    for (int i = 0; i < N_DTYPES * N_DTYPES; i++)
        if (b->peak[i / N_DTYPES][i % N_DTYPES] > 0)
            sum += b->encoding.products[i / N_DTYPES][i % N_DTYPES] / b->peak[i / N_DTYPES][i % N_DTYPES];
    return sum;
}
