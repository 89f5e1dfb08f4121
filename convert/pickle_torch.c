/* SPDX-License-Identifier: Apache-2.0
 * pickle_torch.c - the classes of PyTorch's checkpoints: storages, tensors, ordered dictionaries. */
#include "convert/pickle_torch.h"

#include <string.h>

enum callable { NOT_CALLABLE, ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER, SIZE };

static const struct class
{
    const char *module, *name;
    enum callable callable;
    enum dtype storage; /* of a storage class, N_DTYPES otherwise */
} classes[] = {
    {"collections", "OrderedDict", ORDERED_DICT, N_DTYPES},
    {"torch._utils", "_rebuild_tensor_v2", REBUILD_TENSOR, N_DTYPES},
    {"torch._utils", "_rebuild_parameter", REBUILD_PARAMETER, N_DTYPES},
    {"torch", "Size", SIZE, N_DTYPES},
    {"torch", "FloatStorage", NOT_CALLABLE, DTYPE_F32},
    {"torch", "HalfStorage", NOT_CALLABLE, DTYPE_F16},
    {"torch", "BFloat16Storage", NOT_CALLABLE, DTYPE_BF16},
    {"torch", "DoubleStorage", NOT_CALLABLE, DTYPE_F64},
    {"torch", "LongStorage", NOT_CALLABLE, DTYPE_I64},
    {"torch", "IntStorage", NOT_CALLABLE, DTYPE_I32},
    {"torch", "ShortStorage", NOT_CALLABLE, DTYPE_I16},
    {"torch", "CharStorage", NOT_CALLABLE, DTYPE_I8},
    {"torch", "ByteStorage", NOT_CALLABLE, DTYPE_U8},
    {"torch", "BoolStorage", NOT_CALLABLE, DTYPE_BOOL},
};
#define N_CLASSES (sizeof classes / sizeof classes[0])
static int is_text(const struct pickle_text *text, const char *wanted)
{
    return text->n == strlen(wanted) && memcmp(text->bytes, wanted, text->n) == 0;
}

int pickle_torch_push_class(struct machine *m, struct pickle_text module, struct pickle_text name)
{
    for (uint32_t i = 0; i < N_CLASSES; i++)
        if (is_text(&module, classes[i].module) && is_text(&name, classes[i].name))
            return pickle_stack_push_value(m, (struct pickle_value){.type = PICKLE_CLASS, .as.class = i});
    return fail(m->msg, LINNET_E_FORMAT, "foreign class %.*s.%.*s: not a plain checkpoint",
                module.n < 100 ? (int)module.n : 100, module.bytes, name.n < 100 ? (int)name.n : 100, name.bytes);
}

int pickle_torch_push_stack_class(struct machine *m)
{
    uint32_t module = 0, name = 0;
    int rc;
    if ((rc = pickle_stack_pop(m, &name)) < 0 || (rc = pickle_stack_pop(m, &module)) < 0)
        return rc;
    if (m->p->values[name].type != PICKLE_TEXT || m->p->values[module].type != PICKLE_TEXT)
        return pickle_stack_damaged(m);
    return pickle_torch_push_class(m, m->p->values[module].as.text, m->p->values[name].as.text);
}

/* The items of a tuple or list, at most max, into values; how many, or -1 when there are more or it is neither. */
static int unpack(const struct pickle *p, uint32_t tuple, uint32_t *values, int max)
{
    const struct pickle_value *v = &p->values[tuple];
    int n = 0;
    if (v->type != PICKLE_TUPLE && v->type != PICKLE_LIST)
        return -1;
    for (uint32_t i = v->first; i != 0; i = p->items[i].next) {
        if (n == max)
            return -1;
        values[n++] = p->items[i].value;
    }
    return n;
}

/* ("storage", class, key, device, number of elements) */
int pickle_torch_push_storage(struct machine *m)
{
    uint32_t id = 0, part[5];
    int rc = pickle_stack_pop(m, &id);
    if (rc < 0)
        return rc;
    const struct pickle_value *v = m->p->values;
    if (unpack(m->p, id, part, 5) != 5 || v[part[0]].type != PICKLE_TEXT || !is_text(&v[part[0]].as.text, "storage") ||
        v[part[1]].type != PICKLE_CLASS || v[part[2]].type != PICKLE_TEXT || v[part[4]].type != PICKLE_INT ||
        v[part[4]].as.integer < 0 || classes[v[part[1]].as.class].storage == N_DTYPES)
        return pickle_stack_damaged(m);
    struct pickle_storage storage = {v[part[2]].as.text, classes[v[part[1]].as.class].storage, v[part[4]].as.integer};
    return pickle_stack_push_value(m, (struct pickle_value){.type = PICKLE_STORAGE, .as.storage = storage});
}

/* Whole numbers of a tuple into out [TENSOR_MAX_DIMS]; how many, or -1. */
static int unpack_sizes(const struct pickle *p, uint32_t tuple, int64_t *out)
{
    uint32_t part[TENSOR_MAX_DIMS];
    int n = unpack(p, tuple, part, TENSOR_MAX_DIMS);
    for (int i = 0; i < n; i++) {
        if (p->values[part[i]].type != PICKLE_INT || p->values[part[i]].as.integer < 0)
            return -1;
        out[i] = p->values[part[i]].as.integer;
    }
    return n;
}

/* Every element of the tensor lies in its storage, and none is there twice (an expanded tensor could be endless). */
static int fits(const struct pickle_tensor *t, const struct pickle_storage *s)
{
    int64_t last = t->offset, n = 1;
    for (int i = 0; i < t->n_dims; i++) {
        int64_t reach;
        if (t->shape[i] == 0)
            return t->offset <= s->n;
        if (__builtin_mul_overflow(n, t->shape[i], &n) ||
            __builtin_mul_overflow(t->shape[i] - 1, t->stride[i], &reach) || __builtin_add_overflow(last, reach, &last))
            return 0;
    }
    return last < s->n && n <= s->n;
}

/* (storage, offset, shape, stride, requires_grad, hooks, ...) */
static int push_tensor(struct machine *m, uint32_t arguments)
{
    struct pickle *p = m->p;
    struct pickle_tensor t = {0};
    uint32_t part[8];
    int rc, n = unpack(p, arguments, part, 8);
    if (n < 4 || p->values[part[0]].type != PICKLE_STORAGE || p->values[part[1]].type != PICKLE_INT ||
        p->values[part[1]].as.integer < 0)
        return pickle_stack_damaged(m);
    t.storage = part[0];
    t.offset = p->values[part[1]].as.integer;
    t.n_dims = unpack_sizes(p, part[2], t.shape);
    if (t.n_dims < 0 || unpack_sizes(p, part[3], t.stride) != t.n_dims)
        return fail(m->msg, LINNET_E_FORMAT, "a tensor of an impossible shape");
    if (!fits(&t, &p->values[part[0]].as.storage))
        return fail(m->msg, LINNET_E_FORMAT, "a tensor that reaches past the %lld numbers of its storage",
                    (long long)p->values[part[0]].as.storage.n);
    if ((rc = pickle_stack_grow(m, &p->tensors, p->n_tensors, &p->n_tensors_room, sizeof *p->tensors, MAX_VALUES)) < 0)
        return rc;
    p->tensors[p->n_tensors] = t;
    return pickle_stack_push_value(m, (struct pickle_value){.type = PICKLE_TENSOR, .as.tensor = p->n_tensors++});
}

/* OrderedDict(), or OrderedDict([(key, value), ...]) */
static int push_dict(struct machine *m, uint32_t arguments)
{
    struct pickle *p = m->p;
    uint32_t list = 0, pair[2], dict = 0;
    int n = unpack(p, arguments, &list, 1),
        rc = pickle_stack_add_value(m, (struct pickle_value){.type = PICKLE_DICT}, &dict);
    if (rc < 0)
        return rc;
    if (n < 0 || (n == 1 && p->values[list].type != PICKLE_LIST))
        return pickle_stack_damaged(m);
    for (uint32_t i = n == 1 ? p->values[list].first : 0; i != 0; i = p->items[i].next) {
        if (unpack(p, p->items[i].value, pair, 2) != 2)
            return pickle_stack_damaged(m);
        if ((rc = pickle_stack_append(m, dict, pair[0])) < 0 || (rc = pickle_stack_append(m, dict, pair[1])) < 0)
            return rc;
    }
    return pickle_stack_push(m, dict);
}

int pickle_torch_reduce(struct machine *m)
{
    uint32_t arguments = 0, function = 0, part[3];
    int rc;
    if ((rc = pickle_stack_pop(m, &arguments)) < 0 || (rc = pickle_stack_pop(m, &function)) < 0)
        return rc;
    if (m->p->values[function].type != PICKLE_CLASS || m->p->values[arguments].type != PICKLE_TUPLE)
        return pickle_stack_damaged(m);
    const struct class *class = &classes[m->p->values[function].as.class];
    switch (class->callable) {
    case ORDERED_DICT:
        return push_dict(m, arguments);
    case REBUILD_TENSOR:
        return push_tensor(m, arguments);
    case REBUILD_PARAMETER:
        return unpack(m->p, arguments, part, 3) == 3 && m->p->values[part[0]].type == PICKLE_TENSOR
                   ? pickle_stack_push(m, part[0])
                   : pickle_stack_damaged(m);
    case SIZE:
        return unpack(m->p, arguments, part, 1) == 1 ? pickle_stack_push(m, part[0]) : pickle_stack_damaged(m);
    case NOT_CALLABLE:
        break;
    }
    return fail(m->msg, LINNET_E_FORMAT, "a call of %s.%s", class->module, class->name);
}
