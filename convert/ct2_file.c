/* SPDX-License-Identifier: Apache-2.0
 * ct2_file.c - CTranslate2's binary models.
 *
 * Layout (CTranslate2, python/ctranslate2/specs/model_spec.py), little-endian: u32 version, text (u16 length with its
 * NUL, bytes) name of the specification, u32 its revision, u32 number of variables, and for each: text name, u8 number
 * of dimensions, u32 each, u8 type, u32 bytes, the bytes.  Then u32 number of aliases and for each: text alias, text
 * name. A quantized "x/weight" holds round(weight * scale), with "x/weight_scale" for each row or for all of it. */
#include "convert/ct2_file.h"

#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "base/file_map.h"
#include "base/mem.h"

#define MAX_VARIABLES 20000u

struct variable {
    struct tensor tensor; /* name and data point into the file; data may be at any address */
    int64_t i_scale;      /* variable with the scale, or -1 */
    int is_scale;
};

struct ct2 {
    const char *const *paths; /* [n_paths] while it is opened */
    int n_paths;
    struct file_map map;
    struct variable *variables; /* [n] */
    size_t n;
};

static void ct2_close(void *state)
{
    struct ct2 *f = state;
    file_map_close(&f->map);
    mem_free(f->variables);
}

/* Rows of a quantized matrix divided by their scale (one for each, or one for all). */
static void dequantize(const struct tensor *q, const struct tensor *scales, float *out)
{
    size_t n = tensor_elements(q), n_scales = tensor_elements(scales), width = n_scales > 0 ? n / n_scales : 0;
    const unsigned char *bytes = q->data;
    for (size_t i = 0; i < n; i++) {
        float scale;
        memcpy(&scale, (const char *)scales->data + i / width * sizeof scale, sizeof scale);
        int value = q->dtype == DTYPE_I8 ? (int8_t)bytes[i] : (int16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8);
        out[i] = (float)value / scale;
    }
}

static int ct2_read(void *state, const struct tensor *t, size_t i_source, void *out, struct message *msg)
{
    const struct ct2 *f = state;
    const struct variable *v = &f->variables[i_source];
    (void)msg;
    if (v->i_scale >= 0)
        dequantize(&v->tensor, &f->variables[v->i_scale].tensor, out);
    else
        memcpy(out, v->tensor.data, t->n_bytes);
    return 0;
}

/* A name with its NUL inside the file, or NULL. */
static const char *read_text(struct cursor *c)
{
    uint64_t n = cursor_u16(c);
    const char *text = (const char *)cursor_bytes(c, n);
    if (text == NULL || n == 0 || text[n - 1] != '\0' || strlen(text) != n - 1) {
        c->bad = 1;
        return NULL;
    }
    return text;
}

static int read_variable(struct cursor *c, struct variable *v, const char *path, struct message *msg)
{
    static const enum dtype types[] = {DTYPE_F32, DTYPE_I8, DTYPE_I16, DTYPE_I32, DTYPE_F16, DTYPE_BF16};
    struct tensor *t = &v->tensor;
    const char *name = read_text(c);
    unsigned n_dims = cursor_u8(c);
    if (name == NULL || n_dims > TENSOR_MAX_DIMS)
        return fail(msg, LINNET_E_FORMAT, "%s: is cut or damaged where a variable should begin", path);
    t->name = name;
    t->n_dims = (int)n_dims;
    for (unsigned i = 0; i < n_dims; i++)
        t->shape[i] = cursor_u32(c);
    unsigned type = cursor_u8(c);
    uint32_t n_bytes = cursor_u32(c);
    if (c->bad || type >= sizeof types / sizeof types[0])
        return fail(msg, LINNET_E_FORMAT, "%s: variable %.200s: unknown type %u", path, name, type);
    t->dtype = types[type];
    if (tensor_measure(t->dtype, t->n_dims, t->shape, &t->n_bytes) < 0 || t->n_bytes != n_bytes)
        return fail(msg, LINNET_E_FORMAT, "%s: variable %.200s: %u bytes do not fit its shape", path, name, n_bytes);
    t->data = cursor_bytes(c, n_bytes);
    if (t->data == NULL)
        return fail(msg, LINNET_E_FORMAT, "%s: ends inside variable %.200s", path, name);
    return 0;
}

static struct variable *find_variable(const struct ct2 *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->variables[i].tensor.name, name) == 0)
            return &f->variables[i];
    return NULL;
}

/* Ties an integer matrix to its scale. */
static int pair_scale(struct ct2 *f, struct variable *v, const char *path, struct message *msg)
{
    char name[512];
    v->i_scale = -1;
    if ((v->tensor.dtype != DTYPE_I8 && v->tensor.dtype != DTYPE_I16) || v->tensor.n_dims < 2)
        return 0;
    snprintf(name, sizeof name, "%s_scale", v->tensor.name);
    struct variable *scale = find_variable(f, name);
    size_t n_scales = scale != NULL ? tensor_elements(&scale->tensor) : 0;
    if (scale == NULL || scale->tensor.dtype != DTYPE_F32 || (n_scales != 1 && n_scales != (size_t)v->tensor.shape[0]))
        return fail(msg, LINNET_E_FORMAT, "%s: variable %.200s: no scale that fits", path, v->tensor.name);
    v->i_scale = scale - f->variables;
    scale->is_scale = 1;
    return 0;
}

static int add_tensor(struct checkpoint *c, const struct variable *v, const char *name, size_t i, struct message *msg)
{
    const struct tensor *t = &v->tensor;
    if (t->n_dims == 0) {
        int64_t value = 0;
        if (t->dtype == DTYPE_I8)
            value = *(const signed char *)t->data;
        else if (t->dtype == DTYPE_I16)
            value = (int16_t)(((const unsigned char *)t->data)[0] | ((const unsigned char *)t->data)[1] << 8);
        else if (t->dtype == DTYPE_I32)
            value = cursor_i32(&(struct cursor){t->data, (const unsigned char *)t->data + 4, 0});
        else
            return 0; /* no fractions are of use here */
        return checkpoint_add_number(c, name, value, msg);
    }
    return checkpoint_add(c, name, v->i_scale >= 0 ? DTYPE_F32 : t->dtype, t->n_dims, t->shape, i, msg);
}

static int ct2_open(void *state, struct checkpoint *c, struct message *msg)
{
    struct ct2 *f = state;
    const char *path = checkpoint_path(c);
    int rc = file_map_open(&f->map, f->paths, f->n_paths, msg);
    if (rc < 0)
        return rc;
    struct cursor at = {f->map.data, f->map.data + f->map.size, 0};
    uint32_t version = cursor_u32(&at);
    if (at.bad || version < 4 || version > 6)
        return fail(msg, LINNET_E_FORMAT, "%s: not a CTranslate2 model of version 4 to 6", path);
    const char *name = read_text(&at);
    (void)cursor_u32(&at); /* revision of the specification */
    uint32_t n = cursor_u32(&at);
    if (name == NULL || at.bad || n > MAX_VARIABLES)
        return fail(msg, LINNET_E_FORMAT, "%s: damaged header", path);
    if (strcmp(name, "WhisperSpec") != 0)
        return fail(msg, LINNET_E_UNSUPPORTED, "%s: a model of kind %.100s, not WhisperSpec", path, name);
    f->variables = mem_array(n, sizeof *f->variables);
    if (f->variables == NULL)
        return fail_memory(msg);
    for (; f->n < n; f->n++)
        if ((rc = read_variable(&at, &f->variables[f->n], path, msg)) < 0)
            return rc;
    for (size_t i = 0; i < f->n; i++)
        if ((rc = pair_scale(f, &f->variables[i], path, msg)) < 0)
            return rc;
    for (size_t i = 0; i < f->n; i++)
        if (!f->variables[i].is_scale &&
            (rc = add_tensor(c, &f->variables[i], f->variables[i].tensor.name, i, msg)) < 0)
            return rc;
    for (uint32_t i = cursor_u32(&at); i > 0; i--) {
        const char *alias = read_text(&at), *target = read_text(&at);
        struct variable *v = target != NULL ? find_variable(f, target) : NULL;
        if (alias == NULL || v == NULL)
            return fail(msg, LINNET_E_FORMAT, "%s: alias of a variable that is not there", path);
        if (!v->is_scale && (rc = add_tensor(c, v, alias, (size_t)(v - f->variables), msg)) < 0)
            return rc;
    }
    if (at.bad || cursor_left(&at) > 0)
        return fail(msg, LINNET_E_FORMAT, "%s: %s", path, at.bad ? "is cut" : "bytes after its end");
    return 0;
}

static const struct checkpoint_ops ops = {sizeof(struct ct2), ct2_open, ct2_read, ct2_close};

int ct2_file_open(struct checkpoint **out, const char *const paths[], int n_paths, struct message *msg)
{
    return checkpoint_open(out, paths[0], &ops, &(struct ct2){.paths = paths, .n_paths = n_paths}, msg);
}
