/* SPDX-License-Identifier: Apache-2.0
 * test_decoder.c - which decoder suits which model: by name, and what "auto" takes. */
#include <string.h>

#include "decoders/ctc/layer.h"
#include "decoders/decoder.h"
#include "models/model.h"
#include "tests/support/converted.h"
#include "tests/support/refs.h"
#include "tests/support/tiny_whisper.h"
#include "tests/support/unit.h"

static struct message msg;

/* ---- models that are nothing but their parts ---- */

static struct encoder any_length, windows = {.window = 3000};
static struct vocab words, tasks = {.has_tasks = 1};
static struct ctc_layer ctc;
static struct text_decoder text;

static const struct linnet_model nothing = {.encoder = &any_length, .vocab = &words},
                                 of_whisper = {.encoder = &windows, .vocab = &tasks, .left = &text},
                                 of_wenet = {.encoder = &any_length, .vocab = &words, .ctc = &ctc, .left = &text},
                                 ctc_alone = {.encoder = &any_length, .vocab = &words, .ctc = &ctc},
                                 text_alone = {.encoder = &any_length, .vocab = &words, .left = &text},
                                 with_tasks = {.encoder = &any_length, .vocab = &tasks, .left = &text},
                                 ctc_of_windows = {.encoder = &windows, .vocab = &words, .ctc = &ctc};

/* The name of the decoder that is found, NULL when none is; msg tells why. */
static const char *find(const struct linnet_model *model, const char *name, int streaming)
{
    struct settings s;
    const struct decoder *found = NULL;
    msg.text[0] = '\0';
    CU_ASSERT_EQUAL_FATAL(model_open_settings(&s, &msg), 0);
    CU_ASSERT_EQUAL_FATAL(settings_set_key(&s, "decoder.name", name, &msg), 0);
    int rc = decoder_find(&found, settings_of(&s, &decoder_settings), model, streaming, &msg);
    CU_ASSERT_EQUAL(rc, found != NULL ? 0 : LINNET_E_UNSUPPORTED);
    CU_ASSERT_EQUAL(msg.text[0] == '\0', found != NULL);
    settings_close(&s);
    return found != NULL ? found->name : NULL;
}

static void check_found(const char *found, const char *wanted)
{
    if (found == NULL || wanted == NULL || strcmp(found, wanted) != 0)
        printf("\n    found %s, wanted %s; %s", found != NULL ? found : "none", wanted != NULL ? wanted : "none",
               msg.text);
    CU_ASSERT_FATAL((found == NULL) == (wanted == NULL));
    if (found != NULL)
        CU_ASSERT_STRING_EQUAL(found, wanted);
}

static void auto_takes_what_suits(void)
{
    static const struct {
        const struct linnet_model *model;
        const char *whole, *streaming;
    } wanted[] = {{&of_whisper, "whisper", "alignatt"},
                  {&of_wenet, "attention_rescoring", "attention_rescoring"},
                  {&ctc_alone, "ctc_prefix_beam", "ctc_prefix_beam"},
                  {&text_alone, "attention", NULL},
                  {&with_tasks, "attention", NULL},
                  {&ctc_of_windows, NULL, NULL},
                  {&nothing, NULL, NULL}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        check_found(find(wanted[i].model, "auto", 0), wanted[i].whole);
        check_found(find(wanted[i].model, "auto", 1), wanted[i].streaming);
    }
    CU_ASSERT_STRING_EQUAL(msg.text, "no decoder suits this model");
}

/* A decoder that is named is found, streaming or not, where the model has all that it needs; else the part that is
 * missing is named. */
static void what_a_model_lacks_is_named(void)
{
#define TASKS "tokens for languages, tasks and times"
#define TEXT "an attention decoder"
#define CTC "a CTC layer"
#define FRAMES "an encoder for recordings of any length"
#define WINDOWS "an encoder for windows"
    static const struct linnet_model *const models[] = {&of_whisper, &of_wenet,   &ctc_alone,     &text_alone,
                                                        &nothing,    &with_tasks, &ctc_of_windows};
    static const struct {
        const char *name, *lacks[sizeof models / sizeof models[0]]; /* NULL: nothing */
    } decoders[] = {{"ctc_greedy", {CTC, NULL, NULL, CTC, CTC, CTC, FRAMES}},
                    {"ctc_prefix_beam", {CTC, NULL, NULL, CTC, CTC, CTC, FRAMES}},
                    {"attention", {FRAMES, NULL, TEXT, NULL, TEXT, NULL, TEXT}},
                    {"attention_rescoring", {CTC, NULL, TEXT, CTC, CTC, CTC, TEXT}},
                    {"segmental", {CTC, NULL, TEXT, CTC, CTC, CTC, TEXT}},
                    {"whisper", {NULL, TASKS, TEXT, TASKS, TEXT, WINDOWS, TEXT}},
                    {"alignatt", {NULL, TASKS, TEXT, TASKS, TEXT, WINDOWS, TEXT}},
                    {"simul_whisper", {NULL, TASKS, TEXT, TASKS, TEXT, WINDOWS, TEXT}}};
    for (size_t i = 0; i < sizeof decoders / sizeof decoders[0]; i++)
        for (size_t k = 0; k < 2 * sizeof models / sizeof models[0]; k++) {
            const char *lacks = decoders[i].lacks[k / 2];
            char wanted[200] = "";
            if (lacks != NULL)
                snprintf(wanted, sizeof wanted, "decoder '%s' needs %s; this model has none", decoders[i].name, lacks);
            check_found(find(models[k / 2], decoders[i].name, k % 2), lacks == NULL ? decoders[i].name : NULL);
            CU_ASSERT_STRING_EQUAL(msg.text, wanted);
        }
}

/* ---- models of each family ---- */

static void check_model(const char *dir, const char *kind, const char *whole, const char *streaming)
{
    linnet_model *model = NULL;
    struct linnet_model_info info = {.size = sizeof info};
    CU_ASSERT_EQUAL_FATAL(linnet_model_open(dir, NULL, &model, msg.text, sizeof msg.text), 0);
    CU_ASSERT_EQUAL_FATAL(linnet_model_info(model, &info), 0);
    CU_ASSERT_STRING_EQUAL(info.kind, kind);
    check_found(find(model, "auto", 0), whole);
    check_found(find(model, "auto", 1), streaming);
    linnet_model_close(model);
}

static void auto_of_whisper(void)
{
    static const struct tiny_whisper multilingual = {0}, english = {.n_vocab = 51864};
    char *dir = tiny_folder();
    CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
    CU_ASSERT_EQUAL_FATAL(tiny_whisper_write(dir, &multilingual), 0);
    check_model(dir, "whisper", "whisper", "alignatt");
    CU_ASSERT_EQUAL_FATAL(tiny_whisper_write(dir, &english), 0);
    check_model(dir, "whisper", "whisper", "alignatt");
    tiny_remove(dir);
    free(dir);
}

static void auto_of_wenet(void)
{
    for (int i = 0; i < REFS_N; i++) {
        struct converted c;
        char source[100];
        snprintf(source, sizeof source, "refs/%s", refs_names[i]);
        CU_ASSERT_EQUAL_FATAL(converted_open(&c, source), 0);
        check_model(c.dir, "wenet", "attention_rescoring", "attention_rescoring");
        converted_close(&c);
    }
}

static const struct unit_test tests[] = {
    {"auto takes the first that suits", auto_takes_what_suits},
    {"what a model lacks is named", what_a_model_lacks_is_named},
    {"auto of Whisper's models", auto_of_whisper},
    {"auto of WeNet's models", auto_of_wenet}, /* last: left out without its data */
};

int main(void)
{
    size_t n = sizeof tests / sizeof tests[0];
    int have = unit_shared() != NULL;
    int rc = unit_main("decoders", tests, have ? n : n - 1);
    return rc != 0 || have ? rc : UNIT_SKIP;
}
