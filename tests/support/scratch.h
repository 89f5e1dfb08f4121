/* SPDX-License-Identifier: Apache-2.0
 * scratch.h - a folder for what a test writes, and what error messages say. */
#ifndef LINNET_TESTS_SUPPORT_SCRATCH_H
#define LINNET_TESTS_SUPPORT_SCRATCH_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "tests/support/unit.h"

static char folder[64];

static inline const char *in_folder(const char *name)
{
    static char paths[8][160];
    static int i;
    i = (i + 1) % 8;
    snprintf(paths[i], sizeof paths[i], "%s/%s", folder, name);
    return paths[i];
}

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline void run(const char *format, ...)
{
    char command[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    CU_ASSERT_EQUAL_FATAL(system(command), 0);
}

static inline int says(const struct message *msg, const char *what)
{
    if (strstr(msg->text, what) != NULL)
        return 1;
    fprintf(stderr, "says \"%s\", not \"%s\"\n", msg->text, what);
    return 0;
}

static inline void write_bytes(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fwrite(bytes, 1, n, f);
    fclose(f);
}

/* A file in the folder with this text: its path, as in_folder. */
static inline const char *text_file(const char *name, const char *text)
{
    const char *path = in_folder(name);
    write_bytes(path, text, strlen(text));
    return path;
}

/* Runs the tests with the folder made before and removed after them. */
static inline int scratch_main(const char *suite, const struct unit_test *tests, size_t n)
{
    char command[128];
    snprintf(folder, sizeof folder, "/tmp/linnet-scratch-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 99;
    int rc = unit_main(suite, tests, n);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) != 0 ? 99 : rc;
}

#define SCRATCH_MAIN(suite, tests)                                                                                     \
    int main(void) { return scratch_main(suite, tests, sizeof tests / sizeof tests[0]); }

#endif
