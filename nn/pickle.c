/* SPDX-License-Identifier: Apache-2.0
 * pickle.c - a stack machine for the pickles that torch.save makes.
 *
 * Operations are those of Python's pickletools.py, protocols 2 to 5, less everything that makes or calls objects: only
 * the classes in the table below are known, and each is computed here.  All values lie in one array and refer to each
 * other by index; the number of values, the stack and the memo are limited, so that a hostile file costs bounded time
 * and memory.  Numbers are little-endian, but for floats (big-endian). */
#include "nn/pickle.h"

#include <string.h>

#include "base/mem.h"
#include "nn/cursor.h"

#define MAX_VALUES 4000000u
#define MAX_STACK 1000000u
#define MARK UINT32_MAX

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

struct machine {
    struct pickle *p;
    struct cursor at;
    uint32_t *stack, *memo; /* memo: value + 1, or 0 */
    uint32_t n_stack, n_stack_room, n_memo_room;
    uint32_t n_memoized; /* for MEMOIZE, which counts */
    struct message *msg;
};

static int damaged(struct machine *m)
{
    return fail(m->msg, LINNET_E_FORMAT, "the pickle is cut or damaged");
}

/* Makes room for item n of an array with *room items of this size, at most max. */
static int grow(struct machine *m, void *array, uint32_t n, uint32_t *room, size_t size, uint32_t max)
{
    void **at = array;
    if (n < *room)
        return 0;
    if (n >= max)
        return fail(m->msg, LINNET_E_FORMAT, "the pickle holds too many values");
    uint32_t fresh = *room * 2 > n ? *room * 2 : n + 64;
    void *more = mem_resize(*at, *room, fresh, size);
    if (more == NULL)
        return fail_memory(m->msg);
    *at = more;
    *room = fresh;
    return 0;
}

static int push(struct machine *m, uint32_t value)
{
    int rc = grow(m, &m->stack, m->n_stack, &m->n_stack_room, sizeof *m->stack, MAX_STACK);
    if (rc == 0)
        m->stack[m->n_stack++] = value;
    return rc;
}

static int add_value(struct machine *m, struct pickle_value value, uint32_t *index)
{
    struct pickle *p = m->p;
    int rc = grow(m, &p->values, p->n_values, &p->n_values_room, sizeof *p->values, MAX_VALUES);
    if (rc == 0) {
        p->values[p->n_values] = value;
        *index = p->n_values++;
    }
    return rc;
}

static int push_value(struct machine *m, struct pickle_value value)
{
    uint32_t index = 0;
    int rc = add_value(m, value, &index);
    return rc < 0 ? rc : push(m, index);
}

/* The topmost value that is no mark. */
static int pop(struct machine *m, uint32_t *value)
{
    if (m->n_stack == 0 || m->stack[m->n_stack - 1] == MARK)
        return damaged(m);
    *value = m->stack[--m->n_stack];
    return 0;
}

/* Where the values above the topmost mark begin on the stack. */
static int find_mark(struct machine *m, uint32_t *first)
{
    for (uint32_t i = m->n_stack; i > 0; i--)
        if (m->stack[i - 1] == MARK) {
            *first = i;
            return 0;
        }
    return damaged(m);
}

static int append(struct machine *m, uint32_t container, uint32_t value)
{
    struct pickle *p = m->p;
    uint32_t n = p->n_items == 0 ? 1 : p->n_items; /* item 0 stands for none */
    int rc = grow(m, &p->items, n, &p->n_items_room, sizeof *p->items, 2 * MAX_VALUES);
    if (rc < 0)
        return rc;
    struct pickle_value *v = &p->values[container];
    p->items[n] = (struct pickle_item){.value = value};
    if (v->first == 0)
        v->first = n;
    else
        p->items[v->last].next = n;
    v->last = n;
    p->n_items = n + 1;
    return 0;
}

/* Moves the stack's values from first on into the container, and takes them and n_marks below them off. */
static int append_stack(struct machine *m, uint32_t container, uint32_t first, uint32_t n_marks)
{
    int rc;
    for (uint32_t i = first; i < m->n_stack; i++)
        if ((rc = append(m, container, m->stack[i])) < 0)
            return rc;
    m->n_stack = first - n_marks;
    return 0;
}

/* A new container of the stack's values from first on. */
static int collect(struct machine *m, enum pickle_type type, uint32_t first, uint32_t n_marks)
{
    uint32_t container = 0;
    int rc = add_value(m, (struct pickle_value){.type = type}, &container);
    if (rc == 0)
        rc = append_stack(m, container, first, n_marks);
    return rc < 0 ? rc : push(m, container);
}

static int collect_top(struct machine *m, uint32_t n)
{
    if (m->n_stack < n)
        return damaged(m);
    for (uint32_t i = m->n_stack - n; i < m->n_stack; i++)
        if (m->stack[i] == MARK)
            return damaged(m);
    return collect(m, PICKLE_TUPLE, m->n_stack - n, 0);
}

static int collect_marked(struct machine *m, enum pickle_type type)
{
    uint32_t first = 0;
    int rc = find_mark(m, &first);
    return rc < 0 ? rc : collect(m, type, first, 1);
}

/* Puts the stack's values from first on into the container below them and n_marks marks. */
static int fill(struct machine *m, enum pickle_type type, uint32_t first, uint32_t n_marks)
{
    if (first < n_marks + 1 || (type == PICKLE_DICT && (m->n_stack - first) % 2 != 0))
        return damaged(m);
    uint32_t container = m->stack[first - n_marks - 1];
    for (uint32_t i = first; i < m->n_stack; i++)
        if (m->stack[i] == MARK)
            return damaged(m);
    if (container == MARK || m->p->values[container].type != type)
        return damaged(m);
    return append_stack(m, container, first, n_marks);
}

static int fill_top(struct machine *m, enum pickle_type type, uint32_t n)
{
    return m->n_stack > n ? fill(m, type, m->n_stack - n, 0) : damaged(m);
}

static int fill_marked(struct machine *m, enum pickle_type type)
{
    uint32_t first = 0;
    int rc = find_mark(m, &first);
    return rc < 0 ? rc : fill(m, type, first, 1);
}

/* Text up to the end of the line, for GLOBAL. */
static int read_line(struct machine *m, struct pickle_text *text)
{
    const unsigned char *end = m->at.bad ? NULL : memchr(m->at.at, '\n', cursor_left(&m->at));
    if (end == NULL)
        return damaged(m);
    text->bytes = (const char *)m->at.at;
    text->n = (size_t)(end - m->at.at);
    m->at.at = end + 1;
    return 0;
}

static int is_text(const struct pickle_text *text, const char *wanted)
{
    return text->n == strlen(wanted) && memcmp(text->bytes, wanted, text->n) == 0;
}

static int push_class(struct machine *m, struct pickle_text module, struct pickle_text name)
{
    for (uint32_t i = 0; i < N_CLASSES; i++)
        if (is_text(&module, classes[i].module) && is_text(&name, classes[i].name))
            return push_value(m, (struct pickle_value){.type = PICKLE_CLASS, .as.class = i});
    return fail(m->msg, LINNET_E_FORMAT, "foreign class %.*s.%.*s: not a plain checkpoint",
                module.n < 100 ? (int)module.n : 100, module.bytes, name.n < 100 ? (int)name.n : 100, name.bytes);
}

static int push_stack_class(struct machine *m)
{
    uint32_t module = 0, name = 0;
    int rc;
    if ((rc = pop(m, &name)) < 0 || (rc = pop(m, &module)) < 0)
        return rc;
    if (m->p->values[name].type != PICKLE_TEXT || m->p->values[module].type != PICKLE_TEXT)
        return damaged(m);
    return push_class(m, m->p->values[module].as.text, m->p->values[name].as.text);
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
static int push_storage(struct machine *m)
{
    uint32_t id = 0, part[5];
    int rc = pop(m, &id);
    if (rc < 0)
        return rc;
    const struct pickle_value *v = m->p->values;
    if (unpack(m->p, id, part, 5) != 5 || v[part[0]].type != PICKLE_TEXT || !is_text(&v[part[0]].as.text, "storage") ||
        v[part[1]].type != PICKLE_CLASS || v[part[2]].type != PICKLE_TEXT || v[part[4]].type != PICKLE_INT ||
        v[part[4]].as.integer < 0 || classes[v[part[1]].as.class].storage == N_DTYPES)
        return damaged(m);
    struct pickle_storage storage = {v[part[2]].as.text, classes[v[part[1]].as.class].storage, v[part[4]].as.integer};
    return push_value(m, (struct pickle_value){.type = PICKLE_STORAGE, .as.storage = storage});
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
        return damaged(m);
    t.storage = part[0];
    t.offset = p->values[part[1]].as.integer;
    t.n_dims = unpack_sizes(p, part[2], t.shape);
    if (t.n_dims < 0 || unpack_sizes(p, part[3], t.stride) != t.n_dims)
        return fail(m->msg, LINNET_E_FORMAT, "a tensor of an impossible shape");
    if (!fits(&t, &p->values[part[0]].as.storage))
        return fail(m->msg, LINNET_E_FORMAT, "a tensor that reaches past the %lld numbers of its storage",
                    (long long)p->values[part[0]].as.storage.n);
    if ((rc = grow(m, &p->tensors, p->n_tensors, &p->n_tensors_room, sizeof *p->tensors, MAX_VALUES)) < 0)
        return rc;
    p->tensors[p->n_tensors] = t;
    return push_value(m, (struct pickle_value){.type = PICKLE_TENSOR, .as.tensor = p->n_tensors++});
}

/* OrderedDict(), or OrderedDict([(key, value), ...]) */
static int push_dict(struct machine *m, uint32_t arguments)
{
    struct pickle *p = m->p;
    uint32_t list = 0, pair[2], dict = 0;
    int n = unpack(p, arguments, &list, 1), rc = add_value(m, (struct pickle_value){.type = PICKLE_DICT}, &dict);
    if (rc < 0)
        return rc;
    if (n < 0 || (n == 1 && p->values[list].type != PICKLE_LIST))
        return damaged(m);
    for (uint32_t i = n == 1 ? p->values[list].first : 0; i != 0; i = p->items[i].next) {
        if (unpack(p, p->items[i].value, pair, 2) != 2)
            return damaged(m);
        if ((rc = append(m, dict, pair[0])) < 0 || (rc = append(m, dict, pair[1])) < 0)
            return rc;
    }
    return push(m, dict);
}

static int reduce(struct machine *m)
{
    uint32_t arguments = 0, function = 0, part[3];
    int rc;
    if ((rc = pop(m, &arguments)) < 0 || (rc = pop(m, &function)) < 0)
        return rc;
    if (m->p->values[function].type != PICKLE_CLASS || m->p->values[arguments].type != PICKLE_TUPLE)
        return damaged(m);
    const struct class *class = &classes[m->p->values[function].as.class];
    switch (class->callable) {
    case ORDERED_DICT:
        return push_dict(m, arguments);
    case REBUILD_TENSOR:
        return push_tensor(m, arguments);
    case REBUILD_PARAMETER:
        return unpack(m->p, arguments, part, 3) == 3 && m->p->values[part[0]].type == PICKLE_TENSOR ? push(m, part[0])
                                                                                                    : damaged(m);
    case SIZE:
        return unpack(m->p, arguments, part, 1) == 1 ? push(m, part[0]) : damaged(m);
    case NOT_CALLABLE:
        break;
    }
    return fail(m->msg, LINNET_E_FORMAT, "a call of %s.%s", class->module, class->name);
}

/* Attributes of an object (a dictionary's _metadata, ...): nothing that matters here. */
static int build(struct machine *m)
{
    uint32_t state = 0;
    int rc = pop(m, &state);
    if (rc < 0)
        return rc;
    uint32_t object = m->n_stack > 0 ? m->stack[m->n_stack - 1] : MARK;
    if (object == MARK || (m->p->values[object].type != PICKLE_DICT && m->p->values[object].type != PICKLE_TENSOR))
        return damaged(m);
    return 0;
}

static int memo_put(struct machine *m, uint32_t i)
{
    int rc = m->n_stack == 0 || m->stack[m->n_stack - 1] == MARK ? damaged(m) : 0;
    if (rc == 0)
        rc = grow(m, &m->memo, i, &m->n_memo_room, sizeof *m->memo, MAX_VALUES);
    if (rc == 0)
        m->memo[i] = m->stack[m->n_stack - 1] + 1;
    return rc;
}

static int memo_get(struct machine *m, uint32_t i)
{
    return i < m->n_memo_room && m->memo[i] != 0 ? push(m, m->memo[i] - 1) : damaged(m);
}

static int push_int(struct machine *m, int64_t value)
{
    return push_value(m, (struct pickle_value){.type = PICKLE_INT, .as.integer = value});
}

/* A two's complement number of n bytes. */
static int push_long(struct machine *m, unsigned n)
{
    if (n > 8)
        return fail(m->msg, LINNET_E_FORMAT, "a whole number of %u bytes", n);
    uint64_t value = cursor_number(&m->at, (int)n);
    if (n > 0 && n < 8 && (value >> (8 * n - 1)) != 0)
        value |= UINT64_MAX << 8 * n;
    return push_int(m, (int64_t)value);
}

static int push_float(struct machine *m)
{
    const unsigned char *bytes = cursor_bytes(&m->at, 8);
    uint64_t bits = 0;
    double value;
    for (int i = 0; i < 8 && bytes != NULL; i++)
        bits = bits << 8 | bytes[i];
    memcpy(&value, &bits, sizeof value);
    return push_value(m, (struct pickle_value){.type = PICKLE_FLOAT, .as.real = value});
}

/* Text whose length takes n_length bytes. */
static int push_text(struct machine *m, int n_length)
{
    uint64_t n = cursor_number(&m->at, n_length);
    const char *bytes = (const char *)cursor_bytes(&m->at, n);
    if (bytes == NULL)
        return damaged(m);
    return push_value(m, (struct pickle_value){.type = PICKLE_TEXT, .as.text = {bytes, (size_t)n}});
}

static int push_global(struct machine *m)
{
    struct pickle_text module, name;
    int rc;
    if ((rc = read_line(m, &module)) < 0 || (rc = read_line(m, &name)) < 0)
        return rc;
    return push_class(m, module, name);
}

static int drop(struct machine *m)
{
    uint32_t value = 0;
    return pop(m, &value);
}

static int drop_marked(struct machine *m)
{
    uint32_t first = 0;
    int rc = find_mark(m, &first);
    if (rc == 0)
        m->n_stack = first - 1;
    return rc;
}

/* One operation; 1 when it was the last.  A table in the shape of a switch. */
static int step(struct machine *m)
{
    unsigned operation = cursor_u8(&m->at);
    if (m->at.bad)
        return damaged(m);
    switch (operation) {
    case 0x80: /* protocol */
        return cursor_u8(&m->at) <= 5 ? 0 : damaged(m);
    case 0x95: /* frame */
        return cursor_bytes(&m->at, 8) != NULL ? 0 : damaged(m);
    case '.':
        return 1;
    case '(':
        return push(m, MARK);
    case '0':
        return drop(m);
    case '1':
        return drop_marked(m);
    case 'N':
        return push_value(m, (struct pickle_value){.type = PICKLE_NONE});
    case 0x88: /* true */
        return push_int(m, 1);
    case 0x89: /* false */
        return push_int(m, 0);
    case 'J':
        return push_int(m, cursor_i32(&m->at));
    case 'K':
        return push_int(m, cursor_u8(&m->at));
    case 'M':
        return push_int(m, cursor_u16(&m->at));
    case 0x8a: /* long */
        return push_long(m, cursor_u8(&m->at));
    case 'G':
        return push_float(m);
    case 'X': /* text with a length of 4, 1 and 8 bytes; bytes and old text are text as well */
    case 'B':
    case 'T':
        return push_text(m, 4);
    case 0x8c:
    case 'C':
    case 'U':
        return push_text(m, 1);
    case 0x8d:
    case 0x8e:
        return push_text(m, 8);
    case ')':
        return push_value(m, (struct pickle_value){.type = PICKLE_TUPLE});
    case ']':
        return push_value(m, (struct pickle_value){.type = PICKLE_LIST});
    case '}':
        return push_value(m, (struct pickle_value){.type = PICKLE_DICT});
    case 't':
        return collect_marked(m, PICKLE_TUPLE);
    case 'l':
        return collect_marked(m, PICKLE_LIST);
    case 0x85: /* tuples of 1, 2, 3 */
    case 0x86:
    case 0x87:
        return collect_top(m, operation - 0x84);
    case 'a':
        return fill_top(m, PICKLE_LIST, 1);
    case 'e':
        return fill_marked(m, PICKLE_LIST);
    case 's':
        return fill_top(m, PICKLE_DICT, 2);
    case 'u':
        return fill_marked(m, PICKLE_DICT);
    case 'c':
        return push_global(m);
    case 0x93: /* class from the stack */
        return push_stack_class(m);
    case 'R':
    case 0x81: /* new object */
        return reduce(m);
    case 'b':
        return build(m);
    case 'Q': /* persistent id */
        return push_storage(m);
    case 'q':
        return memo_put(m, cursor_u8(&m->at));
    case 'r':
        return memo_put(m, cursor_u32(&m->at));
    case 0x94: /* memoize */
        return memo_put(m, m->n_memoized++);
    case 'h':
        return memo_get(m, cursor_u8(&m->at));
    case 'j':
        return memo_get(m, cursor_u32(&m->at));
    default:
        return fail(m->msg, LINNET_E_FORMAT, "operation 0x%02x has no place in a checkpoint", operation);
    }
}

int pickle_open(struct pickle **out, const void *bytes, size_t n, struct message *msg)
{
    struct machine m = {.at = {bytes, (const unsigned char *)bytes + n, 0}, .msg = msg};
    int rc = 0;
    m.p = mem_array(1, sizeof *m.p);
    if (m.p == NULL)
        return fail_memory(msg);
    while (rc == 0)
        rc = step(&m);
    if (rc > 0)
        rc = m.at.bad || m.n_stack != 1 || m.stack[0] == MARK ? damaged(&m) : 0;
    if (rc == 0) {
        m.p->root = m.stack[0];
        *out = m.p;
    } else {
        pickle_close(m.p);
    }
    mem_free(m.stack);
    mem_free(m.memo);
    return rc;
}

void pickle_close(struct pickle *p)
{
    if (p == NULL)
        return;
    mem_free(p->values);
    mem_free(p->items);
    mem_free(p->tensors);
    mem_free(p);
}
