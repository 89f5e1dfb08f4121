/* SPDX-License-Identifier: Apache-2.0
 * safetensors.h - reading and writing safetensors files.
 *
 * The file is mapped, not read: opening costs the header, weights come into memory when they are touched and are shared
 * between processes.  Files must not change while they are open.  A handle may be read by several threads at once. */
#ifndef LINNET_NN_SAFETENSORS_H
#define LINNET_NN_SAFETENSORS_H

#include "nn/tensor.h"

struct safetensors;

/* Opens the file at path.  Every number of its header is checked. */
int safetensors_open(struct safetensors **out, const char *path, struct message *msg) LINNET_MUST_CHECK;

/* Opens dir/model.safetensors, or all the parts that dir/model.safetensors.index.json names, as one. */
int safetensors_open_dir(struct safetensors **out, const char *dir, struct message *msg) LINNET_MUST_CHECK;

void safetensors_close(struct safetensors *f); /* NULL is fine; tensors are gone with it */

size_t safetensors_count(const struct safetensors *f);
const struct tensor *safetensors_at(const struct safetensors *f, size_t i);           /* in the order of names */
const struct tensor *safetensors_find(const struct safetensors *f, const char *name); /* NULL when not there */

/* Finds a tensor that must be there with this shape (-1: any size).  The message names the file, the tensor, the shape
 * found and the shape wanted:
 *     safetensors_get(f, "ctc.ctc_lo.weight", 2, (const int64_t[]){n_vocabulary, -1}, &weight, msg)   */
int safetensors_get(const struct safetensors *f, const char *name, int n_dims, const int64_t shape[],
                    const struct tensor **out, struct message *msg) LINNET_MUST_CHECK;

/* The text for a key of the header's "__metadata__", or NULL. */
const char *safetensors_metadata(const struct safetensors *f, const char *key);

/* A tensor's bytes are not needed soon, and their memory may be reclaimed.  It can still be read. */
void safetensors_release(const struct safetensors *f, const struct tensor *t);

struct safetensors_writer;

/* Writing: open, meta and declare for all there will be, then put the data of each (any order, once), then close.  The
 * bytes go to a temporary file beside path, which close makes durable and then renames: path is either as before or
 * whole.  After an error only abort is left. */
int safetensors_writer_open(struct safetensors_writer **out, const char *path, struct message *msg) LINNET_MUST_CHECK;
int safetensors_writer_meta(struct safetensors_writer *w, const char *key, const char *value,
                            struct message *msg) LINNET_MUST_CHECK;
int safetensors_writer_declare(struct safetensors_writer *w, const char *name, enum dtype dtype, int n_dims,
                               const int64_t shape[], struct message *msg) LINNET_MUST_CHECK; /* its index, from 0 */
int safetensors_writer_put(struct safetensors_writer *w, int i_tensor, const void *data, size_t n_bytes,
                           struct message *msg) LINNET_MUST_CHECK;
int safetensors_writer_close(struct safetensors_writer *w, struct message *msg) LINNET_MUST_CHECK; /* w is gone */
void safetensors_writer_abort(struct safetensors_writer *w); /* removes the temporary file; NULL is fine */

#endif
