/* SPDX-License-Identifier: Apache-2.0
 * ogg_pages.h - follows the pages of an Ogg file (RFC 3533): how many recordings are chained in it, and whether its end
 * is whole.  The libraries that decode Ogg tell of neither. */
#ifndef LINNET_FRONTEND_OGG_PAGES_H
#define LINNET_FRONTEND_OGG_PAGES_H

#include <stddef.h>

#define OGG_PAGES_HEAD (27 + 255)
#define OGG_PAGES_NO_END "has no end mark: it may be cut off" /* for messages */

/* Zeroed is before the first byte. */
struct ogg_pages {
    unsigned char head[OGG_PAGES_HEAD];
    size_t n_head, n_body; /* bytes of this page's header that came, and of its body that are still to come */
    int n_links;           /* recordings, one after the other */
    int is_in_link;        /* the last page was not one that begins a stream */
    int has_end_mark;      /* the last page is the last of its stream */
    int is_lost;           /* bytes came that are no pages */
};

void ogg_pages_feed(struct ogg_pages *p, const unsigned char *bytes, size_t n);
int ogg_pages_is_whole(const struct ogg_pages *p); /* nothing is missing of the last page */

#endif
