/* SPDX-License-Identifier: Apache-2.0
 * onnx_file.c - initializers of ONNX files.
 *
 * A file is a protocol buffer: fields of a key (number << 3 | form) and a value, which for form 0 is a whole number in
 * groups of 7 bits, low ones first, for 1 and 5 eight and four bytes, and for 2 a length and so many bytes, maybe a
 * message of fields again.  Of onnx.proto counts here: ModelProto.graph is field 7, GraphProto.initializer 5,
 * TensorProto.dims 1, data_type 2, name 8, raw_data 9. */
#include "convert/onnx_file.h"

#include "base/cursor.h"
#include "base/file_map.h"
#include "base/mem.h"

enum { GRAPH = 7, INITIALIZER = 5, DIMS = 1, DATA_TYPE = 2, NAME = 8, RAW_DATA = 9 };
enum { FORM_NUMBER, FORM_8_BYTES, FORM_BYTES, FORM_4_BYTES = 5 };
enum { MAX_NAME = 200 };

struct field {
    uint64_t number; /* its key */
    int form;
    uint64_t value;      /* a whole number */
    struct cursor bytes; /* of FORM_BYTES */
};

struct onnx {
    struct file_map map;
    const unsigned char **data; /* [n] of the tensors */
    int n, room;
};

/* ---- protocol buffers ---- */

static uint64_t read_varint(struct cursor *at)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        unsigned byte = cursor_u8(at);
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
    at->bad = 1;
    return 0;
}

/* The next field: 1, or 0 at the end or where the bytes are none (at->bad). */
static int read_field(struct cursor *at, struct field *f)
{
    if (cursor_left(at) == 0)
        return 0;
    uint64_t key = read_varint(at);
    *f = (struct field){.number = key >> 3, .form = (int)(key & 7)};
    if (f->form == FORM_NUMBER) {
        f->value = read_varint(at);
    } else if (f->form == FORM_8_BYTES || f->form == FORM_4_BYTES) {
        cursor_bytes(at, f->form == FORM_8_BYTES ? 8 : 4);
    } else if (f->form == FORM_BYTES) {
        uint64_t n = read_varint(at);
        const unsigned char *bytes = cursor_bytes(at, n);
        if (bytes != NULL)
            f->bytes = (struct cursor){bytes, bytes + n, 0};
    } else {
        at->bad = 1;
    }
    return !at->bad;
}

/* ---- tensors ---- */

struct initializer {
    char name[MAX_NAME + 1];
    int64_t shape[TENSOR_MAX_DIMS];
    int n_dims, has_too_many_dims;
    uint64_t type;
    struct cursor raw;
};

static void take_size(struct initializer *t, uint64_t size)
{
    if (t->n_dims < TENSOR_MAX_DIMS)
        t->shape[t->n_dims++] = size <= INT64_MAX ? (int64_t)size : -1;
    else
        t->has_too_many_dims = 1;
}

static void take_field(struct initializer *t, struct field *f)
{
    size_t n = cursor_left(&f->bytes);
    if (f->number == DIMS && f->form == FORM_NUMBER)
        take_size(t, f->value);
    for (int is_packed = f->number == DIMS && f->form == FORM_BYTES; is_packed && cursor_left(&f->bytes) > 0;)
        take_size(t, read_varint(&f->bytes));
    if (f->number == DATA_TYPE)
        t->type = f->value;
    if (f->number == NAME && n <= MAX_NAME && n > 0 && memchr(f->bytes.at, '\0', n) == NULL)
        memcpy(t->name, f->bytes.at, n);
    if (f->number == RAW_DATA)
        t->raw = f->bytes;
}

/* The type of a tensor's elements, or N_DTYPES. */
static enum dtype dtype_of(uint64_t type)
{
    return type == 1 ? DTYPE_F32 : type == 10 ? DTYPE_F16 : type == 16 ? DTYPE_BF16 : N_DTYPES;
}

static int add_initializer(struct onnx *f, struct checkpoint *c, struct cursor at, struct message *msg)
{
    struct initializer t = {.name = ""};
    struct field field;
    size_t n_bytes;
    while (read_field(&at, &field))
        take_field(&t, &field);
    enum dtype dtype = dtype_of(t.type);
    if (at.bad)
        return fail(msg, LINNET_E_FORMAT, "%s: is damaged at tensor %d", checkpoint_path(c), f->n);
    if (dtype == N_DTYPES || t.name[0] == '\0' || cursor_left(&t.raw) == 0)
        return LINNET_OK;
    if (t.has_too_many_dims || tensor_measure(dtype, t.n_dims, t.shape, &n_bytes) < 0 || n_bytes != cursor_left(&t.raw))
        return fail(msg, LINNET_E_FORMAT, "%s: tensor %s: its shape is not that of its bytes", checkpoint_path(c),
                    t.name);
    if (MEM_GROW(f->data, f->room, f->n + 1) < 0)
        return fail_memory(msg);
    f->data[f->n++] = t.raw.at;
    return checkpoint_add(c, t.name, dtype, t.n_dims, t.shape, (size_t)f->n - 1, msg);
}

/* ---- the file ---- */

static int onnx_open(void *state, struct checkpoint *c, struct message *msg)
{
    struct onnx *f = state;
    const char *path = checkpoint_path(c);
    struct field outer, inner;
    int rc = file_map_open(&f->map, &path, 1, msg);
    if (rc < 0)
        return rc;
    struct cursor at = {f->map.data, f->map.data + f->map.size, 0};
    while (rc >= 0 && read_field(&at, &outer)) {
        if (outer.number != GRAPH)
            continue;
        while (rc >= 0 && read_field(&outer.bytes, &inner))
            if (inner.number == INITIALIZER)
                rc = add_initializer(f, c, inner.bytes, msg);
        at.bad |= outer.bytes.bad;
    }
    if (rc >= 0 && at.bad)
        rc = fail(msg, LINNET_E_FORMAT, "%s: is no ONNX file, or cut", path);
    return rc;
}

static int onnx_read(void *state, const struct tensor *t, size_t i_source, void *out, struct message *msg)
{
    const struct onnx *f = state;
    (void)msg;
    memcpy(out, f->data[i_source], t->n_bytes);
    return LINNET_OK;
}

static void onnx_close(void *state)
{
    struct onnx *f = state;
    file_map_close(&f->map);
    mem_free(f->data);
}

static const struct checkpoint_ops ops = {sizeof(struct onnx), onnx_open, onnx_read, onnx_close};

int onnx_file_open(struct checkpoint **out, const char *path, struct message *msg)
{
    return checkpoint_open(out, path, &ops, &(struct onnx){.n = 0}, msg);
}
