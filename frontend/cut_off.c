/* SPDX-License-Identifier: Apache-2.0
 * cut_off.c - how a recording that FFmpeg reads shows that it was cut off.
 *
 * FFmpeg's demuxers and decoders make the best of what is there and tell of what is not in their log alone.  Its lines
 * are looked at on threads that read for us; those of others, in a program that uses FFmpeg too, go their way. */
#include "frontend/cut_off.h"

#include <pthread.h>
#include <stdarg.h>
#include <string.h>

#include "frontend/ffmpeg_library.h"

static _Thread_local struct cut_off *listener;

static void take_line(void *context, int level, const char *format, va_list arguments)
{
    static const struct {
        const char *text, *complaint;
    } lines[] = {{"moov atom not found", "its index (moov) is missing: it was cut off, or never finished"},
                 {"ended prematurely", "its last block is not whole"},
                 {"Packet corrupt", "its last packet is not whole"},
                 {"incomplete frame", "its last frame is not whole"}};
    if (listener == NULL) {
        ffmpeg.av_log_default_callback(context, level, format, arguments);
        return;
    }
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (strstr(format, lines[i].text) == NULL)
            continue;
        listener->complaint = lines[i].complaint;
        listener->at = *listener->position;
    }
}

static void set_callback(void) { ffmpeg.av_log_set_callback(take_line); }

void cut_off_listen(struct cut_off *c)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_callback);
    listener = c;
}

int cut_off_mpeg(const uint8_t *b, int n)
{
    static const int kbits[3][15] = {{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
                                     {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
                                     {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384}};
    static const int rates[3] = {44100, 48000, 32000};
    if (n < 4 || b[0] != 0xff || (b[1] & 0xe0) != 0xe0)
        return 0;
    int layer = 4 - (b[1] >> 1 & 3), version = b[1] >> 3 & 3; /* 3: MPEG 1; 2: half its rates; 0: a quarter */
    if ((layer != 2 && layer != 3) || b[2] >> 4 == 15 || (b[2] >> 2 & 3) == 3)
        return 0;
    int is_1 = version == 3, is_layer_2 = layer == 2, rate = rates[b[2] >> 2 & 3] >> (is_1 ? 0 : version == 2 ? 1 : 2);
    int bits = 1000 * kbits[is_1 ? 1 + is_layer_2 : 0][b[2] >> 4];
    return n < (is_1 || is_layer_2 ? 144 : 72) * bits / rate + (b[2] >> 1 & 1);
}

/* Packets are of one size, with 4 or 16 bytes more in some kinds. */
int cut_off_transport(const char *container, int64_t n_bytes)
{
    return strcmp(container, "mpegts") == 0 && n_bytes % 188 != 0 && n_bytes % 192 != 0 && n_bytes % 204 != 0;
}
