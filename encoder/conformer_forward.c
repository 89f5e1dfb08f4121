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

int conformer_forward(const struct conformer *m, struct nn_context *ctx, const float *features, int n_features,
                      int chunk, int left_chunks, float *out, struct message *msg)
{
    int n = conformer_frames(m, n_features), *masks = NULL, *begin = NULL, *end = NULL;
    struct conformer_blocks w;
    if (n == 0)
        return 0;
    int rc = conformer_blocks_open(&w, m, ctx, n, n, 0, msg);
    if (rc < 0)
        return rc;
    chunk = conformer_config_chunk(&m->config, chunk);
    if (chunk > 0) {
        begin = masks = mem_array(2 * (size_t)n, sizeof *masks);
        if (masks == NULL) {
            conformer_blocks_close(&w);
            return fail_memory(msg);
        }
        end = masks + n;
        chunk_masks(n, chunk, left_chunks, begin, end);
    }
    conformer_blocks_embed(&w, features, n_features, 0);
    conformer_blocks_forward(&w, n, 0, begin, end, out);
    mem_free(masks);
    conformer_blocks_close(&w);
    return n;
}
