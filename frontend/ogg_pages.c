/* SPDX-License-Identifier: Apache-2.0
 * ogg_pages.c - follows the pages of an Ogg file.
 *
 * A page is a header of 27 bytes, a table of up to 255 segment lengths, and that many bytes.  Streams begin with pages
 * that say so, all of a link's before its others: one behind others begins the next link. */
#include "frontend/ogg_pages.h"

#include <string.h>

enum { FIXED = 27, BEGINS = 2, ENDS = 4 };

static void take_header(struct ogg_pages *p)
{
    int flags = p->head[5], begins = (flags & BEGINS) != 0;
    p->n_links += begins && (p->is_in_link || p->n_links == 0);
    p->is_in_link = !begins;
    p->has_end_mark = (flags & ENDS) != 0;
    for (size_t i = FIXED; i < p->n_head; i++)
        p->n_body += p->head[i];
    p->n_head = 0;
}

/* The header's length, as far as is known from what came. */
static size_t header_length(const struct ogg_pages *p)
{
    return p->n_head < FIXED ? FIXED : FIXED + (size_t)p->head[FIXED - 1];
}

void ogg_pages_feed(struct ogg_pages *p, const unsigned char *bytes, size_t n)
{
    while (n > 0 && !p->is_lost) {
        size_t n_left = p->n_body > 0 ? p->n_body : header_length(p) - p->n_head, n_now = n < n_left ? n : n_left;
        if (p->n_body > 0) {
            p->n_body -= n_now;
        } else {
            memcpy(p->head + p->n_head, bytes, n_now);
            p->n_head += n_now;
            if (p->n_head >= 4 && memcmp(p->head, "OggS", 4) != 0)
                p->is_lost = 1;
            else if (p->n_head >= FIXED && p->n_head == header_length(p))
                take_header(p);
        }
        bytes += n_now;
        n -= n_now;
    }
}

int ogg_pages_is_whole(const struct ogg_pages *p) { return !p->is_lost && p->n_head == 0 && p->n_body == 0; }
