/* SPDX-License-Identifier: Apache-2.0
 * test_wenet_wer.c - a real checkpoint on 300 real utterances: the tokens that WeNet's searches return.
 *
 * Two roundings of the same sums may order two hypotheses of nearly equal score differently: 2 of 300 may differ.  All
 * utterances go through attention_rescoring, which contains the prefix search; the other methods take every fifth, or
 * all with LINNET_TEST_ALL=1 in the environment.  LINNET_TEST_FEW=1, for sanitizers: every thirtieth. */
#include <string.h>

#include "linnet.h"
#include "tests/support/converted.h"
#include "tests/support/refs.h"

static linnet_stream *stream_open(linnet_model *model, const char *mode, const json_t *settings)
{
    char text[6][64], name[64], error[500] = "";
    const char *list[6];
    int chunk = -1, left = -1;
    if (strncmp(mode, "full.", 5) != 0)
        CU_ASSERT_EQUAL_FATAL(sscanf(mode, "chunk%d_left%d", &chunk, &left), 2);
    CU_ASSERT_EQUAL_FATAL(sscanf(strchr(mode, '.') + 1, "%63s", name), 1);
    snprintf(text[0], sizeof text[0], "decoder.name=%.40s", name);
    snprintf(text[1], sizeof text[1], "decoder.chunk=%d", chunk);
    snprintf(text[2], sizeof text[2], "decoder.left_chunks=%d", left);
    snprintf(text[3], sizeof text[3], "decoder.beam=%d", (int)json_integer_value(json_object_get(settings, "beam")));
    snprintf(text[4], sizeof text[4], "decoder.ctc_weight=%g",
             json_number_value(json_object_get(settings, "ctc_weight")));
    snprintf(text[5], sizeof text[5], "decoder.reverse_weight=%g",
             json_number_value(json_object_get(settings, "reverse_weight")));
    for (int i = 0; i < 6; i++)
        list[i] = text[i];
    struct linnet_stream_options options;
    linnet_stream_options_init(&options);
    options.settings = list;
    options.n_settings = 6;
    linnet_stream *stream = NULL;
    int rc = linnet_stream_open(model, &options, &stream, error, sizeof error);
    if (rc < 0)
        printf("%s: %s\n", mode, error);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    return stream;
}

/* 1 when the file gives these tokens. */
static int gives(linnet_stream *stream, const char *path, const json_t *wanted)
{
    linnet_event e;
    int rc, is_same = json_array_size(wanted) == 0;
    CU_ASSERT_EQUAL_FATAL(linnet_stream_reset(stream), 0);
    rc = linnet_stream_open_file(stream, path, NULL);
    while (rc >= 0 && (rc = linnet_stream_read(stream)) > 0)
        continue;
    if (rc < 0)
        printf("%s\n", linnet_stream_error(stream));
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_finish(stream), 0);
    while (linnet_stream_next(stream, &e) > 0)
        if (e.type == LINNET_EVENT_FINAL)
            is_same = refs_same(wanted, e.tokens, e.n_tokens);
    return is_same;
}

static void check(linnet_model *model, const char *mode, json_t *utterances, const json_t *settings)
{
    linnet_stream *stream = stream_open(model, mode, settings);
    const char *id;
    json_t *wanted;
    int n_all = 0, n = 0, n_same = 0;
    int step = getenv("LINNET_TEST_ALL") != NULL || strstr(mode, "attention_rescoring") != NULL ? 1 : 5;
    if (getenv("LINNET_TEST_FEW") != NULL)
        step = 30;
    json_object_foreach(utterances, id, wanted)
    {
        char path[4500];
        if (n_all++ % step != 0)
            continue;
        snprintf(path, sizeof path, "%s/data/speechocean762-dev/wav/%s.flac", unit_shared(), id);
        n++;
        n_same += gives(stream, path, wanted);
    }
    printf("\n    %s: %d of %d", mode, n_same, n);
    CU_ASSERT_EQUAL(n_all, 300);
    CU_ASSERT(n - n_same <= n / 150);
    linnet_stream_close(stream);
}

static void test_tokens(void)
{
    struct converted c;
    char path[4500], error[500] = "";
    linnet_model *model = NULL;
    const char *mode;
    json_t *utterances;
    struct linnet_model_options options;
    linnet_model_options_init(&options);
    options.n_threads = 1;
    options.precision = "fp32";
    CU_ASSERT_EQUAL_FATAL(converted_open(&c, "models/conformer-early"), 0);
    snprintf(path, sizeof path, "%s/models/conformer-early/expected_wer.json", unit_shared());
    json_t *root = json_load_file(path, 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(root);
    CU_ASSERT_EQUAL_FATAL(linnet_model_open(c.dir, &options, &model, error, sizeof error), 0);
    json_object_foreach(json_object_get(root, "tokens"), mode, utterances)
        check(model, mode, utterances, json_object_get(root, "settings"));
    linnet_model_close(model);
    json_decref(root);
    converted_close(&c);
}

static const struct unit_test tests[] = {{"tokens of 300 utterances, every method and mode", test_tokens}};

int main(void)
{
    char path[4500];
    snprintf(path, sizeof path, "%s/models/conformer-early/final.pt", unit_shared() != NULL ? unit_shared() : "");
    if (access(path, R_OK) != 0)
        return UNIT_SKIP;
    return unit_main("wenet_wer", tests, sizeof tests / sizeof tests[0]);
}
