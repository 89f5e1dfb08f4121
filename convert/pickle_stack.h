/* SPDX-License-Identifier: Apache-2.0
 * pickle_stack.h - the stack machine behind pickle.h: its state, and what moves values about.  Of pickle*.c alone. */
#ifndef LINNET_CONVERT_PICKLE_STACK_H
#define LINNET_CONVERT_PICKLE_STACK_H

#include "base/cursor.h"
#include "convert/pickle.h"

#define MAX_VALUES 4000000u
#define MAX_STACK 1000000u
#define MARK UINT32_MAX

struct machine {
    struct pickle *p;
    struct cursor at;
    uint32_t *stack, *memo; /* memo: value + 1, or 0 */
    int n_stack_room, n_memo_room;
    uint32_t n_stack;
    uint32_t n_memoized; /* for MEMOIZE, which counts */
    struct message *msg;
};

int pickle_stack_damaged(struct machine *m); /* says so; LINNET_E_FORMAT */

/* Makes room for item n of an array with *room items of this size, at most max. */
int pickle_stack_grow(struct machine *m, void *array, uint32_t n, int *room, size_t size, uint32_t max);

int pickle_stack_add_value(struct machine *m, struct pickle_value value, uint32_t *index); /* not on the stack */
int pickle_stack_push(struct machine *m, uint32_t value);
int pickle_stack_push_value(struct machine *m, struct pickle_value value);
int pickle_stack_pop(struct machine *m, uint32_t *value);       /* a mark is an error */
int pickle_stack_find_mark(struct machine *m, uint32_t *first); /* where the values above the topmost begin */

int pickle_stack_append(struct machine *m, uint32_t container, uint32_t value);

/* A new container of the n topmost values, or of those above the mark. */
int pickle_stack_collect_top(struct machine *m, uint32_t n);
int pickle_stack_collect_marked(struct machine *m, enum pickle_type type);

/* Puts the n topmost values, or those above the mark, into the container of this type below. */
int pickle_stack_fill_top(struct machine *m, enum pickle_type type, uint32_t n);
int pickle_stack_fill_marked(struct machine *m, enum pickle_type type);

#endif
