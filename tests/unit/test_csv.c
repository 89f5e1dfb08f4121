/* SPDX-License-Identifier: Apache-2.0
 * test_csv.c - records of tables, line by line. */
#include "base/csv.h"

#include <string.h>

#include "tests/support/unit.h"

/* Takes the lines, of which only the last must end the record. */
static void take(struct csv *c, char separator, const char *const *lines)
{
    c->separator = separator;
    for (; *lines != NULL; lines++)
        CU_ASSERT_EQUAL(csv_take(c, *lines, strlen(*lines)), lines[1] == NULL);
}

static void records_are_read(void)
{
    static const struct {
        char separator;
        const char *lines[4], *fields[5];
    } cases[] = {
        {',', {"a,b,c"}, {"a", "b", "c"}},
        {',', {""}, {""}},
        {',', {","}, {"", ""}},
        {'\t', {"a, b\t\tc"}, {"a, b", "", "c"}},
        {',', {"\"a,b\",\"\",\"c\""}, {"a,b", "", "c"}},
        {',', {"\"a \"\"b\"\"\",c"}, {"a \"b\"", "c"}},
        {',', {"a \"b\" c,d\""}, {"a \"b\" c", "d\""}},
        {',', {"  \"a\" b,c"}, {"a b", "c"}},
        {',', {"a,\"one", "", "two\",c"}, {"a", "one\n\ntwo", "c"}},
        {',', {"\"\"\"", "\"\"\",b"}, {"\"\n\"", "b"}},
        {';', {"a,b;c"}, {"a,b", "c"}},
    };
    struct csv c = {0}; /* one for all: nothing is left of the record before */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int n = 0;
        take(&c, cases[i].separator, cases[i].lines);
        for (; cases[i].fields[n] != NULL; n++)
            CU_ASSERT_STRING_EQUAL(csv_field(&c, n), cases[i].fields[n]);
        CU_ASSERT_EQUAL(c.n, n);
        CU_ASSERT_STRING_EQUAL(csv_field(&c, n), "");
    }
    csv_close(&c);
}

static void an_open_record_is_dropped(void)
{
    struct csv c = {.separator = ','};
    CU_ASSERT_EQUAL(csv_take(&c, "a,\"b", 4), 0);
    csv_reset(&c);
    CU_ASSERT_EQUAL(csv_take(&c, "c,d", 3), 1);
    CU_ASSERT_EQUAL(c.n, 2);
    CU_ASSERT_STRING_EQUAL(csv_field(&c, 0), "c");
    csv_close(&c);
}

static const struct unit_test tests[] = {
    {"records are read", records_are_read},
    {"an open record is dropped", an_open_record_is_dropped},
};

UNIT_MAIN("csv", tests)
