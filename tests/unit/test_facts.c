/* SPDX-License-Identifier: Apache-2.0
 * test_facts.c - facts as text and as JSON. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/facts.h"
#include "base/status.h"
#include "tests/support/unit.h"

static void state_facts(struct facts *f)
{
    facts_text(f, "name", "a \"b\" \\ \xc3\xa9\xff");
    facts_number(f, "a_name_of_26_characters_long", 1234567, 0);
    facts_number(f, "half", 0.5, 4);
    facts_number(f, "third", 1.0 / 3.0, 4);
    facts_number(f, "unknown", NAN, 2);
    facts_list_begin(f, "codes");
    facts_list_text(f, "en");
    facts_list_text(f, "\"de\"");
    facts_list_end(f);
    facts_list_begin(f, "heads");
    facts_list_pair(f, 0, 1);
    facts_list_pair(f, 12, 3);
    facts_list_end(f);
    facts_list_begin(f, "nobody");
    facts_list_end(f);
    facts_text(f, "last", "");
}

static void as_text(void)
{
    struct facts f = {0};
    state_facts(&f);
    CU_ASSERT_EQUAL(facts_finish(&f), 0);
    CU_ASSERT_STRING_EQUAL(buffer_text(&f.out), "name               a \"b\" \\ \xc3\xa9\xff\n"
                                                "a_name_of_26_characters_long 1234567\n"
                                                "half               0.5\n"
                                                "third              0.3333\n"
                                                "unknown            null\n"
                                                "codes              en \"de\"\n"
                                                "heads              0:1 12:3\n"
                                                "nobody             \n"
                                                "last               \n");
    buffer_free(&f.out);
}

static void as_json(void)
{
    struct facts f = {.is_json = 1};
    state_facts(&f);
    CU_ASSERT_EQUAL(facts_finish(&f), 0);
    json_t *root = json_loads(buffer_text(&f.out), JSON_REJECT_DUPLICATES, NULL);
    json_t *wanted =
        json_pack("{s:s, s:i, s:f, s:f, s:n, s:[s, s], s:[[i, i], [i, i]], s:[], s:s}", "name",
                  "a \"b\" \\ \xc3\xa9\xef\xbf\xbd", "a_name_of_26_characters_long", 1234567, "half", 0.5, "third",
                  0.3333, "unknown", "codes", "en", "\"de\"", "heads", 0, 1, 12, 3, "nobody", "last", "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(root);
    CU_ASSERT_PTR_NOT_NULL_FATAL(wanted);
    CU_ASSERT_TRUE(json_equal(root, wanted));
    if (!json_equal(root, wanted))
        printf("%s\n", buffer_text(&f.out));
    CU_ASSERT_EQUAL(f.out.data[f.out.n - 1], '\n');
    json_decref(root);
    json_decref(wanted);
    buffer_free(&f.out);
}

static void none_at_all(void)
{
    struct facts text = {0}, json = {.is_json = 1};
    CU_ASSERT_EQUAL(facts_finish(&text), 0);
    CU_ASSERT_EQUAL(facts_finish(&json), 0);
    CU_ASSERT_STRING_EQUAL(buffer_text(&text.out), "");
    CU_ASSERT_STRING_EQUAL(buffer_text(&json.out), "{}\n");
    buffer_free(&text.out);
    buffer_free(&json.out);
}

/* After a failure nothing is added, and finish tells it. */
static void a_failure_stays(void)
{
    for (int is_json = 0; is_json < 2; is_json++) {
        struct facts f = {.is_json = is_json};
        facts_number(&f, "n", 1, 0);
        size_t n = f.out.n;
        f.rc = LINNET_E_MEMORY;
        state_facts(&f);
        CU_ASSERT_EQUAL(facts_finish(&f), LINNET_E_MEMORY);
        CU_ASSERT_EQUAL(f.out.n, n);
        buffer_free(&f.out);
    }
}

static const struct unit_test tests[] = {
    {"as text", as_text},
    {"as JSON", as_json},
    {"none at all", none_at_all},
    {"a failure stays", a_failure_stays},
};

UNIT_MAIN("facts", tests)
