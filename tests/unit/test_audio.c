/* SPDX-License-Identifier: Apache-2.0
 * Audio files, pipes, resampling and the WAV writer, on files that libsndfile writes into a folder of the test's own.
 */
#include <dirent.h>
#include <math.h>
#include <sndfile.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/status.h"
#include "frontend/audio_file.h"
#include "frontend/resample.h"
#include "frontend/wav_writer.h"
#include "tests/support/recording.h"
#include "tests/support/unit.h"

#define RATE 16000
#define N 40000 /* samples of a recording: 2.5 s */

static char folder[64];
static float tone[N]; /* 16-bit values, two tones */
static float got[4 * N], whole[4 * N];

static const char *in_folder(const char *name)
{
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static float sample_at(double time_s)
{
    return (float)(0.4 * sin(6.283185307179586 * 440.0 * time_s) +
                   0.2 * sin(6.283185307179586 * 1000.0 * time_s + 1.0));
}

static void write_file(const char *name, int format, int rate_hz, int n_channels, const float *frames, long n)
{
    SF_INFO info = {.samplerate = rate_hz, .channels = n_channels, .format = format};
    SNDFILE *f = sf_open(in_folder(name), SFM_WRITE, &info);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    for (long i = 0; i < n * n_channels; i += n_channels) {
        short values[1000];
        for (int c = 0; c < n_channels; c++)
            values[c] = (short)lrintf(fminf(frames[i + c], 1.0f) * 32768.0f);
        if ((format & SF_FORMAT_SUBMASK) == SF_FORMAT_FLOAT)
            sf_writef_float(f, &frames[i], 1);
        else
            sf_writef_short(f, values, 1);
    }
    sf_close(f);
}

static void write_bytes(const char *name, const void *data, size_t n)
{
    FILE *f = fopen(in_folder(name), "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL(fwrite(data, 1, n, f), n);
    fclose(f);
}

/* The first part of a file as another file. */
static void cut_file(const char *name, const char *cut_name, double part)
{
    static char data[1 << 20];
    FILE *f = fopen(in_folder(name), "rb");
    size_t n = fread(data, 1, sizeof data, f);
    fclose(f);
    write_bytes(cut_name, data, (size_t)((double)n * part));
}

static void lossless_formats_are_exact(void)
{
    static const int formats[] = {SF_FORMAT_WAV, SF_FORMAT_FLAC, SF_FORMAT_AIFF, SF_FORMAT_CAF,
                                  SF_FORMAT_AU,  SF_FORMAT_W64,  SF_FORMAT_RF64, SF_FORMAT_WAV | SF_ENDIAN_BIG};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        write_file("exact", formats[i] | SF_FORMAT_PCM_16, RATE, 1, tone, N);
        struct audio_file *f = open_ok(in_folder("exact"), NULL, RATE);
        long status;
        CU_ASSERT_EQUAL(audio_file_duration_s(f), (double)N / RATE);
        CU_ASSERT_EQUAL(read_all(f, got, 1000, &status, NULL), N);
        CU_ASSERT_EQUAL(status, 0);
        CU_ASSERT_EQUAL(memcmp(got, tone, sizeof tone), 0);
        audio_file_close(f);
    }
}

/* Relative squared error of n samples against the tones. */
static double error_to_tones(const float *x, size_t from, size_t to)
{
    double error = 0.0, energy = 0.0;
    for (size_t i = from; i < to; i++) {
        double want = sample_at((double)i / RATE);
        error += (x[i] - want) * (x[i] - want);
        energy += want * want;
    }
    return error / energy;
}

static void lossy_formats_keep_time_and_sound(void)
{
    static const struct {
        int format, rate_hz;
    } kinds[] = {{SF_FORMAT_OGG | SF_FORMAT_VORBIS, 16000},
                 {SF_FORMAT_OGG | SF_FORMAT_OPUS, 48000},
                 {SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 16000}};
    static float x[3 * N];
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        long n = (long)N * kinds[i].rate_hz / RATE, status;
        for (long k = 0; k < n; k++)
            x[k] = sample_at((double)k / kinds[i].rate_hz);
        write_file("lossy", kinds[i].format, kinds[i].rate_hz, 1, x, n);
        struct audio_file *f = open_ok(in_folder("lossy"), NULL, RATE);
        long n_got = read_all(f, got, 777, &status, NULL);
        CU_ASSERT_EQUAL(status, 0);
        CU_ASSERT(labs(n_got - N) <= 1);
        CU_ASSERT(error_to_tones(got, 2000, N - 2000) < 1e-2); /* a wrong delay of one sample would make 3e-2 or more */
        audio_file_close(f);
    }
}

static void rates_and_channels_are_converted(void)
{
    static const int rates[] = {8000, 11025, 22050, 44100, 48000, 96000};
    static float x[2 * 6 * N];
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        long n = (long)(2.5 * rates[i]), status;
        for (long k = 0; k < n; k++) {
            x[2 * k] = 1.5f * sample_at((double)k / rates[i]); /* their mean is the signal */
            x[2 * k + 1] = 0.5f * sample_at((double)k / rates[i]);
        }
        write_file("rate", SF_FORMAT_WAV | SF_FORMAT_FLOAT, rates[i], 2, x, n);
        struct audio_file *f = open_ok(in_folder("rate"), NULL, RATE);
        CU_ASSERT_EQUAL(audio_file_rate_hz(f), rates[i]);
        CU_ASSERT_EQUAL(audio_file_channels(f), 2);
        long n_got = read_all(f, got, 4000, &status, NULL);
        CU_ASSERT_EQUAL(status, 0);
        CU_ASSERT_EQUAL(n_got, (long)(round((double)n * RATE / rates[i])));
        CU_ASSERT(error_to_tones(got, 400, N - 400) < 1e-6);
        audio_file_close(f);
    }
}

static void read_sizes_do_not_matter(void)
{
    write_file("sizes", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 44100, 1, tone, N);
    static const size_t sizes[] = {4 * N, 1, 7, 160, 4000};
    long n = 0, status;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct audio_file *f = open_ok(in_folder("sizes"), NULL, RATE);
        long n_got = read_all(f, i == 0 ? whole : got, sizes[i], &status, NULL);
        n = i == 0 ? n_got : n;
        CU_ASSERT_EQUAL(n_got, n);
        CU_ASSERT(i == 0 || memcmp(got, whole, (size_t)n * sizeof *got) == 0);
        audio_file_close(f);
    }
}

static void seeking_lands_on_the_sample(void)
{
    long status;
    struct message msg;
    write_file("seek", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, RATE, 1, tone, N);
    struct audio_file *f = open_ok(in_folder("seek"), NULL, RATE);
    CU_ASSERT_EQUAL(audio_file_read(f, got, 100, NULL), 100);
    CU_ASSERT_EQUAL(audio_file_seek_s(f, 1.25, NULL), 0);
    CU_ASSERT_EQUAL(read_all(f, got, 999, &status, NULL), N - 20000);
    CU_ASSERT_EQUAL(memcmp(got, tone + 20000, (N - 20000) * sizeof *got), 0);
    CU_ASSERT_EQUAL(audio_file_seek_s(f, 0.0, NULL), 0); /* back, after the end */
    CU_ASSERT_EQUAL(read_all(f, got, 999, &status, NULL), N);
    CU_ASSERT_EQUAL(memcmp(got, tone, sizeof tone), 0);
    CU_ASSERT_EQUAL(audio_file_seek_s(f, 2.5, NULL), 0); /* the very end is no error */
    CU_ASSERT_EQUAL(audio_file_read(f, got, 10, NULL), 0);
    CU_ASSERT_EQUAL(audio_file_seek_s(f, 3.0, &msg), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(audio_file_seek_s(f, -1.0, &msg), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(audio_file_seek_s(f, NAN, &msg), LINNET_E_ARGUMENT);
    audio_file_close(f);
}

static void raw_samples_are_described(void)
{
    static short pcm[2 * N], swapped[2 * N];
    for (int i = 0; i < N; i++) {
        pcm[2 * i] = pcm[2 * i + 1] = (short)lrintf(tone[i] * 32768.0f);
        swapped[i] = (short)__builtin_bswap16((unsigned short)pcm[2 * i]);
    }
    long status;
    write_bytes("stereo.raw", pcm, sizeof pcm);
    write_bytes("swapped.raw", swapped, N * 2);
    struct audio_file *f = open_ok(in_folder("stereo.raw"), "s16le:16000:2", RATE);
    CU_ASSERT_EQUAL(read_all(f, got, 512, &status, NULL), N);
    CU_ASSERT_EQUAL(memcmp(got, tone, sizeof tone), 0);
    audio_file_close(f);
    f = open_ok(in_folder("swapped.raw"), "s16be", RATE);
    CU_ASSERT_EQUAL(read_all(f, got, 512, &status, NULL), N);
    CU_ASSERT_EQUAL(memcmp(got, tone, sizeof tone), 0);
    audio_file_close(f);
    f = open_ok(in_folder("swapped.raw"), "ulaw:8000", RATE);
    CU_ASSERT_EQUAL(audio_file_duration_s(f), 2.0 * N / 8000.0);
    audio_file_close(f);
    static const char *const wrong[] = {
        "",          "s16",          "s16le:",           "s16le:0",        "s16le:16000:",
        "s16le:x:1", "s16le:-16000", "s16le:16000:1000", "s16le:16000:1:", "s16le:99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct message msg = {0};
        CU_ASSERT_EQUAL(audio_file_open(&f, in_folder("stereo.raw"), wrong[i], RATE, &msg), LINNET_E_ARGUMENT);
        CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "ENCODING"));
    }
}

/* Opening fails with this code and a message that has both texts. */
static void check_refused(const char *name, int code, const char *reason)
{
    struct message msg = {0};
    struct audio_file *f = (void *)1;
    CU_ASSERT_EQUAL(audio_file_open(&f, in_folder(name), NULL, RATE, &msg), code);
    CU_ASSERT_PTR_EQUAL(f, (void *)1);
    if (strstr(msg.text, name) == NULL || strstr(msg.text, reason) == NULL) {
        printf("message: %s ... ", msg.text);
        CU_FAIL("the message does not say what is wrong");
    }
}

static void bad_files_are_refused_by_name(void)
{
    static const char text[] = "these are words and not audio, whatever the name says\n";
    write_bytes("empty.wav", text, 0);
    write_bytes("text.wav", text, sizeof text);
    mkdir(in_folder("dir.wav"), 0777);
    write_file("none.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, RATE, 1, tone, 0);
    write_file("none.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, RATE, 1, tone, 0);
    write_file("slow.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 900, 1, tone, 1000);
    write_file("wide.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, RATE, 1000, tone, 10);
    cut_file("none.wav", "header.wav", 0.5);
    check_refused("missing.wav", LINNET_E_IO, "No such file");
    check_refused("dir.wav", LINNET_E_IO, "directory");
    check_refused("empty.wav", LINNET_E_AUDIO, "empty");
    check_refused("text.wav", LINNET_E_FORMAT, "not audio");
    check_refused("header.wav", LINNET_E_FORMAT, "not audio");
    check_refused("none.wav", LINNET_E_AUDIO, "no samples");
    check_refused("slow.wav", LINNET_E_AUDIO, "900 Hz");
    check_refused("wide.wav", LINNET_E_AUDIO, "1000 channels");
    struct audio_file *f;
    CU_ASSERT_EQUAL(audio_file_open(&f, in_folder("none.wav"), NULL, 10, NULL), LINNET_E_AUDIO);
    write_file("some.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, RATE, 1, tone, 10);
    CU_ASSERT_EQUAL(audio_file_open(&f, in_folder("some.wav"), NULL, 10, NULL), LINNET_E_ARGUMENT);
}

static void damage_comes_after_what_is_good(void)
{
    struct message msg = {0};
    long status;
    write_file("whole.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, RATE, 1, tone, N);
    cut_file("whole.flac", "cut.flac", 0.6);
    struct audio_file *f = open_ok(in_folder("cut.flac"), NULL, RATE);
    long n = read_all(f, got, 1000, &status, &msg);
    CU_ASSERT(n > N / 3 && n < N);
    CU_ASSERT_EQUAL(memcmp(got, tone, (size_t)n * sizeof *got), 0);
    CU_ASSERT_EQUAL(status, LINNET_E_AUDIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "cut.flac"));
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "cut off"));
    CU_ASSERT_EQUAL(audio_file_read(f, got, 10, &msg), LINNET_E_AUDIO); /* again */
    audio_file_close(f);
}

static void bad_samples_name_their_time(void)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY, 1e20f};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        static float x[2 * N];
        for (int k = 0; k < N; k++)
            x[2 * k] = x[2 * k + 1] = tone[k];
        x[2 * 24000 + 1] = bad[i];
        write_file("bad.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, RATE, 2, x, N);
        struct message msg = {0};
        long status;
        struct audio_file *f = open_ok(in_folder("bad.wav"), NULL, RATE);
        CU_ASSERT_EQUAL(read_all(f, got, 1234, &status, &msg), 24000);
        CU_ASSERT_EQUAL(status, LINNET_E_AUDIO);
        CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "1.5000 s"));
        CU_ASSERT_EQUAL(audio_file_seek_s(f, 2.0, NULL), 0); /* behind it all is well */
        CU_ASSERT_EQUAL(read_all(f, got, 1234, &status, &msg), N - 32000);
        CU_ASSERT_EQUAL(status, 0);
        audio_file_close(f);
    }
}

static void check_pipe(const char *name, const char *raw)
{
    long status;
    struct pump p;
    struct audio_file *f = pump_open(&p, in_folder(name), raw, RATE);
    CU_ASSERT_EQUAL(read_all(f, got, 500, &status, NULL), N);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_EQUAL(memcmp(got, tone, sizeof tone), 0);
    pump_close(&p, f);
}

static void pipes_are_read(void)
{
    static short pcm[N];
    for (int i = 0; i < N; i++)
        pcm[i] = (short)lrintf(tone[i] * 32768.0f);
    write_bytes("pipe.raw", pcm, sizeof pcm);
    check_pipe("pipe.raw", "s16le:16000:1");
    static const int formats[] = {SF_FORMAT_WAV, SF_FORMAT_FLAC, SF_FORMAT_AIFF,
                                  SF_FORMAT_CAF, SF_FORMAT_AU,   SF_FORMAT_RF64};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        write_file("pipe", formats[i] | SF_FORMAT_PCM_16, RATE, 1, tone, N);
        check_pipe("pipe", NULL);
    }
}

static int files_named(const char *part)
{
    int n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        n += strstr(entry->d_name, part) != NULL;
    closedir(dir);
    return n;
}

static void writer_is_exact_and_atomic(void)
{
    struct wav_writer *w;
    struct message msg = {0};
    float edge[] = {1.0f, -1.0f, 1.5f, -2.0f, NAN, 0.999f};
    long status;
    CU_ASSERT_EQUAL_FATAL(wav_writer_open(&w, in_folder("saved.wav"), RATE, &msg), 0);
    CU_ASSERT_EQUAL(wav_writer_write(w, tone, 1, &msg), 0);
    CU_ASSERT_EQUAL(wav_writer_write(w, tone + 1, N - 1, &msg), 0);
    CU_ASSERT_EQUAL(wav_writer_write(w, edge, 6, &msg), 0);
    CU_ASSERT_EQUAL(files_named("saved.wav"), 1);
    CU_ASSERT_NOT_EQUAL(access(in_folder("saved.wav"), F_OK), 0); /* not before it is complete */
    CU_ASSERT_EQUAL(wav_writer_close(w, &msg), 0);
    CU_ASSERT_EQUAL(files_named("saved.wav"), 1);
    struct audio_file *f = open_ok(in_folder("saved.wav"), NULL, RATE);
    CU_ASSERT_EQUAL(read_all(f, got, 4096, &status, NULL), N + 6);
    CU_ASSERT_EQUAL(memcmp(got, tone, sizeof tone), 0);
    static const float want[] = {32767.0f / 32768.0f, -1.0f, 32767.0f / 32768.0f, -1.0f, 0.0f};
    CU_ASSERT_EQUAL(memcmp(got + N, want, sizeof want), 0);
    audio_file_close(f);
    FILE *raw = fopen(in_folder("saved.wav"), "rb");
    char start[4] = "";
    CU_ASSERT_EQUAL(fread(start, 1, 4, raw), 4);
    CU_ASSERT_EQUAL(memcmp(start, "RIFF", 4), 0); /* plain WAV as long as it is small */
    fclose(raw);

    CU_ASSERT_EQUAL_FATAL(wav_writer_open(&w, in_folder("thrown.wav"), RATE, &msg), 0);
    CU_ASSERT_EQUAL(wav_writer_write(w, tone, N, &msg), 0);
    wav_writer_discard(w);
    wav_writer_discard(NULL);
    CU_ASSERT_EQUAL(files_named("thrown.wav"), 0);
    CU_ASSERT_EQUAL(wav_writer_open(&w, in_folder("nowhere/saved.wav"), RATE, &msg), LINNET_E_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "nowhere"));
}

static size_t resample_all(struct resample *r, size_t size, float *to)
{
    size_t n = 0, n_more = 0;
    for (size_t at = 0; at < N; at += size) {
        size_t n_now = N - at < size ? N - at : size, room = resample_max_samples(r, n_now);
        CU_ASSERT_EQUAL(resample_feed(r, tone + at, n_now, to + n, &n_more, NULL), 0);
        CU_ASSERT(n_more <= room);
        n += n_more;
    }
    CU_ASSERT_EQUAL(resample_finish(r, to + n, &n_more, NULL), 0);
    return n + n_more;
}

static void resampling_is_the_same_for_any_feed(void)
{
    static const int rates[] = {8000, 16000, 44100, 12345};
    static const size_t sizes[] = {1, 7, 160, 4000};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct resample *r;
        CU_ASSERT_EQUAL_FATAL(resample_open(&r, rates[i], RATE, NULL), 0);
        size_t n = resample_all(r, N, whole);
        CU_ASSERT_EQUAL(n, (size_t)round((double)N * RATE / rates[i]));
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            CU_ASSERT_EQUAL(resample_reset(r, NULL), 0);
            CU_ASSERT_EQUAL(resample_all(r, sizes[k], got), n);
            CU_ASSERT_EQUAL(memcmp(got, whole, n * sizeof *got), 0);
        }
        resample_close(r);
    }
    struct resample *r;
    CU_ASSERT_EQUAL(resample_open(&r, 999, RATE, NULL), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(resample_open(&r, RATE, 0, NULL), LINNET_E_ARGUMENT);
}

static const struct unit_test tests[] = {
    {"lossless formats are exact", lossless_formats_are_exact},
    {"lossy formats keep time and sound", lossy_formats_keep_time_and_sound},
    {"rates and channels are converted", rates_and_channels_are_converted},
    {"read sizes do not matter", read_sizes_do_not_matter},
    {"seeking lands on the sample", seeking_lands_on_the_sample},
    {"raw samples are described", raw_samples_are_described},
    {"bad files are refused by name", bad_files_are_refused_by_name},
    {"damage comes after what is good", damage_comes_after_what_is_good},
    {"bad samples name their time", bad_samples_name_their_time},
    {"pipes are read", pipes_are_read},
    {"the writer is exact and atomic", writer_is_exact_and_atomic},
    {"resampling is the same for any feed", resampling_is_the_same_for_any_feed},
};

static void remove_folder(void)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.')
            remove(in_folder(entry->d_name));
    closedir(dir);
    rmdir(folder);
}

int main(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.30s/linnet-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(folder) == NULL)
        return 99;
    for (int i = 0; i < N; i++)
        tone[i] = roundf(sample_at((double)i / RATE) * 32768.0f) / 32768.0f;
    int status = unit_main("audio", tests, sizeof tests / sizeof tests[0]);
    remove_folder();
    return status;
}
