/* SPDX-License-Identifier: Apache-2.0
 * catalog.c - the published models.
 *
 * Sizes are those of model.safetensors: single precision up to large-v2, half precision from large-v3 on and of the
 * distilled models. */
#include "models/catalog.h"

#include <stdio.h>
#include <string.h>

#define WHISPER(name, megabytes, is_english)                                                                           \
    {                                                                                                                  \
        "whisper-" name, name, "openai/whisper-" name, megabytes, is_english                                           \
    }
#define DISTIL(name, megabytes)                                                                                        \
    {                                                                                                                  \
        name, name, "distil-whisper/" name, megabytes, 1                                                               \
    }

/* clang-format off */
const struct catalog_entry catalog[] = {
    WHISPER("tiny", 151, 0),
    WHISPER("tiny.en", 151, 1),
    WHISPER("base", 290, 0),
    WHISPER("base.en", 290, 1),
    WHISPER("small", 967, 0),
    WHISPER("small.en", 967, 1),
    WHISPER("medium", 3056, 0),
    WHISPER("medium.en", 3056, 1),
    {"whisper-large-v1", "large-v1", "openai/whisper-large", 6173, 0},
    WHISPER("large-v2", 6173, 0),
    WHISPER("large-v3", 3087, 0),
    WHISPER("large-v3-turbo", 1618, 0),
    DISTIL("distil-small.en", 332),
    DISTIL("distil-medium.en", 789),
    DISTIL("distil-large-v2", 1513),
    DISTIL("distil-large-v3", 1513),
    DISTIL("distil-large-v3.5", 1513),
    {0}};
/* clang-format on */

/* As openai-whisper has them. */
static const struct {
    const char *name, *brief;
} aliases[] = {{"large", "large-v3"}, {"turbo", "large-v3-turbo"}};

const struct catalog_entry *catalog_find(const char *name)
{
    const char *brief = strncmp(name, "whisper-", 8) == 0 ? name + 8 : name;
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (strcmp(brief, aliases[i].name) == 0)
            brief = aliases[i].brief;
    for (const struct catalog_entry *e = catalog; e->name != NULL; e++)
        if (strcmp(brief, e->brief) == 0 || strcmp(name, e->repository) == 0)
            return e;
    return NULL;
}

void catalog_offer(struct parse_nearest *nearest)
{
    for (const struct catalog_entry *e = catalog; e->name != NULL; e++)
        parse_offer(nearest, e->brief);
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        parse_offer(nearest, aliases[i].name);
}

/* How many bytes at the start of text are half of a repository's name; 0: none. */
static size_t half(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    return text[0] != '.' && n <= 96 ? n : 0;
}

int catalog_is_repository(const char *name)
{
    size_t n = half(name);
    return n > 0 && name[n] == '/' && half(name + n + 1) > 0 && name[n + 1 + half(name + n + 1)] == '\0';
}

void catalog_directory(const char *repository, char *name, int size)
{
    const struct catalog_entry *entry = catalog_find(repository);
    int n_owner = (int)strcspn(repository, "/");
    if (entry != NULL)
        snprintf(name, (size_t)size, "%s", entry->name);
    else
        snprintf(name, (size_t)size, "%.*s--%s", n_owner, repository, repository + n_owner + 1);
}
