/* SPDX-License-Identifier: Apache-2.0
 * test_onnx_file.c - weights of ONNX files, good and bad. */
#include <string.h>

#include "convert/onnx_file.h"
#include "tests/support/checkpoint_file.h"

static void put_varint(struct buffer *b, uint64_t value)
{
    for (; value > 127; value >>= 7)
        CU_ASSERT_EQUAL(buffer_append(b, &(char){(char)(value | 128)}, 1), 0);
    CU_ASSERT_EQUAL(buffer_append(b, &(char){(char)value}, 1), 0);
}

static void put_number(struct buffer *b, int field, uint64_t value)
{
    put_varint(b, (uint64_t)field << 3);
    put_varint(b, value);
}

static void put_bytes(struct buffer *b, int field, const void *bytes, size_t n)
{
    put_varint(b, (uint64_t)field << 3 | 2);
    put_varint(b, n);
    CU_ASSERT_EQUAL(buffer_append(b, bytes, n), 0);
}

/* Two rows of floats; sizes packed or one by one. */
static void put_tensor(struct buffer *graph, const char *name, int type, int n_columns, int is_packed)
{
    static const float numbers[] = {1, -2, 0.5f, 1e30f, -0.25f, 7};
    struct buffer t = {0};
    if (is_packed) {
        put_bytes(&t, 1, (const char[]){2, (char)n_columns}, 2);
    } else {
        put_number(&t, 1, 2);
        put_number(&t, 1, (uint64_t)n_columns);
    }
    put_number(&t, 2, (uint64_t)type);
    put_bytes(&t, 8, name, strlen(name));
    put_bytes(&t, 9, numbers, sizeof numbers);
    put_bytes(graph, 5, buffer_text(&t), t.n);
    buffer_free(&t);
}

/* A file with tensors a and b of six floats, one of 64-bit numbers, and what does not count; `wrong` has too few. */
static struct buffer make_file(int wrong)
{
    struct buffer graph = {0}, file = {0};
    put_bytes(&graph, 2, "the graph", 9);
    put_tensor(&graph, "a", 1, 3, 0);
    put_tensor(&graph, "b", 1, wrong ? 4 : 3, 1);
    put_tensor(&graph, "numbers", 7, 3, 0);
    put_number(&file, 1, 8);
    put_varint(&file, 100 << 3 | 1);
    CU_ASSERT_EQUAL(buffer_append(&file, "12345678", 8), 0);
    put_varint(&file, 101 << 3 | 5);
    CU_ASSERT_EQUAL(buffer_append(&file, "1234", 4), 0);
    put_bytes(&file, 7, buffer_text(&graph), graph.n);
    buffer_free(&graph);
    return file;
}

static void floats_are_read(void)
{
    static const float wanted[] = {1, -2, 0.5f, 1e30f, -0.25f, 7};
    struct buffer file = make_file(0);
    struct checkpoint *c = NULL;
    write_bytes(path(), buffer_text(&file), file.n);
    CU_ASSERT_EQUAL_FATAL(onnx_file_open(&c, path(), NULL), 0);
    CU_ASSERT_EQUAL(checkpoint_count(c), 2);
    check_floats(c, "a", wanted, 6);
    check_floats(c, "b", wanted, 6);
    CU_ASSERT(tensor_has_shape(checkpoint_find(c, "b"), 2, (const int64_t[]){2, 3}));
    checkpoint_close(c);
    buffer_free(&file);
}

/* Cut anywhere but after a field, the file is refused; changed anywhere, it does no harm. */
static void bad_files_are_refused(void)
{
    struct buffer file = make_file(1);
    struct checkpoint *c = NULL;
    struct message msg;
    write_bytes(path(), buffer_text(&file), file.n);
    CU_ASSERT_EQUAL(onnx_file_open(&c, path(), &msg), LINNET_E_FORMAT);
    CU_ASSERT(says(&msg, "tensor b"));
    buffer_free(&file);
    file = make_file(0);
    for (size_t n = 30; n < file.n; n++) {
        write_bytes(path(), buffer_text(&file), n);
        CU_ASSERT_EQUAL(onnx_file_open(&c, path(), &msg), LINNET_E_FORMAT);
    }
    for (size_t i = 0; i < file.n; i++) {
        file.data[i] = (char)~file.data[i];
        write_bytes(path(), buffer_text(&file), file.n);
        if (onnx_file_open(&c, path(), NULL) >= 0)
            checkpoint_close(c);
        file.data[i] = (char)~file.data[i];
    }
    buffer_free(&file);
}

static const struct unit_test tests[] = {
    {"floats are read", floats_are_read},
    {"bad files are refused", bad_files_are_refused},
};

SCRATCH_MAIN("onnx file", tests)
