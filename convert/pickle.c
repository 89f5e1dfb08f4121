/* SPDX-License-Identifier: Apache-2.0
 * pickle.c - a stack machine for the pickles that torch.save makes.
 *
 * Operations are those of Python's pickletools.py, protocols 2 to 5, less everything that makes or calls objects: only
 * the classes in the table of pickle_torch.c are known, and each is computed there.  All values lie in one array and
 * refer to each other by index; the number of values, the stack and the memo are limited, so that a hostile file costs
 * bounded time and memory.  Numbers are little-endian, but for floats (big-endian). */
#include "convert/pickle.h"

#include <string.h>

#include "base/mem.h"
#include "convert/pickle_torch.h"

/* Text up to the end of the line, for GLOBAL. */
static int read_line(struct machine *m, struct pickle_text *text)
{
    const unsigned char *end = m->at.bad ? NULL : memchr(m->at.at, '\n', cursor_left(&m->at));
    if (end == NULL)
        return pickle_stack_damaged(m);
    text->bytes = (const char *)m->at.at;
    text->n = (size_t)(end - m->at.at);
    m->at.at = end + 1;
    return 0;
}

/* Attributes of an object (a dictionary's _metadata, ...): nothing that matters here. */
static int build(struct machine *m)
{
    uint32_t state = 0;
    int rc = pickle_stack_pop(m, &state);
    if (rc < 0)
        return rc;
    uint32_t object = m->n_stack > 0 ? m->stack[m->n_stack - 1] : MARK;
    if (object == MARK || (m->p->values[object].type != PICKLE_DICT && m->p->values[object].type != PICKLE_TENSOR))
        return pickle_stack_damaged(m);
    return 0;
}

static int memo_put(struct machine *m, uint32_t i)
{
    int rc = m->n_stack == 0 || m->stack[m->n_stack - 1] == MARK ? pickle_stack_damaged(m) : 0;
    if (rc == 0)
        rc = pickle_stack_grow(m, &m->memo, i, &m->n_memo_room, sizeof *m->memo, MAX_VALUES);
    if (rc == 0)
        m->memo[i] = m->stack[m->n_stack - 1] + 1;
    return rc;
}

static int memo_get(struct machine *m, uint32_t i)
{
    return i < (uint32_t)m->n_memo_room && m->memo[i] != 0 ? pickle_stack_push(m, m->memo[i] - 1)
                                                           : pickle_stack_damaged(m);
}

static int push_int(struct machine *m, int64_t value)
{
    return pickle_stack_push_value(m, (struct pickle_value){.type = PICKLE_INT, .as.integer = value});
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
    return pickle_stack_push_value(m, (struct pickle_value){.type = PICKLE_FLOAT, .as.real = value});
}

/* Text whose length takes n_length bytes. */
static int push_text(struct machine *m, int n_length)
{
    uint64_t n = cursor_number(&m->at, n_length);
    const char *bytes = (const char *)cursor_bytes(&m->at, n);
    if (bytes == NULL)
        return pickle_stack_damaged(m);
    return pickle_stack_push_value(m, (struct pickle_value){.type = PICKLE_TEXT, .as.text = {bytes, (size_t)n}});
}

static int push_global(struct machine *m)
{
    struct pickle_text module, name;
    int rc;
    if ((rc = read_line(m, &module)) < 0 || (rc = read_line(m, &name)) < 0)
        return rc;
    return pickle_torch_push_class(m, module, name);
}

static int drop(struct machine *m)
{
    uint32_t value = 0;
    return pickle_stack_pop(m, &value);
}

static int drop_marked(struct machine *m)
{
    uint32_t first = 0;
    int rc = pickle_stack_find_mark(m, &first);
    if (rc == 0)
        m->n_stack = first - 1;
    return rc;
}

/* Operations that push one value.  Tables in the shape of a switch, these three. */
static int push_value(struct machine *m, unsigned operation)
{
    switch (operation) {
    case 'N':
        return pickle_stack_push_value(m, (struct pickle_value){.type = PICKLE_NONE});
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
    default:
        return fail(m->msg, LINNET_E_FORMAT, "operation 0x%02x has no place in a checkpoint", operation);
    }
}

/* Operations on tuples, lists and dictionaries. */
static int collect(struct machine *m, unsigned operation)
{
    switch (operation) {
    case ')':
        return pickle_stack_push_value(m, (struct pickle_value){.type = PICKLE_TUPLE});
    case ']':
        return pickle_stack_push_value(m, (struct pickle_value){.type = PICKLE_LIST});
    case '}':
        return pickle_stack_push_value(m, (struct pickle_value){.type = PICKLE_DICT});
    case 't':
        return pickle_stack_collect_marked(m, PICKLE_TUPLE);
    case 'l':
        return pickle_stack_collect_marked(m, PICKLE_LIST);
    case 0x85: /* tuples of 1, 2, 3 */
    case 0x86:
    case 0x87:
        return pickle_stack_collect_top(m, operation - 0x84);
    case 'a':
        return pickle_stack_fill_top(m, PICKLE_LIST, 1);
    case 'e':
        return pickle_stack_fill_marked(m, PICKLE_LIST);
    case 's':
        return pickle_stack_fill_top(m, PICKLE_DICT, 2);
    case 'u':
        return pickle_stack_fill_marked(m, PICKLE_DICT);
    default:
        return push_value(m, operation);
    }
}

/* One operation; 1 when it was the last. */
static int step(struct machine *m)
{
    unsigned operation = cursor_u8(&m->at);
    if (m->at.bad)
        return pickle_stack_damaged(m);
    switch (operation) {
    case 0x80: /* protocol */
        return cursor_u8(&m->at) <= 5 ? 0 : pickle_stack_damaged(m);
    case 0x95: /* frame */
        return cursor_bytes(&m->at, 8) != NULL ? 0 : pickle_stack_damaged(m);
    case '.':
        return 1;
    case '(':
        return pickle_stack_push(m, MARK);
    case '0':
        return drop(m);
    case '1':
        return drop_marked(m);
    case 'c':
        return push_global(m);
    case 0x93: /* class from the stack */
        return pickle_torch_push_stack_class(m);
    case 'R':
    case 0x81: /* new object */
        return pickle_torch_reduce(m);
    case 'b':
        return build(m);
    case 'Q': /* persistent id */
        return pickle_torch_push_storage(m);
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
        return collect(m, operation);
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
        rc = m.at.bad || m.n_stack != 1 || m.stack[0] == MARK ? pickle_stack_damaged(&m) : 0;
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
