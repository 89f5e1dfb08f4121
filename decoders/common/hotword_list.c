/* SPDX-License-Identifier: Apache-2.0 */
#include "decoders/common/hotword_list.h"

#include <math.h>
#include <string.h>

#include "base/lines.h"
#include "base/mem.h"
#include "base/parse.h"

#define MAX_FILE ((size_t)64 << 20)
#define MAX_PHRASES (1 << 20)
#define MAX_TOKENS 512 /* of a phrase */
#define MAX_BONUS 1e6

int hotword_list_add(struct hotword_list *l, const char *phrase, double bonus, struct message *msg)
{
    if (!(fabs(bonus) <= MAX_BONUS))
        return fail(msg, LINNET_E_ARGUMENT, "hotword '%.100s': the bonus must lie in -1e6 to 1e6", phrase);
    if (l->n == MAX_PHRASES)
        return fail(msg, LINNET_E_ARGUMENT, "more than %d hotwords", MAX_PHRASES);
    if (MEM_GROW(l->phrases, l->room_phrases, l->n + 1) < 0 || MEM_GROW(l->bonus, l->room_bonus, l->n + 1) < 0 ||
        (l->phrases[l->n] = mem_string(phrase)) == NULL)
        return fail_memory(msg);
    l->bonus[l->n++] = bonus;
    return LINNET_OK;
}

/* A phrase, perhaps with its bonus behind a tab; or nothing. */
static int add_line(struct hotword_list *l, const struct lines *file, struct line *line, double bonus,
                    struct message *msg)
{
    struct message why = {""};
    line_trim(line);
    char *tab = strchr(line->text, '\t');
    if (tab != NULL) {
        if (parse_number(tab + 1, -MAX_BONUS, MAX_BONUS, &bonus) < 0)
            return lines_fail(file, msg, "'%.40s' is not a bonus", tab + 1);
        line->n = (size_t)(tab - line->text);
        line_trim(line);
    }
    if (line->n == 0 || strncmp(line->text, "# ", 2) == 0)
        return LINNET_OK;
    int rc = hotword_list_add(l, line->text, bonus, &why);
    return rc == LINNET_E_MEMORY ? fail_memory(msg) : rc < 0 ? lines_fail(file, msg, "%s", why.text) : rc;
}

int hotword_list_read(struct hotword_list *l, const char *path, double default_bonus, struct message *msg)
{
    struct lines file = {0};
    struct line line;
    int rc = lines_open(&file, path, MAX_FILE, msg);
    while (rc >= 0 && (rc = lines_next(&file, &line, msg)) > 0)
        rc = add_line(l, &file, &line, default_bonus, msg);
    if (rc < 0)
        hotword_list_free(l);
    lines_close(&file);
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

/* The phrase as the vocabulary spells it; its tokens are the caller's to mem_free. */
static int spell_phrase(struct hotword *word, const char *phrase, const struct vocab *vocab, struct message *msg)
{
    int *ids, n = vocab_spell(vocab, phrase, &ids, msg);
    if (n > MAX_TOKENS) {
        mem_free(ids);
        return fail(msg, LINNET_E_ARGUMENT, "too long");
    }
    word->tokens = n < 0 ? NULL : ids;
    word->n_tokens = n;
    return n < 0 ? n : LINNET_OK;
}

int hotword_list_graph(const struct hotword_list *l, const struct vocab *vocab, struct hotwords **out,
                       struct buffer *unspelled, struct message *msg)
{
    struct hotword *words = mem_array((size_t)l->n, sizeof *words);
    int n = 0, rc = words == NULL ? fail_memory(msg) : LINNET_OK;
    for (int i = 0; rc >= 0 && i < l->n; i++) {
        struct message why = {""};
        words[n].bonus = l->bonus[i];
        rc = spell_phrase(&words[n], l->phrases[i], vocab, &why);
        if (rc >= 0) {
            n++;
        } else if (rc == LINNET_E_ARGUMENT) {
            rc = unspelled != NULL ? buffer_printf(unspelled, "%s: %s\n", l->phrases[i], why.text) : 0;
            if (rc < 0)
                fail_memory(msg);
        } else {
            fail(msg, rc, "%s", why.text);
        }
    }
    if (rc >= 0)
        rc = hotwords_open(out, words, n, msg);
    for (int i = 0; i < n; i++)
        mem_free((int *)words[i].tokens);
    mem_free(words);
    return rc < 0 ? rc : n;
}
