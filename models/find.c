/* SPDX-License-Identifier: Apache-2.0
 * find.c - from the name of a model to where it is. */
#include "models/find.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/catalog.h"

/* ---- folders ---- */

/* Joins a folder that a variable names and the rest; 0 when the variable does not count or the path is too long. */
static int from_variable(char path[FILE_MAX_PATH], const char *variable, int must_be_absolute, const char *rest)
{
    const char *folder = getenv(variable);
    if (folder == NULL || folder[0] == '\0' || (must_be_absolute && folder[0] != '/'))
        return 0;
    return snprintf(path, FILE_MAX_PATH, "%s%s", folder, rest) < FILE_MAX_PATH;
}

int model_cache(char path[FILE_MAX_PATH], struct message *msg)
{
    if (from_variable(path, "LINNET_MODELS", 0, "") || from_variable(path, "XDG_CACHE_HOME", 1, "/linnet/models") ||
        from_variable(path, "HOME", 0, "/.cache/linnet/models"))
        return LINNET_OK;
    return fail(msg, LINNET_E_IO, "there is no model cache: HOME is not set; LINNET_MODELS names a folder for models");
}

int model_hub_cache(char path[FILE_MAX_PATH])
{
    return from_variable(path, "HF_HUB_CACHE", 0, "") || from_variable(path, "HF_HOME", 0, "/hub") ||
           from_variable(path, "XDG_CACHE_HOME", 1, "/huggingface/hub") ||
           from_variable(path, "HOME", 0, "/.cache/huggingface/hub");
}

static int is_model(const char *dir)
{
    return file_exists_in(dir, "config.json") &&
           (file_exists_in(dir, "model.safetensors") || file_exists_in(dir, "model.safetensors.index.json"));
}

/* The commit of dir/refs/main; 0 when there is none. */
static int read_main(const char *dir, char commit[64])
{
    char path[FILE_MAX_PATH];
    struct buffer text = {0};
    int n = file_in(path, dir, "refs/main", NULL) >= 0 && file_read(path, 200, &text, NULL) >= 0
                ? (int)strspn(buffer_text(&text), "0123456789abcdef")
                : 0;
    if (n > 0)
        snprintf(commit, 64, "%.*s", n, text.data);
    buffer_free(&text);
    return n > 0;
}

int model_in_hub_cache(char path[FILE_MAX_PATH], const char *repository)
{
    char cache[FILE_MAX_PATH], dir[FILE_MAX_PATH], states[FILE_MAX_PATH], commit[64];
    int n_owner = (int)strcspn(repository, "/"), found = 0;
    const struct dirent *e;
    if (!model_hub_cache(cache) || snprintf(dir, sizeof dir, "%.4000s/models--%.*s--%s", cache, n_owner, repository,
                                            repository + n_owner + 1) >= (int)sizeof dir)
        return 0;
    if (file_in(states, dir, "snapshots", NULL) < 0)
        return 0;
    if (read_main(dir, commit) && file_in(path, states, commit, NULL) >= 0 && is_model(path))
        return 1;
    DIR *d = opendir(states);
    while (d != NULL && !found && (e = readdir(d)) != NULL)
        found = e->d_name[0] != '.' && file_in(path, states, e->d_name, NULL) >= 0 && is_model(path);
    if (d != NULL)
        closedir(d);
    return found;
}

/* ---- the search ---- */

struct search {
    const char *name;
    const struct catalog_entry *entry; /* or NULL */
    const char *repository;            /* or NULL */
    struct model_place *place;
    char looked[300]; /* for, beside the name itself; with commas */
};

static void looked_for(struct search *s, const char *path)
{
    size_t n = strlen(s->looked);
    snprintf(s->looked + n, sizeof s->looked - n, "%s%s", n > 0 ? ", " : "", path);
}

static int is_model_folder(const char *path) { return file_is_folder(path) && file_exists_in(path, "config.json"); }

/* Takes what is at the path: a model directory, or a file. */
static int take(struct search *s, const char *path)
{
    int is_folder = file_is_folder(path);
    if (is_folder ? !is_model_folder(path) : !file_exists(path)) {
        looked_for(s, path);
        return 0;
    }
    snprintf(s->place->path, sizeof s->place->path, "%s", path);
    s->place->is_file = !is_folder;
    return 1;
}

static int take_in_cache(struct search *s)
{
    char cache[FILE_MAX_PATH], path[FILE_MAX_PATH], full[256];
    if (model_cache(cache, NULL) < 0) {
        looked_for(s, "(no model cache: HOME is not set)");
        return 0;
    }
    if (s->repository != NULL)
        catalog_directory(s->repository, full, sizeof full);
    else
        snprintf(full, sizeof full, "whisper-%.200s", s->name);
    return (strchr(s->name, '/') == NULL && file_in(path, cache, s->name, NULL) >= 0 && take(s, path)) ||
           (strcmp(full, s->name) != 0 && file_in(path, cache, full, NULL) >= 0 && take(s, path));
}

static int take_ggml(struct search *s)
{
    char path[300];
    if (strchr(s->name, '/') != NULL)
        return 0;
    snprintf(path, sizeof path, "ggml-%.200s.bin", s->entry != NULL ? s->entry->brief : s->name);
    return take(s, path);
}

static int take_in_hub_cache(struct search *s)
{
    if (s->repository == NULL)
        return 0;
    if (!model_in_hub_cache(s->place->path, s->repository)) {
        looked_for(s, "the Hugging Face cache");
        return 0;
    }
    s->place->is_file = 0;
    return 1;
}

static int not_found(const struct search *s, struct message *msg)
{
    struct parse_nearest nearest = {.wanted = s->name};
    if (s->entry != NULL)
        return fail(msg, LINNET_E_IO, "%.100s: there is no such model; 'linnet fetch %s' gets it. Looked for: %s",
                    s->name, s->entry->brief, s->looked);
    if (s->repository != NULL)
        return fail(msg, LINNET_E_IO,
                    "%.100s: there is no such model; if the Hugging Face hub has it, 'linnet fetch %.100s' gets it. "
                    "Looked for: %s",
                    s->name, s->name, s->looked);
    if (s->looked[0] == '\0')
        return fail(msg, LINNET_E_IO, "%s: there is no such model; 'linnet models' lists what there is", s->name);
    catalog_offer(&nearest);
    if (nearest.best != NULL)
        return fail(msg, LINNET_E_IO,
                    "%.100s: there is no such model; did you mean '%s'? 'linnet models' lists what "
                    "there is. Looked for: %s",
                    s->name, nearest.best, s->looked);
    return fail(msg, LINNET_E_IO, "%.100s: there is no such model; 'linnet models' lists what there is. Looked for: %s",
                s->name, s->looked);
}

int model_find(struct model_place *place, const char *name, struct message *msg)
{
    struct search s = {.name = name, .entry = catalog_find(name), .place = place};
    if (s.entry != NULL)
        s.repository = s.entry->repository;
    else if (catalog_is_repository(name))
        s.repository = name;
    if (strlen(name) >= FILE_MAX_PATH)
        return fail(msg, LINNET_E_ARGUMENT, "%.100s...: path too long", name);
    int is_path = name[0] == '\0' || (strchr(name, '/') != NULL && s.repository == NULL);
    if (!is_path && !is_model_folder(name) && (take_in_cache(&s) || take_ggml(&s) || take_in_hub_cache(&s)))
        return LINNET_OK;
    if (!file_is_folder(name) && !file_exists(name))
        return not_found(&s, msg);
    snprintf(place->path, sizeof place->path, "%s", name);
    place->is_file = !file_is_folder(name); /* a folder that is no model is what opening refuses */
    return LINNET_OK;
}
