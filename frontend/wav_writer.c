/* SPDX-License-Identifier: Apache-2.0
 * wav_writer.c - writes a recording as 16-bit WAV.
 *
 * Beyond 4 GB (37 hours at 16 kHz) the header becomes RF64, below it is plain WAV.  Samples are rounded here and not by
 * libsndfile, which would multiply by 32767 what its reader divides by 32768. */
#include "frontend/wav_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define BLOCK 1024

struct wav_writer {
    SNDFILE *sndfile;
    char *path, *part; /* the name to be, and the name until then */
};

static void free_all(struct wav_writer *w)
{
    mem_free(w->path);
    mem_free(w->part);
    mem_free(w);
}

int wav_writer_open(struct wav_writer **out, const char *path, int rate_hz, struct message *msg)
{
    struct wav_writer *w = mem_array(1, sizeof *w);
    if (w == NULL)
        return fail_memory(msg);
    size_t n = strlen(path) + 32;
    int rc = LINNET_OK;
    w->path = mem_string(path);
    w->part = mem_array(n, 1);
    if (w->path == NULL || w->part == NULL) {
        rc = fail_memory(msg);
        goto fail;
    }
    snprintf(w->part, n, "%s.%ld.part", path, (long)getpid());
    int fd = open(w->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        rc = fail(msg, LINNET_E_IO, "%s: %s", w->part, strerror(errno));
        goto fail;
    }
    SF_INFO info = {.samplerate = rate_hz, .channels = 1, .format = SF_FORMAT_RF64 | SF_FORMAT_PCM_16};
    w->sndfile = sf_open_fd(fd, SFM_WRITE, &info, 1);
    if (w->sndfile == NULL) {
        rc = fail(msg, LINNET_E_IO, "%s: %s", w->part, sf_strerror(NULL));
        unlink(w->part);
        goto fail;
    }
    sf_command(w->sndfile, SFC_RF64_AUTO_DOWNGRADE, NULL, SF_TRUE);
    *out = w;
    return LINNET_OK;
fail:
    free_all(w);
    return rc;
}

static short to_short(float sample)
{
    float scaled = sample * 32768.0f;
    if (!(scaled < 32767.0f)) /* NaN too */
        return scaled != scaled ? 0 : 32767;
    return scaled <= -32768.0f ? -32768 : (short)lrintf(scaled);
}

int wav_writer_write(struct wav_writer *w, const float *samples, size_t n, struct message *msg)
{
    short block[BLOCK];
    while (n > 0) {
        size_t n_now = n < BLOCK ? n : BLOCK;
        for (size_t i = 0; i < n_now; i++)
            block[i] = to_short(samples[i]);
        if (sf_writef_short(w->sndfile, block, (sf_count_t)n_now) != (sf_count_t)n_now)
            return fail(msg, LINNET_E_IO, "%s: %s", w->part, sf_strerror(w->sndfile));
        samples += n_now;
        n -= n_now;
    }
    return LINNET_OK;
}

int wav_writer_close(struct wav_writer *w, struct message *msg)
{
    int rc = LINNET_OK;
    if (sf_close(w->sndfile) != 0)
        rc = fail(msg, LINNET_E_IO, "%s: cannot be completed", w->part);
    else if (rename(w->part, w->path) != 0)
        rc = fail(msg, LINNET_E_IO, "%s: %s", w->path, strerror(errno));
    if (rc < 0)
        unlink(w->part);
    free_all(w);
    return rc;
}

void wav_writer_discard(struct wav_writer *w)
{
    if (w == NULL)
        return;
    sf_close(w->sndfile);
    unlink(w->part);
    free_all(w);
}
