/* SPDX-License-Identifier: Apache-2.0
 * conformer_forward.c - whole recordings through WeNet's encoders. */
#include "base/mem.h"
#include "encoder/conformer_blocks.h"

/* Frame i sees its own chunk and left_chunks before it. */
static void chunk_masks(int n, int chunk, int left_chunks, int *begin, int *end)
{
    for (int i = 0; i < n; i++) {
        int own = i / chunk;
        begin[i] = left_chunks < 0 || own < left_chunks ? 0 : (own - left_chunks) * chunk;
        end[i] = n - own * chunk < chunk ? n : (own + 1) * chunk;
    }
}

int conformer_forward(const struct encoder *e, struct nn_context *ctx, const struct encoder_input *in, float *out,
                      struct message *msg)
{
    int n = encoder_frames(e, in->n), chunk = encoder_chunk(e, in->chunk), *begin = NULL, *end = NULL;
    struct conformer_blocks w;
    if (n == 0)
        return 0;
    void *masks = chunk > 0 ? MEM_PARTS(MEM_PART(begin, (size_t)n), MEM_PART(end, (size_t)n)) : NULL;
    if (chunk > 0 && masks == NULL)
        return fail_memory(msg);
    int rc = conformer_blocks_open(&w, conformer_of(e), ctx, n, n, 0, msg);
    if (rc >= 0) {
        if (chunk > 0)
            chunk_masks(n, chunk, in->left_chunks, begin, end);
        conformer_blocks_embed(&w, in->features, in->n, 0);
        conformer_blocks_forward(&w, n, 0, begin, end, out);
        conformer_blocks_close(&w);
    }
    mem_free(masks);
    return rc < 0 ? rc : n;
}
