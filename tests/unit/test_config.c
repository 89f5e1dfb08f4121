/* SPDX-License-Identifier: Apache-2.0
 * test_config.c - a model's config.json: what is read, and the errors of wrong files and values. */
#include <jansson.h>

#include "base/config.h"
#include "tests/support/scratch.h"

static struct message msg;

/* A config at the object that the text is; release it with config_close. */
static struct config of_text(const char *text)
{
    json_t *root = json_loads(text, 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(root);
    msg.text[0] = '\0';
    return (struct config){.at = root, .root = root, .path = "here/config.json", .msg = &msg};
}

static const char good[] = "{\"n\": 7, \"low\": -3, \"x\": 0.25, \"yes\": true, \"no\": false, \"name\": \"b\","
                           " \"none\": null, \"list\": [1], \"in\": {\"n\": 8, \"in\": {\"n\": 9}}}";

static void values_are_read(void)
{
    struct config c = of_text(good), in = config_in(&c, "in"), deep = config_in(&in, "in");
    CU_ASSERT_EQUAL(config_int(&c, "n", 7, 7), 7);
    CU_ASSERT_EQUAL(config_int(&c, "low", -3, 0), -3);
    CU_ASSERT_EQUAL(config_number(&c, "x", 0.25, 1), 0.25);
    CU_ASSERT_EQUAL(config_number(&c, "n", 0, 10), 7.0); /* a whole number is a number */
    CU_ASSERT_EQUAL(config_bool(&c, "yes"), 1);
    CU_ASSERT_EQUAL(config_bool(&c, "no"), 0);
    CU_ASSERT_STRING_EQUAL(config_text(&c, "name"), "b");
    CU_ASSERT_EQUAL(config_choice(&c, "name", "a|b|c"), 1);
    CU_ASSERT_EQUAL(config_has(&c, "n"), 1);
    CU_ASSERT_EQUAL(config_has(&c, "m"), 0);
    CU_ASSERT_EQUAL(config_int(&in, "n", 0, 10), 8);
    CU_ASSERT_EQUAL(config_int(&deep, "n", 0, 10), 9);
    CU_ASSERT_TRUE(c.rc == 0 && in.rc == 0 && deep.rc == 0);
    CU_ASSERT_STRING_EQUAL(msg.text, "");
    config_close(&c);
    CU_ASSERT_PTR_NULL(c.at);
    config_close(&c);
}

enum what { INT, NUMBER, BOOL, TEXT, CHOICE, IN };

/* Reads a value with what is wanted from 2 to 5 or "a|c". */
static double read_value(struct config *c, enum what what, const char *key)
{
    switch (what) {
    case INT:
        return config_int(c, key, 2, 5);
    case NUMBER:
        return config_number(c, key, 2, 5);
    case BOOL:
        return config_bool(c, key);
    case TEXT:
        return config_text(c, key)[0];
    case CHOICE:
        return config_choice(c, key, "a|c");
    case IN:
        *c = config_in(c, key);
    }
    return 0;
}

static void wrong_values_are_named(void)
{
    static const struct {
        enum what what;
        const char *key, *wanted;
    } wrong[] = {{INT, "missing", "no number 'missing'"},
                 {INT, "name", "no number 'name'"},
                 {INT, "none", "no number 'none'"},
                 {INT, "list", "no number 'list'"},
                 {INT, "yes", "no number 'yes'"},
                 {INT, "n", "n is 7, possible are 2 to 5"},
                 {INT, "low", "low is -3, possible are 2 to 5"},
                 {INT, "half", "half is 2.5, not a whole number"},
                 {INT, "large", "large is 9e+18, possible are 2 to 5"},
                 {NUMBER, "missing", "no number 'missing'"},
                 {NUMBER, "no", "no number 'no'"},
                 {NUMBER, "x", "x is 0.25, possible are 2 to 5"},
                 {NUMBER, "huge", "huge is 1e+300, possible are 2 to 5"},
                 {BOOL, "missing", "'missing' is neither true nor false"},
                 {BOOL, "one", "'one' is neither true nor false"},
                 {BOOL, "name", "'name' is neither true nor false"},
                 {TEXT, "missing", "no text 'missing'"},
                 {TEXT, "n", "no text 'n'"},
                 {CHOICE, "missing", "no text 'missing'"},
                 {CHOICE, "one", "no text 'one'"},
                 {CHOICE, "name", "name 'b' is not supported"},
                 {CHOICE, "empty", "empty '' is not supported"},
                 {IN, "missing", "no object 'missing'"},
                 {IN, "list", "no object 'list'"},
                 {IN, "none", "no object 'none'"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct config c = of_text("{\"n\": 7, \"low\": -3, \"x\": 0.25, \"half\": 2.5, \"one\": 1, \"yes\": true,"
                                  " \"no\": false, \"name\": \"b\", \"empty\": \"\", \"none\": null, \"list\": [1],"
                                  " \"large\": 9000000000000000000, \"huge\": 1e300}"),
                      at = c;
        CU_ASSERT_EQUAL(read_value(&at, wrong[i].what, wrong[i].key), wrong[i].what <= NUMBER ? 2 : 0);
        CU_ASSERT_EQUAL(at.rc, LINNET_E_MODEL);
        CU_ASSERT_TRUE(says(&msg, "here/config.json: "));
        CU_ASSERT_TRUE(says(&msg, wrong[i].wanted));
        config_close(&c);
    }
}

/* Of several mistakes the first is told, in the objects within too, which do not spoil the one around them. */
static void the_first_mistake_stays(void)
{
    struct config c = of_text(good), in = config_in(&c, "in");
    CU_ASSERT_EQUAL(config_int(&in, "first", 3, 4), 3);
    CU_ASSERT_EQUAL(in.rc, LINNET_E_MODEL);
    CU_ASSERT_TRUE(says(&msg, "'first'"));
    for (enum what what = INT; what <= CHOICE; what++)
        read_value(&in, what, "second");
    CU_ASSERT_EQUAL(config_int(&in, "n", 3, 10), 3); /* nothing is read any more */
    CU_ASSERT_EQUAL(config_number(&in, "n", 3, 10), 3);
    struct config deep = config_in(&in, "in");
    CU_ASSERT_EQUAL(deep.rc, LINNET_E_MODEL);
    CU_ASSERT_EQUAL(config_int(&deep, "n", 1, 10), 1);
    deep = config_in(&in, "second");
    CU_ASSERT_EQUAL(deep.rc, LINNET_E_MODEL);
    CU_ASSERT_TRUE(says(&msg, "'first'"));
    CU_ASSERT_EQUAL(c.rc, 0);
    CU_ASSERT_EQUAL(config_int(&c, "n", 0, 10), 7);
    config_close(&c);
}

static void write_config(const char *text) { write_bytes(in_folder("config.json"), text, strlen(text)); }

static void files_are_checked(void)
{
    static const struct {
        const char *text, *wanted;
    } wrong[] = {{"", "config.json:1: "},
                 {"{\"n\": 1", "config.json:1: "},
                 {"{\n\"n\": 1,\n}", "config.json:3: "},
                 {"{\"n\": 1, \"n\": 2}", "config.json:1: "}, /* which of them? */
                 {"{\"x\": 1e999}", "config.json:1: "},
                 {"{} {}", "config.json:1: "},
                 {"[1]", "config.json: not a JSON object"}};
    struct config c = {0};
    CU_ASSERT_EQUAL(config_open(&c, folder, &msg), LINNET_E_IO);
    CU_ASSERT_TRUE(says(&msg, folder) && says(&msg, "no config.json can be read"));
    config_close(&c);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        write_config(wrong[i].text);
        CU_ASSERT_EQUAL(config_open(&c, folder, &msg), LINNET_E_FORMAT);
        CU_ASSERT_TRUE(says(&msg, folder) && says(&msg, wrong[i].wanted));
        config_close(&c);
    }
    write_config(good);
    CU_ASSERT_EQUAL_FATAL(config_open(&c, folder, &msg), 0);
    CU_ASSERT_EQUAL(config_int(&c, "n", 0, 10), 7);
    CU_ASSERT_EQUAL(config_int(&c, "n", 8, 10), 8);
    CU_ASSERT_TRUE(says(&msg, in_folder("config.json")));
    config_close(&c);
}

static const struct unit_test tests[] = {
    {"values are read", values_are_read},
    {"wrong values are named", wrong_values_are_named},
    {"the first mistake stays", the_first_mistake_stays},
    {"files are checked", files_are_checked},
};

int main(void) { return scratch_main("config", tests, sizeof tests / sizeof tests[0]); }
