/* SPDX-License-Identifier: Apache-2.0
 * checkpoint.c - named tensors and numbers, sorted by name. */
#include "convert/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MAX_ENTRIES 1000000u

struct entry {
    struct tensor tensor; /* first: a tensor's address is its entry's */
    size_t i_source;
    int64_t number; /* of a number; the tensor is then only a name */
};

struct table {
    struct entry *entries; /* [n] */
    size_t n, room;
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

int checkpoint_new(struct checkpoint **out, const char *path, const struct checkpoint_ops *ops, void *state,
                   struct message *msg)
{
    struct checkpoint *c = mem_array(1, sizeof *c);
    if (c == NULL) {
        ops->close(state);
        return fail_memory(msg);
    }
    c->ops = ops;
    c->state = state;
    c->path = mem_string(path);
    if (c->path == NULL) {
        checkpoint_close(c);
        return fail_memory(msg);
    }
    *out = c;
    return 0;
}

/* A new entry at the end of the table, with a copy of the name. */
static int add(struct table *t, const char *name, struct entry **out, struct message *msg)
{
    if (t->n == MAX_ENTRIES)
        return fail(msg, LINNET_E_FORMAT, "more than %u names", MAX_ENTRIES);
    if (t->n == t->room) {
        size_t room = t->room == 0 ? 256 : t->room * 2;
        struct entry *more = mem_resize(t->entries, t->n, room, sizeof *more);
        if (more == NULL)
            return fail_memory(msg);
        t->entries = more;
        t->room = room;
    }
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
    if (rc < 0)
        return rc;
    e->number = value;
    return 0;
}

int checkpoint_seal(struct checkpoint *c, struct message *msg)
{
    struct table *const tables[] = {&c->tensors, &c->numbers};
    for (int i = 0; i < 2; i++) {
        struct table *t = tables[i];
        if (t->n > 0)
            qsort(t->entries, t->n, sizeof *t->entries, by_name);
        for (size_t j = 1; j < t->n; j++)
            if (by_name(&t->entries[j - 1], &t->entries[j]) == 0)
                return fail(msg, LINNET_E_FORMAT, "%s: two of the name %.200s", c->path, t->entries[j].tensor.name);
    }
    return 0;
}

void checkpoint_close(struct checkpoint *c)
{
    if (c == NULL)
        return;
    struct table *const tables[] = {&c->tensors, &c->numbers};
    for (int i = 0; i < 2; i++) {
        for (size_t j = 0; j < tables[i]->n; j++)
            mem_free((char *)(uintptr_t)tables[i]->entries[j].tensor.name);
        mem_free(tables[i]->entries);
    }
    c->ops->close(c->state);
    mem_free(c->path);
    mem_free(c);
}

const char *checkpoint_path(const struct checkpoint *c) { return c->path; }

size_t checkpoint_count(const struct checkpoint *c) { return c->tensors.n; }

const struct tensor *checkpoint_at(const struct checkpoint *c, size_t i) { return &c->tensors.entries[i].tensor; }

static const struct entry *find(const struct table *t, const char *name)
{
    struct entry key = {.tensor.name = name};
    return t->n == 0 ? NULL : bsearch(&key, t->entries, t->n, sizeof key, by_name);
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
