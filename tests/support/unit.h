/* SPDX-License-Identifier: Apache-2.0
 * unit.h - a test program in CUnit: a table of tests and a main that fails when a test does. */
#ifndef LINNET_TESTS_SUPPORT_UNIT_H
#define LINNET_TESTS_SUPPORT_UNIT_H

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>

#define UNIT_SKIP 77 /* automake's exit code for a test that could not run */

struct unit_test {
    const char *name;
    void (*run)(void);
};

/* The folder of large reference data beside the checkout, or NULL where it is not there. */
static inline const char *unit_shared(void)
{
    static char path[4096];
    const char *top = getenv("top_srcdir"), *set = getenv("LINNET_SHARED");
    if (set != NULL)
        snprintf(path, sizeof path, "%s", set);
    else
        snprintf(path, sizeof path, "%s/../shared", top != NULL ? top : ".");
    char probe[4200];
    snprintf(probe, sizeof probe, "%s/refs", path);
    FILE *f = fopen(probe, "r");
    if (f == NULL)
        return NULL;
    fclose(f);
    return path;
}

/* What models the machine has is no matter of the tests: by name they find none, nor a voice detector.  Who needs one
 * looks before. */
static inline int unit_main(const char *suite, const struct unit_test *tests, size_t n)
{
    setenv("LINNET_MODELS", "/nonexistent", 1);
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 99;
    CU_pSuite s = CU_add_suite(suite, NULL, NULL);
    for (size_t i = 0; i < n; i++)
        if (s == NULL || CU_add_test(s, tests[i].name, tests[i].run) == NULL)
            return 99;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned n_failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return n_failed > 0 ? 1 : 0;
}

#define UNIT_MAIN(suite, tests)                                                                                        \
    int main(void) { return unit_main(suite, tests, sizeof tests / sizeof tests[0]); }

#endif
