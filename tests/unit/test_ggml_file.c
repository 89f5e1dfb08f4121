/* SPDX-License-Identifier: Apache-2.0
 * test_ggml_file.c - checkpoints of ggml, good and bad. */
#include <string.h>

#include "convert/ggml_file.h"
#include "nn/half.h"
#include "tests/support/checkpoint_file.h"

/* One block of each type: d = 0.5, m = -1, numbers chosen so that every bit of q counts. */
static void put_block(struct buffer *b, int type)
{
    unsigned char block[34] = {0};
    size_t n = 0;
    uint16_t d = half_f32_to_f16(0.5f), m = half_f32_to_f16(-1.0f);
    memcpy(block, &d, 2);
    n = 2;
    if (type == 3 || type == 7) {
        memcpy(block + n, &m, 2);
        n += 2;
    }
    if (type == 6 || type == 7) {
        uint32_t fifth = 0x80000001u | 1u << 17; /* of numbers 0, 17 and 31 */
        memcpy(block + n, &fifth, 4);
        n += 4;
    }
    for (int i = 0; i < (type == 8 ? 32 : 16); i++)
        block[n++] = (unsigned char)(type == 8 ? i * 8 - 128 : (i | (15 - i) << 4));
    CU_ASSERT_EQUAL(buffer_append(b, block, n), 0);
}

static void put_ggml_header(struct buffer *b)
{
    put32(b, 0x67676d6c);
    for (uint32_t i = 0; i < 11; i++)
        put32(b, i == 0 ? 51865 : i);
    put32(b, 1);
    put32(b, 2);
    put32(b, 0);
    put32(b, 0);
    put32(b, 3); /* pieces */
    put32(b, 1);
    CU_ASSERT_EQUAL(buffer_append(b, "!", 1), 0);
    put32(b, 2);
    CU_ASSERT_EQUAL(buffer_append(b, "\xff\0", 2), 0);
    put32(b, 0);
}

static void put_ggml_tensor(struct buffer *b, const char *name, uint32_t type)
{
    put32(b, 2);
    put32(b, (uint32_t)strlen(name));
    put32(b, type);
    put32(b, 32);
    put32(b, 1);
    CU_ASSERT_EQUAL(buffer_puts(b, name), 0);
}

static void ggml_blocks_are_dequantized(void)
{
    static const int ids[] = {2, 3, 6, 7, 8};
    struct buffer b = {0}, vocabulary = {0};
    struct checkpoint *c = NULL;
    struct message msg = {""};
    int64_t n = 0;
    put_ggml_header(&b);
    for (size_t i = 0; i < 5; i++) {
        char name[] = {'t', (char)('0' + ids[i]), '\0'};
        put_ggml_tensor(&b, name, (uint32_t)ids[i]);
        put_block(&b, ids[i]);
    }
    write_bytes(path(), b.data, b.n);
    CU_ASSERT(ggml_file_recognizes(path()));
    CU_ASSERT_EQUAL_FATAL(ggml_file_open(&c, path(), &vocabulary, &msg), 0);
    CU_ASSERT_EQUAL(checkpoint_count(c), 5);
    CU_ASSERT_STRING_EQUAL(vocabulary.data, "IQ== 0\n/wA= 1\n= 2\n");
    CU_ASSERT_EQUAL(checkpoint_number(c, "n_vocab", &n), 0);
    CU_ASSERT_EQUAL(n, 51865);
    for (size_t i = 0; i < 5; i++) {
        float got[32];
        const struct tensor *t = checkpoint_at(c, i);
        CU_ASSERT(tensor_has_shape(t, 2, (const int64_t[]){1, 32}));
        CU_ASSERT_EQUAL(checkpoint_read(c, t, got, &msg), 0);
        for (int j = 0; j < 32; j++) {
            int low = j < 16 ? j : 31 - j, fifth = j == 0 || j == 17 || j == 31 ? 16 : 0;
            float wanted = ids[i] == 2   ? 0.5f * (float)(low - 8)
                           : ids[i] == 3 ? 0.5f * (float)low - 1.0f
                           : ids[i] == 6 ? 0.5f * (float)((low | fifth) - 16)
                           : ids[i] == 7 ? 0.5f * (float)(low | fifth) - 1.0f
                                         : 0.5f * (float)(j * 8 - 128);
            CU_ASSERT_EQUAL(got[j], wanted);
        }
    }
    checkpoint_close(c);
    size_t n_tensor = 5 * 4 + 2 + 34; /* the last one */
    for (size_t k = 0; k < b.n; k++) {
        write_bytes(path(), b.data, k);
        int rc = ggml_file_open(&c, path(), NULL, &msg);
        if (rc == 0) { /* the format has no count: a cut between tensors is seen by who misses one */
            CU_ASSERT(checkpoint_count(c) < 5);
            checkpoint_close(c);
        } else {
            CU_ASSERT_EQUAL(rc, LINNET_E_FORMAT);
        }
    }
    b.data[b.n - n_tensor + 8] = 10; /* q2_k */
    write_bytes(path(), b.data, b.n);
    CU_ASSERT_EQUAL(ggml_file_open(&c, path(), NULL, &msg), LINNET_E_UNSUPPORTED);
    CU_ASSERT(says(&msg, "tensor t8: type 10"));
    buffer_free(&b);
    buffer_free(&vocabulary);
}

static const struct unit_test tests[] = {
    {"ggml's blocks are dequantized", ggml_blocks_are_dequantized},
};

SCRATCH_MAIN("ggml files", tests)
