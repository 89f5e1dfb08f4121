/* SPDX-License-Identifier: Apache-2.0
 * tiny_stream.h - streams of the tiny Whisper model, two sounds to feed them, and a main that opens all that. */
#ifndef LINNET_TESTS_SUPPORT_TINY_STREAM_H
#define LINNET_TESTS_SUPPORT_TINY_STREAM_H

#include "linnet.h"
#include "tests/support/event_dump.h"
#include "tests/support/tiny_whisper.h"
#include "tests/support/unit.h"

enum { SHORT = 3 * 16000 + 77, LONG = 37 * 16000 + 5 };

static char *folder;
static linnet_model *model;
static float *sound, *other; /* [LONG] */

/* Short, so that the tests are quick; deterministic but for sampling. */
static const char *const quick[] = {"language=en", "decoder.temperature=0", "decoder.max_tokens=40"};

static inline linnet_stream *open_as(linnet_model *m, const char *const *settings, size_t n, int streaming)
{
    struct linnet_stream_options o;
    linnet_stream *s = NULL;
    char error[300] = "";
    linnet_stream_options_init(&o);
    o.settings = settings;
    o.n_settings = n;
    o.streaming = streaming;
    if (linnet_stream_open(m, &o, &s, error, sizeof error) < 0)
        printf("%s\n", error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    return s;
}

static inline linnet_stream *open_stream(linnet_model *m, const char *const *settings, size_t n)
{
    return open_as(m, settings, n, 0);
}

static inline linnet_stream *open_quick(linnet_model *m) { return open_stream(m, quick, sizeof quick / sizeof *quick); }

static inline struct buffer run_fresh(linnet_model *m, const float *samples, size_t n, size_t piece)
{
    struct buffer out = {0};
    linnet_stream *s = open_quick(m);
    CU_ASSERT_EQUAL(event_dump_run(&out, s, samples, n, piece), 0);
    linnet_stream_close(s);
    return out;
}

static inline void same_text(struct buffer *a, struct buffer *b)
{
    CU_ASSERT_STRING_EQUAL(buffer_text(a), buffer_text(b));
    buffer_free(b);
}

#ifndef TINY_PRECISION
#define TINY_PRECISION "auto"
#endif

static inline int tiny_stream_main(const char *suite, const struct unit_test *tests, size_t n)
{
    static const struct tiny_whisper plain = {0};
    struct linnet_model_options o;
    linnet_model_options_init(&o);
    o.precision = TINY_PRECISION;
    folder = tiny_folder();
    sound = tiny_sound(LONG, 3);
    other = tiny_sound(LONG, 5);
    if (folder == NULL || sound == NULL || other == NULL || tiny_whisper_write(folder, &plain) < 0 ||
        linnet_model_open(folder, &o, &model, NULL, 0) < 0)
        return 99;
    int code = unit_main(suite, tests, n);
    linnet_model_close(model);
    tiny_remove(folder);
    free(folder);
    free(sound);
    free(other);
    return code;
}

#define TINY_STREAM_MAIN(suite, tests)                                                                                 \
    int main(void) { return tiny_stream_main(suite, tests, sizeof tests / sizeof tests[0]); }

#endif
