/* SPDX-License-Identifier: Apache-2.0
 * normalize.c - the normalizers by name, and those that only change case. */
#include "score/normalize.h"

#include <string.h>

#include "score/normalize_rules.h"

void normalize_none(struct codes *text) { (void)text; }

/* Of i with a dot on it, which a Turkish or Azerbaijani capital leaves, the i. */
static void drop_dots(struct codes *text)
{
    size_t n = 0;
    for (size_t i = 0; i < text->n; i++)
        if (text->at[i] != 0x307 || n == 0 || text->at[n - 1] != 'i')
            text->at[n++] = text->at[i];
    text->n = n;
}

/* Small letters first: some capitals have no other way to the capital that their small letter has. */
void normalize_upper(struct codes *text)
{
    codes_lower(text);
    drop_dots(text);
    codes_normalize(text);
    codes_upper(text);
    codes_normalize(text);
}

void normalize_lower(struct codes *text)
{
    normalize_upper(text);
    codes_lower(text);
    codes_normalize(text);
}

#define ENTRY(function, name) {name, normalize_##function},

static const struct {
    const char *name;
    void (*change)(struct codes *text);
} normalizers[] = {NORMALIZERS(ENTRY)};

int normalize_text(const char *name, const char *text, size_t n, struct buffer *out, struct message *msg)
{
    for (size_t i = 0; i < sizeof normalizers / sizeof normalizers[0]; i++) {
        if (strcmp(normalizers[i].name, name) != 0)
            continue;
        struct codes codes = {0};
        codes_read(&codes, text, n);
        codes_normalize(&codes);
        normalizers[i].change(&codes);
        int rc = codes_write(&codes, out);
        codes_free(&codes);
        return rc < 0 ? fail_memory(msg) : 0;
    }
    return fail(msg, LINNET_E_ARGUMENT, "'%s' is not one of %s", name, NORMALIZE_NAMES);
}
