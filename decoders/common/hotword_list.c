/* SPDX-License-Identifier: Apache-2.0
 * hotword_list.c - lists of hotwords. */
#include "decoders/common/hotword_list.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/parse.h"

#define MAX_FILE ((size_t)64 << 20)
#define MAX_PHRASES (1 << 20)
#define MAX_TOKENS 512 /* of a phrase */
#define MAX_BONUS 1e6

static int grow(struct hotword_list *l)
{
    int size = l->size * 2 + 16;
    char **phrases = mem_resize(l->phrases, (size_t)l->n, (size_t)size, sizeof *phrases);
    if (phrases == NULL)
        return LINNET_E_MEMORY;
    l->phrases = phrases;
    double *bonus = mem_resize(l->bonus, (size_t)l->n, (size_t)size, sizeof *bonus);
    if (bonus == NULL)
        return LINNET_E_MEMORY;
    l->bonus = bonus;
    l->size = size;
    return LINNET_OK;
}

int hotword_list_add(struct hotword_list *l, const char *phrase, double bonus, struct message *msg)
{
    if (!(fabs(bonus) <= MAX_BONUS))
        return fail(msg, LINNET_E_ARGUMENT, "hotword '%.100s': the bonus must lie in -1e6 to 1e6", phrase);
    if (l->n == MAX_PHRASES)
        return fail(msg, LINNET_E_ARGUMENT, "more than %d hotwords", MAX_PHRASES);
    if (l->n == l->size && grow(l) < 0)
        return fail_memory(msg);
    char *copy = mem_string(phrase);
    if (copy == NULL)
        return fail_memory(msg);
    l->phrases[l->n] = copy;
    l->bonus[l->n++] = bonus;
    return LINNET_OK;
}

/* A line of the file, without its end. */
static int add_line(struct hotword_list *l, char *line, double usual_bonus, struct message *msg)
{
    double bonus = usual_bonus;
    char *tab = strchr(line, '\t');
    if (tab != NULL) {
        *tab = '\0';
        if (parse_number(tab + 1, -MAX_BONUS, MAX_BONUS, &bonus) < 0)
            return fail(msg, LINNET_E_FORMAT, "'%.40s' is not a bonus", tab + 1);
    }
    if (*line == '\0' || strncmp(line, "# ", 2) == 0)
        return LINNET_OK;
    return hotword_list_add(l, line, bonus, msg);
}

int hotword_list_read(struct hotword_list *l, const char *path, double usual_bonus, struct message *msg)
{
    struct buffer text = {0};
    int rc = file_read(path, MAX_FILE, &text, msg), i_line = 0;
    char *line = text.data;
    if (rc == 0 && line != NULL && strncmp(line, "\xEF\xBB\xBF", 3) == 0)
        line += 3;
    while (rc == 0 && line != NULL && *line != '\0') {
        char *end = strchr(line, '\n'), *next = end != NULL ? end + 1 : NULL;
        if (end != NULL)
            *end = '\0';
        size_t n = strlen(line);
        if (n > 0 && line[n - 1] == '\r')
            line[n - 1] = '\0';
        i_line++;
        struct message why = {""};
        if ((rc = add_line(l, line, usual_bonus, &why)) < 0)
            fail(msg, rc, "%s: line %d: %s", path, i_line, why.text);
        line = next;
    }
    buffer_free(&text);
    return rc;
}

void hotword_list_free(struct hotword_list *l)
{
    for (int i = 0; i < l->n; i++)
        mem_free(l->phrases[i]);
    mem_free(l->phrases);
    mem_free(l->bonus);
    *l = (struct hotword_list){0};
}

/* Spelled phrases on their way into the graph. */
struct spelled {
    struct hotword *words; /* [size] */
    int n, size;
};

/* Takes ids [n]. */
static int keep(struct spelled *s, int *ids, int n, double bonus, struct message *msg)
{
    if (s->n == s->size) {
        struct hotword *words = mem_resize(s->words, (size_t)s->n, (size_t)s->size * 2 + 16, sizeof *words);
        if (words == NULL) {
            mem_free(ids);
            return fail_memory(msg);
        }
        s->words = words;
        s->size = s->size * 2 + 16;
    }
    s->words[s->n++] = (struct hotword){.tokens = ids, .n_tokens = n, .bonus = bonus};
    return LINNET_OK;
}

/* Keeps the phrase as the vocabulary spells it: 1, or an error. */
static int spell_phrase(struct spelled *s, const char *phrase, double bonus, const struct vocab *vocab,
                        struct message *msg)
{
    int *ids, n = vocab_spell(vocab, phrase, &ids, msg);
    if (n > MAX_TOKENS) {
        mem_free(ids);
        return fail(msg, LINNET_E_ARGUMENT, "too long");
    }
    return n < 0 || (n = keep(s, ids, n, bonus, msg)) < 0 ? n : 1;
}

int hotword_list_graph(const struct hotword_list *l, const struct vocab *vocab, struct hotwords **out,
                       struct buffer *unspelled, struct message *msg)
{
    struct spelled s = {0};
    int n_spelled = 0, rc = 0;
    for (int i = 0; rc >= 0 && i < l->n; i++) {
        struct message why = {""};
        rc = spell_phrase(&s, l->phrases[i], l->bonus[i], vocab, &why);
        if (rc > 0) {
            n_spelled++;
        } else if (rc == LINNET_E_ARGUMENT) {
            rc = unspelled != NULL ? buffer_printf(unspelled, "%s: %s\n", l->phrases[i], why.text) : 0;
            if (rc < 0)
                fail_memory(msg);
        } else {
            fail(msg, rc, "%s", why.text);
        }
    }
    if (rc >= 0)
        rc = hotwords_open(out, s.words, s.n, msg);
    for (int i = 0; i < s.n; i++)
        mem_free((int *)s.words[i].tokens);
    mem_free(s.words);
    return rc < 0 ? rc : n_spelled;
}
