/* SPDX-License-Identifier: Apache-2.0
 * test_end.c - the event that ends a stream is the same from every decoder: at the end of the audio that was fed, with
 * the language of the last event that had one. */
#include "linnet.h"
#include "tests/support/converted.h"
#include "tests/support/tiny_whisper.h"
#include "tests/support/unit.h"

static const struct way {
    int streaming;
    const char *settings[3];
} whisper_ways[] = {{0, {"decoder.name=whisper", "language=fr", "decoder.max_tokens=5"}},
                    {1, {"decoder.name=alignatt", "language=fr", "decoder.max_tokens=5"}},
                    {1, {"decoder.name=simul_whisper", "language=fr", "decoder.max_tokens=5"}}},
  wenet_ways[] = {{0, {"decoder.name=ctc_greedy", "decoder.nbest=2", "threads=1"}},
                  {0, {"decoder.name=ctc_prefix_beam", "decoder.clip=0.2,1,1.5,2", "threads=1"}},
                  {0, {"decoder.name=attention", "decoder.max_tokens=5", "threads=1"}},
                  {0, {"decoder.name=attention_rescoring", "decoder.nbest=1", "threads=1"}},
                  {0, {"decoder.name=segmental", "decoder.nbest=1", "threads=1"}},
                  {1, {"decoder.name=ctc_greedy", "vad.gate=true", "decoder.chunk=4"}},
                  {1, {"decoder.name=ctc_prefix_beam", "vad.gate=false", "decoder.chunk=4"}},
                  {1, {"decoder.name=attention_rescoring", "vad.gate=true", "decoder.clip=1,2"}}};

enum { LENGTH = 50000 };
static float *sound; /* [LENGTH] */

static linnet_stream *open_way(linnet_model *m, const struct way *way, int rate_hz)
{
    struct linnet_stream_options o;
    linnet_stream *s = NULL;
    char error[300] = "";
    linnet_stream_options_init(&o);
    o.settings = way->settings;
    o.n_settings = 3;
    o.streaming = way->streaming;
    o.sample_rate_hz = rate_hz;
    if (linnet_stream_open(m, &o, &s, error, sizeof error) < 0)
        printf("%s\n", error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    return s;
}

/* Feeds n samples in pieces, and takes all events: the last one is the end. */
static void ends(linnet_stream *s, int n, int piece, int rate_hz)
{
    linnet_event e;
    char language[16] = "";
    int n_end = 0;
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    for (int at = 0; at < n; at += piece)
        CU_ASSERT_EQUAL(linnet_stream_feed(s, sound + at, (size_t)(n - at < piece ? n - at : piece)), 0);
    CU_ASSERT_EQUAL(linnet_stream_finish(s), 0);
    while (linnet_stream_next(s, &e) > 0) { /* its texts live until the next call */
        CU_ASSERT_EQUAL(n_end, 0);
        if (e.type == LINNET_EVENT_END) {
            n_end++;
            CU_ASSERT_EQUAL(e.start_s, (double)n / rate_hz);
            CU_ASSERT_EQUAL(e.end_s, (double)n / rate_hz);
            CU_ASSERT_STRING_EQUAL(e.text, "");
            CU_ASSERT_STRING_EQUAL(e.language, language);
        } else {
            snprintf(language, sizeof language, "%s", e.language);
        }
    }
    CU_ASSERT_EQUAL(n_end, 1);
}

/* At the decoders' own rate and at those of which resampling makes a whole number of samples and must round. */
static void check(const char *dir, const struct way *ways, size_t n_ways)
{
    static const int rates_hz[] = {16000, 8000, 11025, 44100};
    linnet_model *m = NULL;
    CU_ASSERT_EQUAL_FATAL(linnet_model_open(dir, NULL, &m, NULL, 0), 0);
    for (size_t i = 0; i < n_ways; i++)
        for (size_t k = 0; k < sizeof rates_hz / sizeof rates_hz[0]; k++) {
            linnet_stream *s = open_way(m, &ways[i], rates_hz[k]);
            ends(s, LENGTH - 77, 5000, rates_hz[k]);
            ends(s, LENGTH, LENGTH, rates_hz[k]);
            ends(s, 1, 1, rates_hz[k]);
            ends(s, 0, 1, rates_hz[k]);
            linnet_stream_close(s);
        }
    linnet_model_close(m);
}

static void whisper(void)
{
    static const struct tiny_whisper plain = {0};
    char *dir = tiny_folder();
    CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
    CU_ASSERT_EQUAL_FATAL(tiny_whisper_write(dir, &plain), 0);
    check(dir, whisper_ways, sizeof whisper_ways / sizeof whisper_ways[0]);
    tiny_remove(dir);
    free(dir);
}

static void wenet(void)
{
    struct converted c;
    if (converted_open(&c, "refs/wenet-u2pp") < 0)
        return;
    check(c.dir, wenet_ways, sizeof wenet_ways / sizeof wenet_ways[0]);
    converted_close(&c);
}

static const struct unit_test tests[] = {{"Whisper's decoders", whisper}, {"WeNet's decoders", wenet}};

int main(void)
{
    sound = tiny_sound(LENGTH, 3);
    int code = sound != NULL ? unit_main("end", tests, sizeof tests / sizeof tests[0]) : 99;
    free(sound);
    return code == 0 && unit_shared() == NULL ? UNIT_SKIP : code; /* half of it was not tried */
}
