/* SPDX-License-Identifier: Apache-2.0
 * test_ct2_file.c - checkpoints of CTranslate2, good and bad. */
#include <string.h>

#include "convert/ct2_file.h"
#include "tests/support/checkpoint_file.h"

static void put_ct2_text(struct buffer *b, const char *text)
{
    size_t n = strlen(text) + 1;
    char length[2] = {(char)n, 0};
    CU_ASSERT_EQUAL(buffer_append(b, length, 2), 0);
    CU_ASSERT_EQUAL(buffer_append(b, text, n), 0);
}

struct variable {
    const char *name;
    int n_dims, shape[2];
    int type; /* 0: float, 1: int8, 2: int16 */
    const void *data;
    size_t n; /* bytes of data */
};

static void put_variable(struct buffer *b, const struct variable *v)
{
    char n_dims = (char)v->n_dims, type = (char)v->type;
    put_ct2_text(b, v->name);
    CU_ASSERT_EQUAL(buffer_append(b, &n_dims, 1), 0);
    for (int d = 0; d < v->n_dims; d++)
        put32(b, (uint32_t)v->shape[d]);
    CU_ASSERT_EQUAL(buffer_append(b, &type, 1), 0);
    put32(b, (uint32_t)v->n);
    CU_ASSERT_EQUAL(buffer_append(b, v->data, v->n), 0);
}

static void make_ct2(struct buffer *b)
{
    static const signed char q[] = {10, -20, 127, -128, 0, 4};
    static const int16_t wide[] = {-300, 400}, heads = 8;
    static const float scales[] = {10.0f, 4.0f}, one = 100.0f, bias[] = {1.0f, 2.0f};
    const struct variable variables[] = {
        {"a/bias", 1, {2}, 0, bias, sizeof bias},
        {"a/weight", 2, {2, 3}, 1, q, sizeof q},
        {"a/weight_scale", 1, {2}, 0, scales, sizeof scales},
        {"b/weight", 2, {1, 2}, 2, wide, sizeof wide},
        {"b/weight_scale", 0, {0}, 0, &one, sizeof one},
        {"num_heads", 0, {0}, 2, &heads, sizeof heads},
    };
    put32(b, 6);
    put_ct2_text(b, "WhisperSpec");
    put32(b, 3);
    put32(b, sizeof variables / sizeof variables[0]);
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        put_variable(b, &variables[i]);
    put32(b, 1);
    put_ct2_text(b, "c/weight");
    put_ct2_text(b, "a/weight");
}

static int open_ct2(const struct buffer *b, size_t n, struct checkpoint **c, struct message *msg)
{
    write_bytes(path(), b->data, n);
    return ct2_file_open(c, (const char *const[]){path()}, 1, msg);
}

static void ct2_weights_are_dequantized(void)
{
    static const float wanted[] = {1.0f, -2.0f, 12.7f, -32.0f, 0.0f, 1.0f};
    struct buffer b = {0};
    struct checkpoint *c = NULL;
    struct message msg = {""};
    int64_t heads = 0;
    make_ct2(&b);
    CU_ASSERT_EQUAL_FATAL(open_ct2(&b, b.n, &c, &msg), 0);
    CU_ASSERT_EQUAL(checkpoint_count(c), 4); /* no scales, but the alias */
    check_floats(c, "a/weight", wanted, 6);
    check_floats(c, "c/weight", wanted, 6);
    check_floats(c, "b/weight", (const float[]){-3.0f, 4.0f}, 2);
    CU_ASSERT_EQUAL(checkpoint_number(c, "num_heads", &heads), 0);
    CU_ASSERT_EQUAL(heads, 8);
    checkpoint_close(c);
    buffer_free(&b);
}

static void ct2_files_cut_or_changed_do_no_harm(void)
{
    struct buffer b = {0};
    struct checkpoint *c = NULL;
    struct message msg = {""};
    float x[64];
    make_ct2(&b);
    for (size_t n = 0; n < b.n; n++)
        CU_ASSERT(open_ct2(&b, n, &c, &msg) < 0);
    for (size_t i = 0; i < b.n * 8; i++) {
        b.data[i / 8] = (char)(b.data[i / 8] ^ 1 << i % 8);
        if (open_ct2(&b, b.n, &c, &msg) == 0) {
            for (size_t j = 0; j < checkpoint_count(c); j++)
                if (checkpoint_at(c, j)->n_bytes <= sizeof x)
                    CU_ASSERT_EQUAL(checkpoint_read(c, checkpoint_at(c, j), x, &msg), 0);
            checkpoint_close(c);
        }
        b.data[i / 8] = (char)(b.data[i / 8] ^ 1 << i % 8);
    }
    buffer_free(&b);
}

static const struct unit_test tests[] = {
    {"CTranslate2's weights are dequantized", ct2_weights_are_dequantized},
    {"CTranslate2's files cut or changed do no harm", ct2_files_cut_or_changed_do_no_harm},
};

SCRATCH_MAIN("CTranslate2 files", tests)
