/* SPDX-License-Identifier: Apache-2.0
 * Recordings that FFmpeg's libraries read, written by their encoders: the right time and sound, the same from anywhere
 * in the file, told when they are cut off.  What this FFmpeg cannot write is passed over, but not everything. */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "tests/support/encode.h"
#include "tests/support/recording.h"
#include "tests/support/scratch.h"

#define SECONDS 2
#define MOST_HZ 48000

static float tone[2 * SECONDS * MOST_HZ]; /* two channels at most */
static float got[4 * SECONDS * MOST_HZ], whole[4 * SECONDS * MOST_HZ];
static unsigned char bytes[1 << 21];

static const struct kind {
    struct encode_kind how;
    int delay_ms; /* that a decoder cannot know and leaves at the start, at most */
    int shift_ms; /* what is missing or too much at the end */
} kinds[] = {
    {{"ipod", "aac", 44100, 2, 0, NULL, NULL}, 0, 25},
    {{"mp4", "aac", 48000, 1, 1, "movflags", "+faststart"}, 0, 25},
    {{"mp4", "aac", 48000, 1, 1, "movflags", "frag_keyframe+empty_moov"}, 25, 50},
    {{"mov", "pcm_s16le", 16000, 1, 1, NULL, NULL}, 0, 0},
    {{"ipod", "alac", 44100, 2, 0, NULL, NULL}, 0, 0},
    {{"matroska", "aac", 44100, 1, 1, NULL, NULL}, 25, 50},
    {{"webm", "libopus", 48000, 2, 0, NULL, NULL}, 0, 1},
    {{"webm", "libopus", 48000, 1, 0, "live", "1"}, 0, 1},
    {{"matroska", "flac", 16000, 1, 0, NULL, NULL}, 0, 0},
    {{"adts", "aac", 16000, 1, 0, NULL, NULL}, 70, 140},
    {{"asf", "wmav2", 44100, 2, 0, NULL, NULL}, 50, 50},
    {{"ac3", "ac3", 48000, 2, 0, NULL, NULL}, 10, 40},
    {{"ogg", "libspeex", 16000, 1, 0, NULL, NULL}, 20, 20},
    {{"ogg", "flac", 16000, 1, 0, NULL, NULL}, 0, 0},
    {{"avi", "libmp3lame", 44100, 2, 1, NULL, NULL}, 60, 90},
    {{"mpegts", "aac", 48000, 2, 1, NULL, NULL}, 25, 50},
    {{"mp3", "libmp3lame", 44100, 2, 0, NULL, NULL}, 0, 1},
    {{"mp3", "libmp3lame", 16000, 1, 0, "write_xing", "0"}, 80, 160},
    {{"mp2", "mp2", 44100, 2, 0, NULL, NULL}, 30, 60},
    {{"wav", "adpcm_ima_wav", 16000, 1, 0, NULL, NULL}, 0, 130},
    {{"wv", "wavpack", 44100, 2, 0, NULL, NULL}, 0, 0},
};
#define N_KINDS (sizeof kinds / sizeof kinds[0])

static double sample_at(double time_s)
{
    return 0.4 * sin(6.283185307179586 * 440.0 * time_s) + 0.2 * sin(6.283185307179586 * 1003.0 * time_s + 1.0);
}

/* Writes the tones as this kind; 0 where this FFmpeg cannot. */
static int write_kind(const char *name, const struct encode_kind *how)
{
    for (int i = 0; i < SECONDS * how->rate_hz; i++)
        for (int c = 0; c < how->n_channels; c++)
            tone[i * how->n_channels + c] = (float)sample_at((double)i / how->rate_hz);
    return encode(in_folder(name), how, tone, SECONDS * how->rate_hz);
}

/* Squared error of 0.1 s in the middle against the tones delayed by n samples, relative to their energy. */
static double error_at(const float *x, int rate_hz, int n)
{
    double error = 0.0, energy = 0.0;
    for (int i = rate_hz; i < rate_hz * 11 / 10; i++) {
        double want = sample_at((double)(i - n) / rate_hz);
        error += (x[i] - want) * (x[i] - want);
        energy += want * want;
    }
    return error / energy;
}

static double least_error(const float *x, int rate_hz, int delay_ms)
{
    double least = HUGE_VAL;
    for (int n = 0; n <= delay_ms * rate_hz / 1000; n++)
        least = fmin(least, error_at(x, rate_hz, n));
    return least;
}

static void all_kinds_keep_time_and_sound(void)
{
    int n_written = 0;
    for (size_t i = 0; i < N_KINDS; i++) {
        const struct kind *kind = &kinds[i];
        long status, rate_hz = kind->how.rate_hz;
        struct message msg = {0};
        if (!write_kind("all", &kind->how))
            continue;
        n_written++;
        struct audio_file *f = open_ok(in_folder("all"), NULL, (int)rate_hz);
        long n = read_all(f, got, 777, &status, &msg);
        double error = least_error(got, (int)rate_hz, kind->delay_ms);
        if (status < 0 || labs(n - SECONDS * rate_hz) > kind->shift_ms * rate_hz / 1000 || !(error < 0.02))
            printf("%s, %s: %ld %s, %ld samples, error %g ... ", kind->how.container, kind->how.codec, status, msg.text,
                   n, error);
        CU_ASSERT_EQUAL(status, 0);
        CU_ASSERT(labs(n - SECONDS * rate_hz) <= kind->shift_ms * rate_hz / 1000);
        CU_ASSERT(fabs(audio_file_duration_s(f) - SECONDS) <= 0.2);
        CU_ASSERT(error < 0.02);
        CU_ASSERT_EQUAL(audio_file_channels(f), kind->how.n_channels);
        CU_ASSERT_STRING_EQUAL(audio_file_warning(f), "");
        audio_file_close(f);
    }
    CU_ASSERT(n_written > 12);
}

/* Samples after a seek, forwards and back, are those without one. */
static void seeking_is_exact(void)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        long status, rate_hz = kinds[i].how.rate_hz;
        if (!write_kind("seek", &kinds[i].how))
            continue;
        struct audio_file *f = open_ok(in_folder("seek"), NULL, (int)rate_hz);
        long n = read_all(f, whole, 4000, &status, NULL);
        static const double times_s[] = {1.5, 0.25};
        for (size_t k = 0; k < sizeof times_s / sizeof times_s[0]; k++) {
            long from = lrint(times_s[k] * (double)rate_hz);
            CU_ASSERT_EQUAL(audio_file_seek_s(f, times_s[k], NULL), 0);
            long n_got = read_all(f, got, k % 2 == 0 ? 4000 : 333, &status, NULL);
            CU_ASSERT_EQUAL(n_got, n - from);
            CU_ASSERT_EQUAL(memcmp(got, whole + from, (size_t)n_got * sizeof *got), 0);
        }
        CU_ASSERT(audio_file_seek_s(f, 3.0 * SECONDS, NULL) < 0);
        audio_file_close(f);
    }
}

static void pipes_give_the_same(void)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        long status;
        struct pump p;
        if (!write_kind("pipe", &kinds[i].how))
            continue;
        struct audio_file *f = open_ok(in_folder("pipe"), NULL, 16000);
        long n = read_all(f, whole, 4000, &status, NULL);
        audio_file_close(f);
        f = pump_open(&p, in_folder("pipe"), NULL, 16000);
        CU_ASSERT_EQUAL(read_all(f, got, 500, &status, NULL), n);
        CU_ASSERT_EQUAL(status, 0);
        CU_ASSERT_EQUAL(memcmp(got, whole, (size_t)n * sizeof *got), 0);
        pump_close(&p, f);
    }
}

/* Cut in the middle: the first half, and a message; one whose index lies at the end is refused. */
static void cut_files_are_reported(void)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        struct message msg = {0};
        struct audio_file *f = NULL;
        long status, n;
        if (!write_kind("whole", &kinds[i].how))
            continue;
        write_bytes(in_folder("cut"), bytes, recording_bytes(in_folder("whole"), bytes, sizeof bytes) * 6 / 10);
        int rc = audio_file_open(&f, in_folder("cut"), NULL, 16000, &msg);
        if (rc < 0) {
            CU_ASSERT(says(&msg, "index"));
            continue;
        }
        n = read_all(f, got, 4000, &status, &msg);
        if (status >= 0)
            printf("%s, %s is whole ... ", kinds[i].how.container, kinds[i].how.codec);
        CU_ASSERT_EQUAL(status, LINNET_E_AUDIO);
        CU_ASSERT(says(&msg, "cut off"));
        CU_ASSERT(n > 16000 * SECONDS / 5 && n < 16000 * SECONDS * 8 / 10);
        audio_file_close(f);
    }
}

static const struct encode_kind mp3 = {"mp3", "libmp3lame", 16000, 1, 0, NULL, NULL};

static void joined_files_are_read_to_their_end(void)
{
    long status;
    if (!write_kind("one.mp3", &mp3))
        return;
    size_t n = recording_bytes(in_folder("one.mp3"), bytes, sizeof bytes);
    memmove(bytes + n, bytes, n);
    write_bytes(in_folder("two.mp3"), bytes, 2 * n);
    struct audio_file *f = open_ok(in_folder("two.mp3"), NULL, 16000);
    long n_got = read_all(f, got, 4000, &status, NULL);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT(n_got > 2 * SECONDS * 16000 && n_got < (2 * SECONDS + 1) * 16000);
    CU_ASSERT(fabs(audio_file_duration_s(f) - (double)n_got / 16000) < 0.2);
    CU_ASSERT_EQUAL(audio_file_seek_s(f, 1.5 * SECONDS, NULL), 0); /* in the second */
    audio_file_close(f);
}

static void tags_and_zeros_around_are_passed_over(void)
{
    static unsigned char padded[sizeof bytes];
    static const unsigned char tag[] = {'I', 'D', '3', 3, 0, 0, 0, 0, 8, 0}; /* of 1024 bytes */
    long status;
    if (!write_kind("bare.mp3", &mp3))
        return;
    size_t n = recording_bytes(in_folder("bare.mp3"), bytes, sizeof bytes), begin = sizeof tag + 1024 + 3000;
    memcpy(padded, tag, sizeof tag);
    memcpy(padded + begin, bytes, n);
    memcpy(padded + begin + n, "TAGtitle", 8);
    write_bytes(in_folder("padded.mp3"), padded, begin + n + 128);
    struct audio_file *f = open_ok(in_folder("padded.mp3"), NULL, 16000);
    long n_got = read_all(f, got, 4000, &status, NULL);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT(labs(n_got - SECONDS * 16000) < 3000);
    CU_ASSERT(least_error(got, 16000, 160) < 0.02);
    audio_file_close(f);
}

static void what_has_no_sound_is_refused(void)
{
    struct message msg = {0};
    struct audio_file *f;
    static const char *const lists[] = {"ffconcat version 1.0\nfile /etc/passwd\n",
                                        "#EXTM3U\n#EXTINF:1,\n/etc/passwd\n"};
    static const struct encode_kind pictures = {"mp4", "aac", 16000, 1, 1, NULL, NULL};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        write_bytes(in_folder("list"), lists[i], strlen(lists[i]));
        CU_ASSERT_EQUAL(audio_file_open(&f, in_folder("list"), NULL, 16000, &msg), LINNET_E_FORMAT);
        CU_ASSERT(says(&msg, "text"));
    }
    if (!encode(in_folder("silent.mp4"), &pictures, tone, 0))
        return;
    CU_ASSERT(audio_file_open(&f, in_folder("silent.mp4"), NULL, 16000, &msg) < 0);
    CU_ASSERT(says(&msg, "silent.mp4"));
}

static const struct unit_test tests[] = {
    {"all kinds keep time and sound", all_kinds_keep_time_and_sound},
    {"seeking is exact", seeking_is_exact},
    {"pipes give the same", pipes_give_the_same},
    {"cut files are reported", cut_files_are_reported},
    {"joined files are read to their end", joined_files_are_read_to_their_end},
    {"tags and zeros around are passed over", tags_and_zeros_around_are_passed_over},
    {"what has no sound is refused", what_has_no_sound_is_refused},
};

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    return scratch_main("audio_ffmpeg", tests, sizeof tests / sizeof tests[0]);
}
