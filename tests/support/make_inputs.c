/* SPDX-License-Identifier: Apache-2.0
 * make_inputs.c - writes what the tests in shell give to the program: make_inputs FOLDER puts there
 *
 *     model/      a tiny random Whisper model
 *     a.wav, b.wav  3 s of sound, 16 bits; long.wav, 33 s of it
 *     a.s16       the samples of a.wav without a header
 *     nan.wav     32-bit floats, one of which is no number
 *     empty.wav   no samples
 *     deep/       a config.json that is nested too deep; unknown/, one of another kind of model */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "frontend/wav_writer.h"
#include "tests/support/tiny_whisper.h"

static char path[4200];
static const char *folder;

static const char *in(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void check(int ok)
{
    if (!ok) {
        fprintf(stderr, "make_inputs: %s: cannot be written\n", path);
        exit(99);
    }
}

static void sound(const char *name, size_t n, uint64_t seed)
{
    struct wav_writer *w = NULL;
    float *x = tiny_sound(n, seed);
    check(x != NULL && wav_writer_open(&w, in(name), 16000, NULL) >= 0);
    check(wav_writer_write(w, x, n, NULL) >= 0 && wav_writer_close(w, NULL) >= 0);
    free(x);
}

static void bare(const char *name, size_t n, uint64_t seed)
{
    FILE *f = fopen(in(name), "wb");
    float *x = tiny_sound(n, seed);
    check(f != NULL && x != NULL);
    for (size_t i = 0; i < n; i++) {
        long v = lrintf(x[i] * 32768.0f);
        fputc((int)(v & 255), f);
        fputc((int)(v >> 8 & 255), f);
    }
    check(fclose(f) == 0);
    free(x);
}

static void put32(FILE *f, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        fputc((int)(v >> (8 * i) & 255), f);
}

/* 1 s of 32-bit floats with a NaN in the middle. */
static void not_a_number(const char *name)
{
    FILE *f = fopen(in(name), "wb");
    check(f != NULL);
    fwrite("RIFF", 1, 4, f);
    put32(f, 36 + 64000);
    fwrite("WAVEfmt ", 1, 8, f);
    put32(f, 16);
    put32(f, 3 | 1 << 16); /* IEEE float, one channel */
    put32(f, 16000);
    put32(f, 64000);
    put32(f, 4 | 32 << 16);
    fwrite("data", 1, 4, f);
    put32(f, 64000);
    for (int i = 0; i < 16000; i++)
        put32(f, i == 8000 ? 0x7fc00000u : 0x3d000000u);
    check(fclose(f) == 0);
}

static void config(const char *name, const char *text, int times)
{
    char file[310];
    mkdir(in(name), 0777);
    snprintf(file, sizeof file, "%s/config.json", name);
    FILE *f = fopen(in(file), "w");
    check(f != NULL);
    for (int i = 0; i < times; i++)
        fputs(text, f);
    check(fclose(f) == 0);
}

int main(int argc, char **argv)
{
    static const struct tiny_whisper plain = {0};
    if (argc != 2)
        return 2;
    folder = argv[1];
    check(tiny_whisper_write(in("model"), &plain) >= 0);
    sound("a.wav", 3 * 16000, 1);
    sound("b.wav", 3 * 16000, 2);
    sound("long.wav", 33 * 16000, 3);
    sound("empty.wav", 0, 1);
    bare("a.s16", 3 * 16000, 1);
    not_a_number("nan.wav");
    config("deep", "{\"a\":[", 100000);
    config("unknown", "{\"model_type\": \"parrot\"}", 1);
    return 0;
}
