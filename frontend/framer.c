/* SPDX-License-Identifier: Apache-2.0
 * framer.c - cuts a stream of samples into overlapping frames.
 *
 * The buffer holds one frame and some hops more, so that what is kept is moved to its front once in N_HOPS frames. */
#include "frontend/framer.h"

#include <string.h>

#include "base/mem.h"

#define N_HOPS 16

int framer_open(struct framer *f, size_t length, size_t hop, struct message *msg)
{
    if (hop < 1 || hop > length || length > 1 << 20)
        return fail(msg, LINNET_E_ARGUMENT, "frames of %zu samples every %zu", length, hop);
    size_t size = length + N_HOPS * hop;
    float *data = mem_array(size, sizeof *data);
    if (data == NULL)
        return fail_memory(msg);
    *f = (struct framer){.data = data, .size = size, .length = length, .hop = hop};
    return LINNET_OK;
}

void framer_close(struct framer *f)
{
    mem_free(f->data);
    f->data = NULL;
}

void framer_reset(struct framer *f) { f->begin = f->end = 0; }

size_t framer_put(struct framer *f, const float *samples, size_t n)
{
    if (f->begin > 0) {
        f->end -= f->begin;
        memmove(f->data, f->data + f->begin, f->end * sizeof *f->data);
        f->begin = 0;
    }
    if (n > f->size - f->end)
        n = f->size - f->end;
    if (n > 0)
        memcpy(f->data + f->end, samples, n * sizeof *f->data);
    f->end += n;
    return n;
}

const float *framer_next(struct framer *f)
{
    if (f->end - f->begin < f->length)
        return NULL;
    const float *frame = f->data + f->begin;
    f->begin += f->hop;
    return frame;
}

size_t framer_frames(const struct framer *f, size_t n)
{
    size_t n_held = f->end - f->begin + n;
    return n_held < f->length ? 0 : (n_held - f->length) / f->hop + 1;
}
