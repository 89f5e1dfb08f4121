/* SPDX-License-Identifier: Apache-2.0
 * test_simul_whisper.c - the truncation head by hand, and what Simul-Whisper emitted chunk by chunk. Skipped where
 * Whisper base is not in the model cache. */
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "convert/convert.h"
#include "decoders/alignatt/head.h"
#include "tests/support/whisper_base.h"

static char head_dir[64];

/* D = 1 with weight 1: the state is the logit of the amount.  The last frame's amount is not added up. */
static void head_fires_where_a_word_ends(void)
{
    static const float halves[] = {0, 0, 0, 0}, reaches[] = {0, -0.405465f, -0.847298f, 1.386294f};
    static const float early[] = {-8, 0, -8, 0, 0, 0}, never[] = {0, 0, 0, 0, -8, -8};
    const struct nn_kernels *k = kernels_pick();
    float one = 1, amounts[6];
    /* .5 1 1.5: the first word is full at frame 1, and the end is frame 2 */
    CU_ASSERT_EQUAL(alignatt_head_fires(k, &one, 0, halves, 4, 1, amounts), 0);
    /* .5 .9 1.2: full at frame 2 */
    CU_ASSERT_EQUAL(alignatt_head_fires(k, &one, 0, reaches, 4, 1, amounts), 1);
    /* 0 .5 .5 1 1.5: full at frame 3 of 4 */
    CU_ASSERT_EQUAL(alignatt_head_fires(k, &one, 0, early, 6, 1, amounts), 0);
    /* just below two words all along the end */
    CU_ASSERT_EQUAL(alignatt_head_fires(k, &one, 0, never, 6, 1, amounts), 0);
    CU_ASSERT_EQUAL(alignatt_head_fires(k, &one, 0, never, 1, 1, amounts), 0);
}

static int same_tokens(const json_t *want, const linnet_event *e)
{
    int same = json_array_size(want) == (size_t)e->n_tokens;
    for (int i = 0; same && i < e->n_tokens; i++)
        same = json_integer_value(json_array_get(want, (size_t)i)) == e->tokens[i];
    return same;
}

/* Feeds one recording; 1 when every chunk gives the tokens that Simul-Whisper gave. */
static int equals_simul_whisper(linnet_stream *s, const char *name)
{
    char path[4400];
    size_t n, i;
    float *samples = read_recording(REFERENCES, name, &n);
    snprintf(path, sizeof path, "%s/" REFERENCES "/%s.json", unit_shared(), name);
    json_t *root = json_load_file(path, 0, NULL), *chunks = json_object_get(root, "chunks"), *chunk;
    CU_ASSERT_FATAL(json_array_size(chunks) > 0);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_feed(s, samples, n), 0);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_finish(s), 0);
    int same = 1;
    linnet_event e;
    json_array_foreach(chunks, i, chunk)
    {
        const json_t *want = json_object_get(chunk, "tokens");
        if (json_array_size(want) == 0)
            continue;
        same = same && linnet_stream_next(s, &e) > 0 && e.type == LINNET_EVENT_FINAL && same_tokens(want, &e) &&
               (int)(e.start_s / 0.999) == (int)i;
    }
    same = same && linnet_stream_next(s, &e) > 0 && e.type == LINNET_EVENT_END;
    CU_ASSERT_EQUAL_FATAL(linnet_stream_reset(s), 0);
    json_decref(root);
    mem_free(samples);
    return same;
}

static void chunks_equal_simul_whispers(void)
{
    char head[100];
    int n_same = 0;
    snprintf(head, sizeof head, "decoder.head=%s", head_dir);
    const char *const settings[] = {"decoder.name=simul_whisper", "language=en", head};
    linnet_stream *s = open_stream(settings, 3);
    for (int i = 0; i < N_RECORDINGS; i++) {
        int same = equals_simul_whisper(s, recordings[i]);
        if (!same)
            printf("%s differs\n", recordings[i]);
        n_same += same;
    }
    linnet_stream_close(s);
    CU_ASSERT(n_same >= 7);
}

static const struct unit_test tests[] = {
    {"the truncation head fires where a word ends", head_fires_where_a_word_ends},
    {"chunks equal Simul-Whisper's", chunks_equal_simul_whispers},
};

/* The published head beside a link to the model that it belongs to. */
static int open_head(void)
{
    char from[4500], to[200], source[4500];
    const struct convert_options options = {.matrix_type = N_DTYPES};
    const char *kind;
    struct message msg = {""};
    snprintf(head_dir, sizeof head_dir, "/tmp/linnet-test-XXXXXX");
    if (mkdtemp(head_dir) == NULL)
        return -1;
    snprintf(from, sizeof from, "%s/model.safetensors", model_dir);
    snprintf(to, sizeof to, "%s/model.safetensors", head_dir);
    snprintf(source, sizeof source, "%s/models/simul-whisper-base-head/base.pt", unit_shared());
    int rc = symlink(from, to) == 0 ? convert(source, head_dir, &options, &kind, &msg) : -1;
    if (rc < 0)
        printf("%s: %s\n", source, msg.text);
    return rc;
}

static void close_head(void)
{
    static const char *const files[] = {"model.safetensors", "truncation_head.safetensors"};
    char path[200];
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", head_dir, files[i]);
        unlink(path);
    }
    rmdir(head_dir);
}

int main(void)
{
    int code = whisper_base_open();
    if (code != 0)
        return code;
    code = open_head() < 0 ? 99 : unit_main("simul-whisper", tests, sizeof tests / sizeof tests[0]);
    close_head();
    linnet_model_close(model);
    return code;
}
