/* SPDX-License-Identifier: Apache-2.0
 * Recordings as they are found: with headers that do not tell their length, cut off, chained, with something before
 * them, of any scale, with channels that cancel each other.  Each as a file and through a pipe. */
#include <math.h>
#include <sndfile.h>
#include <string.h>

#include "base/status.h"
#include "frontend/audio_ffmpeg.h"
#include "frontend/audio_kind.h"
#include "frontend/ogg_pages.h"
#include "tests/support/noise.h"
#include "tests/support/recording.h"
#include "tests/support/scratch.h"

#define RATE 16000
#define N 24000 /* samples of a recording */

static float noises[N], got[4 * N];
static unsigned char bytes[1 << 20];

/* n frames of the noise, as 16 bits; or of channels that are the noise times a factor each. */
static void write_file(const char *name, int format, int n_channels, const float *factors, long n)
{
    SF_INFO info = {.samplerate = RATE, .channels = n_channels, .format = format};
    SNDFILE *f = sf_open(in_folder(name), SFM_WRITE, &info);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    for (long i = 0; i < n; i++) {
        float frame[8];
        short value = (short)lrintf(noises[i % N] * 32768.0f);
        for (int c = 0; c < n_channels; c++)
            frame[c] = noises[i % N] * (factors != NULL ? factors[c] : 1.0f);
        if (factors == NULL) /* as libsndfile reads it: floats would be multiplied by 32767 */
            sf_writef_short(f, &value, 1);
        else
            sf_writef_float(f, frame, 1);
    }
    sf_close(f);
}

/* Reads the file, or what a pipe that it is written into gives; f is closed. */
struct reading {
    long n, status;
    double duration_s;
    struct message msg;
    char warning[sizeof(struct message)];
};

static struct reading read_file(const char *name, int through_pipe, const char *channel)
{
    struct reading r = {.warning = ""};
    struct pump p;
    struct audio_file *f =
        through_pipe ? pump_open(&p, in_folder(name), NULL, RATE) : open_ok(in_folder(name), NULL, RATE);
    CU_ASSERT_EQUAL_FATAL(audio_file_set_channel(f, channel, &r.msg), 0);
    r.duration_s = audio_file_duration_s(f);
    r.n = read_all(f, got, 1234, &r.status, &r.msg);
    snprintf(r.warning, sizeof r.warning, "%s", audio_file_warning(f));
    if (through_pipe)
        pump_close(&p, f);
    else
        audio_file_close(f);
    return r;
}

/* ---- headers ---- */

static void put_32(size_t at, uint32_t value, int is_big_endian)
{
    for (size_t i = 0; i < 4; i++)
        bytes[at + (is_big_endian ? 3 - i : i)] = (unsigned char)(value >> 8 * i);
}

static void check_whole(const char *name, const char *warning)
{
    for (int pipe = 0; pipe < 2; pipe++) {
        struct reading r = read_file(name, pipe, NULL);
        CU_ASSERT_EQUAL(r.n, N);
        CU_ASSERT_EQUAL(r.status, 0);
        CU_ASSERT_EQUAL(memcmp(got, noises, sizeof noises), 0);
        CU_ASSERT((warning[0] == '\0') == (r.warning[0] == '\0') || pipe);
        CU_ASSERT(pipe || strstr(r.warning, warning) != NULL);
    }
}

static void sizes_that_are_not_told_are_found(void)
{
    static const uint32_t sizes[] = {0, 0xffffffff, 0x7ffff000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        write_file("a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1, NULL, N);
        size_t n = recording_bytes(in_folder("a.wav"), bytes, sizeof bytes);
        put_32(4, sizes[i], 0);
        put_32(40, sizes[i], 0);
        write_bytes(in_folder("a.wav"), bytes, n);
        check_whole("a.wav", "does not tell");
        write_file("a.au", SF_FORMAT_AU | SF_FORMAT_PCM_16, 1, NULL, N);
        n = recording_bytes(in_folder("a.au"), bytes, sizeof bytes);
        put_32(8, sizes[i], 1);
        write_bytes(in_folder("a.au"), bytes, n);
        check_whole("a.au", "does not tell");
    }
}

/* Seeking in it lands where it does in a file with a header that is right. */
static void sizes_that_are_not_told_can_be_sought_in(void)
{
    write_file("seek.wav", SF_FORMAT_WAVEX | SF_FORMAT_PCM_16, 1, NULL, N);
    size_t n = recording_bytes(in_folder("seek.wav"), bytes, sizeof bytes);
    put_32(n - 2 * N - 4, 0, 0);
    write_bytes(in_folder("seek.wav"), bytes, n);
    struct audio_file *f = open_ok(in_folder("seek.wav"), NULL, RATE);
    long status;
    CU_ASSERT_EQUAL(audio_file_duration_s(f), (double)N / RATE);
    CU_ASSERT_EQUAL(audio_file_seek_s(f, 0.5, NULL), 0);
    CU_ASSERT_EQUAL(read_all(f, got, 999, &status, NULL), N - 8000);
    CU_ASSERT_EQUAL(memcmp(got, noises + 8000, (N - 8000) * sizeof *got), 0);
    audio_file_close(f);
}

static void no_samples_before_other_chunks_are_none(void)
{
    static const unsigned char list[] = "LIST\4\0\0\0INFO";
    struct message msg = {0};
    struct audio_file *f;
    write_file("none.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1, NULL, 0);
    size_t n = recording_bytes(in_folder("none.wav"), bytes, sizeof bytes);
    memcpy(bytes + n, list, sizeof list - 1);
    put_32(4, (uint32_t)(n + sizeof list - 1 - 8), 0);
    write_bytes(in_folder("none.wav"), bytes, n + sizeof list - 1);
    CU_ASSERT_EQUAL(audio_file_open(&f, in_folder("none.wav"), NULL, RATE, &msg), LINNET_E_AUDIO);
    CU_ASSERT(says(&msg, "no samples"));
}

static void samples_behind_other_bytes_are_found(void)
{
    static const char page[] = "HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\n\r\n";
    write_file("b.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1, NULL, N);
    size_t n = recording_bytes(in_folder("b.wav"), bytes, sizeof bytes);
    memmove(bytes + sizeof page - 1, bytes, n);
    memcpy(bytes, page, sizeof page - 1);
    write_bytes(in_folder("b.wav"), bytes, n + sizeof page - 1);
    check_whole("b.wav", "passed over");
    memset(bytes, 0, sizeof page - 1);
    write_bytes(in_folder("b.wav"), bytes, n + sizeof page - 1);
    check_whole("b.wav", "passed over");
}

/* ---- ends ---- */

static void cut_files_are_reported(void)
{
    static const int formats[] = {SF_FORMAT_WAV | SF_FORMAT_PCM_16,  SF_FORMAT_WAV | SF_FORMAT_FLOAT,
                                  SF_FORMAT_AIFF | SF_FORMAT_PCM_16, SF_FORMAT_AU | SF_FORMAT_PCM_16,
                                  SF_FORMAT_W64 | SF_FORMAT_PCM_16,  SF_FORMAT_RF64 | SF_FORMAT_PCM_16,
                                  SF_FORMAT_FLAC | SF_FORMAT_PCM_16, SF_FORMAT_OGG | SF_FORMAT_VORBIS,
                                  SF_FORMAT_OGG | SF_FORMAT_OPUS,    SF_FORMAT_WAV | SF_FORMAT_GSM610};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        long n = 4 * N; /* pages of Ogg hold a second */
        write_file("cut", formats[i], 1, NULL, n);
        write_bytes(in_folder("cut"), bytes, recording_bytes(in_folder("cut"), bytes, sizeof bytes) * 6 / 10);
        for (int pipe = 0; pipe < 2; pipe++) {
            struct reading r = read_file("cut", pipe, NULL);
            CU_ASSERT(r.n > n / 5 && r.n < n * 7 / 10);
            if (pipe && !audio_ffmpeg_is_there() && (formats[i] & SF_FORMAT_TYPEMASK) == SF_FORMAT_OGG)
                continue; /* as it comes, and as libsndfile sees it */
            CU_ASSERT_EQUAL(r.status, LINNET_E_AUDIO);
            CU_ASSERT(says(&r.msg, "cut off"));
        }
    }
}

static void pages_are_followed_in_any_pieces(void)
{
    static const size_t sizes[] = {1, 7, 160, 4000, sizeof bytes};
    write_file("a.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 1, NULL, N);
    size_t n = recording_bytes(in_folder("a.ogg"), bytes, sizeof bytes);
    memcpy(bytes + n, bytes, n);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct ogg_pages p = {0};
        for (size_t at = 0; at < 2 * n; at += sizes[i])
            ogg_pages_feed(&p, bytes + at, 2 * n - at < sizes[i] ? 2 * n - at : sizes[i]);
        CU_ASSERT(ogg_pages_is_whole(&p));
        CU_ASSERT(p.has_end_mark);
        CU_ASSERT_EQUAL(p.n_links, 2);
        ogg_pages_feed(&p, bytes, 100);
        CU_ASSERT(!ogg_pages_is_whole(&p));
        CU_ASSERT_EQUAL(p.n_links, 3);
    }
}

static void chained_recordings_are_read_to_their_end(void)
{
    static const int codings[] = {SF_FORMAT_VORBIS, SF_FORMAT_OPUS};
    for (size_t i = 0; i < sizeof codings / sizeof codings[0]; i++) {
        write_file("a.ogg", SF_FORMAT_OGG | codings[i], 1, NULL, N);
        size_t n = recording_bytes(in_folder("a.ogg"), bytes, sizeof bytes);
        static unsigned char chain[sizeof bytes];
        memcpy(chain, bytes, n);
        write_file("b.ogg", SF_FORMAT_OGG | codings[i], 1, NULL, N); /* whose stream has another number */
        size_t n_other = recording_bytes(in_folder("b.ogg"), bytes, sizeof bytes);
        memcpy(chain + n, bytes, n_other);
        write_bytes(in_folder("ab.ogg"), chain, n + n_other);
        struct reading r = read_file("ab.ogg", 0, NULL);
        if (audio_ffmpeg_is_there()) {
            CU_ASSERT(labs(r.n - 2 * N) < RATE / 20);
            CU_ASSERT(fabs(r.duration_s - (double)r.n / RATE) < 1e-3);
            CU_ASSERT_EQUAL(r.status, 0);
        } else {
            CU_ASSERT(labs(r.n - N) < RATE / 50);
            CU_ASSERT(says(&r.msg, "chained"));
        }
    }
}

/* ---- channels and scale ---- */

static void channels_that_cancel_are_not_mixed(void)
{
    static const float cases[][2] = {{1.0f, -1.0f}, {1.0f, -0.9f}, {0.7f, -1.0f}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_file("phase.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 2, cases[i], N);
        for (int pipe = 0; pipe < 2; pipe++) {
            struct reading r = read_file("phase.wav", pipe, NULL);
            CU_ASSERT_EQUAL(r.n, N);
            CU_ASSERT_PTR_NOT_NULL(strstr(r.warning, "cancel"));
            for (int k = 0; k < N; k++)
                if (got[k] != noises[k] * (i == 2 ? -1.0f : 1.0f)) {
                    CU_FAIL("neither channel alone");
                    break;
                }
        }
    }
}

/* What does not cancel is the mean, as ever: also one channel of six, and a channel that is silent. */
static void other_channels_are_their_mean(void)
{
    static const float one_of_six[6] = {0, 0, 1.0f}, left_alone[2] = {1.0f, 0}, alike[2] = {1.0f, 0.5f};
    static const struct {
        const float *factors;
        int n;
        float mean;
    } cases[] = {{one_of_six, 6, 1.0f / 6}, {left_alone, 2, 0.5f}, {alike, 2, 0.75f}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_file("mean.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, cases[i].n, cases[i].factors, N);
        struct reading r = read_file("mean.wav", 0, NULL);
        CU_ASSERT_EQUAL(r.n, N);
        CU_ASSERT_STRING_EQUAL(r.warning, "");
        for (int k = 0; k < N; k += 7)
            CU_ASSERT_DOUBLE_EQUAL(got[k], noises[k] * cases[i].mean, 1e-6);
    }
}

static void a_channel_may_be_chosen(void)
{
    static const float factors[3] = {1.0f, 0.5f, 0.25f};
    static const struct {
        const char *channel;
        float factor;
    } cases[] = {{"left", 1.0f}, {"right", 0.5f}, {"1", 1.0f}, {"3", 0.25f}, {"mix", 1.75f / 3}};
    struct message msg = {0};
    write_file("three.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 3, factors, N);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_EQUAL(read_file("three.wav", 0, cases[i].channel).n, N);
        CU_ASSERT_DOUBLE_EQUAL(got[1000], noises[1000] * cases[i].factor, 1e-6);
    }
    static const char *const wrong[] = {"4", "0", "-1", "1x", "", "both", "99999999999999999999"};
    struct audio_file *f = open_ok(in_folder("three.wav"), NULL, RATE);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CU_ASSERT_EQUAL(audio_file_set_channel(f, wrong[i], &msg), LINNET_E_ARGUMENT);
    CU_ASSERT(says(&msg, "audio.channel"));
    audio_file_close(f);
}

static void integers_in_floats_are_scaled(void)
{
    static const float scales[] = {32768.0f, 8388608.0f, 2147483648.0f};
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        write_file("large.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 1, &scales[i], N);
        for (int pipe = 0; pipe < 2; pipe++) {
            struct reading r = read_file("large.wav", pipe, NULL);
            CU_ASSERT_EQUAL(r.n, N);
            CU_ASSERT_EQUAL(memcmp(got, noises, sizeof noises), 0);
            CU_ASSERT_PTR_NOT_NULL(strstr(r.warning, "divided by"));
        }
    }
    static const float loud = 8.0f;
    write_file("loud.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 1, &loud, N);
    struct reading r = read_file("loud.wav", 0, NULL);
    CU_ASSERT_STRING_EQUAL(r.warning, "");
    CU_ASSERT_EQUAL(got[1000], 8.0f * noises[1000]);
}

/* ---- what is no recording ---- */

static void kinds_are_named(void)
{
    static const struct {
        const char *bytes;
        size_t n;
        int is_audio;
        const char *name;
    } cases[] = {{"\0\0\0\x20"
                  "ftypM4A ",
                  12, 1, "MP4 or M4A"},
                 {"\x1a\x45\xdf\xa3", 4, 1, "WebM or Matroska"},
                 {"#!AMR\n", 6, 1, "AMR"},
                 {"PK\3\4", 4, 0, "a ZIP archive"},
                 {"#EXTM3U\n", 8, 0, "text"},
                 {"\xff\xf1\x50", 3, 1, "AAC"}};
    int is_audio;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *name = audio_kind_name((const unsigned char *)cases[i].bytes, cases[i].n, &is_audio);
        CU_ASSERT_PTR_NOT_NULL_FATAL(name);
        CU_ASSERT_STRING_EQUAL(name, cases[i].name);
        CU_ASSERT_EQUAL(is_audio, cases[i].is_audio);
    }
    CU_ASSERT_PTR_NULL(audio_kind_name((const unsigned char *)"\1\2\3\4", 4, &is_audio));
    CU_ASSERT_PTR_NULL(audio_kind_name(bytes, 0, &is_audio));
}

static void what_cannot_be_read_is_named(void)
{
    static const char playlist[] = "#EXTM3U\n/etc/passwd\n", mp4[] = "\0\0\0\x20"
                                                                     "ftypM4A and nothing else of it";
    struct message msg = {0};
    struct audio_file *f;
    write_bytes(in_folder("list.wav"), playlist, sizeof playlist - 1);
    CU_ASSERT_EQUAL(audio_file_open(&f, in_folder("list.wav"), NULL, RATE, &msg), LINNET_E_FORMAT);
    CU_ASSERT(says(&msg, "list.wav") && says(&msg, "it is text"));
    write_bytes(in_folder("talk.m4a"), mp4, sizeof mp4);
    CU_ASSERT_EQUAL(audio_file_open(&f, in_folder("talk.m4a"), NULL, RATE, &msg), LINNET_E_FORMAT);
    CU_ASSERT(says(&msg, "talk.m4a") && says(&msg, "MP4 or M4A"));
    CU_ASSERT(audio_ffmpeg_is_there() || (says(&msg, "libavformat-dev") && says(&msg, "ffmpeg -i")));
}

static const struct unit_test tests[] = {
    {"sizes that are not told are found", sizes_that_are_not_told_are_found},
    {"sizes that are not told can be sought in", sizes_that_are_not_told_can_be_sought_in},
    {"no samples before other chunks are none", no_samples_before_other_chunks_are_none},
    {"samples behind other bytes are found", samples_behind_other_bytes_are_found},
    {"cut files are reported", cut_files_are_reported},
    {"pages are followed in any pieces", pages_are_followed_in_any_pieces},
    {"chained recordings are read to their end", chained_recordings_are_read_to_their_end},
    {"channels that cancel are not mixed", channels_that_cancel_are_not_mixed},
    {"other channels are their mean", other_channels_are_their_mean},
    {"a channel may be chosen", a_channel_may_be_chosen},
    {"integers in floats are scaled", integers_in_floats_are_scaled},
    {"kinds are named", kinds_are_named},
    {"what cannot be read is named", what_cannot_be_read_is_named},
};

int main(void)
{
    for (int i = 0; i < N; i++) /* 16-bit values; noise, so that encoders write many pages */
        noises[i] = roundf(0.7f * noise() * 32768.0f) / 32768.0f;
    return scratch_main("recordings", tests, sizeof tests / sizeof tests[0]);
}
