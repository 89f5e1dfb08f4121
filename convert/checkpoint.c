/* SPDX-License-Identifier: Apache-2.0
 * checkpoint.c - named tensors and numbers, sorted by name. */
#include "convert/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MAX_ENTRIES 1000000

struct entry {
    struct tensor tensor; /* first: a tensor's address is its entry's */
    size_t i_source;
    int64_t number; /* of a number; the tensor is then only a name */
};

struct table {
    struct entry *entries; /* [n] */
    int n, room;
};

struct checkpoint {
    char *path;
    const struct checkpoint_ops *ops;
    void *state;
    struct table tensors, numbers;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->tensor.name, ((const struct entry *)b)->tensor.name);
}

/* A new entry at the end of the table, with a copy of the name. */
static int add(struct table *t, const char *name, struct entry **out, struct message *msg)
{
    if (t->n == MAX_ENTRIES)
        return fail(msg, LINNET_E_FORMAT, "more than %d names", MAX_ENTRIES);
    if (MEM_GROW(t->entries, t->room, t->n + 1) < 0)
        return fail_memory(msg);
    struct entry *e = &t->entries[t->n];
    e->tensor.name = mem_string(name);
    if (e->tensor.name == NULL)
        return fail_memory(msg);
    t->n++;
    *out = e;
    return 0;
}

int checkpoint_add(struct checkpoint *c, const char *name, enum dtype dtype, int n_dims, const int64_t shape[],
                   size_t i_source, struct message *msg)
{
    size_t n_bytes;
    if (tensor_measure(dtype, n_dims, shape, &n_bytes) < 0)
        return fail(msg, LINNET_E_FORMAT, "%s: tensor %.200s: impossible shape", c->path, name);
    struct entry *e = NULL;
    int rc = add(&c->tensors, name, &e, msg);
    if (rc < 0)
        return rc;
    e->tensor.dtype = dtype;
    e->tensor.n_dims = n_dims;
    memcpy(e->tensor.shape, shape, (size_t)n_dims * sizeof *shape);
    e->tensor.n_bytes = n_bytes;
    e->i_source = i_source;
    return 0;
}

int checkpoint_add_number(struct checkpoint *c, const char *name, int64_t value, struct message *msg)
{
    struct entry *e = NULL;
    int rc = add(&c->numbers, name, &e, msg);
    if (rc == 0)
        e->number = value;
    return rc;
}

static int sort(const struct checkpoint *c, const struct table *t, struct message *msg)
{
    if (t->n > 0)
        qsort(t->entries, (size_t)t->n, sizeof *t->entries, by_name);
    for (int i = 1; i < t->n; i++)
        if (by_name(&t->entries[i - 1], &t->entries[i]) == 0)
            return fail(msg, LINNET_E_FORMAT, "%s: two of the name %.200s", c->path, t->entries[i].tensor.name);
    return 0;
}

int checkpoint_open(struct checkpoint **out, const char *path, const struct checkpoint_ops *ops, const void *state,
                    struct message *msg)
{
    struct checkpoint *c = mem_array(1, sizeof *c);
    if (c == NULL)
        return fail_memory(msg);
    c->ops = ops;
    c->path = mem_string(path);
    c->state = mem_array(1, ops->n_state_bytes);
    int rc = c->path == NULL || c->state == NULL ? fail_memory(msg) : 0;
    if (rc == 0) {
        memcpy(c->state, state, ops->n_state_bytes);
        rc = ops->open(c->state, c, msg);
    }
    if (rc < 0 || (rc = sort(c, &c->tensors, msg)) < 0 || (rc = sort(c, &c->numbers, msg)) < 0) {
        checkpoint_close(c);
        return rc;
    }
    *out = c;
    return 0;
}

static void free_table(struct table *t)
{
    for (int i = 0; i < t->n; i++)
        mem_free((char *)(uintptr_t)t->entries[i].tensor.name);
    mem_free(t->entries);
}

void checkpoint_close(struct checkpoint *c)
{
    if (c == NULL)
        return;
    free_table(&c->tensors);
    free_table(&c->numbers);
    if (c->state != NULL)
        c->ops->close(c->state);
    mem_free(c->state);
    mem_free(c->path);
    mem_free(c);
}

const char *checkpoint_path(const struct checkpoint *c) { return c->path; }

size_t checkpoint_count(const struct checkpoint *c) { return (size_t)c->tensors.n; }

const struct tensor *checkpoint_at(const struct checkpoint *c, size_t i) { return &c->tensors.entries[i].tensor; }

static const struct entry *find(const struct table *t, const char *name)
{
    struct entry key = {.tensor.name = name};
    return t->n == 0 ? NULL : bsearch(&key, t->entries, (size_t)t->n, sizeof key, by_name);
}

const struct tensor *checkpoint_find(const struct checkpoint *c, const char *name)
{
    const struct entry *e = find(&c->tensors, name);
    return e != NULL ? &e->tensor : NULL;
}

int checkpoint_number(const struct checkpoint *c, const char *name, int64_t *value)
{
    const struct entry *e = find(&c->numbers, name);
    if (e == NULL)
        return LINNET_E_MODEL;
    *value = e->number;
    return 0;
}

int checkpoint_read(const struct checkpoint *c, const struct tensor *t, void *out, struct message *msg)
{
    return c->ops->read(c->state, t, ((const struct entry *)(const void *)t)->i_source, out, msg);
}
