/* SPDX-License-Identifier: Apache-2.0
 * alignatt.c - the decoder "alignatt": hands everything to the way of working that decoder.compat names. */
#include "decoders/alignatt.h"

#include <string.h>

#include "base/mem.h"

struct alignatt {
    const struct decoder_ops *way;
    void *state;
};

static int alignatt_open(void **state, const struct decoder_host *host)
{
    struct alignatt *a = mem_array(1, sizeof *a);
    if (a == NULL)
        return fail_memory(host->msg);
    a->way = strcmp(host->recipe->decoder_compat, "simul-whisper") == 0 ? &alignatt_simul_ops : &alignatt_stream_ops;
    int rc = a->way->open(&a->state, host);
    if (rc < 0) {
        mem_free(a);
        return rc;
    }
    *state = a;
    return LINNET_OK;
}

static int alignatt_feed(void *state, const float *samples, size_t n)
{
    struct alignatt *a = state;
    return a->way->feed(a->state, samples, n);
}

static int alignatt_finish(void *state)
{
    struct alignatt *a = state;
    return a->way->finish(a->state);
}

static int alignatt_reset(void *state)
{
    struct alignatt *a = state;
    return a->way->reset(a->state);
}

static void alignatt_close(void *state)
{
    struct alignatt *a = state;
    if (a == NULL)
        return;
    a->way->close(a->state);
    mem_free(a);
}

const struct decoder_ops alignatt_decoder = {
    .name = "alignatt",
    .kind = "whisper",
    .summary = "Whisper, streaming: words appear when attention has left them behind",
    .open = alignatt_open,
    .feed = alignatt_feed,
    .finish = alignatt_finish,
    .reset = alignatt_reset,
    .close = alignatt_close,
};
