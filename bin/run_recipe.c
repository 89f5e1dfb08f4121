/* SPDX-License-Identifier: Apache-2.0
 * run_recipe.c - recipe.yaml: a comment for the kind of run, one for the share, settings. */
#include "bin/run_recipe.h"

#include <string.h>

#include "base/file.h"
#include "models/model.h"

#define MAX_BYTES ((size_t)1 << 24)

static const char *heading(const struct run_recipe *r)
{
    return r->streaming ? "# linnet decode --streaming\n" : "# linnet decode\n";
}

/* The settings that decide what comes out. */
static int write_settings(struct settings *s, struct buffer *out, struct message *msg)
{
    const struct model_options *model = settings_of(s, &model_settings);
    int rc = settings_set(s, "threads=0", msg);
    if (rc >= 0) /* more than one: long recordings are cut */
        rc = settings_set(s, model->batch > 1 ? "batch=2" : "batch=0", msg);
    if (rc >= 0 && (rc = settings_write(s, 0, out)) < 0)
        fail_memory(msg);
    return rc;
}

static int write_all(const struct run_recipe *r, const char *path, struct message *msg)
{
    struct buffer text = {0};
    int rc = LINNET_OK;
    if (buffer_puts(&text, heading(r)) < 0 || share_write(r->share, &text) < 0)
        rc = fail_memory(msg);
    if (rc >= 0 && (rc = write_settings(r->settings, &text, msg)) >= 0)
        rc = file_write(path, text.data, text.n, msg);
    buffer_free(&text);
    return rc;
}

static int check_share(const struct run_recipe *r, const char *folder, const char *text, struct message *msg)
{
    struct share old;
    const struct share *mine = r->share;
    share_read(&old, text);
    if (old.index != mine->index || old.n_shares != mine->n_shares)
        return old.n_shares == 0
                   ? fail(msg, LINNET_E_ARGUMENT, "%s: was begun without --shard", folder)
                   : fail(msg, LINNET_E_ARGUMENT, "%s: was begun with --shard %d/%d", folder, old.index, old.n_shares);
    if (mine->n_shares > 0 && (old.n_all != mine->n_all || old.ids != mine->ids))
        return fail(msg, LINNET_E_ARGUMENT, "%s: was begun as a share of other data, of %d utterances", folder,
                    old.n_all);
    return LINNET_OK;
}

/* The settings of an earlier run's recipe.yaml, rewritten: versions differ in their order. */
static int check_settings(const struct run_recipe *r, const char *folder, const char *path, const char *text,
                          struct message *msg)
{
    struct buffer mine = {0}, old = {0};
    struct settings s = {0};
    int rc = LINNET_OK, is_same = strncmp(text, heading(r), strlen(heading(r))) == 0;
    if (is_same && (rc = model_open_settings(&s, msg)) >= 0 && (rc = settings_read(&s, path, msg)) >= 0 &&
        (rc = write_settings(&s, &old, msg)) >= 0 && (rc = write_settings(r->settings, &mine, msg)) >= 0)
        is_same = strcmp(buffer_text(&mine), buffer_text(&old)) == 0;
    if (rc >= 0 && !is_same)
        rc = fail(msg, LINNET_E_ARGUMENT, "%s: was begun with other settings (see recipe.yaml there)", folder);
    settings_close(&s);
    buffer_free(&mine);
    buffer_free(&old);
    return rc;
}

int run_recipe_check(const struct run_recipe *r, const char *folder, int is_new, struct message *msg)
{
    char path[FILE_MAX_PATH];
    struct buffer text = {0};
    int rc = file_in(path, folder, "recipe.yaml", msg);
    if (rc >= 0 && is_new)
        rc = write_all(r, path, msg);
    else if (rc >= 0 && (rc = file_read(path, MAX_BYTES, &text, msg)) >= 0 &&
             (rc = check_share(r, folder, buffer_text(&text), msg)) >= 0)
        rc = check_settings(r, folder, path, buffer_text(&text), msg);
    buffer_free(&text);
    return rc;
}
