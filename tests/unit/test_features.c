/* SPDX-License-Identifier: Apache-2.0
 * The two kinds of features against their originals: small vectors that always run, and long recordings where the
 * reference data is there.
 *
 * Tolerances.  The Kaldi filterbank's transform equals kaldi-native-fbank's to the last bit; its logarithms are the C
 * library's, which may round otherwise than the reference's: 1e-4 in ln.  Whisper's log-mel: 1e-4 in log10, because
 * FFTW's sums are in another order than PyTorch's. */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "frontend/fbank.h"
#include "frontend/kaldi_fft.h"
#include "frontend/log_mel.h"
#include "frontend/mel_bank.h"
#include "tests/support/reference.h"
#include "tests/support/unit.h"

/* See tests/vectors/gen/features.py. */
static void make_signal(float *x, size_t n)
{
    uint32_t state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)((int)(state >> 17) - 16384) / 32768.0f * (float)(i / 160 + 1) / 64.0f;
    }
}

static double largest_difference(const float *a, const float *b, size_t n)
{
    double largest = 0.0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        largest = d > largest || isnan(d) ? d : largest;
    }
    return largest;
}

static void mel_filters_equal_whispers(void)
{
    FILE *f = reference_vector("mel_filters.txt");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    struct mel_bank banks[2];
    CU_ASSERT_EQUAL_FATAL(mel_bank_open_slaney(&banks[0], 80, 400, 16000, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(mel_bank_open_slaney(&banks[1], 128, 400, 16000, NULL), 0);
    int n_mels, row, n_rows = 0;
    size_t first, n;
    while (fscanf(f, "%d %d %zu %zu", &n_mels, &row, &first, &n) == 4) {
        const struct mel_filter *filter = &banks[n_mels == 128].filters[row];
        CU_ASSERT_EQUAL(filter->first, first);
        CU_ASSERT_EQUAL_FATAL(filter->n, n);
        for (size_t i = 0; i < n; i++) {
            float weight;
            CU_ASSERT_EQUAL_FATAL(fscanf(f, "%f", &weight), 1);
            CU_ASSERT_EQUAL(filter->weights[i], weight); /* to the last bit */
        }
        n_rows++;
    }
    CU_ASSERT_EQUAL(n_rows, 80 + 128);
    mel_bank_close(&banks[0]);
    mel_bank_close(&banks[1]);
    fclose(f);
}

static void log_mel_equals_small_vector(void)
{
    struct reference want = reference_text("log_mel.txt");
    CU_ASSERT_PTR_NOT_NULL_FATAL(want.data);
    float x[2400], got[15 * 80];
    make_signal(x, 2400);
    struct features_stream *m;
    CU_ASSERT_EQUAL_FATAL(log_mel_open(&m, 80, NULL), 0);
    size_t n_rows = features_feed(m, x, 2400, got); /* the vector's last frame mirrors the end: not ours */
    CU_ASSERT_EQUAL(n_rows, 14);
    CU_ASSERT_EQUAL(want.n_rows, 15);
    CU_ASSERT(largest_difference(got, want.data, 14 * 80) < 1e-4);
    features_close(m);
    free(want.data);
}

/* Of every kind of length: without a pass of radix 4, with passes of radix 4 only, with one of radix 2 before them. */
static void kaldi_fft_equals_bits(void)
{
    FILE *file = reference_vector("kaldi_fft.txt");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    size_t n_fft, n_lengths = 0;
    for (; fscanf(file, "%zu", &n_fft) == 1; n_lengths++) {
        struct kaldi_fft f;
        CU_ASSERT_EQUAL_FATAL(kaldi_fft_open(&f, n_fft, NULL), 0);
        make_signal(f.in, n_fft);
        for (int again = 0; again < 2; again++)
            kaldi_fft_step(&f); /* in is kept */
        for (size_t k = 0; k <= n_fft / 2; k++) {
            float power;
            CU_ASSERT_EQUAL_FATAL(fscanf(file, "%f", &power), 1);
            CU_ASSERT_EQUAL(f.power[k], power);
        }
        kaldi_fft_close(&f);
    }
    CU_ASSERT_EQUAL(n_lengths, 7);
    fclose(file);
}

static void kaldi_fft_refuses_lengths(void)
{
    static const size_t wrong[] = {0, 1, 3, 400, 511, 1 << 21};
    struct kaldi_fft f = {.n = 7};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CU_ASSERT_EQUAL(kaldi_fft_open(&f, wrong[i], NULL), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(f.n, 7);
}

static void fbank_equals_small_vector(void)
{
    struct reference want = reference_text("fbank.txt");
    CU_ASSERT_PTR_NOT_NULL_FATAL(want.data);
    float x[2400], got[13 * 80];
    make_signal(x, 2400);
    struct features_stream *f;
    struct features options = FBANK_DEFAULTS;
    CU_ASSERT_EQUAL_FATAL(features_open(&f, &options, NULL), 0);
    CU_ASSERT_EQUAL(features_max_frames(f, 2400), 13);
    CU_ASSERT_EQUAL_FATAL(features_feed(f, x, 2400, got), 13);
    CU_ASSERT_EQUAL(want.n_rows, 13);
    CU_ASSERT(largest_difference(got, want.data, 13 * 80) < 1e-4);
    features_close(f);
    free(want.data);
}

static void fbank_floors_silence(void)
{
    float zeros[560] = {0}, got[2 * 23];
    struct features_stream *f;
    struct features options = FBANK_DEFAULTS;
    options.n_mels = 23;
    CU_ASSERT_EQUAL_FATAL(features_open(&f, &options, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(features_feed(f, zeros, 560, got), 2);
    for (int i = 0; i < 2 * 23; i++)
        CU_ASSERT_DOUBLE_EQUAL(got[i], log(1.1920928955078125e-07), 1e-5);
    features_close(f);
}

static void normalize_clamps_and_scales(void)
{
    float own[4] = {2.0f, -7.0f, -6.0f, 0.0f}, given[2] = {-3.0f, 1.0f};
    log_mel_normalize(own, 4, -INFINITY);
    CU_ASSERT_EQUAL(own[0], 1.5f);
    CU_ASSERT_EQUAL(own[1], -0.5f); /* 2 - 8 = -6 */
    CU_ASSERT_EQUAL(own[2], -0.5f);
    CU_ASSERT_EQUAL(own[3], 1.0f);
    log_mel_normalize(given, 2, 8.0f);
    CU_ASSERT_EQUAL(given[0], 1.0f);
    CU_ASSERT_EQUAL(given[1], 1.25f);
    CU_ASSERT_EQUAL(log_mel_largest(NULL, 0), -INFINITY);
}

static void wrong_options_are_refused(void)
{
    struct message msg;
    struct features_stream *m = (void *)1;
    struct features_stream *f = (void *)1;
    CU_ASSERT_EQUAL(log_mel_open(&m, 0, &msg), LINNET_E_ARGUMENT);
    CU_ASSERT_PTR_EQUAL(m, (void *)1);
    struct features wrong[] = {FBANK_DEFAULTS, FBANK_DEFAULTS, FBANK_DEFAULTS, FBANK_DEFAULTS, FBANK_DEFAULTS};
    wrong[0].rate_hz = 0;
    wrong[1].shift_ms = 30.0;
    wrong[2].high_hz = 9000.0;
    wrong[3].length_ms = NAN;
    wrong[4].n_mels = -1;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CU_ASSERT_EQUAL(features_open(&f, &wrong[i], &msg), LINNET_E_ARGUMENT);
    CU_ASSERT_PTR_EQUAL(f, (void *)1);
}

static size_t feed(struct features_stream *f, const float *x, size_t n, float *rows)
{
    size_t want = features_max_frames(f, n), got = features_feed(f, x, n, rows);
    CU_ASSERT_EQUAL(got, want);
    return got;
}

#define N_SIGNAL 9000
#define N_ROWS 56

static void check_chunks(struct features_stream *f, struct features_stream *other)
{
    static float x[N_SIGNAL], y[N_SIGNAL], whole[N_ROWS * 80], parts[N_ROWS * 80], ignored[N_ROWS * 80];
    make_signal(x, N_SIGNAL);
    for (size_t i = 0; i < N_SIGNAL; i++)
        y[i] = -0.3f * x[N_SIGNAL - 1 - i];
    size_t n_rows = feed(f, x, N_SIGNAL, whole);
    CU_ASSERT(n_rows >= N_ROWS - 2 && n_rows <= N_ROWS);
    static const size_t sizes[] = {0, 1, 7, 160, 199, 200, 401, 4000};
    for (size_t i = 1; i < sizeof sizes / sizeof sizes[0]; i++) {
        features_reset(f); /* reset = new */
        features_reset(other);
        size_t n_done = 0;
        for (size_t at = 0; at < N_SIGNAL; at += sizes[i]) {
            size_t n = N_SIGNAL - at < sizes[i] ? N_SIGNAL - at : sizes[i];
            n_done += feed(f, x + at, n, parts + n_done * 80);
            feed(f, NULL, 0, NULL);
            feed(other, y + at, n, ignored); /* a second stream in between changes nothing */
        }
        CU_ASSERT_EQUAL(n_done, n_rows);
        CU_ASSERT_EQUAL(memcmp(parts, whole, n_rows * 80 * sizeof(float)), 0);
    }
}

static void chunks_do_not_matter(void)
{
    struct features_stream *a, *b;
    struct features options = FBANK_DEFAULTS;
    CU_ASSERT_EQUAL_FATAL(log_mel_open(&a, 80, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(log_mel_open(&b, 80, NULL), 0);
    check_chunks(a, b);
    features_close(a);
    features_close(b);
    CU_ASSERT_EQUAL_FATAL(features_open(&a, &options, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(features_open(&b, &options, NULL), 0);
    check_chunks(a, b);
    features_close(a);
    features_close(b);
}

struct thread_work {
    const float *x;
    float rows[N_ROWS * 80];
};

static void *open_and_feed(void *arg)
{
    struct thread_work *work = arg;
    struct features_stream *m;
    for (int i = 0; i < 20; i++) {
        if (log_mel_open(&m, 80, NULL) < 0)
            return NULL;
        features_feed(m, work->x, N_SIGNAL, work->rows);
        features_close(m);
    }
    return arg;
}

/* FFTW's planner is not thread safe; opening is, all the same. */
static void threads_do_not_meet(void)
{
    static float x[N_SIGNAL];
    static struct thread_work work[4];
    pthread_t threads[4];
    make_signal(x, N_SIGNAL);
    for (int i = 0; i < 4; i++) {
        work[i].x = x;
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, open_and_feed, &work[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        CU_ASSERT_PTR_EQUAL(result, &work[i]);
        CU_ASSERT_EQUAL(memcmp(work[i].rows, work[0].rows, sizeof work[0].rows), 0);
    }
}

/* The reference was padded with zeros to 30 s; ours is fed 40 more, which its mirrored end equals. */
static void log_mel_equals_recording(const char *file, int n_mels)
{
    struct reference want = reference_tensor(unit_shared(), file, "mel"),
                     x = reference_wav(unit_shared(), "audio/jfk.wav");
    CU_ASSERT_PTR_NOT_NULL_FATAL(want.data);
    CU_ASSERT_PTR_NOT_NULL_FATAL(x.data);
    size_t n_samples = 30 * 16000 + 40, n_frames = 3000, n_columns = (size_t)n_mels;
    float *samples = mem_array(n_samples, sizeof *samples), *rows = mem_array(n_frames * n_columns, sizeof *rows);
    memcpy(samples, x.data, x.n_rows * sizeof *samples);
    struct features_stream *m;
    CU_ASSERT_EQUAL_FATAL(log_mel_open(&m, n_mels, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(features_max_frames(m, n_samples), n_frames);
    features_feed(m, samples, n_samples, rows);
    log_mel_normalize(rows, n_frames * n_columns, -INFINITY);
    double largest = 0.0;
    for (size_t t = 0; t < n_frames; t++)
        for (size_t k = 0; k < n_columns; k++)
            largest = fmax(largest, fabs((double)rows[t * n_columns + k] - (double)want.data[k * n_frames + t]));
    printf("%s: largest difference %.2g ... ", file, largest);
    CU_ASSERT(largest < 1e-4);
    features_close(m);
    mem_free(samples);
    mem_free(rows);
    free(want.data);
    free(x.data);
}

static void log_mel_equals_recordings(void)
{
    if (unit_shared() == NULL)
        return;
    log_mel_equals_recording("refs/whisper-base/jfk.safetensors", 80);
    log_mel_equals_recording("refs/whisper-random-v3/expected.safetensors", 128);
}

static void fbank_equals_recordings(void)
{
    static const char *const folders[] = {"refs/wenet-u2pp", "refs/wenet-conformer-full", "refs/wenet-transformer"};
    for (size_t i = 0; unit_shared() != NULL && i < 3; i++) {
        char file[128], wav[128];
        snprintf(file, sizeof file, "%s/expected.safetensors", folders[i]);
        snprintf(wav, sizeof wav, "%s/input.wav", folders[i]);
        struct reference want = reference_tensor(unit_shared(), file, "fbank"), x = reference_wav(unit_shared(), wav);
        CU_ASSERT_PTR_NOT_NULL_FATAL(want.data);
        CU_ASSERT_PTR_NOT_NULL_FATAL(x.data);
        struct features options = FBANK_DEFAULTS;
        options.n_mels = (int)want.n_columns;
        struct features_stream *f;
        CU_ASSERT_EQUAL_FATAL(features_open(&f, &options, NULL), 0);
        CU_ASSERT_EQUAL_FATAL(features_max_frames(f, x.n_rows), want.n_rows);
        float *rows = mem_array(want.n_rows * want.n_columns, sizeof *rows);
        features_feed(f, x.data, x.n_rows, rows);
        double largest = largest_difference(rows, want.data, want.n_rows * want.n_columns);
        printf("%s: largest difference %.2g ... ", folders[i], largest);
        CU_ASSERT(largest < 1e-4);
        mem_free(rows);
        features_close(f);
        free(want.data);
        free(x.data);
    }
}

static const struct unit_test tests[] = {
    {"mel filters equal Whisper's", mel_filters_equal_whispers},
    {"log-mel equals a small vector", log_mel_equals_small_vector},
    {"Kaldi's transform has the reference's bits", kaldi_fft_equals_bits},
    {"Kaldi's transform refuses lengths", kaldi_fft_refuses_lengths},
    {"fbank equals a small vector", fbank_equals_small_vector},
    {"fbank of silence is the floor", fbank_floors_silence},
    {"normalize clamps and scales", normalize_clamps_and_scales},
    {"wrong options are refused", wrong_options_are_refused},
    {"chunks do not matter", chunks_do_not_matter},
    {"threads do not meet", threads_do_not_meet},
    {"log-mel equals whole recordings", log_mel_equals_recordings},
    {"fbank equals whole recordings", fbank_equals_recordings},
};

UNIT_MAIN("features", tests)
