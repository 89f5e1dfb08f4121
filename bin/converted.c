/* SPDX-License-Identifier: Apache-2.0
 * converted.c - a checkpoint file of another program used as a model. */
#include "bin/converted.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "convert/convert.h"
#include "models/find.h"

int converted_model(char dir[FILE_MAX_PATH], const char *file, struct message *msg)
{
    static const struct convert_options as_it_is = {.matrix_type = N_DTYPES};
    char cache[FILE_MAX_PATH], folder[FILE_MAX_PATH], name[300];
    const char *base = strrchr(file, '/') != NULL ? strrchr(file, '/') + 1 : file, *kind;
    struct stat st;
    int rc;
    if (stat(file, &st) < 0)
        return fail(msg, LINNET_E_IO, "%s: %s", file, strerror(errno));
    if (!convert_recognizes(file))
        return fail(msg, LINNET_E_MODEL, "%s: neither a model directory nor a checkpoint that 'linnet convert' knows",
                    file);
    if ((rc = model_cache(cache, msg)) < 0)
        return fail_in(msg, rc, file);
    snprintf(name, sizeof name, "%.200s-%llx-%llx.%lx", base, (unsigned long long)st.st_size,
             (unsigned long long)st.st_mtim.tv_sec, (unsigned long)st.st_mtim.tv_nsec);
    if ((rc = file_in(folder, cache, ".converted", msg)) < 0 || (rc = file_in(dir, folder, name, msg)) < 0)
        return rc;
    if (file_exists_in(dir, "config.json"))
        return LINNET_OK;
    if ((rc = file_make_folder(folder, msg)) < 0)
        return rc;
    fprintf(stderr, "linnet: %s: is converted, once; the model goes to %s\n", file, dir);
    return convert(file, dir, &as_it_is, &kind, msg);
}
