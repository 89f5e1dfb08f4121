/* SPDX-License-Identifier: Apache-2.0
 * json.c - small files of a model directory. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "convert/whisper.h"

#define MAX_COPY ((size_t)256 << 20)

int convert_write(const char *dir, const char *name, const void *bytes, size_t n, struct message *msg)
{
    char path[FILE_MAX_PATH];
    int rc = file_in(path, dir, name, msg);
    return rc < 0 ? rc : file_write(path, bytes, n, msg);
}

int convert_write_json(const char *dir, const char *name, json_t *json, struct message *msg)
{
    char *text = json != NULL ? json_dumps(json, JSON_INDENT(2)) : NULL;
    int rc = text != NULL ? convert_write(dir, name, text, strlen(text), msg) : fail_memory(msg);
    free(text); /* jansson's */
    json_decref(json);
    return rc;
}

int convert_copy(const char *from, const char *dir, const char *name, struct message *msg)
{
    struct buffer bytes = {0};
    int rc = file_read(from, MAX_COPY, &bytes, msg);
    if (rc == 0)
        rc = convert_write(dir, name, buffer_text(&bytes), bytes.n, msg);
    buffer_free(&bytes);
    return rc;
}
