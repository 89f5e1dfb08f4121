/* SPDX-License-Identifier: Apache-2.0
 * unicode.h - what kind of character a code point is, upper and lower case, and the normal forms.
 *
 * Complete for Unicode 14 (tables in unicode_data.h), and the same as Python's `str` methods where those are what a
 * reference uses: word splitting, `\w`, `\s`, lower(), upper(), unicodedata.normalize. */
#ifndef LINNET_BASE_UNICODE_H
#define LINNET_BASE_UNICODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* General categories, as far as they are told apart here.  The order is unicode_gen.py's. */
enum unicode_class {
    UNICODE_OTHER, /* C: controls, formats, private, not assigned */
    UNICODE_LETTER,
    UNICODE_DIGIT,  /* Nd */
    UNICODE_NUMBER, /* Nl, No */
    UNICODE_NONSPACING_MARK,
    UNICODE_MARK, /* Mc, Me */
    UNICODE_PUNCTUATION,
    UNICODE_SYMBOL,
    UNICODE_SPACE, /* Z */
};

enum unicode_class unicode_class_of(uint32_t code);
int unicode_is_space(uint32_t code);   /* the property White_Space */
int unicode_is_blank(uint32_t code);   /* that and U+001C to U+001F: where Python splits */
int unicode_is_word(uint32_t code);    /* letter, number or underscore */
int unicode_digit(uint32_t code);      /* 0 .. 9, or -1 */
int unicode_columns(uint32_t code);    /* 2 for wide characters, 0 for marks and controls, else 1 */
uint32_t unicode_lower(uint32_t code); /* itself when it has no single partner */

/* Text as an array of code points.  A zeroed struct is empty.  Once memory is out, rc is LINNET_E_MEMORY and nothing is
 * added any more: look at rc, or at what codes_write returns, when the text is done. */
struct codes {
    uint32_t *at; /* [n] */
    size_t n;
    int room, rc;
};

void codes_add(struct codes *c, uint32_t code);
void codes_add_all(struct codes *c, const uint32_t *codes, size_t n);
void codes_add_ascii(struct codes *c, const char *text);
void codes_read(struct codes *c, const char *utf8, size_t n);                                   /* appends */
int codes_write(const struct codes *c, struct buffer *out) __attribute__((warn_unused_result)); /* as UTF-8, appends */
void codes_replace(struct codes *c, struct codes *by); /* takes by over, its rc too */
void codes_free(struct codes *c);

void codes_lower(struct codes *c);     /* sigma at a word's end included */
void codes_upper(struct codes *c);     /* one letter may become several */
void codes_decompose(struct codes *c); /* NFKD */
void codes_compose(struct codes *c);   /* NFKC */
void codes_normalize(struct codes *c); /* NFC, in which the same text has the same codes */

/* Appends the text [n bytes] in NFC, with U+FFFD for bytes that are no UTF-8. */
int unicode_normalize(const char *utf8, size_t n, struct buffer *out) __attribute__((warn_unused_result));

#endif
