/* SPDX-License-Identifier: Apache-2.0
 * destination.c - what cannot end well is refused while nothing is lost yet. */
#include "bin/destination.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/parse.h"

/* ---- formats ---- */

/* Marks those of a list, by their places in the table. */
static int mark(int *is_wanted, const char *list, struct message *msg)
{
    char name[16];
    for (const char *at = list;; at++) {
        size_t n = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : sizeof name), at);
        int i = n < sizeof name ? parse_choice(name, DESTINATION_CHOICES) : -1;
        if (i < 0)
            return fail(msg, LINNET_E_ARGUMENT, "--format=%s: '%.*s' is not one of %s", list, (int)n, at,
                        DESTINATION_CHOICES);
        for (int k = 0; k < DESTINATION_MOST; k++)
            is_wanted[k] |= i == k || i == DESTINATION_MOST;
        at += n;
        if (*at == '\0')
            return LINNET_OK;
    }
}

static int choose_formats(struct destination *d, const struct option_list *lists, struct message *msg)
{
#define NAME(name) #name,
    static const char *const names[] = {OUTPUT_FORMATS(NAME)};
    int is_wanted[DESTINATION_MOST] = {0}, rc = LINNET_OK;
    is_wanted[0] = lists->n == 0;
    for (int i = 0; i < lists->n && rc >= 0; i++)
        rc = mark(is_wanted, lists->items[i], msg);
    for (int i = 0; i < DESTINATION_MOST && rc >= 0; i++)
        if (is_wanted[i])
            d->formats[d->n++] = output_format_find(names[i]);
    return rc;
}

/* ---- places ---- */

struct stem {
    char text[256];
    const char *path;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct stem *)a)->text, ((const struct stem *)b)->text);
}

/* Each recording is to have a file of its own. */
static int check_names(const struct destination *d, int n, char **paths, struct message *msg)
{
    struct stem *stems = mem_array((size_t)n, sizeof *stems);
    int rc = LINNET_OK;
    if (stems == NULL)
        return fail_memory(msg);
    for (int i = 0; i < n; i++) {
        stems[i].path = paths[i];
        output_stem(paths[i], stems[i].text, sizeof stems[i].text);
    }
    qsort(stems, (size_t)n, sizeof *stems, by_text);
    for (int i = 1; i < n && rc >= 0; i++)
        if (by_text(&stems[i - 1], &stems[i]) == 0)
            rc = fail(msg, LINNET_E_ARGUMENT, "%s and %s would both become %s/%s.%s: give them folders of their own",
                      stems[i - 1].path, stems[i].path, d->folder, stems[i].text, d->formats[0]->name);
    mem_free(stems);
    return rc;
}

int destination_choose(struct destination *d, const struct option_list *lists, const char *folder, int n, char **paths,
                       struct message *msg)
{
    *d = (struct destination){.folder = folder};
    int rc = choose_formats(d, lists, msg);
    if (rc < 0)
        return rc;
    if (folder != NULL)
        return check_names(d, n, paths, msg);
    if (d->n > 1)
        return fail(msg, LINNET_E_ARGUMENT, "several formats are several files: say where with -o DIR");
    if (n > 1 && d->formats[0]->is_of_one)
        return fail(msg, LINNET_E_ARGUMENT, "%s of several recordings are several files: say where with -o DIR",
                    d->formats[0]->name);
    d->is_array = n > 1 && d->formats[0] == output_format_find("json");
    return LINNET_OK;
}

int destination_try(const struct destination *d, struct message *msg)
{
    char path[FILE_MAX_PATH];
    int rc;
    if (d->folder == NULL)
        return LINNET_OK;
    if ((rc = file_make_folder(d->folder, msg)) < 0 || (rc = file_in(path, d->folder, ".linnet-XXXXXX", msg)) < 0)
        return rc;
    int file = mkstemp(path);
    if (file < 0)
        return fail(msg, LINNET_E_IO, "%s: cannot write there: %s", d->folder, strerror(errno));
    close(file);
    unlink(path);
    return LINNET_OK;
}
