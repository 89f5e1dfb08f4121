/* SPDX-License-Identifier: Apache-2.0
 * make_noises.c - make_noises FOLDER SECONDS writes there, as NAME.wav, each of the sounds of noises.h, so long. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "frontend/wav_writer.h"
#include "tests/support/noises.h"

static int write_noise(const char *folder, const struct noises *noise, size_t n)
{
    struct wav_writer *w;
    char path[4200];
    float *x = mem_array(n, sizeof *x);
    if (x == NULL)
        return -1;
    noise->add(x, n);
    snprintf(path, sizeof path, "%.4000s/%s.wav", folder, noise->name);
    int rc = wav_writer_open(&w, path, SOUNDS_RATE, NULL);
    if (rc >= 0 && (rc = wav_writer_write(w, x, n, NULL)) >= 0)
        rc = wav_writer_close(w, NULL);
    mem_free(x);
    if (rc < 0)
        fprintf(stderr, "make_noises: %s: cannot be written\n", path);
    return rc;
}

int main(int argc, char **argv)
{
    int rc = 0;
    if (argc != 3)
        return 2;
    for (int i = 0; i < N_NOISES && rc >= 0; i++)
        rc = write_noise(argv[1], &noises[i], (size_t)(atof(argv[2]) * SOUNDS_RATE));
    return rc < 0 ? 99 : 0;
}
