/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "base/recipe.h"
#include "tests/support/unit.h"

static struct message msg;

/* Reads the text as a recipe file. */
static int read_text(struct recipe *r, const char *text)
{
    char path[] = "/tmp/linnet-recipe-XXXXXX";
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    close(fd);
    FILE *f = fopen(path, "w"); /* not file_write: that waits for the disk */
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
    msg.text[0] = '\0';
    int rc = recipe_read(r, path, &msg);
    unlink(path);
    return rc;
}

static void defaults_are_valid_and_in_range(void)
{
    struct recipe r;
    CU_ASSERT_EQUAL_FATAL(recipe_open(&r, &msg), 0);
    CU_ASSERT_STRING_EQUAL(r.language, "auto");
    CU_ASSERT_EQUAL(r.decoder_temperature.n, 6);
    CU_ASSERT_EQUAL(r.decoder_temperature.at[5], 1.0);
    CU_ASSERT_EQUAL(r.decoder_suppress_tokens.n, 1);
    CU_ASSERT_EQUAL(r.decoder_clip.n, 0);
    CU_ASSERT_EQUAL(r.decoder_condition_on_previous, 1);
    CU_ASSERT_EQUAL(r.endpoint_rule2_silence_ms, 1000);
    struct buffer b = {0};
    CU_ASSERT_EQUAL(recipe_write(&r, 0, &b), 0);
    CU_ASSERT_EQUAL(b.n, 0);
    buffer_free(&b);
    recipe_close(&r);
    for (int i = 0; recipe_key_at(i) != NULL; i++)
        for (int j = 0; j < i; j++)
            CU_ASSERT_STRING_NOT_EQUAL(recipe_key_at(i)->key, recipe_key_at(j)->key);
}

static void later_settings_win(void)
{
    struct recipe r;
    CU_ASSERT_EQUAL_FATAL(recipe_open(&r, &msg), 0);
    CU_ASSERT_EQUAL(read_text(&r, "# a comment\n"
                                  "model: whisper-base\n"
                                  "decoder:\n"
                                  "  name: whisper\n"
                                  "  beam: 5\n"
                                  "  temperature: [0, 0.5]\n"
                                  "  word_times: yes\n"
                                  "  initial_prompt: 'a: \"b\"'\n"
                                  "endpoint.rule2_silence_ms: 300\n"
                                  "language: ~\n"),
                    0);
    CU_ASSERT_STRING_EQUAL(msg.text, "");
    CU_ASSERT_STRING_EQUAL(r.model, "whisper-base");
    CU_ASSERT_STRING_EQUAL(r.decoder_name, "whisper");
    CU_ASSERT_EQUAL(r.decoder_beam, 5);
    CU_ASSERT_EQUAL(r.decoder_temperature.n, 2);
    CU_ASSERT_EQUAL(r.decoder_temperature.at[1], 0.5);
    CU_ASSERT_EQUAL(r.decoder_word_times, 1);
    CU_ASSERT_STRING_EQUAL(r.decoder_initial_prompt, "a: \"b\"");
    CU_ASSERT_EQUAL(r.endpoint_rule2_silence_ms, 300);
    CU_ASSERT_STRING_EQUAL(r.language, "");
    CU_ASSERT_EQUAL(recipe_set(&r, "decoder.beam=7", &msg), 0);
    CU_ASSERT_EQUAL(recipe_set(&r, "decoder.prefix=x=y", &msg), 0);
    CU_ASSERT_EQUAL(recipe_set(&r, "decoder.temperature=", &msg), 0);
    CU_ASSERT_EQUAL(r.decoder_beam, 7);
    CU_ASSERT_STRING_EQUAL(r.decoder_prefix, "x=y");
    CU_ASSERT_EQUAL(r.decoder_temperature.n, 0);
    recipe_close(&r);
}

static void what_is_written_is_read_back(void)
{
    static const char *const settings[] = {"language=de", "decoder.temperature=0.1 0.3", "decoder.patience=0.1",
                                           "decoder.prefix=quote \" back \\ line \n tab \t é: ~ #",
                                           "vad.threshold_db=1e-3"};
    struct recipe a, b;
    CU_ASSERT_EQUAL_FATAL(recipe_open(&a, &msg), 0);
    CU_ASSERT_EQUAL_FATAL(recipe_open(&b, &msg), 0);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        CU_ASSERT_EQUAL(recipe_set(&a, settings[i], &msg), 0);
    for (int all = 0; all < 2; all++) {
        struct buffer first = {0}, second = {0};
        CU_ASSERT_EQUAL(recipe_write(&a, all, &first), 0);
        CU_ASSERT_EQUAL(read_text(&b, first.data), 0);
        CU_ASSERT_STRING_EQUAL(msg.text, "");
        CU_ASSERT_EQUAL(recipe_write(&b, all, &second), 0);
        CU_ASSERT_STRING_EQUAL(buffer_text(&first), buffer_text(&second));
        buffer_free(&first);
        buffer_free(&second);
    }
    CU_ASSERT_STRING_EQUAL(b.decoder_prefix, a.decoder_prefix);
    CU_ASSERT_EQUAL(b.decoder_patience, 0.1);
    recipe_close(&a);
    recipe_close(&b);
}

static void mistakes_are_named(void)
{
    static const struct {
        const char *text, *reason;
    } files[] = {
        {"decoder:\n  bean: 5\n", "unknown setting 'decoder.bean'; did you mean 'decoder.beam'?"},
        {"decoder:\n  beam: 5.5\n", "not a whole number from 0 to 1000"},
        {"\ndecoder.beam: -1\n", ":2: decoder.beam: '-1' is not"},
        {"decoder: {name: wisper}\n", "not one of auto|ctc_greedy"},
        {"decoder: 5\n", "unknown setting 'decoder'"},
        {"decoder: {a: {b: {c: {d: {e: {f: 1}}}}}}\n", "not a value"},
        {"- a\n", "a recipe is a map"},
        {"text\n", "a recipe is a map"},
        {"a: &x 1\nb: *x\n", "unknown setting 'a'"},
        {"model: *x\n", "not a value"},
        {"model: [a, [b]]\n", "a list holds only"},
        {"model: a\n---\nmodel: b\n", "more than one document"},
        {"model: 'a\n", "unexpected end"},
        {"decoder.temperature: [0, x]\n", "decoder.temperature: 'x'"},
        {"decoder.word_times: 2\n", "neither true nor false"},
        {"? {a: b}\n: c\n", "expected the name"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct recipe r;
        CU_ASSERT_EQUAL_FATAL(recipe_open(&r, &msg), 0);
        CU_ASSERT(read_text(&r, files[i].text) < 0);
        CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, files[i].reason));
        if (strstr(msg.text, files[i].reason) == NULL)
            printf("\n    %s -> %s\n", files[i].text, msg.text);
        recipe_close(&r);
    }
    struct recipe r;
    CU_ASSERT_EQUAL_FATAL(recipe_open(&r, &msg), 0);
    CU_ASSERT_EQUAL(recipe_set(&r, "decoder.beam", &msg), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(recipe_set(&r, "=1", &msg), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(recipe_set(&r, "decoder.beam=", &msg), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(r.decoder_beam, 0);
    CU_ASSERT_EQUAL(recipe_read(&r, "/nonexistent/recipe.yaml", &msg), LINNET_E_IO);
    CU_ASSERT_EQUAL(read_text(&r, ""), 0); /* empty: nothing changed */
    recipe_close(&r);
}

/* Whatever is done to a recipe, reading it ends, and an error has a reason. */
static void changed_bytes_do_no_harm(void)
{
    static const char good[] =
        "model: 'a b'\ndecoder:\n  beam: 5\n  temperature: [0, 0.5]\n  word_times: yes\nvad: {pad_ms: 1}\n";
    static const char marks[] = "{}[]:,&*!|>'\"%@`#-? \n\t\xFF";
    unsigned state = 1;
    for (int round = 0; round < 3000; round++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (int i = 0; i <= round % 4; i++) {
            state = state * 1103515245 + 12345;
            text[(state >> 8) % (sizeof good - 1)] = marks[(state >> 20) % (sizeof marks - 1)];
        }
        struct recipe r;
        CU_ASSERT_EQUAL_FATAL(recipe_open(&r, &msg), 0);
        CU_ASSERT_EQUAL(read_text(&r, text) < 0, msg.text[0] != '\0');
        recipe_close(&r);
    }
}

static const struct unit_test tests[] = {
    {"defaults are valid and in range", defaults_are_valid_and_in_range},
    {"later settings win", later_settings_win},
    {"what is written is read back", what_is_written_is_read_back},
    {"mistakes are named", mistakes_are_named},
    {"changed bytes do no harm", changed_bytes_do_no_harm},
};

UNIT_MAIN("recipe", tests)
