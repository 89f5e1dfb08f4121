/* SPDX-License-Identifier: Apache-2.0
 * ggml_file.c - whisper.cpp's model files.
 *
 * Layout (whisper.cpp, models/convert-pt-to-ggml.py), little-endian 32-bit numbers: the magic, eleven header numbers,
 * the mel filters (rows, columns, floats), the vocabulary (count, and for each: length, bytes), and tensors up to the
 * end: dimensions, length of the name, type, sizes (innermost first), name, data.  Quantized types (ggml-quants.c) are
 * blocks of 32 numbers with a scale d in 16 bits, some with a minimum m:
 *     Q4_0  d (q - 8)      Q4_1  d q + m      q: 16 bytes, low halves first
 *     Q5_0  d (q - 16)     Q5_1  d q + m      the fifth bits are 4 bytes before q
 *     Q8_0  d q                               q: 32 signed bytes */
#include "convert/ggml_file.h"

#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "base/file_map.h"
#include "base/mem.h"
#include "nn/half.h"

#define MAGIC 0x67676d6cu
#define BLOCK 32
#define MAX_PIECES 200000u
#define MAX_PIECE 1000u
#define MAX_NAME 200u

struct type {
    int id; /* in the file */
    enum dtype dtype;
    int block_bytes; /* 0: not quantized */
    int has_minimum, has_fifth, offset;
};

static const struct type types[] = {
    {0, DTYPE_F32, 0, 0, 0, 0},   {1, DTYPE_F16, 0, 0, 0, 0},  {2, DTYPE_F32, 18, 0, 0, 8}, {3, DTYPE_F32, 20, 1, 0, 0},
    {6, DTYPE_F32, 22, 0, 1, 16}, {7, DTYPE_F32, 24, 1, 1, 0}, {8, DTYPE_F32, 34, 0, 0, 0},
};

struct stored {
    const struct type *type;
    const unsigned char *data;
};

struct ggml {
    struct buffer *vocabulary; /* receives it when the file is opened; or NULL */
    struct file_map map;
    struct stored *tensors; /* [n] */
    int n, room;
};

static void ggml_close(void *state)
{
    struct ggml *f = state;
    file_map_close(&f->map);
    mem_free(f->tensors);
}

static float read_half(const unsigned char *bytes) { return half_f16_to_f32((uint16_t)(bytes[0] | bytes[1] << 8)); }

static void dequantize_block(const struct type *type, const unsigned char *block, float *out)
{
    float d = read_half(block), m = type->has_minimum ? read_half(block + 2) : 0.0f;
    const unsigned char *fifth = block + (type->has_minimum ? 4 : 2), *q = fifth + (type->has_fifth ? 4 : 0);
    for (int i = 0; i < BLOCK; i++) {
        int value;
        if (type->block_bytes == 34) {
            value = (signed char)q[i];
        } else {
            value = i < BLOCK / 2 ? q[i] & 15 : q[i - BLOCK / 2] >> 4;
            if (type->has_fifth)
                value |= (fifth[i / 8] >> i % 8 & 1) << 4;
        }
        out[i] = d * (float)(value - type->offset) + m;
    }
}

static int ggml_read(void *state, const struct tensor *t, size_t i_source, void *out, struct message *msg)
{
    const struct ggml *f = state;
    const struct stored *s = &f->tensors[i_source];
    (void)msg;
    if (s->type->block_bytes == 0) {
        memcpy(out, s->data, t->n_bytes);
        return 0;
    }
    size_t n_blocks = tensor_elements(t) / BLOCK;
    for (size_t i = 0; i < n_blocks; i++)
        dequantize_block(s->type, s->data + i * (size_t)s->type->block_bytes, (float *)out + i * BLOCK);
    return 0;
}

static int add_piece(struct buffer *out, const unsigned char *bytes, uint32_t n, uint32_t rank)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[(MAX_PIECE + 2) / 3 * 4];
    size_t n_text = 0;
    for (uint32_t i = 0; i < n; i += 3) {
        uint32_t word = (uint32_t)bytes[i] << 16;
        word |= i + 1 < n ? (uint32_t)bytes[i + 1] << 8 : 0;
        word |= i + 2 < n ? bytes[i + 2] : 0;
        text[n_text++] = digits[word >> 18];
        text[n_text++] = digits[word >> 12 & 63];
        text[n_text++] = i + 1 < n ? digits[word >> 6 & 63] : '=';
        text[n_text++] = i + 2 < n ? digits[word & 63] : '=';
    }
    if (n == 0)
        text[n_text++] = '='; /* as OpenAI's files have it */
    int rc = buffer_append(out, text, n_text);
    return rc < 0 ? rc : buffer_printf(out, " %u\n", rank);
}

static int read_header(struct cursor *at, struct checkpoint *c, const char *path, struct message *msg)
{
    static const char *const names[] = {"n_vocab",       "n_audio_ctx", "n_audio_state", "n_audio_head",
                                        "n_audio_layer", "n_text_ctx",  "n_text_state",  "n_text_head",
                                        "n_text_layer",  "n_mels",      "ftype"};
    int rc = cursor_u32(at) == MAGIC ? 0 : fail(msg, LINNET_E_FORMAT, "%s: not a ggml file", path);
    for (size_t i = 0; i < sizeof names / sizeof names[0] && rc == 0; i++)
        rc = checkpoint_add_number(c, names[i], cursor_i32(at), msg);
    uint64_t n_rows = cursor_u32(at), n_columns = cursor_u32(at);
    (void)cursor_bytes(at, n_rows * n_columns * sizeof(float)); /* filters: computed here */
    if (rc == 0 && at->bad)
        rc = fail(msg, LINNET_E_FORMAT, "%s: is cut in its header", path);
    return rc;
}

static int read_vocabulary(struct cursor *at, struct buffer *vocabulary, const char *path, struct message *msg)
{
    uint32_t n = cursor_u32(at);
    if (n > MAX_PIECES)
        return fail(msg, LINNET_E_FORMAT, "%s: a vocabulary of %u pieces", path, n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t length = cursor_u32(at);
        const unsigned char *bytes = length <= MAX_PIECE ? cursor_bytes(at, length) : NULL;
        if (bytes == NULL)
            return fail(msg, LINNET_E_FORMAT, "%s: is cut or damaged in its vocabulary", path);
        if (vocabulary != NULL && add_piece(vocabulary, bytes, length, i) < 0)
            return fail_memory(msg);
    }
    return at->bad ? fail(msg, LINNET_E_FORMAT, "%s: is cut before its vocabulary", path) : 0;
}

/* Bytes of the elements as stored; 0 for what is impossible. */
static uint64_t stored_size(const struct type *type, int n_dims, const int64_t shape[])
{
    size_t n_bytes;
    if (tensor_measure(type->dtype, n_dims, shape, &n_bytes) < 0 || n_bytes == 0)
        return 0;
    if (type->block_bytes == 0)
        return n_bytes;
    return shape[n_dims - 1] % BLOCK != 0 ? 0 : n_bytes / sizeof(float) / BLOCK * (uint64_t)type->block_bytes;
}

static int read_tensor(struct cursor *at, struct ggml *f, struct checkpoint *c, const char *path, struct message *msg)
{
    char name[MAX_NAME + 1] = "";
    int64_t shape[TENSOR_MAX_DIMS];
    struct stored s = {0};
    uint32_t n_dims = cursor_u32(at), n_name = cursor_u32(at);
    int32_t type = cursor_i32(at);
    if (at->bad || n_dims < 1 || n_dims > 4 || n_name > MAX_NAME)
        return fail(msg, LINNET_E_FORMAT, "%s: is cut or damaged where tensor %d should begin", path, f->n);
    for (uint32_t i = n_dims; i > 0; i--)
        shape[i - 1] = cursor_i32(at);
    const unsigned char *text = cursor_bytes(at, n_name);
    if (text == NULL || memchr(text, '\0', n_name) != NULL)
        return fail(msg, LINNET_E_FORMAT, "%s: tensor %d has no possible name", path, f->n);
    memcpy(name, text, n_name);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].id == type)
            s.type = &types[i];
    if (s.type == NULL)
        return fail(msg, LINNET_E_UNSUPPORTED, "%s: tensor %s: type %d of ggml is not supported", path, name, type);
    uint64_t size = stored_size(s.type, (int)n_dims, shape);
    s.data = size > 0 ? cursor_bytes(at, size) : NULL;
    if (s.data == NULL)
        return fail(msg, LINNET_E_FORMAT, "%s: tensor %s: %s", path, name, size > 0 ? "is cut" : "impossible shape");
    if (MEM_GROW(f->tensors, f->room, f->n + 1) < 0)
        return fail_memory(msg);
    f->tensors[f->n++] = s;
    return checkpoint_add(c, name, s.type->dtype, (int)n_dims, shape, (size_t)f->n - 1, msg);
}

static int ggml_open(void *state, struct checkpoint *c, struct message *msg)
{
    struct ggml *f = state;
    const char *path = checkpoint_path(c);
    int rc = file_map_open(&f->map, &path, 1, msg);
    if (rc < 0)
        return rc;
    struct cursor at = {f->map.data, f->map.data + f->map.size, 0};
    if ((rc = read_header(&at, c, path, msg)) == 0)
        rc = read_vocabulary(&at, f->vocabulary, path, msg);
    while (rc == 0 && cursor_left(&at) > 0)
        rc = read_tensor(&at, f, c, path, msg);
    return rc;
}

static const struct checkpoint_ops ops = {sizeof(struct ggml), ggml_open, ggml_read, ggml_close};

int ggml_file_open(struct checkpoint **out, const char *path, struct buffer *vocabulary, struct message *msg)
{
    return checkpoint_open(out, path, &ops, &(struct ggml){.vocabulary = vocabulary}, msg);
}

int ggml_file_recognizes(const char *path)
{
    unsigned char magic[4];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    int is_ggml = fread(magic, 1, sizeof magic, file) == sizeof magic && memcmp(magic, "lmgg", 4) == 0;
    fclose(file);
    return is_ggml;
}
