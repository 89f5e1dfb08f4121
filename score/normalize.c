/* SPDX-License-Identifier: Apache-2.0
 * normalize.c - the normalizers by name, and those that only change case. */
#include "score/normalize.h"

#include <string.h>

#include "score/normalize_rules.h"

void normalize_none(struct codes *text) { (void)text; }

void normalize_lower(struct codes *text) { codes_lower(text); }

/* The capital that code is the lower case of, or code; Latin, Greek and Cyrillic. */
static uint32_t capital_of(uint32_t code)
{
    static const uint32_t runs[][2] = {{'A', 'Z'}, {0xC0, 0x17F}, {0x370, 0x52F}};
    for (size_t k = 0; k < 3 && code >= 'a' && code <= 0x52F; k++)
        for (uint32_t c = runs[k][0]; c <= runs[k][1]; c++)
            if (c != code && unicode_lower(c) == code)
                return c;
    return code;
}

void normalize_upper(struct codes *text)
{
    for (size_t i = 0; i < text->n; i++)
        text->at[i] = capital_of(text->at[i]);
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
        normalizers[i].change(&codes);
        int rc = codes_write(&codes, out);
        codes_free(&codes);
        return rc < 0 ? fail_memory(msg) : 0;
    }
    return fail(msg, LINNET_E_ARGUMENT, "'%s' is not one of %s", name, NORMALIZE_NAMES);
}
