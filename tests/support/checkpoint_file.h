/* SPDX-License-Identifier: Apache-2.0
 * checkpoint_file.h - one file that tests write checkpoints to, and numbers read from them. */
#ifndef LINNET_TESTS_SUPPORT_CHECKPOINT_FILE_H
#define LINNET_TESTS_SUPPORT_CHECKPOINT_FILE_H

#include "base/buffer.h"
#include "convert/checkpoint.h"
#include "tests/support/scratch.h"

static inline const char *path(void) { return in_folder("checkpoint"); }

static inline void check_floats(const struct checkpoint *c, const char *name, const float *wanted, size_t n)
{
    float got[16] = {0};
    struct message msg = {""};
    const struct tensor *t = checkpoint_find(c, name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT_EQUAL_FATAL(t->dtype, DTYPE_F32);
    CU_ASSERT_EQUAL_FATAL(t->n_bytes, n * sizeof *wanted);
    CU_ASSERT_EQUAL(checkpoint_read(c, t, got, &msg), 0);
    for (size_t i = 0; i < n; i++)
        CU_ASSERT_EQUAL(got[i], wanted[i]);
}

static inline void put32(struct buffer *b, uint32_t value)
{
    char bytes[4] = {(char)value, (char)(value >> 8), (char)(value >> 16), (char)(value >> 24)};
    CU_ASSERT_EQUAL(buffer_append(b, bytes, 4), 0);
}

#endif
