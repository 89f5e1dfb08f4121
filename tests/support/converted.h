/* SPDX-License-Identifier: Apache-2.0
 * converted.h - WeNet models of the shared folder, converted into a folder that is gone after the test. */
#ifndef LINNET_TESTS_SUPPORT_CONVERTED_H
#define LINNET_TESTS_SUPPORT_CONVERTED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "convert/convert.h"
#include "tests/support/unit.h"

struct converted {
    char dir[64];
};

/* source: below the shared folder, "refs/wenet-u2pp".  0, or -1 when it is not there. */
static inline int converted_open(struct converted *c, const char *source)
{
    const char *shared = unit_shared(), *kind;
    char path[4500];
    struct message msg = {""};
    const struct convert_options options = {.matrix_type = N_DTYPES};
    if (shared == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/%s", shared, source);
    snprintf(c->dir, sizeof c->dir, "/tmp/linnet-test-XXXXXX");
    if (access(path, R_OK) != 0 || mkdtemp(c->dir) == NULL)
        return -1;
    int rc = convert(path, c->dir, &options, &kind, &msg);
    if (rc < 0)
        printf("%s: %s\n", path, msg.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    return 0;
}

static inline void converted_close(const struct converted *c)
{
    static const char *const files[] = {"config.json", "model.safetensors", "units.txt", "pieces.tsv"};
    char path[128];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", c->dir, files[i]);
        unlink(path);
    }
    rmdir(c->dir);
}

#endif
