/* SPDX-License-Identifier: Apache-2.0
 * units_table.h - what units.c shares with units_spell.c. */
#ifndef LINNET_VOCAB_UNITS_TABLE_H
#define LINNET_VOCAB_UNITS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/lines.h"
#include "vocab/units.h"

#define UNITS_SPACE "\xE2\x96\x81" /* U+2581, which stands for a space */
#define UNITS_SPACE_SIZE 3

enum units_style {
    UNITS_SPACE_IN_FRONT, /* "▁the" */
    UNITS_SPACE_APART,    /* "▁" */
    UNITS_WORDS,          /* units of several letters, no "▁" anywhere */
    UNITS_CHARACTERS,     /* nothing that needs a space */
};

struct unit {
    const char *name;
    size_t size;          /* bytes of name */
    float score;          /* of its piece; -INFINITY: not for spelling */
    int is_special;       /* has no text */
    int byte;             /* 0 .. 255 for "<0xE4>", else -1 */
    uint32_t first, last; /* code points of the name, "▁" and "@@" left aside; 0: there is none */
};

struct units {
    struct vocab base;
    struct unit *all;  /* [base.n] */
    struct lines file; /* where the names lie */
    int *table;        /* [n_table] open addressing: id whose name hashes here, or -1 */
    size_t n_table;
    size_t max_size; /* bytes of the longest name */
    enum units_style style;
    int has_pieces, is_bpe;
};

static inline const struct units *units_of(const struct vocab *v) { return (const struct units *)v; }

/* The vocabulary's `spell`.  Case follows the vocabulary where the text as it is cannot be spelled. */
LINNET_MUST_CHECK int units_spell(const struct vocab *v, const char *text, int **ids, struct message *msg);

int units_find_n(const struct units *u, const char *name, size_t size);
int units_is_unspaced(uint32_t code); /* of a script without spaces: Han, kana */

#endif
