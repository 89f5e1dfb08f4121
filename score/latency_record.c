/* SPDX-License-Identifier: Apache-2.0
 * latency_record.c - lists of delays to JSON and back, to the microsecond. */
#include "score/latency_record.h"

#include <stddef.h>

#include "base/json_writer.h"
#include "base/mem.h"

enum { DECIMALS = 6 };

static const char *const clocks[LATENCY_CLOCKS] = {"audio_clock", "with_compute"};

/* The lists that each clock has. */
static const struct {
    const char *name;
    size_t offset;
} lists[] = {{"lags", offsetof(struct latency, lags)},
             {"utterances", offsetof(struct latency, utterances)},
             {"firsts", offsetof(struct latency, firsts)},
             {"finals", offsetof(struct latency, finals)},
             {"delays", offsetof(struct latency, delays)}};
enum { N_LISTS = sizeof lists / sizeof lists[0] };

static int write_list(struct buffer *out, const char *name, const struct latency_list *list)
{
    int rc = buffer_printf(out, "%s\"%s\": [", out->data[out->n - 1] == '{' ? "" : ", ", name);
    for (int i = 0; i < list->n && rc >= 0; i++)
        if ((rc = buffer_puts(out, i > 0 ? ", " : "")) >= 0)
            rc = json_write_number(out, list->at[i], DECIMALS);
    return rc < 0 ? rc : buffer_puts(out, "]");
}

int latency_record_write(const struct latency *l, struct buffer *out)
{
    int rc =
        buffer_printf(out, "{\"recordings\": %d, \"words\": %d, \"revised\": %d, \"audio\": %.6f, \"compute\": %.6f",
                      l->n_recordings, l->n_all_words, l->n_revised, l->audio_s, l->compute_s);
    if (rc >= 0)
        rc = write_list(out, "chunks", &l->chunks);
    for (int c = 0; c < LATENCY_CLOCKS && rc >= 0; c++) {
        rc = buffer_printf(out, ", \"%s\": {", clocks[c]);
        for (int i = 0; i < N_LISTS && rc >= 0; i++) {
            const void *list = (const char *)l + lists[i].offset;
            rc = write_list(out, lists[i].name, (const struct latency_list *)list + c);
        }
        rc = rc < 0 ? rc : buffer_puts(out, "}");
    }
    return rc < 0 ? rc : buffer_puts(out, "}");
}

static int read_list(struct latency_list *list, const json_t *values)
{
    size_t n = json_array_size(values);
    int rc = MEM_GROW(list->at, list->n_max, list->n + (int)n);
    for (size_t i = 0; i < n && rc >= 0; i++)
        if (json_is_number(json_array_get(values, i)))
            list->at[list->n++] = json_number_value(json_array_get(values, i));
    return rc;
}

static int read_count(const json_t *record, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(record, name));
    return n > 0 && n < INT32_MAX ? (int)n : 0;
}

int latency_record_read(struct latency *l, const json_t *record)
{
    int rc = read_list(&l->chunks, json_object_get(record, "chunks"));
    for (int c = 0; c < LATENCY_CLOCKS && rc >= 0; c++)
        for (int i = 0; i < N_LISTS && rc >= 0; i++) {
            void *list = (char *)l + lists[i].offset;
            rc = read_list((struct latency_list *)list + c,
                           json_object_get(json_object_get(record, clocks[c]), lists[i].name));
        }
    if (rc < 0)
        return rc;
    l->n_recordings += read_count(record, "recordings");
    l->n_all_words += read_count(record, "words");
    l->n_revised += read_count(record, "revised");
    l->audio_s += json_number_value(json_object_get(record, "audio"));
    l->compute_s += json_number_value(json_object_get(record, "compute"));
    return LINNET_OK;
}
