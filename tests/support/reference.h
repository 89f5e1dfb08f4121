/* SPDX-License-Identifier: Apache-2.0
 * reference.h - reads what tests compare with: text vectors, one tensor of a safetensors file, 16-bit WAV files.
 *
 * Written apart from the program's own readers on purpose.  Everything here trusts its files: they are the tests'. */
#ifndef LINNET_TESTS_SUPPORT_REFERENCE_H
#define LINNET_TESTS_SUPPORT_REFERENCE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reference {
    float *data;
    size_t n_rows, n_columns;
};

static inline FILE *reference_file(const char *folder, const char *name)
{
    char path[4352];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return fopen(path, "rb");
}

/* A file of tests/vectors. */
static inline FILE *reference_vector(const char *name)
{
    const char *top = getenv("top_srcdir");
    char folder[4096];
    snprintf(folder, sizeof folder, "%s/tests/vectors", top != NULL ? top : ".");
    return reference_file(folder, name);
}

/* "rows columns" and the values. */
static inline struct reference reference_text(const char *name)
{
    struct reference r = {0};
    FILE *f = reference_vector(name);
    if (f == NULL)
        return r;
    if (fscanf(f, "%zu %zu", &r.n_rows, &r.n_columns) == 2) {
        r.data = calloc(r.n_rows * r.n_columns, sizeof *r.data);
        for (size_t i = 0; i < r.n_rows * r.n_columns; i++)
            if (fscanf(f, "%f", &r.data[i]) != 1)
                abort();
    }
    fclose(f);
    return r;
}

/* A matrix of 32-bit floats from a safetensors file. */
static inline struct reference reference_tensor(const char *folder, const char *file, const char *tensor)
{
    struct reference r = {0};
    FILE *f = reference_file(folder, file);
    uint64_t n = 0;
    if (f == NULL)
        return r;
    char *header = fread(&n, 8, 1, f) == 1 ? calloc(n + 1, 1) : NULL;
    char key[256];
    snprintf(key, sizeof key, "\"%s\":{", tensor);
    size_t begin = 0, end = 0;
    if (header != NULL && fread(header, n, 1, f) == 1) {
        const char *at = strstr(header, key), *shape = at ? strstr(at, "\"shape\":[") : NULL,
                   *offsets = at ? strstr(at, "\"data_offsets\":[") : NULL;
        if (shape != NULL && offsets != NULL && sscanf(shape + 9, "%zu,%zu", &r.n_rows, &r.n_columns) == 2 &&
            sscanf(offsets + 16, "%zu,%zu", &begin, &end) == 2 && fseek(f, (long)(8 + n + begin), SEEK_SET) == 0) {
            r.data = calloc(end - begin, 1);
            if (fread(r.data, end - begin, 1, f) != 1)
                abort();
        }
    }
    free(header);
    fclose(f);
    return r;
}

/* The samples of a plain 16-bit mono WAV file, n_rows of them, in [-1, 1). */
static inline struct reference reference_wav(const char *folder, const char *file)
{
    struct reference r = {.n_columns = 1};
    FILE *f = reference_file(folder, file);
    if (f == NULL)
        return r;
    static int16_t pcm[1 << 20];
    char chunk[8];
    uint32_t size = 0;
    fseek(f, 12, SEEK_SET);
    while (fread(chunk, 8, 1, f) == 1 && memcpy(&size, chunk + 4, 4) && memcmp(chunk, "data", 4) != 0)
        fseek(f, (long)size, SEEK_CUR);
    r.n_rows = fread(pcm, 2, size / 2 < sizeof pcm / 2 ? size / 2 : sizeof pcm / 2, f);
    r.data = calloc(r.n_rows + 1, sizeof *r.data);
    for (size_t i = 0; i < r.n_rows; i++)
        r.data[i] = (float)pcm[i] / 32768.0f;
    fclose(f);
    return r;
}

#endif
