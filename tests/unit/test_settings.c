/* SPDX-License-Identifier: Apache-2.0
 * Settings: tables of one's own, and those of all decoders in recipes and "key=value" texts. */
#include <string.h>
#include <unistd.h>

#include "base/settings.h"
#include "decoders/common/endpoint.h"
#include "decoders/whisper_common/options.h"
#include "models/model.h"
#include "tests/support/unit.h"

static struct message msg;

/* Reads the text as a recipe file. */
static int read_text(struct settings *s, const char *text)
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
    int rc = settings_read(s, path, &msg);
    unlink(path);
    return rc;
}

/* ---- tables of one's own ---- */

#define SHAPES(X) X(SHAPE_ROUND, "round") X(SHAPE_FLAT, "flat") X(SHAPE_LONG, "long")
enum shape { SHAPES(SETTING_ENUM) };

struct thing {
    int unset; /* no setting */
    enum shape shape;
    double size;
    char *label;
};
struct other {
    int n;
    struct settings_list list;
};

static const struct setting thing_lines[] = {
    {"a.shape", SETTING_CHOICE, offsetof(struct thing, shape), "flat", 0, 0, SETTING_CHOICES(SHAPES), "shape"},
    {"b.size", SETTING_NUMBER, offsetof(struct thing, size), "0.1", 0, 1, NULL, "size"},
    {"label", SETTING_TEXT, offsetof(struct thing, label), "x", 0, 0, NULL, "label"},
    {"a.old", SETTING_GONE, 0, "no", 0, 0, NULL, "use a.n"},
    {0}};
static const struct setting other_lines[] = {
    {"a.n", SETTING_INT, offsetof(struct other, n), "3", 1, 5, NULL, "number"},
    {"a.list", SETTING_LIST, offsetof(struct other, list), "1,2", 0, 9, NULL, "list"},
    {0}};
static const struct settings_table thing_table = {"Thing", sizeof(struct thing), thing_lines};
static const struct settings_table other_table = {"Other", sizeof(struct other), other_lines};
static const struct settings_table *const both[] = {&thing_table, &other_table, NULL};

static void owners_get_their_structs(void)
{
    struct settings s;
    CU_ASSERT_STRING_EQUAL(thing_lines[0].choices, "round|flat|long");
    CU_ASSERT_EQUAL_FATAL(settings_open(&s, both, &msg), 0);
    const struct thing *t = settings_of(&s, &thing_table);
    const struct other *o = settings_of(&s, &other_table);
    CU_ASSERT(t->unset == 0 && t->shape == SHAPE_FLAT && t->size == 0.1 && strcmp(t->label, "x") == 0);
    CU_ASSERT(o->n == 3 && o->list.n == 2 && o->list.at[1] == 2.0);
    CU_ASSERT_EQUAL(settings_set(&s, "a.shape=long", &msg), 0);
    CU_ASSERT_EQUAL(settings_set(&s, "a.n=5", &msg), 0);
    CU_ASSERT(t->shape == SHAPE_LONG && o->n == 5);
    CU_ASSERT_EQUAL(settings_set(&s, "a.shape=square", &msg), LINNET_E_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(msg.text, "a.shape: 'square' is not one of round|flat|long");
    CU_ASSERT_EQUAL(t->shape, SHAPE_LONG);
    CU_ASSERT_EQUAL(settings_add(&s, both, &msg), 0); /* they are there: nothing changes */
    CU_ASSERT(s.n == 2 && settings_of(&s, &thing_table) == t && o->n == 5);
    settings_close(&s);
    CU_ASSERT_EQUAL_FATAL(settings_open(&s, both + 1, &msg), 0);
    CU_ASSERT_PTR_NULL(settings_of(&s, &thing_table));
    CU_ASSERT_EQUAL(settings_set(&s, "a.shape=long", &msg), LINNET_E_ARGUMENT);
    settings_close(&s);
}

/* A section is written once, whichever tables its settings are in; what is gone is not. */
static void sections_are_written_once(void)
{
    struct settings s;
    struct buffer all = {0}, some = {0};
    CU_ASSERT_EQUAL_FATAL(settings_open(&s, both, &msg), 0);
    CU_ASSERT_EQUAL(settings_write(&s, 1, &all), 0);
    CU_ASSERT_STRING_EQUAL(buffer_text(&all), "a:\n  shape: \"flat\"\n  n: 3\n  list: [1, 2]\n"
                                              "b:\n  size: 0.1\nlabel: \"x\"\n");
    CU_ASSERT_EQUAL(settings_set(&s, "a.shape=round", &msg), 0);
    CU_ASSERT_EQUAL(settings_set(&s, "a.list=1 2", &msg), 0);
    CU_ASSERT_EQUAL(settings_set(&s, "label=y", &msg), 0);
    CU_ASSERT_EQUAL(settings_write(&s, 0, &some), 0);
    CU_ASSERT_STRING_EQUAL(buffer_text(&some), "a:\n  shape: \"round\"\nlabel: \"y\"\n");
    buffer_free(&all);
    buffer_free(&some);
    settings_close(&s);
}

static void what_is_gone_says_so(void)
{
    struct settings s;
    CU_ASSERT_EQUAL_FATAL(settings_open(&s, both, &msg), 0);
    CU_ASSERT_EQUAL(settings_set(&s, "a.old=no", &msg), 0);
    CU_ASSERT_EQUAL(settings_set(&s, "a.old=yes", &msg), LINNET_E_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(msg.text, "a.old=yes is no longer a setting: use a.n");
    CU_ASSERT_EQUAL(settings_set(&s, "a.olt=no", &msg), LINNET_E_ARGUMENT);
    CU_ASSERT_PTR_NULL(strstr(msg.text, "a.old'"));
    settings_close(&s);
    CU_ASSERT_EQUAL_FATAL(model_open_settings(&s, &msg), 0);
    CU_ASSERT_EQUAL(read_text(&s, "decoder: {compat: none}\n"), 0);
    CU_ASSERT_EQUAL(read_text(&s, "decoder: {compat: simul-whisper}\n"), LINNET_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "decoder.name=simul_whisper does that now"));
    settings_close(&s);
}

/* ---- those of all decoders ---- */

static void defaults_are_valid_and_in_range(void)
{
    struct settings s;
    CU_ASSERT_EQUAL_FATAL(model_open_settings(&s, &msg), 0);
    const struct decoder_options *shared = settings_of(&s, &decoder_settings);
    const struct whisper_options *whisper = settings_of(&s, &whisper_settings);
    struct endpoint_options endpoint;
    endpoint_options_read(&endpoint, &s);
    CU_ASSERT_STRING_EQUAL(shared->language, "auto");
    CU_ASSERT_EQUAL(shared->clip.n, 0);
    CU_ASSERT_EQUAL(whisper->temperature.n, 6);
    CU_ASSERT_EQUAL(whisper->temperature.at[5], 1.0);
    CU_ASSERT_EQUAL(whisper->suppress_tokens.n, 1);
    CU_ASSERT_EQUAL(whisper->condition_on_previous, 1);
    CU_ASSERT_EQUAL(endpoint.rules[1].min_silence_ms, 1000);
    struct buffer b = {0};
    CU_ASSERT_EQUAL(settings_write(&s, 0, &b), 0);
    CU_ASSERT_EQUAL(b.n, 0);
    buffer_free(&b);
    for (int i = 0; i < s.n; i++)
        for (const struct setting *k = s.tables[i]->at; k->key != NULL; k++)
            for (int j = 0; j < s.n; j++)
                for (const struct setting *q = s.tables[j]->at; q->key != NULL; q++)
                    CU_ASSERT(q == k || strcmp(q->key, k->key) != 0);
    settings_close(&s);
}

static void later_settings_win(void)
{
    struct settings s;
    CU_ASSERT_EQUAL_FATAL(model_open_settings(&s, &msg), 0);
    CU_ASSERT_EQUAL(read_text(&s, "# a comment\n"
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
    const struct model_options *model = settings_of(&s, &model_settings);
    const struct decoder_options *shared = settings_of(&s, &decoder_settings);
    const struct whisper_options *whisper = settings_of(&s, &whisper_settings);
    const struct endpoint_options *endpoint = settings_of(&s, &endpoint_settings);
    CU_ASSERT_STRING_EQUAL(model->name, "whisper-base");
    CU_ASSERT_EQUAL(shared->beam, 5);
    CU_ASSERT_EQUAL(whisper->temperature.n, 2);
    CU_ASSERT_EQUAL(whisper->temperature.at[1], 0.5);
    CU_ASSERT_EQUAL(shared->word_times, 1);
    CU_ASSERT_STRING_EQUAL(whisper->initial_prompt, "a: \"b\"");
    CU_ASSERT_EQUAL(endpoint->rules[1].min_silence_ms, 300);
    CU_ASSERT_STRING_EQUAL(shared->language, "");
    CU_ASSERT_EQUAL(settings_set(&s, "decoder.beam=7", &msg), 0);
    CU_ASSERT_EQUAL(settings_set(&s, "decoder.prefix=x=y", &msg), 0);
    CU_ASSERT_EQUAL(settings_set(&s, "decoder.temperature=", &msg), 0);
    CU_ASSERT_EQUAL(shared->beam, 7);
    CU_ASSERT_STRING_EQUAL(whisper->prefix, "x=y");
    CU_ASSERT_EQUAL(whisper->temperature.n, 0);
    settings_close(&s);
}

static void what_is_written_is_read_back(void)
{
    static const char *const settings[] = {
        "language=de",           "decoder.temperature=0.1 0.3",
        "decoder.patience=0.1",  "decoder.prefix=quote \" back \\ line \n tab \t é: ~ #",
        "vad.threshold_db=1e-3", "segmental.length_model=global"};
    struct settings a, b;
    CU_ASSERT_EQUAL_FATAL(model_open_settings(&a, &msg), 0);
    CU_ASSERT_EQUAL_FATAL(model_open_settings(&b, &msg), 0);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        CU_ASSERT_EQUAL(settings_set(&a, settings[i], &msg), 0);
    for (int all = 0; all < 2; all++) {
        struct buffer first = {0}, second = {0};
        CU_ASSERT_EQUAL(settings_write(&a, all, &first), 0);
        CU_ASSERT_EQUAL(read_text(&b, first.data), 0);
        CU_ASSERT_STRING_EQUAL(msg.text, "");
        CU_ASSERT_EQUAL(settings_write(&b, all, &second), 0);
        CU_ASSERT_STRING_EQUAL(buffer_text(&first), buffer_text(&second));
        buffer_free(&first);
        buffer_free(&second);
    }
    const struct whisper_options *x = settings_of(&a, &whisper_settings), *y = settings_of(&b, &whisper_settings);
    CU_ASSERT_STRING_EQUAL(y->prefix, x->prefix);
    CU_ASSERT_EQUAL(y->patience, 0.1);
    settings_close(&a);
    settings_close(&b);
}

static void mistakes_are_named(void)
{
    static const struct {
        const char *text, *reason;
    } files[] = {
        {"decoder:\n  bean: 5\n", "unknown setting 'decoder.bean'; did you mean 'decoder.beam'?"},
        {"decoder:\n  beam: 5.5\n", "not a whole number from 0 to 1000"},
        {"\ndecoder.beam: -1\n", ":2: decoder.beam: '-1' is not"},
        {"decoder: {name: wisper}\n", "not one of auto|whisper|"},
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
        struct settings s;
        CU_ASSERT_EQUAL_FATAL(model_open_settings(&s, &msg), 0);
        CU_ASSERT(read_text(&s, files[i].text) < 0);
        CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, files[i].reason));
        if (strstr(msg.text, files[i].reason) == NULL)
            printf("\n    %s -> %s\n", files[i].text, msg.text);
        settings_close(&s);
    }
    struct settings s;
    CU_ASSERT_EQUAL_FATAL(model_open_settings(&s, &msg), 0);
    CU_ASSERT_EQUAL(settings_set(&s, "decoder.beam", &msg), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(settings_set(&s, "=1", &msg), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(settings_set(&s, "decoder.beam=", &msg), LINNET_E_ARGUMENT);
    const struct decoder_options *shared = settings_of(&s, &decoder_settings);
    CU_ASSERT_EQUAL(shared->beam, 0);
    CU_ASSERT_EQUAL(settings_read(&s, "/nonexistent/recipe.yaml", &msg), LINNET_E_IO);
    CU_ASSERT_EQUAL(read_text(&s, ""), 0); /* empty: nothing changed */
    settings_close(&s);
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
        struct settings s;
        CU_ASSERT_EQUAL_FATAL(model_open_settings(&s, &msg), 0);
        CU_ASSERT_EQUAL(read_text(&s, text) < 0, msg.text[0] != '\0');
        settings_close(&s);
    }
}

static const struct unit_test tests[] = {
    {"owners get their structs", owners_get_their_structs},
    {"sections are written once", sections_are_written_once},
    {"what is gone says so", what_is_gone_says_so},
    {"defaults are valid and in range", defaults_are_valid_and_in_range},
    {"later settings win", later_settings_win},
    {"what is written is read back", what_is_written_is_read_back},
    {"mistakes are named", mistakes_are_named},
    {"changed bytes do no harm", changed_bytes_do_no_harm},
};

UNIT_MAIN("settings", tests)
