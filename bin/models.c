/* SPDX-License-Identifier: Apache-2.0
 * models.c - `linnet models`: the models that are there, and those that can be had. */
#include <stdio.h>
#include <string.h>

#include "bin/options.h"
#include "models/catalog.h"
#include "models/find.h"
#include "models/installed.h"

static void put_size(double n_bytes)
{
    if (n_bytes < 1e9)
        printf("%6.0f MB", n_bytes / 1e6);
    else
        printf("%6.2f GB", n_bytes / 1e9);
}

static int is_installed(const struct installed_list *list, const struct catalog_entry *entry)
{
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->at[i].name, entry->name) == 0 || strcmp(list->at[i].name, entry->repository) == 0)
            return 1;
    return 0;
}

static void put_installed(const struct installed_list *list)
{
    char cache[FILE_MAX_PATH];
    printf("There:\n");
    for (int i = 0; i < list->n; i++) {
        const struct installed *m = &list->at[i];
        printf("  %-24s %-8s ", m->name, m->family[0] != '\0' ? m->family : "damaged");
        put_size((double)m->n_bytes);
        printf("  %-5s  %s\n", m->precision, m->path);
    }
    if (list->n == 0)
        printf("  none%s%s\n", model_cache(cache, NULL) >= 0 ? " in " : "; there is no model cache: HOME is not set",
               model_cache(cache, NULL) >= 0 ? cache : "");
}

static void put_catalog(const struct installed_list *list)
{
    printf("\nTo be had with 'linnet fetch NAME':\n");
    for (const struct catalog_entry *e = catalog; e->name != NULL; e++) {
        if (is_installed(list, e))
            continue;
        printf("  %-24s %-8s ", e->brief, e->is_english ? "English" : "");
        put_size(e->megabytes * 1e6);
        printf("         %s\n", e->repository);
    }
    printf("  OWNER/NAME               any other repository of the Hugging Face hub with such a model\n"
           "large is large-v3, turbo is large-v3-turbo.\n");
}

static int run(void *values, int n_arguments, char **arguments, struct message *msg)
{
    struct installed_list list = {0};
    (void)values, (void)n_arguments, (void)arguments;
    int rc = installed_read(&list, msg);
    if (rc < 0)
        return rc;
    put_installed(&list);
    put_catalog(&list);
    installed_free(&list);
    return EXIT_DONE;
}

const struct command models_command = {
    .name = "models",
    .summary = "the models that are there, and those that can be had",
    .arguments = "",
    .text = "By name, kind, size of the weights, what they are stored in, and place: those in the model\n"
            "cache, files of whisper.cpp in this folder, and those that other programs have in the\n"
            "Hugging Face cache. --model takes the names of this list, of either half.",
    .run = run,
};
