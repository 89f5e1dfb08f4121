/* SPDX-License-Identifier: Apache-2.0
 * installed.c - the models that are there. */
#include "models/installed.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "models/find.h"
#include "models/model.h"
#include "nn/linear_stored.h"
#include "nn/safetensors.h"

/* The type that most of the weights are stored in. */
static const char *precision_of(const struct safetensors *weights)
{
    uint64_t n_bytes[N_DTYPES] = {0};
    int most = DTYPE_F32;
    for (size_t i = 0; i < safetensors_count(weights); i++)
        n_bytes[safetensors_at(weights, i)->dtype] += safetensors_at(weights, i)->n_bytes;
    for (int i = 0; i < N_DTYPES; i++)
        if (n_bytes[i] > n_bytes[most])
            most = i;
    if (linear_stored_in(weights, NULL) > 0)
        return "int8";
    return most == DTYPE_F16    ? "fp16"
           : most == DTYPE_BF16 ? "bf16"
           : most == DTYPE_F32  ? "fp32"
                                : dtype_name((enum dtype)most);
}

static void describe(struct installed *m)
{
    struct safetensors *weights = NULL;
    m->family = m->precision = "";
    if (model_family(m->path, &m->family, NULL) < 0 || safetensors_open_dir(&weights, m->path, NULL) < 0) {
        m->family = "";
        return;
    }
    m->precision = precision_of(weights);
    for (size_t i = 0; i < safetensors_count(weights); i++)
        m->n_bytes += safetensors_at(weights, i)->n_bytes;
    safetensors_close(weights);
}

static int add(struct installed_list *list, const struct installed *m, struct message *msg)
{
    if (MEM_GROW(list->at, list->room, list->n + 1) < 0)
        return fail_memory(msg);
    list->at[list->n++] = *m;
    return LINNET_OK;
}

/* ---- the three places; each looks at one entry of its folder: 1 when that is one ---- */

static int in_cache(struct installed *m, const char *folder, const char *entry)
{
    if (entry[0] == '.' || file_in(m->path, folder, entry, NULL) < 0 || !file_is_folder(m->path))
        return 0;
    snprintf(m->name, sizeof m->name, "%s", entry);
    describe(m);
    return 1;
}

static int is_file_here(struct installed *m, const char *folder, const char *entry)
{
    struct stat st;
    (void)folder;
    if (strncmp(entry, "ggml-", 5) != 0 || !file_has_suffix(entry, ".bin") || stat(entry, &st) < 0 ||
        !S_ISREG(st.st_mode))
        return 0;
    snprintf(m->name, sizeof m->name, "%s", entry);
    snprintf(m->path, sizeof m->path, "%s", entry);
    m->family = "whisper";
    m->precision = "ggml";
    m->n_bytes = (uint64_t)st.st_size;
    return 1;
}

/* models--owner--name; of a kind that is known. */
static int in_hub_cache(struct installed *m, const char *folder, const char *entry)
{
    (void)folder;
    const char *owner = strncmp(entry, "models--", 8) == 0 ? entry + 8 : NULL;
    const char *middle = owner != NULL ? strstr(owner, "--") : NULL;
    if (middle == NULL)
        return 0;
    snprintf(m->name, sizeof m->name, "%.*s/%.120s", (int)(middle - owner < 120 ? middle - owner : 120), owner,
             middle + 2);
    if (!model_in_hub_cache(m->path, m->name))
        return 0;
    describe(m);
    return m->family[0] != '\0';
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct installed *)a)->name, ((const struct installed *)b)->name);
}

static int read_folder(struct installed_list *list, const char *folder,
                       int (*look)(struct installed *m, const char *folder, const char *entry), struct message *msg)
{
    int before = list->n, rc = LINNET_OK;
    const struct dirent *e;
    DIR *d = opendir(folder);
    while (d != NULL && rc >= 0 && (e = readdir(d)) != NULL) {
        struct installed m = {.n_bytes = 0};
        if (look(&m, folder, e->d_name))
            rc = add(list, &m, msg);
    }
    if (d != NULL)
        closedir(d);
    if (list->n > before)
        qsort(list->at + before, (size_t)(list->n - before), sizeof *list->at, by_name);
    return rc;
}

int installed_read(struct installed_list *list, struct message *msg)
{
    char folder[FILE_MAX_PATH];
    struct installed_list found = {0};
    int rc = model_cache(folder, NULL) >= 0 ? read_folder(&found, folder, in_cache, msg) : LINNET_OK;
    if (rc >= 0)
        rc = read_folder(&found, ".", is_file_here, msg);
    if (rc >= 0 && model_hub_cache(folder))
        rc = read_folder(&found, folder, in_hub_cache, msg);
    if (rc < 0)
        installed_free(&found);
    else
        *list = found;
    return rc;
}

void installed_free(struct installed_list *list)
{
    mem_free(list->at);
    *list = (struct installed_list){0};
}
