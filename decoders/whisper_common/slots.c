/* SPDX-License-Identifier: Apache-2.0 */
#include "decoders/whisper_common/slots.h"

#include <string.h>

#include "base/mem.h"

int whisper_slots_open(struct whisper_slots *s, int n)
{
    *s = (struct whisper_slots){.used = mem_array((size_t)n, 1), .n = n};
    return s->used != NULL ? LINNET_OK : LINNET_E_MEMORY;
}

void whisper_slots_close(struct whisper_slots *s)
{
    mem_free(s->used);
    *s = (struct whisper_slots){0};
}

void whisper_slots_clear(struct whisper_slots *s)
{
    memset(s->used, 0, (size_t)s->n);
    s->from = 0;
}

void whisper_slots_mark(struct whisper_slots *s, const int *slots, int n)
{
    for (int i = 0; i < n; i++)
        s->used[slots[i]] = 1;
}

int whisper_slots_take(struct whisper_slots *s)
{
    while (s->used[s->from])
        s->from++;
    s->used[s->from] = 1;
    return s->from;
}
