/* SPDX-License-Identifier: Apache-2.0
 * output.c - one recording's results in a format of the table. */
#include "bin/output.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "bin/output/cues.h"
#include "bin/output/text.h"

#define DECLARE(name) extern const struct output_format name##_output;
#define ENTRY(name) &name##_output,
OUTPUT_FORMATS(DECLARE)
static const struct output_format *const formats[] = {OUTPUT_FORMATS(ENTRY) NULL};

const struct output_format *output_format_find(const char *name)
{
    for (const struct output_format *const *f = formats; *f != NULL; f++)
        if (strcmp((*f)->name, name) == 0)
            return *f;
    return NULL;
}

static int failed(const struct output *o, int rc, struct message *msg)
{
    return rc == LINNET_E_MEMORY ? fail_memory(msg) : rc < 0 ? fail(msg, rc, "%s: too much text", o->file) : 0;
}

int output_open(struct output *o, const char *format, const char *file, const struct output_options *options,
                struct message *msg)
{
    const struct output_format *found = output_format_find(format);
    if (found == NULL)
        return fail(msg, LINNET_E_ARGUMENT, "format '%s' is not one of %s", format, OUTPUT_NAMES);
    *o = (struct output){.format = found, .file = file};
    if (options != NULL)
        o->options = *options;
    return failed(o, found->begin != NULL ? found->begin(o) : 0, msg);
}

int output_segment(struct output *o, const linnet_event *event, struct message *msg)
{
    o->n_words += event->n_words;
    /* A later segment may have none: where the last word of the one before goes on into it. */
    if (o->format->needs_word_times && o->n_words == 0 && !text_is_blank(event->text))
        return fail(msg, LINNET_E_UNSUPPORTED, "%s: format %s needs word times", o->file, o->format->name);
    if (o->language[0] == '\0' && event->language != NULL)
        snprintf(o->language, sizeof o->language, "%s", event->language);
    int rc = o->format->segment != NULL ? o->format->segment(o, event) : 0;
    o->n_segments++;
    return failed(o, rc, msg);
}

int output_end(struct output *o, double duration_s, struct message *msg)
{
    return failed(o, o->format->end != NULL ? o->format->end(o, duration_s) : 0, msg);
}

void output_stem(const char *file, char *stem, size_t size)
{
    const char *slash = strrchr(file, '/');
    const char *name = strcmp(file, "-") == 0 ? "stdin" : slash != NULL && slash[1] != '\0' ? slash + 1 : file;
    const char *dot = strrchr(name, '.');
    size_t n = dot != NULL && dot > name ? (size_t)(dot - name) : strlen(name);
    snprintf(stem, size, "%.*s", (int)(n < size ? n : size - 1), name);
}

int output_save(const struct output *o, const char *dir, struct message *msg)
{
    char stem[256], name[300], path[FILE_MAX_PATH];
    output_stem(o->file, stem, sizeof stem);
    snprintf(name, sizeof name, "%s.%s", stem, o->format->name);
    int rc;
    if ((rc = file_make_folder(dir, msg)) < 0 || (rc = file_in(path, dir, name, msg)) < 0)
        return rc;
    return file_write(path, buffer_text(&o->out), o->out.n, msg);
}

void output_close(struct output *o)
{
    buffer_free(&o->out);
    buffer_free(&o->text);
    buffer_free(&o->segments);
    buffer_free(&o->nbest);
    cues_close(o->cues);
    o->cues = NULL;
}
