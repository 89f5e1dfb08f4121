/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/samples.h"

#include <stdint.h>
#include <string.h>

static const unsigned char sizes[] = {
    [SAMPLES_U8] = 1,    [SAMPLES_S16LE] = 2, [SAMPLES_S24LE] = 3, [SAMPLES_S32LE] = 4,
    [SAMPLES_F32LE] = 4, [SAMPLES_ULAW] = 1,  [SAMPLES_ALAW] = 1};

void samples_open(struct samples *s, enum samples_encoding encoding, int n_channels)
{
    *s = (struct samples){.encoding = encoding, .n_channels = n_channels};
}

size_t samples_frame_bytes(const struct samples *s) { return (size_t)sizes[s->encoding] * (size_t)s->n_channels; }

/* G.711: a sign, 3 bits of exponent and 4 of mantissa, inverted. */
static float ulaw(unsigned char byte)
{
    int code = byte ^ 0xff, size = (((code & 15) << 3) + 0x84) << (code >> 4 & 7);
    return (float)((code & 0x80) != 0 ? 0x84 - size : size - 0x84) / 32768.0f;
}

/* The same with every other bit inverted, and linear in the lowest exponents. */
static float alaw(unsigned char byte)
{
    int code = byte ^ 0x55, exponent = code >> 4 & 7, size = ((code & 15) << 4) + (exponent > 0 ? 0x108 : 8);
    size <<= exponent > 1 ? exponent - 1 : 0;
    return (float)((code & 0x80) != 0 ? size : -size) / 32768.0f;
}

static float value(enum samples_encoding encoding, const unsigned char *b)
{
    uint32_t bits;
    float f;
    switch (encoding) {
    case SAMPLES_U8:
        return (float)(b[0] - 128) / 128.0f;
    case SAMPLES_S16LE:
        return (float)(int16_t)(uint16_t)(b[0] | b[1] << 8) / 32768.0f;
    case SAMPLES_S24LE:
        bits = (uint32_t)b[0] << 8 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 24;
        return (float)(int32_t)bits / 2147483648.0f;
    case SAMPLES_S32LE:
    case SAMPLES_F32LE:
        bits = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        memcpy(&f, &bits, sizeof f);
        return encoding == SAMPLES_F32LE ? f : (float)(int32_t)bits / 2147483648.0f;
    case SAMPLES_ULAW:
        return ulaw(b[0]);
    case SAMPLES_ALAW:
        return alaw(b[0]);
    }
    return 0;
}

size_t samples_take(struct samples *s, const unsigned char **bytes, size_t *n, float *mono, size_t most)
{
    size_t n_taken = 0;
    for (; *n > 0 && n_taken < most; (*bytes)++, (*n)--) {
        s->sample[s->n_bytes++] = **bytes;
        if (s->n_bytes < sizes[s->encoding])
            continue;
        s->n_bytes = 0;
        s->sum += value(s->encoding, s->sample);
        if (++s->i_channel < s->n_channels)
            continue;
        mono[n_taken++] = s->sum / (float)s->n_channels;
        s->i_channel = 0;
        s->sum = 0;
    }
    return n_taken;
}
