/* SPDX-License-Identifier: Apache-2.0
 * gate.c - the voice gate.
 *
 * The detector is fed cells of 10 ms of the stream, so that nothing depends on the sizes in which it arrives.  The last
 * samples are kept, as far back as the detector may put a start of speech. */
#include "frontend/gate.h"

#include <string.h>

#include "base/mem.h"

enum { CELL = VAD_RATE_HZ / 100 };

struct gate {
    struct vad *vad;
    struct vad_change changes[4];
    float *kept; /* [n_kept] the last samples, of them at most n_back whenever a cell begins */
    size_t n_kept, n_back;
    uint64_t n_fed;
    int is_open;
};

static const struct setting settings[] = {
    {"vad.gate", SETTING_BOOL, offsetof(struct gate_options, is_wanted), "false", 0, 1, NULL,
     "streaming, CTC and segmental decoders: from an endpoint to the next start of speech nothing is decoded; linnet "
     "live: true is the default"},
    {0}};

const struct settings_table gate_settings = {"Voice gate", sizeof(struct gate_options), settings};

int gate_open(struct gate **out, const struct vad_options *o, struct message *msg)
{
    struct gate *g = mem_array(1, sizeof *g);
    if (g == NULL)
        return fail_memory(msg);
    int rc = vad_open(&g->vad, o, msg);
    if (rc >= 0) {
        g->n_back = vad_reach(g->vad) + CELL;
        g->kept = mem_array(2 * g->n_back + CELL, sizeof *g->kept);
        rc = g->kept == NULL ? fail_memory(msg) : LINNET_OK;
    }
    if (rc < 0) {
        gate_close(g);
        return rc;
    }
    *out = g;
    return LINNET_OK;
}

void gate_close(struct gate *g)
{
    if (g == NULL)
        return;
    vad_close(g->vad);
    mem_free(g->kept);
    mem_free(g);
}

void gate_reset(struct gate *g)
{
    vad_reset(g->vad);
    g->n_kept = 0;
    g->n_fed = 0;
    g->is_open = 0;
}

static void keep(struct gate *g, const float *samples, size_t n)
{
    if (g->n_fed % CELL == 0 && g->n_kept > 2 * g->n_back) {
        memmove(g->kept, g->kept + g->n_kept - g->n_back, g->n_back * sizeof *g->kept);
        g->n_kept = g->n_back;
    }
    memcpy(g->kept + g->n_kept, samples, n * sizeof *samples);
    g->n_kept += n;
    g->n_fed += n;
}

/* The last n samples, or as many of them as are kept. */
static void pass(const struct gate *g, uint64_t n, struct gate_passage *passage)
{
    passage->n = n < g->n_kept ? (size_t)n : g->n_kept;
    passage->samples = g->kept + g->n_kept - passage->n;
    passage->at = g->n_fed - passage->n;
}

size_t gate_feed(struct gate *g, const float *samples, size_t n, struct gate_passage *passage)
{
    size_t room = CELL - (size_t)(g->n_fed % CELL), n_taken = n < room ? n : room;
    passage->n = 0;
    keep(g, samples, n_taken);
    if (n_taken < room)
        return n_taken;
    int was_open = g->is_open;
    size_t n_changes = vad_feed(g->vad, g->kept + g->n_kept - CELL, CELL, g->changes);
    for (size_t i = 0; i < n_changes && !g->is_open; i++)
        if (g->changes[i].is_speech) {
            g->is_open = 1;
            pass(g, g->n_fed - g->changes[i].at, passage);
        }
    if (was_open)
        pass(g, CELL, passage);
    return n_taken;
}

void gate_finish(struct gate *g, struct gate_passage *passage)
{
    passage->n = 0;
    if (g->is_open)
        pass(g, g->n_fed % CELL, passage);
}

int gate_shut(struct gate *g)
{
    if (!vad_is_speech(g->vad))
        g->is_open = 0;
    return !g->is_open;
}
