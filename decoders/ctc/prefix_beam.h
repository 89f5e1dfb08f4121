/* SPDX-License-Identifier: Apache-2.0
 * prefix_beam.h - the CTC prefix beam search (prefix.h) as settings want it: a search of its own, and the first pass of
 * others. */
#ifndef LINNET_DECODERS_CTC_PREFIX_BEAM_H
#define LINNET_DECODERS_CTC_PREFIX_BEAM_H

#include "decoders/common/search.h"
#include "decoders/ctc/prefix.h"

extern const struct search_ops ctc_prefix_beam_search;
extern const struct settings_table *const ctc_prefix_beam_tables[]; /* of settings, NULL after the last */

/* The search with the host's settings and hotwords. */
LINNET_MUST_CHECK int ctc_prefix_beam_open(struct ctc_prefix **out, const struct search_host *host);

/* As a search_ops' partial and finish. */
LINNET_MUST_CHECK int ctc_prefix_beam_partial(struct ctc_prefix *p, const struct hypothesis **best, int *n_committed,
                                              struct message *msg);
LINNET_MUST_CHECK int ctc_prefix_beam_finish(struct ctc_prefix *p, const struct hypothesis **results,
                                             struct message *msg);

#endif
