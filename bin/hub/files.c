/* SPDX-License-Identifier: Apache-2.0
 * files.c - what the hub's API says about a repository.
 *
 * A large file lies in Git LFS and has a SHA-256 sum; of a small one the name of git's blob is known.  In the answer
 * about a revision the keys are rfilename, size, blobId and lfs.sha256, in that about a tree path, size, oid and
 * lfs.oid. */
#include "bin/hub/files.h"

#include <jansson.h>
#include <string.h>

#include "base/mem.h"

#define MOST_BYTES ((json_int_t)1 << 50)
#define MOST_WITHOUT_SUM ((json_int_t)16 << 20) /* as git has files, not LFS */

static int is_hexadecimal(const char *text, size_t n)
{
    return text != NULL && strlen(text) == n && strspn(text, "0123456789abcdef") == n;
}

static int is_plain(const char *name)
{
    return name != NULL && name[0] != '\0' && name[0] != '.' && strlen(name) < sizeof((struct hub_file *)0)->name &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == strlen(name);
}

static const char *text_of(const json_t *object, const char *key, const char *other)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : json_string_value(json_object_get(object, other));
}

static int add(struct hub_files *files, const json_t *about, struct message *msg)
{
    const json_t *lfs = json_object_get(about, "lfs"),
                 *size = json_object_get(json_is_object(lfs) ? lfs : about, "size");
    const char *name = text_of(about, "rfilename", "path");
    const char *sum = json_is_object(lfs) ? text_of(lfs, "sha256", "oid") : text_of(about, "blobId", "oid");
    json_int_t n_bytes = json_is_integer(size) ? json_integer_value(size) : -1;
    if (!is_hexadecimal(sum, json_is_object(lfs) ? 64 : 40))
        sum = "";
    files->n_unknown += is_plain(name) && size == NULL;
    if (!is_plain(name) || n_bytes < 0 || n_bytes > (sum[0] != '\0' ? MOST_BYTES : MOST_WITHOUT_SUM))
        return LINNET_OK;
    if (MEM_GROW(files->at, files->room, files->n + 1) < 0)
        return fail_memory(msg);
    struct hub_file *file = &files->at[files->n++];
    *file = (struct hub_file){.n_bytes = (uint64_t)n_bytes};
    memcpy(file->name, name, strlen(name));
    memcpy(file->sum, sum, strlen(sum));
    return LINNET_OK;
}

static int read_list(struct hub_files *files, const json_t *list, struct message *msg)
{
    int rc = LINNET_OK;
    for (size_t i = 0; i < json_array_size(list) && rc >= 0; i++)
        rc = add(files, json_array_get(list, i), msg);
    return rc;
}

int hub_files_read(struct hub_files *files, const struct buffer *answer, struct message *msg)
{
    json_t *root = json_loadb(buffer_text(answer), answer->n, 0, NULL);
    const char *revision = json_string_value(json_object_get(root, "sha"));
    const json_t *list = json_object_get(root, "siblings");
    int rc = is_plain(revision) && strlen(revision) < sizeof files->revision && json_is_array(list)
                 ? read_list(files, list, msg)
                 : fail(msg, LINNET_E_FORMAT, "the answer is not that of a Hugging Face hub");
    if (rc >= 0)
        memcpy(files->revision, revision, strlen(revision) + 1);
    json_decref(root);
    return rc;
}

int hub_files_read_tree(struct hub_files *files, const struct buffer *answer, struct message *msg)
{
    json_t *root = json_loadb(buffer_text(answer), answer->n, 0, NULL);
    files->n = files->n_unknown = 0;
    int rc = read_list(files, root, msg);
    json_decref(root);
    return rc;
}

void hub_files_free(struct hub_files *files)
{
    mem_free(files->at);
    *files = (struct hub_files){0};
}
