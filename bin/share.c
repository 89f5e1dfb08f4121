/* SPDX-License-Identifier: Apache-2.0
 * share.c - which utterances a share has, and the line of recipe.yaml that says so. */
#include "bin/share.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

static const char heading[] = "# share ";

int share_parse(struct share *s, const char *text, struct message *msg)
{
    char index[16];
    long long i, n;
    size_t n_index = strcspn(text, "/");
    snprintf(index, sizeof index, "%.*s", (int)(n_index < sizeof index ? n_index : 0), text);
    if (text[n_index] != '/' || parse_int(text + n_index + 1, 1, SHARE_MOST, &n) < 0 || parse_int(index, 1, n, &i) < 0)
        return fail(msg, LINNET_E_ARGUMENT, "--shard=%.100s: not I/N with 1 <= I <= N <= %d, such as 2/4", text,
                    SHARE_MOST);
    s->index = (int)i;
    s->n_shares = (int)n;
    return LINNET_OK;
}

uint64_t share_add_id(uint64_t ids, const char *id)
{
    do
        ids = (ids ^ (unsigned char)*id) * UINT64_C(0x100000001b3);
    while (*id++ != '\0'); /* with its end: "a", "bc" are not "ab", "c" */
    return ids;
}

void share_range(const struct share *s, int *first, int *end)
{
    *first = 0;
    *end = s->n_all;
    if (s->n_shares > 0) {
        *first = (int)((long long)s->n_all * (s->index - 1) / s->n_shares);
        *end = (int)((long long)s->n_all * s->index / s->n_shares);
    }
}

int share_write(const struct share *s, struct buffer *out)
{
    return s->n_shares == 0 ? LINNET_OK
                            : buffer_printf(out, "%s%d/%d of %d utterances, ids %016" PRIx64 "\n", heading, s->index,
                                            s->n_shares, s->n_all, s->ids);
}

void share_cut(const char *recipe, size_t *before, const char **after)
{
    const char *at = recipe;
    while (at != NULL && strncmp(at, heading, strlen(heading)) != 0) {
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    *before = at != NULL ? (size_t)(at - recipe) : strlen(recipe);
    *after = recipe + *before;
    if (at != NULL) {
        *after += strcspn(at, "\n");
        *after += **after == '\n';
    }
}

void share_read(struct share *s, const char *recipe)
{
    size_t before;
    const char *after;
    struct share found = {0};
    share_cut(recipe, &before, &after);
    int n = sscanf(recipe + before, "# share %d/%d of %d utterances, ids %" SCNx64, &found.index, &found.n_shares,
                   &found.n_all, &found.ids);
    if (n != 4 || found.index < 1 || found.index > found.n_shares || found.n_shares > SHARE_MOST || found.n_all < 0)
        found = (struct share){0};
    *s = found;
}
