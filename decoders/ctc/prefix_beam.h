/* SPDX-License-Identifier: Apache-2.0
 * prefix_beam.h - the CTC prefix beam search (prefix.h) with the host's settings and hotwords: a search of its own, and
 * the first pass of others. */
#ifndef LINNET_DECODERS_CTC_PREFIX_BEAM_H
#define LINNET_DECODERS_CTC_PREFIX_BEAM_H

#include "decoders/common/search.h"
#include "decoders/ctc/prefix.h"

extern const struct search_ops ctc_prefix_beam_search;
extern const struct settings_table *const ctc_prefix_beam_tables[]; /* of settings, NULL after the last */

#endif
