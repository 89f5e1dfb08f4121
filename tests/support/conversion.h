/* SPDX-License-Identifier: Apache-2.0
 * conversion.h - checkpoints to models in the scratch folder: what becomes of one, and how it is refused. */
#ifndef LINNET_TESTS_SUPPORT_CONVERSION_H
#define LINNET_TESTS_SUPPORT_CONVERSION_H

#include <jansson.h>

#include "convert/convert.h"
#include "tests/support/scratch.h"

static const struct convert_options as_it_is = {NULL, N_DTYPES, 0};

static inline int n_files(void)
{
    int n = -1;
    char command[128];
    snprintf(command, sizeof command, "find %s | wc -l", folder);
    FILE *p = popen(command, "r");
    if (p == NULL || fscanf(p, "%d", &n) != 1)
        n = -1;
    if (p != NULL)
        pclose(p);
    return n;
}

/* Converting fails, says this, and leaves no file behind. */
static inline void refuse(const char *source, const char *what)
{
    const char *kind = NULL;
    struct message msg = {""};
    int before = n_files();
    CU_ASSERT(convert(source, in_folder("refused"), &as_it_is, &kind, &msg) < 0);
    CU_ASSERT(says(&msg, what));
    CU_ASSERT_EQUAL(n_files(), before);
}

static inline json_t *read_json(const char *dir, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return json_load_file(path, 0, NULL);
}

#endif
