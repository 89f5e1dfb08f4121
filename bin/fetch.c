/* SPDX-License-Identifier: Apache-2.0
 * fetch.c - `linnet fetch`: a model from the Hugging Face hub into the model cache.
 *
 * Files arrive in the folder .NAME.fetch beside the model's place, which gets the model's name when all are whole.  A
 * run that was ended in any way leaves what arrived, and the next goes on with it.  A lock on the folder, which ends
 * with its process, keeps runs for the same model apart. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "bin/decoding.h"
#include "bin/hub.h"
#include "bin/options.h"
#include "bin/progress.h"
#include "models/catalog.h"
#include "models/find.h"
#include "models/model.h"

enum { MOST_FILES = 64 };

struct fetch_options {
    int quiet;
};

static const struct option_spec options[] = {
    {"quiet", 0, OPTION_FLAG, offsetof(struct fetch_options, quiet), .help = "print nothing on success"}, {0}};

struct fetch {
    const char *repository;
    char name[256], path[FILE_MAX_PATH], parts[FILE_MAX_PATH]; /* of the model; its place; where it arrives */
    struct hub *hub;
    const struct hub_file *files[MOST_FILES]; /* [n] that a model needs, config.json first */
    int n, lock;
    uint64_t n_bytes, n_whole; /* of all; of the files before the one that arrives */
    struct progress progress;
};

/* ---- what to fetch ---- */

static int take_name(struct fetch *f, const char *name, struct message *msg)
{
    const struct catalog_entry *entry = catalog_find(name);
    struct parse_nearest nearest = {.wanted = name};
    f->repository = entry != NULL ? entry->repository : name;
    if (entry == NULL && !catalog_is_repository(name)) {
        catalog_offer(&nearest);
        return fail(msg, LINNET_E_ARGUMENT,
                    "%.200s: no model of that name%s%s%s; 'linnet models' lists them, and any other of the Hugging "
                    "Face hub is OWNER/NAME",
                    name, nearest.best != NULL ? "; did you mean '" : "", nearest.best != NULL ? nearest.best : "",
                    nearest.best != NULL ? "'?" : "");
    }
    catalog_directory(f->repository, f->name, sizeof f->name);
    return LINNET_OK;
}

static int want(struct fetch *f, const struct hub_file *file, struct message *msg)
{
    if (f->n == MOST_FILES)
        return fail(msg, LINNET_E_FORMAT, "%s: more than %d files", f->repository, MOST_FILES);
    f->files[f->n++] = file;
    f->n_bytes += file->n_bytes;
    return LINNET_OK;
}

/* 1 when the repository has it. */
static int want_named(struct fetch *f, const char *name, struct message *msg)
{
    const struct hub_file *file = hub_find(f->hub, name);
    int rc = file != NULL ? want(f, file, msg) : 0;
    return rc < 0 ? rc : file != NULL;
}

/* model-00001-of-00002.safetensors */
static int is_shard(const char *name)
{
    return strncmp(name, "model-", 6) == 0 && strstr(name, "-of-") != NULL && file_has_suffix(name, ".safetensors");
}

static int want_weights(struct fetch *f, struct message *msg)
{
    int rc = want_named(f, "model.safetensors", msg);
    if (rc != 0)
        return rc;
    if ((rc = want_named(f, "model.safetensors.index.json", msg)) < 0)
        return rc;
    if (rc == 0)
        return fail(msg, LINNET_E_MODEL,
                    "%s: has no model.safetensors; if it has another program's checkpoint, download that and make a "
                    "model of it with 'linnet convert'",
                    f->repository);
    for (int i = 0; i < hub_count(f->hub) && rc >= 0; i++)
        if (is_shard(hub_at(f->hub, i)->name))
            rc = want(f, hub_at(f->hub, i), msg);
    return rc;
}

static int want_all(struct fetch *f, struct message *msg)
{
    int rc = want_named(f, "config.json", msg);
    if (rc == 0)
        return fail(msg, LINNET_E_MODEL, "%s: has no config.json, so it is no model that can be used", f->repository);
    if (rc < 0 || (rc = want_named(f, "generation_config.json", msg)) < 0 ||
        (rc = want_named(f, "preprocessor_config.json", msg)) < 0 || (rc = want_named(f, "tokenizer.json", msg)) < 0)
        return rc;
    if (rc == 0 && (rc = want_named(f, "vocab.json", msg)) == 0)
        return fail(msg, LINNET_E_MODEL, "%s: has neither tokenizer.json nor vocab.json, so its texts cannot be read",
                    f->repository);
    return rc < 0 ? rc : want_weights(f, msg);
}

/* ---- the folder that it arrives in ---- */

static int is_same_folder(int fd, const char *path)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Makes the folder and locks it.  Whoever waited may find the folder renamed: the model is there then, or, where it was
 * removed since, the folder is made anew. */
static int enter(struct fetch *f, struct message *msg)
{
    while (!file_is_folder(f->path)) {
        int rc = file_make_folder(f->parts, msg);
        if (rc < 0)
            return rc;
        f->lock = open(f->parts, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (f->lock < 0 && errno != ENOENT)
            return fail(msg, LINNET_E_IO, "%s: %s", f->parts, strerror(errno));
        if (f->lock >= 0 && flock(f->lock, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
            fprintf(stderr, "linnet: waiting for another fetch of %s\n", f->name);
            (void)flock(f->lock, LOCK_EX); /* where there are no locks, sums find what two runs have mixed up */
        }
        if (decoding_signal() != 0)
            return fail(msg, LINNET_E_CANCELLED, "%s: interrupted", f->name);
        if (f->lock >= 0 && is_same_folder(f->lock, f->parts))
            return LINNET_OK;
        if (f->lock >= 0)
            close(f->lock);
        f->lock = -1;
    }
    return LINNET_OK;
}

static int check_room(const struct fetch *f, struct message *msg)
{
    struct statvfs room;
    uint64_t needed = 0;
    for (int i = 0; i < f->n; i++)
        needed += f->files[i]->n_bytes - hub_arrived(f->files[i], f->parts);
    if (statvfs(f->parts, &room) < 0 || (uint64_t)room.f_bavail >= needed / (room.f_frsize > 0 ? room.f_frsize : 1))
        return LINNET_OK;
    return fail(msg, LINNET_E_IO,
                "%s: needs %.0f MB more, and its disk has %.0f MB: make room, or set LINNET_MODELS to another folder",
                f->parts, (double)needed / 1e6, (double)room.f_bavail * (double)room.f_frsize / 1e6);
}

static int is_wanted(const struct fetch *f, const char *name)
{
    for (int i = 0; i < f->n; i++)
        if (strcmp(f->files[i]->name, name) == 0)
            return 1;
    return 0;
}

/* Removes what is not part of the model, such as a file that the hub had before. */
static void sweep(const struct fetch *f)
{
    char path[FILE_MAX_PATH];
    const struct dirent *e;
    DIR *d = opendir(f->parts);
    while (d != NULL && (e = readdir(d)) != NULL)
        if (!is_wanted(f, e->d_name) && file_in(path, f->parts, e->d_name, NULL) >= 0)
            (void)unlink(path); /* fails for "." and ".." */
    if (d != NULL)
        closedir(d);
}

/* ---- fetching ---- */

static void arrived(void *arg, uint64_t n_bytes)
{
    struct fetch *f = arg;
    progress_step(&f->progress, (double)(f->n_whole + n_bytes));
}

static int get(struct fetch *f, const struct hub_file *file, struct message *msg)
{
    const struct hub_watch watch = {arrived, f, decoding_signal};
    int rc = hub_get(f->hub, file, f->parts, &watch, msg);
    if (rc >= 0)
        f->n_whole += file->n_bytes;
    return rc;
}

/* The configuration first: what is no model for this program is refused before it is large. */
static int get_all(struct fetch *f, struct message *msg)
{
    const char *family;
    int rc = get(f, f->files[0], msg);
    if (rc >= 0 && (rc = model_family(f->parts, &family, msg)) < 0) {
        f->n = 0;
        sweep(f);
        (void)rmdir(f->parts);
        return fail_in(msg, rc, f->repository);
    }
    for (int i = 1; i < f->n && rc >= 0; i++)
        rc = get(f, f->files[i], msg);
    return rc;
}

static int put_in_place(struct fetch *f, struct message *msg)
{
    sweep(f);
    if (rename(f->parts, f->path) < 0)
        return fail(msg, LINNET_E_IO, "%s: cannot be made: %s", f->path, strerror(errno));
    return LINNET_OK;
}

/* Under nohup it goes on when the terminal is closed. */
static void catch_signals(void)
{
    struct sigaction hangup;
    decoding_catch(SIGINT, NULL, 0);
    decoding_catch(SIGTERM, NULL, 0);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        decoding_catch(SIGHUP, NULL, 0);
}

static int fetch(struct fetch *f, int quiet, struct message *msg)
{
    signal(SIGPIPE, SIG_IGN); /* of connections */
    int rc = hub_open(&f->hub, f->repository, msg);
    catch_signals();
    if (rc < 0 || (rc = want_all(f, msg)) < 0 || (rc = enter(f, msg)) < 0)
        return rc;
    if (f->lock < 0) /* another run has made it */
        return LINNET_OK;
    if ((rc = check_room(f, msg)) < 0)
        return rc;
    if (!quiet)
        fprintf(stderr, "linnet: fetching %s, %.0f MB\n", f->repository, (double)f->n_bytes / 1e6);
    progress_start(&f->progress, quiet ? 0 : (double)f->n_bytes);
    rc = get_all(f, msg);
    progress_hide(&f->progress);
    return rc < 0 ? rc : put_in_place(f, msg);
}

static int run(void *values, int n_arguments, char **arguments, struct message *msg)
{
    const struct fetch_options *o = values;
    char cache[FILE_MAX_PATH], part[300];
    struct fetch f = {.lock = -1};
    int rc;
    (void)n_arguments;
    if ((rc = take_name(&f, arguments[0], msg)) < 0 || (rc = model_cache(cache, msg)) < 0)
        return rc;
    snprintf(part, sizeof part, ".%s.fetch", f.name);
    if ((rc = file_in(f.path, cache, f.name, msg)) < 0 || (rc = file_in(f.parts, cache, part, msg)) < 0)
        return rc;
    int was_there = file_is_folder(f.path);
    if (!was_there)
        rc = fetch(&f, o->quiet, msg);
    if (rc >= 0 && !o->quiet)
        fprintf(stderr, "linnet: %s is %sin %s\n", f.name, was_there ? "already there, " : "", f.path);
    if (f.lock >= 0)
        close(f.lock);
    hub_close(f.hub);
    return rc < 0 ? rc : EXIT_DONE;
}

const struct command fetch_command = {
    .name = "fetch",
    .summary = "get a model from the Hugging Face hub",
    .arguments = "NAME",
    .text = "NAME is one that 'linnet models' lists, such as small, or OWNER/NAME for any other\n"
            "repository of the hub with a model of a kind that linnet knows.\n"
            "What has arrived when it is interrupted is kept, and the same command goes on with it.\n"
            "The model appears under its name when it is whole and its sums are right.\n"
            "HF_ENDPOINT names another hub, HF_TOKEN is sent to it as yours.",
    .options = options,
    .size = sizeof(struct fetch_options),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
