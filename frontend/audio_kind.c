/* SPDX-License-Identifier: Apache-2.0
 * audio_kind.c - what a file is by its first bytes. */
#include "frontend/audio_kind.h"

#include <string.h>

#define KIND(at, bytes, is_audio, name)                                                                                \
    {                                                                                                                  \
        at, sizeof bytes - 1, bytes, is_audio, name                                                                    \
    }

/* The first that fits. */
static const struct {
    size_t at, n;
    const char *bytes;
    int is_audio;
    const char *name;
} kinds[] = {
    KIND(4, "ftyp", 1, "MP4 or M4A"),
    KIND(4, "moov", 1, "QuickTime"),
    KIND(4, "mdat", 1, "QuickTime"),
    KIND(0, "\x1a\x45\xdf\xa3", 1, "WebM or Matroska"),
    KIND(28, "Speex   ", 1, "Speex in Ogg"),
    KIND(28,
         "\x7f"
         "FLAC",
         1, "FLAC in Ogg"),
    KIND(28, "\x80theora", 1, "Ogg video"),
    KIND(0, "OggS", 1, "Ogg"),
    KIND(0, "\xff\xf1", 1, "AAC"),
    KIND(0, "\xff\xf9", 1, "AAC"),
    KIND(0, "ADIF", 1, "AAC"),
    KIND(0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", 1, "WMA or WMV"),
    KIND(0, "#!AMR", 1, "AMR"),
    KIND(0, "#!SILK", 1, "SILK"),
    KIND(0, "\x02#!SILK", 1, "SILK"),
    KIND(0, "\x0b\x77", 1, "AC-3"),
    KIND(0, "ID3", 1, "MP3"),
    KIND(0, "\xff\xfb", 1, "MP3"),
    KIND(0, "\xff\xf3", 1, "MP3"),
    KIND(0, "\xff\xf2", 1, "MP3"),
    KIND(8, "AVI ", 1, "AVI video"),
    KIND(8, "WAVE", 1, "WAV"),
    KIND(0, "fLaC", 1, "FLAC"),
    KIND(8, "AIF", 1, "AIFF"),
    KIND(0, "caff", 1, "CAF"),
    KIND(0, "FLV", 1, "Flash video"),
    KIND(0, "\0\0\1\xba", 1, "MPEG video"),
    KIND(0, "\0\0\1\xb3", 1, "MPEG video"),
    KIND(0, "MAC ", 1, "Monkey's Audio"),
    KIND(0, "wvpk", 1, "WavPack"),
    KIND(0, "MPCK", 1, "Musepack"),
    KIND(0, "MP+", 1, "Musepack"),
    KIND(0, "TTA1", 1, "True Audio"),
    KIND(0, ".RMF", 1, "RealMedia"),
    KIND(0, "DSD ", 1, "DSD"),
    KIND(0, "%PDF", 0, "a PDF document"),
    KIND(0, "PK\3\4", 0, "a ZIP archive"),
    KIND(0, "\x1f\x8b", 0, "a gzip archive"),
    KIND(0, "\x89PNG", 0, "a PNG image"),
    KIND(0, "\xff\xd8\xff", 0, "a JPEG image"),
    KIND(0,
         "\x7f"
         "ELF",
         0, "a program"),
};

static int is_text(const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] == 127 || (bytes[i] < 32 && (bytes[i] < '\t' || bytes[i] > '\r')))
            return 0;
    return n > 0;
}

const char *audio_kind_name(const unsigned char *bytes, size_t n, int *is_audio)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].at + kinds[i].n > n || memcmp(bytes + kinds[i].at, kinds[i].bytes, kinds[i].n) != 0)
            continue;
        *is_audio = kinds[i].is_audio;
        return kinds[i].name;
    }
    *is_audio = 0;
    return is_text(bytes, n) ? "text" : NULL;
}
