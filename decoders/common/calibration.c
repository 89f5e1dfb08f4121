/* SPDX-License-Identifier: Apache-2.0
 * calibration.c - applying a calibration, and reading it. */
#include "decoders/common/calibration.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/file.h"

#define LEAST 0.00005
#define MAX_BYTES ((size_t)1 << 20)
#define MOST 1e6 /* a temperature, its inverse or an offset: it gives 0 or 1 to all words before */

double calibration_logit(double p)
{
    p = fmin(fmax(p, LEAST), 1 - LEAST);
    return log(p / (1 - p));
}

double calibration_apply(const struct calibration *c, double p)
{
    return 1 / (1 + exp(-(calibration_logit(p) / c->temperature + c->offset)));
}

/* ---- reading ---- */

static int is_for(const json_t *entry, const char *decoder, int streaming)
{
    const json_t *name = json_object_get(entry, "decoder"), *is_streaming = json_object_get(entry, "streaming");
    return json_is_string(name) && strcmp(json_string_value(name), decoder) == 0 && json_is_boolean(is_streaming) &&
           json_is_true(is_streaming) == (streaming != 0);
}

/* The decoder's entry, else that for all, else NULL. */
static const json_t *choose(const json_t *entries, const char *decoder, int streaming)
{
    const json_t *found = NULL;
    for (size_t i = json_array_size(entries); i-- > 0;) {
        const json_t *entry = json_array_get(entries, i);
        if (is_for(entry, decoder, streaming))
            return entry;
        if (json_object_get(entry, "decoder") == NULL)
            found = entry;
    }
    return found;
}

static int take(struct calibration *c, const json_t *entry, const char *path, struct message *msg)
{
    const json_t *temperature = json_object_get(entry, "temperature"), *offset = json_object_get(entry, "offset");
    double t = json_number_value(temperature), b = json_number_value(offset);
    if (!json_is_number(temperature) || !json_is_number(offset) || !(t >= 1 / MOST && t <= MOST) || !(fabs(b) <= MOST))
        return fail(msg, LINNET_E_FORMAT, "%s: a calibration is a temperature above 0 and an offset", path);
    *c = (struct calibration){t, b};
    return 1;
}

static int read_file(struct calibration *c, const char *path, const char *decoder, int streaming, struct message *msg)
{
    struct buffer text = {0};
    json_error_t error;
    int rc = file_read(path, MAX_BYTES, &text, msg);
    if (rc < 0)
        return rc;
    json_t *root = json_loadb(buffer_text(&text), text.n, 0, &error);
    const json_t *entries = json_object_get(root, "calibrations"), *entry = choose(entries, decoder, streaming);
    if (root == NULL)
        rc = fail(msg, LINNET_E_FORMAT, "%s: line %d: %s", path, error.line, error.text);
    else if (!json_is_array(entries))
        rc = fail(msg, LINNET_E_FORMAT, "%s: is not what 'linnet calibrate' writes: no \"calibrations\"", path);
    else
        rc = entry != NULL ? take(c, entry, path, msg) : 0;
    json_decref(root);
    buffer_free(&text);
    return rc;
}

int calibration_find(struct calibration *c, const char *setting, const char *model_dir, const char *decoder,
                     int streaming, struct message *msg)
{
    char path[FILE_MAX_PATH];
    int rc;
    if (strcmp(setting, "none") == 0)
        return 0;
    if (strcmp(setting, "auto") == 0) {
        if (!file_exists_in(model_dir, CALIBRATION_FILE))
            return 0;
        rc = file_in(path, model_dir, CALIBRATION_FILE, msg);
        return rc < 0 ? rc : read_file(c, path, decoder, streaming, msg);
    }
    rc = read_file(c, setting, decoder, streaming, msg);
    return rc != 0 ? rc
                   : fail(msg, LINNET_E_UNSUPPORTED, "%s: has no calibration for decoder '%s'%s", setting, decoder,
                          streaming ? ", streaming" : "");
}
