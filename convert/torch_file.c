/* SPDX-License-Identifier: Apache-2.0
 * torch_file.c - the zip archives that torch.save writes.
 *
 * An archive holds NAME/data.pkl, a pickle that describes everything, and NAME/data/KEY for each storage.  A tensor is
 * a view of a storage: offset, shape, strides; what is fetched here is dense.  The storage read last is kept, because
 * neighbours often share one.  The zip library checks the sums of what it reads. */
#include "convert/torch_file.h"

#include <stdio.h>
#include <string.h>
#include <zip.h>

#include "base/file.h"
#include "base/mem.h"
#include "convert/pickle.h"

#define MAX_PICKLE ((size_t)256 << 20)
#define MAX_STEPS 200000 /* of the walk over dictionaries: one may contain itself */
#define MAX_DEPTH 16
#define MAX_NAME 512

struct torch_file {
    const char *path; /* the checkpoint's */
    zip_t *zip;
    char *folder; /* in the archive, with its slash */
    char *bytes;  /* the pickle's, where its text lies */
    struct pickle *pickle;
    char *storage; /* the one read last */
    zip_uint64_t i_storage;
    size_t n_storage;
};

static void torch_close(void *state)
{
    struct torch_file *f = state;
    if (f->zip != NULL)
        zip_discard(f->zip);
    pickle_close(f->pickle);
    mem_free(f->bytes);
    mem_free(f->folder);
    mem_free(f->storage);
}

/* A whole file of the archive into fresh memory. */
static int read_member(struct torch_file *f, zip_uint64_t index, size_t max, char **out, size_t *n, struct message *msg)
{
    zip_stat_t st;
    if (zip_stat_index(f->zip, index, 0, &st) < 0 || !(st.valid & ZIP_STAT_SIZE) || st.size > max)
        return fail(msg, LINNET_E_FORMAT, "%s: file %llu of the archive has an impossible size", f->path,
                    (unsigned long long)index);
    char *bytes = mem_array((size_t)st.size + 1, 1); /* one more: reading past the end checks the sum */
    zip_file_t *member = bytes != NULL ? zip_fopen_index(f->zip, index, 0) : NULL;
    if (member == NULL) {
        int rc = bytes == NULL ? fail_memory(msg)
                               : fail(msg, LINNET_E_FORMAT, "%s: %s: %s", f->path, st.name, zip_strerror(f->zip));
        mem_free(bytes);
        return rc;
    }
    size_t got = 0;
    zip_int64_t m;
    while ((m = zip_fread(member, bytes + got, (size_t)st.size + 1 - got)) > 0)
        got += (size_t)m;
    int rc = m < 0 || got != st.size
                 ? fail(msg, LINNET_E_FORMAT, "%s: %s in the archive is cut or damaged", f->path, st.name)
                 : 0;
    zip_fclose(member);
    if (rc < 0) {
        mem_free(bytes);
        return rc;
    }
    *out = bytes;
    *n = got;
    return 0;
}

static int open_zip(struct torch_file *f, struct message *msg)
{
    unsigned char magic[4] = {0};
    FILE *file = fopen(f->path, "rb");
    if (file == NULL)
        return fail(msg, LINNET_E_IO, "%s: cannot be opened", f->path);
    size_t n = fread(magic, 1, sizeof magic, file);
    fclose(file);
    if (n == sizeof magic && magic[0] == 0x80 && magic[1] == 2 && magic[2] == 0x8a)
        return fail(msg, LINNET_E_UNSUPPORTED,
                    "%s: a checkpoint of PyTorch before 1.6: load it in a newer PyTorch and save it again", f->path);
    if (n < sizeof magic || memcmp(magic, "PK\3\4", 4) != 0)
        return fail(msg, LINNET_E_FORMAT, "%s: not a PyTorch checkpoint (no zip archive)", f->path);
    int code;
    f->zip = zip_open(f->path, ZIP_RDONLY, &code);
    if (f->zip == NULL) {
        zip_error_t error;
        zip_error_init_with_code(&error, code);
        int rc = fail(msg, LINNET_E_FORMAT, "%s: archive is cut or damaged: %s", f->path, zip_error_strerror(&error));
        zip_error_fini(&error);
        return rc;
    }
    return 0;
}

/* Programs, which have the folder code/ beside the weights, name classes in their pickle that only they define. */
static int is_script(const struct torch_file *f)
{
    char name[MAX_NAME];
    zip_int64_t n = zip_get_num_entries(f->zip, 0);
    size_t n_name = (size_t)snprintf(name, sizeof name, "%.400scode/", f->folder);
    for (zip_int64_t i = 0; i < n; i++) {
        const char *entry = zip_get_name(f->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        if (entry != NULL && strncmp(entry, name, n_name) == 0)
            return 1;
    }
    return 0;
}

static int refuse_script(const struct torch_file *f, struct message *msg)
{
    return fail(msg, LINNET_E_UNSUPPORTED,
                "%.150s: a TorchScript program, not a checkpoint: convert the checkpoint that it was made from "
                "(WeNet's final.pt), or save its weights: python3 -c 'import torch; "
                "torch.save(torch.jit.load(\"final.zip\", \"cpu\").state_dict(), \"final.pt\")'",
                f->path);
}

/* Finds NAME/data.pkl and so the folder of the archive. */
static int find_pickle(struct torch_file *f, zip_uint64_t *index, struct message *msg)
{
    zip_int64_t n = zip_get_num_entries(f->zip, 0);
    for (zip_int64_t i = 0; i < n; i++) {
        const char *name = zip_get_name(f->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        if (name == NULL || !file_has_suffix(name, "/data.pkl"))
            continue;
        f->folder = mem_string_n(name, strlen(name) - strlen("data.pkl"));
        *index = (zip_uint64_t)i;
        return f->folder == NULL ? fail_memory(msg) : is_script(f) ? refuse_script(f, msg) : 0;
    }
    return fail(msg, LINNET_E_FORMAT, "%s: no data.pkl in the archive: not a PyTorch checkpoint", f->path);
}

/* Numbers are little-endian here; other machines' archives say so in a file of its own. */
static int check_order(struct torch_file *f, struct message *msg)
{
    char name[MAX_NAME];
    snprintf(name, sizeof name, "%.400sbyteorder", f->folder);
    zip_int64_t index = zip_name_locate(f->zip, name, ZIP_FL_ENC_RAW);
    char *text = NULL;
    size_t n = 0;
    if (index < 0)
        return 0;
    int rc = read_member(f, (zip_uint64_t)index, 100, &text, &n, msg);
    if (rc == 0 && strncmp(text, "little", 6) != 0)
        rc = fail(msg, LINNET_E_UNSUPPORTED, "%s: byte order '%.20s'", f->path, text);
    mem_free(text);
    return rc;
}

static int locate(struct torch_file *f, const struct pickle_storage *s, zip_uint64_t *index, struct message *msg)
{
    char name[MAX_NAME];
    zip_stat_t st;
    if (s->key.n > 100 || snprintf(name, sizeof name, "%.350sdata/%.*s", f->folder, (int)s->key.n, s->key.bytes) < 0)
        return fail(msg, LINNET_E_FORMAT, "%s: impossible name of a storage", f->path);
    zip_int64_t i = zip_name_locate(f->zip, name, ZIP_FL_ENC_RAW);
    if (i < 0 || zip_stat_index(f->zip, (zip_uint64_t)i, 0, &st) < 0)
        return fail(msg, LINNET_E_FORMAT, "%s: no %s in the archive", f->path, name);
    if ((uint64_t)s->n > st.size / dtype_size(s->dtype))
        return fail(msg, LINNET_E_FORMAT, "%s: %s has %llu bytes, too few for %lld numbers", f->path, name,
                    (unsigned long long)st.size, (long long)s->n);
    *index = (zip_uint64_t)i;
    return 0;
}

/* Elements in the order of the shape from where the strides say. */
static void gather(const struct pickle_tensor *t, size_t size, const char *from, char *out)
{
    int64_t at[TENSOR_MAX_DIMS] = {0}, place = t->offset, n = 1;
    for (int i = 0; i < t->n_dims; i++)
        n *= t->shape[i];
    for (int64_t i = 0; i < n; i++) {
        memcpy(out + (size_t)i * size, from + (size_t)place * size, size);
        for (int d = t->n_dims - 1; d >= 0; d--) { /* counts up like a mileage meter */
            place += t->stride[d];
            if (++at[d] < t->shape[d])
                break;
            place -= t->stride[d] * t->shape[d];
            at[d] = 0;
        }
    }
}

static int is_dense(const struct pickle_tensor *t)
{
    int64_t stride = 1;
    for (int d = t->n_dims - 1; d >= 0; d--) {
        if (t->shape[d] != 1 && t->stride[d] != stride)
            return 0;
        stride *= t->shape[d];
    }
    return 1;
}

static int torch_read(void *state, const struct tensor *t, size_t i_source, void *out, struct message *msg)
{
    struct torch_file *f = state;
    const struct pickle_tensor *p = &f->pickle->tensors[i_source];
    const struct pickle_storage *s = &f->pickle->values[p->storage].as.storage;
    size_t size = dtype_size(s->dtype);
    zip_uint64_t index = 0;
    int rc;
    if (t->n_bytes == 0)
        return 0;
    if ((rc = locate(f, s, &index, msg)) < 0)
        return rc;
    if (f->storage == NULL || f->i_storage != index) {
        mem_free(f->storage);
        f->storage = NULL;
        if ((rc = read_member(f, index, SIZE_MAX - 1, &f->storage, &f->n_storage, msg)) < 0)
            return rc;
        f->i_storage = index;
    }
    if (is_dense(p))
        memcpy(out, f->storage + (size_t)p->offset * size, t->n_bytes);
    else
        gather(p, size, f->storage, out);
    return 0;
}

struct walk {
    struct torch_file *file;
    struct checkpoint *checkpoint;
    int n_steps;
    char name[MAX_NAME];
    struct message *msg;
};

static int walk_value(struct walk *w, uint32_t value, size_t n_name, int depth);

static int walk_tensor(struct walk *w, const struct pickle_value *v)
{
    const struct pickle_tensor *t = &w->file->pickle->tensors[v->as.tensor];
    const struct pickle_storage *s = &w->file->pickle->values[t->storage].as.storage;
    zip_uint64_t index = 0;
    int rc = s->n > 0 ? locate(w->file, s, &index, w->msg) : 0;
    if (rc < 0)
        return fail_in(w->msg, rc, w->name);
    return checkpoint_add(w->checkpoint, w->name, s->dtype, t->n_dims, t->shape, v->as.tensor, w->msg);
}

/* The name of an item after n_name bytes of what it is in: a dictionary's key, a list's place. */
static int name_item(struct walk *w, size_t n_name, const struct pickle_value *key, int place)
{
    const char *dot = n_name > 0 ? "." : "";
    size_t room = MAX_NAME - n_name;
    int n;
    if (key != NULL && key->type == PICKLE_TEXT) {
        if (key->as.text.n > MAX_NAME || memchr(key->as.text.bytes, '\0', key->as.text.n) != NULL)
            return -1;
        n = snprintf(w->name + n_name, room, "%s%.*s", dot, (int)key->as.text.n, key->as.text.bytes);
    } else if (key == NULL || key->type == PICKLE_INT) {
        n = snprintf(w->name + n_name, room, "%s%lld", dot, (long long)(key != NULL ? key->as.integer : place));
    } else {
        return -1;
    }
    return n < 0 || (size_t)n >= room ? -1 : n;
}

static int walk_items(struct walk *w, const struct pickle_value *v, size_t n_name, int depth)
{
    const struct pickle *p = w->file->pickle;
    int place = 0;
    for (uint32_t i = v->first; i != 0; i = p->items[i].next, place++) {
        const struct pickle_value *key = NULL;
        if (v->type == PICKLE_DICT) {
            key = &p->values[p->items[i].value];
            i = p->items[i].next;
        }
        int n = name_item(w, n_name, key, place);
        if (n < 0)
            return fail(w->msg, LINNET_E_FORMAT, "%s: impossible name in %.*s", w->file->path, (int)n_name, w->name);
        int rc = walk_value(w, p->items[i].value, n_name + (size_t)n, depth + 1);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int walk_value(struct walk *w, uint32_t value, size_t n_name, int depth)
{
    const struct pickle_value *v = &w->file->pickle->values[value];
    if (++w->n_steps > MAX_STEPS || depth > MAX_DEPTH)
        return fail(w->msg, LINNET_E_FORMAT, "%s: nested too deep or without end at %.200s", w->file->path, w->name);
    switch (v->type) {
    case PICKLE_TENSOR:
        return walk_tensor(w, v);
    case PICKLE_INT:
        return checkpoint_add_number(w->checkpoint, w->name, v->as.integer, w->msg);
    case PICKLE_DICT:
    case PICKLE_LIST:
    case PICKLE_TUPLE:
        return walk_items(w, v, n_name, depth);
    default:
        return 0;
    }
}

static int torch_open(void *state, struct checkpoint *c, struct message *msg)
{
    struct torch_file *f = state;
    zip_uint64_t index = 0;
    size_t n = 0;
    int rc;
    f->path = checkpoint_path(c);
    if ((rc = open_zip(f, msg)) < 0 || (rc = find_pickle(f, &index, msg)) < 0 || (rc = check_order(f, msg)) < 0 ||
        (rc = read_member(f, index, MAX_PICKLE, &f->bytes, &n, msg)) < 0)
        return rc;
    if ((rc = pickle_open(&f->pickle, f->bytes, n, msg)) < 0)
        return fail_in(msg, rc, f->path);
    struct walk w = {.file = f, .checkpoint = c, .msg = msg};
    return walk_value(&w, f->pickle->root, 0, 0);
}

static const struct checkpoint_ops ops = {sizeof(struct torch_file), torch_open, torch_read, torch_close};

int torch_file_open(struct checkpoint **out, const char *path, struct message *msg)
{
    return checkpoint_open(out, path, &ops, &(struct torch_file){0}, msg);
}
