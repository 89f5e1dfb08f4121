/* SPDX-License-Identifier: Apache-2.0
 * pickle_stack.c - values, stack and containers of the machine that reads pickles. */
#include "convert/pickle_stack.h"

#include "base/mem.h"

int pickle_stack_damaged(struct machine *m) { return fail(m->msg, LINNET_E_FORMAT, "the pickle is cut or damaged"); }

int pickle_stack_grow(struct machine *m, void *array, uint32_t n, int *room, size_t size, uint32_t max)
{
    if (n >= max)
        return fail(m->msg, LINNET_E_FORMAT, "the pickle holds too many values");
    return mem_grow(array, room, (int)n + 1, size) < 0 ? fail_memory(m->msg) : 0;
}

int pickle_stack_push(struct machine *m, uint32_t value)
{
    int rc = pickle_stack_grow(m, &m->stack, m->n_stack, &m->n_stack_room, sizeof *m->stack, MAX_STACK);
    if (rc == 0)
        m->stack[m->n_stack++] = value;
    return rc;
}

int pickle_stack_add_value(struct machine *m, struct pickle_value value, uint32_t *index)
{
    struct pickle *p = m->p;
    int rc = pickle_stack_grow(m, &p->values, p->n_values, &p->n_values_room, sizeof *p->values, MAX_VALUES);
    if (rc == 0) {
        p->values[p->n_values] = value;
        *index = p->n_values++;
    }
    return rc;
}

int pickle_stack_push_value(struct machine *m, struct pickle_value value)
{
    uint32_t index = 0;
    int rc = pickle_stack_add_value(m, value, &index);
    return rc < 0 ? rc : pickle_stack_push(m, index);
}

int pickle_stack_pop(struct machine *m, uint32_t *value)
{
    if (m->n_stack == 0 || m->stack[m->n_stack - 1] == MARK)
        return pickle_stack_damaged(m);
    *value = m->stack[--m->n_stack];
    return 0;
}

int pickle_stack_find_mark(struct machine *m, uint32_t *first)
{
    for (uint32_t i = m->n_stack; i > 0; i--)
        if (m->stack[i - 1] == MARK) {
            *first = i;
            return 0;
        }
    return pickle_stack_damaged(m);
}

int pickle_stack_append(struct machine *m, uint32_t container, uint32_t value)
{
    struct pickle *p = m->p;
    uint32_t n = p->n_items == 0 ? 1 : p->n_items; /* item 0 stands for none */
    int rc = pickle_stack_grow(m, &p->items, n, &p->n_items_room, sizeof *p->items, 2 * MAX_VALUES);
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
        if ((rc = pickle_stack_append(m, container, m->stack[i])) < 0)
            return rc;
    m->n_stack = first - n_marks;
    return 0;
}

/* A new container of the stack's values from first on. */
static int collect(struct machine *m, enum pickle_type type, uint32_t first, uint32_t n_marks)
{
    uint32_t container = 0;
    int rc = pickle_stack_add_value(m, (struct pickle_value){.type = type}, &container);
    if (rc == 0)
        rc = append_stack(m, container, first, n_marks);
    return rc < 0 ? rc : pickle_stack_push(m, container);
}

int pickle_stack_collect_top(struct machine *m, uint32_t n)
{
    if (m->n_stack < n)
        return pickle_stack_damaged(m);
    for (uint32_t i = m->n_stack - n; i < m->n_stack; i++)
        if (m->stack[i] == MARK)
            return pickle_stack_damaged(m);
    return collect(m, PICKLE_TUPLE, m->n_stack - n, 0);
}

int pickle_stack_collect_marked(struct machine *m, enum pickle_type type)
{
    uint32_t first = 0;
    int rc = pickle_stack_find_mark(m, &first);
    return rc < 0 ? rc : collect(m, type, first, 1);
}

/* Puts the stack's values from first on into the container below them and n_marks marks. */
static int fill(struct machine *m, enum pickle_type type, uint32_t first, uint32_t n_marks)
{
    if (first < n_marks + 1 || (type == PICKLE_DICT && (m->n_stack - first) % 2 != 0))
        return pickle_stack_damaged(m);
    uint32_t container = m->stack[first - n_marks - 1];
    for (uint32_t i = first; i < m->n_stack; i++)
        if (m->stack[i] == MARK)
            return pickle_stack_damaged(m);
    if (container == MARK || m->p->values[container].type != type)
        return pickle_stack_damaged(m);
    return append_stack(m, container, first, n_marks);
}

int pickle_stack_fill_top(struct machine *m, enum pickle_type type, uint32_t n)
{
    return m->n_stack > n ? fill(m, type, m->n_stack - n, 0) : pickle_stack_damaged(m);
}

int pickle_stack_fill_marked(struct machine *m, enum pickle_type type)
{
    uint32_t first = 0;
    int rc = pickle_stack_find_mark(m, &first);
    return rc < 0 ? rc : fill(m, type, first, 1);
}
