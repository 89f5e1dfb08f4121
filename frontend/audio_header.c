/* SPDX-License-Identifier: Apache-2.0
 * audio_header.c - what the header of an uncompressed recording says of its samples.
 *
 * All containers but AU are lists of chunks, each an id and a size; they differ in how these are written. */
#include "frontend/audio_header.h"

#include <string.h>

enum { TAG_PCM = 1, TAG_FLOAT = 3, TAG_ALAW = 6, TAG_ULAW = 7, TAG_EXTENSIBLE = 0xfffe, FORMAT_BYTES = 40 };

static const struct container {
    const char *magic, *form; /* the first 4 bytes; those at form_at */
    size_t form_at, n_head;   /* bytes before the first chunk */
    const char *data_id;      /* first 4 bytes of the id of the chunk with the samples */
    size_t id_bytes, size_bytes;
    int is_big_endian, is_riff;
    int size_has_head; /* a chunk's size counts its id and size */
    int alignment;     /* of chunks */
} containers[] = {
    {"RIFF", "WAVE", 8, 12, "data", 4, 4, 0, 1, 0, 2},   {"RIFX", "WAVE", 8, 12, "data", 4, 4, 1, 1, 0, 2},
    {"RF64", "WAVE", 8, 12, "data", 4, 4, 0, 1, 0, 2},   {"FORM", "AIF", 8, 12, "SSND", 4, 4, 1, 0, 0, 2},
    {"riff", "wave", 24, 40, "data", 16, 8, 0, 0, 1, 8}, {"caff", "", 4, 8, "data", 4, 8, 1, 0, 0, 1},
};

static uint64_t number(const unsigned char *bytes, size_t n, int is_big_endian)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | bytes[is_big_endian ? i : n - 1 - i];
    return value;
}

/* ---- RIFF: how samples are coded ---- */

static int plain_format(int tag, int bytes)
{
    static const struct {
        int tag, bytes, format;
    } codings[] = {{TAG_PCM, 1, SF_FORMAT_PCM_U8}, {TAG_PCM, 2, SF_FORMAT_PCM_16},  {TAG_PCM, 3, SF_FORMAT_PCM_24},
                   {TAG_PCM, 4, SF_FORMAT_PCM_32}, {TAG_FLOAT, 4, SF_FORMAT_FLOAT}, {TAG_FLOAT, 8, SF_FORMAT_DOUBLE},
                   {TAG_ALAW, 1, SF_FORMAT_ALAW},  {TAG_ULAW, 1, SF_FORMAT_ULAW}};
    for (size_t i = 0; i < sizeof codings / sizeof codings[0]; i++)
        if (codings[i].tag == tag && codings[i].bytes == bytes)
            return SF_FORMAT_RAW | codings[i].format;
    return 0;
}

/* The chunk "fmt ", of n bytes. */
static void take_format(struct audio_header *h, const unsigned char *b, size_t n, int big)
{
    int tag = (int)number(b, 2, big), channels = (int)number(b + 2, 2, big), frame_bytes = (int)number(b + 12, 2, big);
    uint64_t rate = number(b + 4, 4, big);
    if (tag == TAG_EXTENSIBLE && n >= FORMAT_BYTES)
        tag = (int)number(b + 24, 2, big);
    h->riff_tag = tag;
    h->frame_bytes = frame_bytes;
    h->plain = (SF_INFO){.samplerate = rate <= INT32_MAX ? (int)rate : INT32_MAX, .channels = channels};
    if (channels > 0 && frame_bytes > 0 && frame_bytes % channels == 0)
        h->plain.format = plain_format(tag, frame_bytes / channels);
    if (h->plain.format != 0)
        h->plain.format |= big ? SF_ENDIAN_BIG : SF_ENDIAN_LITTLE;
}

/* ---- chunks ---- */

struct chunk {
    unsigned char head[24];
    int64_t size; /* of what follows the head; -1: not told */
};

static int take_chunk(struct chunk *c, const struct container *kind, struct audio_input *in)
{
    size_t n_head = kind->id_bytes + kind->size_bytes;
    if (!audio_input_take(in, c->head, n_head))
        return 0;
    uint64_t size = number(c->head + kind->id_bytes, kind->size_bytes, kind->is_big_endian);
    c->size = size >= (kind->size_bytes == 4 ? UINT32_MAX : INT64_MAX / 2) ? -1 : (int64_t)size;
    if (kind->size_has_head && c->size >= 0)
        c->size = c->size > (int64_t)n_head ? c->size - (int64_t)n_head : 0;
    return 1;
}

/* Looks into a chunk before the samples, and passes over it. */
static int pass_chunk(struct audio_header *h, const struct chunk *c, const struct container *kind,
                      struct audio_input *in, int64_t *size_64)
{
    unsigned char bytes[FORMAT_BYTES] = {0};
    int64_t n_taken = 0, over = c->size % kind->alignment;
    if (c->size < 0)
        return 0;
    int is_format = kind->is_riff && memcmp(c->head, "fmt ", 4) == 0 && c->size >= 16;
    if (is_format || (kind->is_riff && memcmp(c->head, "ds64", 4) == 0 && c->size >= 16)) {
        n_taken = c->size < FORMAT_BYTES ? c->size : FORMAT_BYTES;
        if (!audio_input_take(in, bytes, (size_t)n_taken))
            return 0;
        if (is_format)
            take_format(h, bytes, (size_t)n_taken, kind->is_big_endian);
        else
            *size_64 = (int64_t)(number(bytes + 8, 8, 0) & INT64_MAX);
    }
    return audio_input_skip(in, c->size - n_taken + (over != 0 ? kind->alignment - over : 0));
}

static int take_chunks(struct audio_header *h, const struct container *kind, struct audio_input *in)
{
    struct chunk c;
    int64_t at = (int64_t)kind->n_head, size_64 = -1, n_head = (int64_t)(kind->id_bytes + kind->size_bytes);
    for (;;) {
        if (!take_chunk(&c, kind, in))
            return 0;
        at += n_head;
        if (memcmp(c.head, kind->data_id, 4) == 0)
            break;
        if (!pass_chunk(h, &c, kind, in, &size_64))
            return 0;
        at += (c.size + kind->alignment - 1) / kind->alignment * kind->alignment;
    }
    h->data_at = at;
    h->data_size = c.size >= 0 ? c.size : size_64;
    return !kind->is_riff || h->riff_tag != 0;
}

/* ---- AU ---- */

static int take_au(struct audio_header *h, struct audio_input *in)
{
    static const int encodings[] = {0,
                                    SF_FORMAT_ULAW,
                                    SF_FORMAT_PCM_S8,
                                    SF_FORMAT_PCM_16,
                                    SF_FORMAT_PCM_24,
                                    SF_FORMAT_PCM_32,
                                    SF_FORMAT_FLOAT,
                                    SF_FORMAT_DOUBLE};
    static const int bytes[] = {0, 1, 1, 2, 3, 4, 4, 8};
    unsigned char b[20];
    if (!audio_input_take(in, b, sizeof b))
        return 0;
    uint64_t encoding = number(b + 8, 4, 1), rate = number(b + 12, 4, 1), channels = number(b + 16, 4, 1);
    uint64_t size = number(b + 4, 4, 1);
    h->data_at = (int64_t)number(b, 4, 1);
    h->data_size = size == UINT32_MAX ? -1 : (int64_t)size;
    if (h->data_at < 24 || !audio_input_skip(in, h->data_at - 24))
        return 0;
    if (encoding == 0 || encoding >= sizeof bytes / sizeof bytes[0] || channels > 1000 || rate > INT32_MAX)
        return 1;
    h->frame_bytes = bytes[encoding] * (int)channels;
    h->plain = (SF_INFO){.format = SF_FORMAT_RAW | SF_ENDIAN_BIG | encodings[encoding],
                         .samplerate = (int)rate,
                         .channels = (int)channels};
    return 1;
}

int audio_header_take(struct audio_header *h, struct audio_input *in)
{
    unsigned char start[40];
    *h = (struct audio_header){.data_size = -1};
    if (!audio_input_take(in, start, 4))
        return 0;
    if (memcmp(start, ".snd", 4) == 0)
        return take_au(h, in);
    for (size_t i = 0; i < sizeof containers / sizeof containers[0]; i++) {
        const struct container *kind = &containers[i];
        if (memcmp(start, kind->magic, 4) == 0)
            return audio_input_take(in, start + 4, kind->n_head - 4) &&
                   memcmp(start + kind->form_at, kind->form, strlen(kind->form)) == 0 && take_chunks(h, kind, in);
    }
    return 0;
}
