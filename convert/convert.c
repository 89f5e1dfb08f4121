/* SPDX-License-Identifier: Apache-2.0
 * convert.c - recognises a source, converts it into a directory beside the wanted one, and puts that in its place. */
#include "convert/convert.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "models/quantize.h"

/* The first that recognises the source converts it. */
/* clang-format off */
#define SOURCES(X) \
    X(wenet) \
    X(ct2) \
    X(ggml) \
    X(silero) \
    X(truncation_head) \
    X(openai) \
    X(model)
/* clang-format on */

#define DECLARE(name) extern const struct convert_kind convert_##name;
#define ENTRY(name) &convert_##name,
SOURCES(DECLARE)
static const struct convert_kind *const kinds[] = {SOURCES(ENTRY) NULL};

static int is_empty(const char *dir)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    int n = 0;
    while (d != NULL && (e = readdir(d)) != NULL)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    if (d != NULL)
        closedir(d);
    return d != NULL && n == 0;
}

/* Removes a directory of plain files; one that holds more stays. */
static void remove_folder(const char *dir)
{
    char path[FILE_MAX_PATH];
    DIR *d = opendir(dir);
    const struct dirent *e;
    while (d != NULL && (e = readdir(d)) != NULL)
        if (file_in(path, dir, e->d_name, NULL) >= 0)
            (void)unlink(path); /* fails for "." and ".." */
    if (d != NULL)
        closedir(d);
    (void)rmdir(dir);
}

static const struct convert_kind *find_kind(const char *source)
{
    const struct convert_kind *const *k = kinds;
    while (*k != NULL && !(*k)->recognizes(source))
        k++;
    return *k;
}

/* The model made in `fresh` takes the place of dir. */
static int put_in_place(const char *fresh, const char *dir, struct message *msg)
{
    char old[FILE_MAX_PATH];
    int had = file_is_folder(dir);
    snprintf(old, sizeof old, "%.4000s.%ld.old", dir, (long)getpid());
    if (had && rename(dir, old) < 0)
        return fail(msg, LINNET_E_IO, "%s: cannot be replaced: %s", dir, strerror(errno));
    if (rename(fresh, dir) < 0) {
        int rc = fail(msg, LINNET_E_IO, "%s: cannot be made: %s", dir, strerror(errno));
        if (had)
            (void)rename(old, dir);
        return rc;
    }
    if (had)
        remove_folder(old);
    return 0;
}

static int convert_fresh(const struct convert_kind *kind, const char *source, const char *dir,
                         const struct convert_options *options, struct message *msg)
{
    char fresh[FILE_MAX_PATH];
    int n = (int)strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        n--;
    if (n > FILE_MAX_PATH - 100)
        return fail(msg, LINNET_E_ARGUMENT, "%s: path too long", dir);
    if (file_is_folder(dir) ? !is_empty(dir) && !file_exists_in(dir, "config.json") : file_exists(dir))
        return fail(msg, LINNET_E_ARGUMENT, "%s: is there already and is not a model", dir);
    snprintf(fresh, sizeof fresh, "%.*s.%ld.new", n, dir, (long)getpid());
    if (mkdir(fresh, 0777) < 0)
        return fail(msg, LINNET_E_IO, "%s: cannot be made: %s", fresh, strerror(errno));
    int rc = kind->convert(source, fresh, options, msg);
    if (rc == 0 && options->quantize)
        rc = model_quantize(fresh, msg);
    if (rc == 0) {
        char place[FILE_MAX_PATH];
        snprintf(place, sizeof place, "%.*s", n, dir);
        rc = put_in_place(fresh, place, msg);
    }
    if (rc < 0)
        remove_folder(fresh);
    return rc;
}

int convert_recognizes(const char *source) { return find_kind(source) != NULL; }

int convert(const char *source, const char *dir, const struct convert_options *options, const char **kind,
            struct message *msg)
{
    struct stat st;
    if (stat(source, &st) < 0)
        return fail(msg, LINNET_E_IO, "%s: %s", source, strerror(errno));
    const struct convert_kind *k = find_kind(source);
    if (k == NULL)
        return fail(msg, LINNET_E_FORMAT, "%s: no kind of checkpoint that is known", source);
    int rc = k->is_addition ? k->convert(source, dir, options, msg) : convert_fresh(k, source, dir, options, msg);
    if (rc == 0)
        *kind = k->name;
    return rc;
}
