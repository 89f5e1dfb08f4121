/* SPDX-License-Identifier: Apache-2.0
 * recording.h - opens recordings of a test, also through a pipe, and reads them. */
#ifndef LINNET_TESTS_SUPPORT_RECORDING_H
#define LINNET_TESTS_SUPPORT_RECORDING_H

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "frontend/audio_file.h"
#include "tests/support/unit.h"

static inline struct audio_file *open_ok(const char *path, const char *raw, int rate_hz)
{
    struct message msg = {0};
    struct audio_file *f = NULL;
    int rc = audio_file_open(&f, path, raw, rate_hz, &msg);
    if (rc < 0)
        printf("%s ... ", msg.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    return f;
}

/* Reads to the end in reads of `size`; returns the count, the last status in *status. */
static inline long read_all(struct audio_file *f, float *samples, size_t size, long *status, struct message *msg)
{
    long n = 0;
    while ((*status = audio_file_read(f, samples + n, size, msg)) > 0)
        n += *status;
    return n;
}

/* The file itself, `size` bytes of it at most. */
static inline size_t recording_bytes(const char *path, void *bytes, size_t size)
{
    FILE *f = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    size_t n = fread(bytes, 1, size, f);
    fclose(f);
    return n;
}

/* A file that is written into a pipe. */
struct pump {
    const char *file;
    int to, from;
    char path[64]; /* of the end that is read */
    pthread_t thread;
};

static inline void *pump_run(void *arg)
{
    struct pump *p = arg;
    char data[1000];
    FILE *f = fopen(p->file, "rb");
    for (size_t n; f != NULL && (n = fread(data, 1, sizeof data, f)) > 0;)
        if (write(p->to, data, n) != (ssize_t)n)
            break;
    if (f != NULL)
        fclose(f);
    close(p->to);
    return NULL;
}

/* Opens p->path as a recording, fed by the file. */
static inline struct audio_file *pump_open(struct pump *p, const char *file, const char *raw, int rate_hz)
{
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    *p = (struct pump){.file = file, .to = ends[1], .from = ends[0]};
    snprintf(p->path, sizeof p->path, "/dev/fd/%d", p->from);
    pthread_create(&p->thread, NULL, pump_run, p);
    struct audio_file *f = open_ok(p->path, raw, rate_hz);
    close(p->from);
    return f;
}

/* Closes the recording, which was read to its end. */
static inline void pump_close(struct pump *p, struct audio_file *f)
{
    audio_file_close(f);
    pthread_join(p->thread, NULL);
}

#endif
