/* SPDX-License-Identifier: Apache-2.0
 * features.c - the table of features. */
#include "frontend/features.h"

#include <string.h>

/* clang-format off */
#define FEATURES(X) \
    X(fbank) \
    X(log_mel)
/* clang-format on */

#define DECLARE(name) extern const struct features_kind name##_features;
#define ENTRY(name) &name##_features,
FEATURES(DECLARE)
static const struct features_kind *const kinds[] = {FEATURES(ENTRY) NULL};

const struct features_kind *features_find(const char *name)
{
    for (const struct features_kind *const *k = kinds; *k != NULL; k++)
        if (strcmp((*k)->name, name) == 0)
            return *k;
    return NULL;
}

int features_open(struct features_stream **out, const struct features *f, struct message *msg)
{
    return f->kind->open(out, f, msg);
}

void features_close(struct features_stream *s)
{
    if (s != NULL)
        s->kind->close(s);
}

void features_reset(struct features_stream *s) { s->kind->reset(s); }

size_t features_max_frames(const struct features_stream *s, size_t n) { return s->kind->max_frames(s, n); }

size_t features_feed(struct features_stream *s, const float *samples, size_t n, float *frames)
{
    return s->kind->feed(s, samples, n, frames);
}
