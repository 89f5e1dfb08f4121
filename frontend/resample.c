/* SPDX-License-Identifier: Apache-2.0
 * resample.c - changes the sample rate of a stream.
 *
 * libsoxr promises nothing about how its output depends on the sizes of its input, so it is fed blocks of one size
 * only: results are then a function of the samples alone.  Equal rates are copied. */
#include "frontend/resample.h"

#include <soxr.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

struct resample {
    soxr_t soxr; /* NULL: equal rates */
    int in_hz, out_hz;
    float *block; /* [n_block] samples that wait for their block to be full */
    size_t n_block, n_held;
    uint64_t n_in, n_out; /* samples since the start */
};

static int check_rate(int rate_hz, struct message *msg)
{
    if (rate_hz >= RESAMPLE_MIN_HZ && rate_hz <= RESAMPLE_MAX_HZ)
        return LINNET_OK;
    return fail(msg, LINNET_E_ARGUMENT, "a sample rate of %d Hz (%d to %d are possible)", rate_hz, RESAMPLE_MIN_HZ,
                RESAMPLE_MAX_HZ);
}

int resample_open(struct resample **out, int in_hz, int out_hz, struct message *msg)
{
    if (check_rate(in_hz, msg) < 0 || check_rate(out_hz, msg) < 0)
        return LINNET_E_ARGUMENT;
    struct resample *r = mem_array(1, sizeof *r);
    if (r == NULL)
        return fail_memory(msg);
    r->in_hz = in_hz;
    r->out_hz = out_hz;
    r->n_block = (size_t)in_hz / 100;
    r->block = mem_array(r->n_block, sizeof *r->block);
    if (r->block == NULL)
        goto fail;
    if (in_hz != out_hz) {
        soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
        soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
        soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
        r->soxr = soxr_create(in_hz, out_hz, 1, NULL, &io, &quality, &runtime);
        if (r->soxr == NULL)
            goto fail;
    }
    *out = r;
    return LINNET_OK;
fail:
    resample_close(r);
    return fail_memory(msg);
}

void resample_close(struct resample *r)
{
    if (r == NULL)
        return;
    if (r->soxr != NULL)
        soxr_delete(r->soxr);
    mem_free(r->block);
    mem_free(r);
}

int resample_reset(struct resample *r, struct message *msg)
{
    r->n_held = 0;
    r->n_in = r->n_out = 0;
    soxr_error_t error = r->soxr != NULL ? soxr_clear(r->soxr) : NULL;
    return error == NULL ? LINNET_OK : fail(msg, LINNET_E_MEMORY, "resampling: %s", error);
}

size_t resample_max_samples(const struct resample *r, size_t n)
{
    uint64_t n_total = (r->n_in + n) * (uint64_t)r->out_hz / (uint64_t)r->in_hz + 2;
    return n_total > r->n_out ? (size_t)(n_total - r->n_out) : 0;
}

/* from [n] through libsoxr; from == NULL: the end. */
static int run(struct resample *r, const float *from, size_t n, float *to, size_t room, size_t *n_to,
               struct message *msg)
{
    size_t n_used = 0, n_done = 0;
    soxr_error_t error = soxr_process(r->soxr, from, n, &n_used, to, room, &n_done);
    if (error != NULL)
        return fail(msg, LINNET_E_MEMORY, "resampling: %s", error);
    *n_to += n_done;
    r->n_out += n_done;
    return LINNET_OK;
}

int resample_feed(struct resample *r, const float *from, size_t n, float *to, size_t *n_to, struct message *msg)
{
    size_t room = resample_max_samples(r, n), n_done = 0;
    r->n_in += n;
    if (r->soxr == NULL) {
        if (n > 0)
            memcpy(to, from, n * sizeof *to);
        r->n_out += n;
        *n_to = n;
        return LINNET_OK;
    }
    while (n > 0) {
        size_t n_more = r->n_block - r->n_held < n ? r->n_block - r->n_held : n;
        memcpy(r->block + r->n_held, from, n_more * sizeof *from);
        r->n_held += n_more;
        from += n_more;
        n -= n_more;
        if (r->n_held < r->n_block)
            break;
        r->n_held = 0;
        int rc = run(r, r->block, r->n_block, to + n_done, room - n_done, &n_done, msg);
        if (rc < 0)
            return rc;
    }
    *n_to = n_done;
    return LINNET_OK;
}

int resample_finish(struct resample *r, float *to, size_t *n_to, struct message *msg)
{
    size_t room = resample_max_samples(r, 0), n_done = 0;
    int rc = LINNET_OK;
    if (r->soxr != NULL && r->n_held > 0)
        rc = run(r, r->block, r->n_held, to, room, &n_done, msg);
    r->n_held = 0;
    if (rc == 0 && r->soxr != NULL)
        rc = run(r, NULL, 0, to + n_done, room - n_done, &n_done, msg);
    if (rc == 0)
        *n_to = n_done;
    return rc;
}
