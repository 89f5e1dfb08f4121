/* SPDX-License-Identifier: Apache-2.0
 * test_silero.c - Silero VAD's network with random weights against a plain one in double precision, written from the
 * package's definition; streams of it; files that are none. */
#include "base/mem.h"
#include "frontend/silero.h"
#include "frontend/vad.h"
#include "tests/support/scratch.h"
#include "tests/support/silero_file.h"
#include "tests/support/sounds.h"

enum { HEARD = SILERO_BEFORE + SILERO_BLOCK, N_BLOCKS = 12, MAX_CHANGES = 400 };

static float *values[SILERO_TENSORS];

static const float *value_of(const char *name)
{
    for (int i = 0; i < SILERO_TENSORS; i++)
        if (strcmp(silero_tensors[i].name, name) == 0)
            return values[i];
    CU_FAIL_FATAL("no such tensor");
    return NULL;
}

/* ---- the plain network: channels first, as PyTorch has it ---- */

struct plain {
    double h[128], c[128];
};

/* y [n_out, (n - 1) / stride + 1] of x [n_in, n], width 3, padding 1, ReLU; returns that number. */
static int convolve(const char *layer, const double *x, int n_in, int n, int n_out, int stride, double *y)
{
    char name[40];
    snprintf(name, sizeof name, "%s.weight", layer);
    const float *w = value_of(name);
    snprintf(name, sizeof name, "%s.bias", layer);
    const float *b = value_of(name);
    int n_y = (n - 1) / stride + 1;
    for (int o = 0; o < n_out; o++)
        for (int t = 0; t < n_y; t++) {
            double sum = (double)b[o];
            for (int i = 0; i < n_in; i++)
                for (int k = 0; k < 3; k++) {
                    int at = t * stride + k - 1;
                    if (at >= 0 && at < n)
                        sum += (double)w[(o * n_in + i) * 3 + k] * x[i * n + at];
                }
            y[o * n_y + t] = fmax(sum, 0);
        }
    return n_y;
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static double plain_step(struct plain *p, const float *block)
{
    static double x[640], m[129 * 4], a[128 * 4], b[64 * 4], c[64 * 4], d[128 * 4];
    double h[128], logit = (double)value_of("final_conv.bias")[0];
    const float *w = value_of("stft_conv.weight"), *w_i = value_of("lstm_cell.weight_ih"),
                *w_h = value_of("lstm_cell.weight_hh"), *b_i = value_of("lstm_cell.bias_ih"),
                *b_h = value_of("lstm_cell.bias_hh"), *last = value_of("final_conv.weight");
    for (int i = 0; i < 640; i++)
        x[i] = (double)block[i < HEARD ? i : 2 * (HEARD - 1) - i];
    for (int k = 0; k < 129; k++)
        for (int t = 0; t < 4; t++) {
            double real = 0, imaginary = 0;
            for (int i = 0; i < 256; i++) {
                real += (double)w[k * 256 + i] * x[t * 128 + i];
                imaginary += (double)w[(129 + k) * 256 + i] * x[t * 128 + i];
            }
            m[k * 4 + t] = sqrt(real * real + imaginary * imaginary);
        }
    int n = convolve("conv1", m, 129, 4, 128, 1, a);
    n = convolve("conv2", a, 128, n, 64, 2, b);
    n = convolve("conv3", b, 64, n, 64, 2, c);
    CU_ASSERT_EQUAL_FATAL(convolve("conv4", c, 64, n, 128, 1, d), 1);
    for (int j = 0; j < 128; j++) {
        double gate[4];
        for (int g = 0; g < 4; g++) {
            int row = g * 128 + j;
            gate[g] = (double)b_i[row] + (double)b_h[row];
            for (int i = 0; i < 128; i++)
                gate[g] += (double)w_i[row * 128 + i] * d[i] + (double)w_h[row * 128 + i] * p->h[i];
        }
        p->c[j] = sigmoid(gate[1]) * p->c[j] + sigmoid(gate[0]) * tanh(gate[2]);
        h[j] = sigmoid(gate[3]) * tanh(p->c[j]);
        logit += (double)last[j] * fmax(h[j], 0);
    }
    memcpy(p->h, h, sizeof h);
    return sigmoid(logit);
}

/* ---- tests ---- */

static struct silero *open_ok(void)
{
    struct silero *s = NULL;
    CU_ASSERT_EQUAL_FATAL(silero_open(&s, in_folder("good.safetensors"), NULL), 0);
    return s;
}

/* Float sums of at most 387 products of size 1: some 1e-6; the rest is what the cell carries on. */
static void it_is_the_network_of_the_package(void)
{
    static float x[SILERO_BEFORE + N_BLOCKS * SILERO_BLOCK];
    struct silero *s = open_ok();
    struct plain p = {0};
    double low = 1, high = 0;
    noise_fill(x + SILERO_BEFORE, N_BLOCKS * SILERO_BLOCK);
    for (int i = 0; i < N_BLOCKS; i++) {
        double wanted = plain_step(&p, x + i * SILERO_BLOCK), p_now = (double)silero_step(s, x + i * SILERO_BLOCK);
        CU_ASSERT_DOUBLE_EQUAL(p_now, wanted, 2e-5);
        low = fmin(low, wanted);
        high = fmax(high, wanted);
    }
    CU_ASSERT(high - low > 0.02); /* what it hears matters */
    silero_close(s);
}

static void streams_do_not_meet(void)
{
    static float x[SILERO_BEFORE + N_BLOCKS * SILERO_BLOCK], alone[N_BLOCKS];
    struct silero *s = open_ok(), *other = open_ok();
    noise_fill(x + SILERO_BEFORE, N_BLOCKS * SILERO_BLOCK);
    for (int i = 0; i < N_BLOCKS; i++)
        alone[i] = silero_step(s, x + i * SILERO_BLOCK);
    CU_ASSERT(silero_step(s, x) != alone[0]);
    silero_reset(s);
    for (int i = 0; i < N_BLOCKS; i++) {
        silero_step(other, x + (N_BLOCKS - 1 - i) * SILERO_BLOCK);
        CU_ASSERT_EQUAL(silero_step(s, x + i * SILERO_BLOCK), alone[i]);
    }
    silero_close(s);
    silero_close(other);
}

/* With settings at which random weights find a start and an end now and then. */
static struct vad *open_detector(void)
{
    static const struct settings_table *const tables[] = {&vad_settings, NULL};
    struct settings settings;
    char key[200];
    struct vad *v = NULL;
    CU_ASSERT_EQUAL_FATAL(settings_open(&settings, tables, NULL), 0);
    snprintf(key, sizeof key, "vad.model=%s", in_folder("good.safetensors"));
    CU_ASSERT_EQUAL_FATAL(settings_set(&settings, key, NULL), 0);
    CU_ASSERT_EQUAL(settings_set(&settings, "vad.threshold=0.75", NULL), 0);
    CU_ASSERT_EQUAL(settings_set(&settings, "vad.hold_ms=64", NULL), 0);
    CU_ASSERT_EQUAL_FATAL(vad_open(&v, settings_of(&settings, &vad_settings), NULL), 0);
    settings_close(&settings);
    return v;
}

static size_t detect(struct vad *v, const float *x, size_t n, size_t piece, struct vad_change *changes)
{
    size_t n_changes = 0;
    for (size_t at = 0; at < n; at += piece)
        n_changes += vad_feed(v, x + at, n - at < piece ? n - at : piece, changes + n_changes);
    return n_changes + vad_finish(v, changes + n_changes);
}

static void pieces_do_not_matter(void)
{
    enum { N = 3 * SOUNDS_RATE + 77 };
    static float x[N];
    static struct vad_change whole[MAX_CHANGES], parts[MAX_CHANGES];
    static const size_t pieces[] = {1, 7, 160, 4000};
    struct vad *v = open_detector();
    for (size_t at = 0; at < N; at += SOUNDS_RATE / 2)
        sounds_noise(x + at, at + SOUNDS_RATE / 4 < N ? SOUNDS_RATE / 4 : N - at, 0.5f);
    size_t n = detect(v, x, N, N, whole);
    printf("%zu changes ... ", n);
    CU_ASSERT(n > 2);
    for (int i = 0; i < 4; i++) {
        vad_reset(v);
        CU_ASSERT_EQUAL_FATAL(detect(v, x, N, pieces[i], parts), n);
        for (size_t k = 0; k < n; k++)
            CU_ASSERT(parts[k].at == whole[k].at && parts[k].sound == whole[k].sound);
    }
    vad_close(v);
}

static void wrong_files_are_refused(void)
{
    struct silero *s = (void *)1;
    struct message msg;
    CU_ASSERT(silero_open(&s, in_folder("none.safetensors"), &msg) < 0);
    CU_ASSERT(says(&msg, "none.safetensors"));
    CU_ASSERT_EQUAL_FATAL(silero_write(in_folder("bad.safetensors"), values, "conv3.weight", NULL), 0);
    CU_ASSERT_EQUAL(silero_open(&s, in_folder("bad.safetensors"), &msg), LINNET_E_MODEL);
    CU_ASSERT(says(&msg, "conv3.weight") && says(&msg, "bad.safetensors"));
    CU_ASSERT_EQUAL_FATAL(silero_write(in_folder("bad.safetensors"), values, NULL, "lstm_cell.bias_hh"), 0);
    CU_ASSERT_EQUAL(silero_open(&s, in_folder("bad.safetensors"), &msg), LINNET_E_MODEL);
    CU_ASSERT(says(&msg, "lstm_cell.bias_hh"));
    CU_ASSERT_PTR_EQUAL(s, (void *)1);
}

static const struct unit_test tests[] = {
    {"it is the network of the package", it_is_the_network_of_the_package},
    {"streams do not meet", streams_do_not_meet},
    {"pieces do not matter", pieces_do_not_matter},
    {"wrong files are refused", wrong_files_are_refused},
};

static void make_weights(void)
{
    silero_values(values);
    CU_ASSERT_EQUAL_FATAL(silero_write(in_folder("good.safetensors"), values, NULL, NULL), 0);
}

int main(void)
{
    static struct unit_test all[1 + sizeof tests / sizeof tests[0]] = {{"weights are made", make_weights}};
    memcpy(all + 1, tests, sizeof tests);
    int rc = scratch_main("silero", all, sizeof all / sizeof all[0]);
    for (int i = 0; i < SILERO_TENSORS; i++)
        free(values[i]);
    return rc;
}
