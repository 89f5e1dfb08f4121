/* SPDX-License-Identifier: Apache-2.0
 * habits.h - options as other programs spell them: the table from their spelling to ours, or to what to type instead.
 *
 * It is asked for words that are no option of the command.  Where both mean the same, the option works under their name
 * too; where something like it is done in another way here, that is said in a line. */
#ifndef LINNET_BIN_HABITS_H
#define LINNET_BIN_HABITS_H

struct habit {
    /* With its dashes, and in long names dashes for underscores.  With "=VALUE" the line is for that value alone, in
     * any case of letters, and stands before the line for others. */
    const char *theirs;
    /* "--flag", "--name=value", or "--name=", to which their value is appended; "=": their value is an argument; "":
     * holds here anyway, is passed over.  NULL: there is only advice. */
    const char *ours;
    const char *advice; /* what to type, as the rest of a sentence that begins with their option */
};

/* The line for a word without its value, and what was joined to it with "=" or stands behind it, or NULL; returns NULL
 * where there is none.  *takes_value: the line is for that value, or for any. */
const struct habit *habit_find(const char *word, const char *value, int *takes_value);

/* What may have been meant where a value of our own option is refused, or NULL. */
const char *habit_of_value(const char *name);

#endif
