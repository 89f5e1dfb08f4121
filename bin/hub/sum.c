/* SPDX-License-Identifier: Apache-2.0
 * sum.c - the sum of a file's bytes, by OpenSSL's libcrypto. */
#include "bin/hub/sum.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { PIECE = 1 << 18 };

static int add_bytes(EVP_MD_CTX *sum, int fd, uint64_t n_bytes, struct message *msg)
{
    char *piece = mem_array(PIECE, 1);
    int rc = piece != NULL ? LINNET_OK : fail_memory(msg);
    for (uint64_t at = 0; at < n_bytes && rc >= 0;) {
        ssize_t n = pread(fd, piece, n_bytes - at < PIECE ? (size_t)(n_bytes - at) : PIECE, (off_t)at);
        if (n <= 0)
            rc = fail(msg, LINNET_E_IO, "cannot be read: %s", n < 0 ? strerror(errno) : "too short");
        else if (EVP_DigestUpdate(sum, piece, (size_t)n) != 1)
            rc = fail_memory(msg);
        else
            at += (uint64_t)n;
    }
    mem_free(piece);
    return rc;
}

int sum_is(int fd, uint64_t n_bytes, const char *wanted, struct message *msg)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    char header[40], text[2 * EVP_MAX_MD_SIZE + 1] = "";
    int is_blob = strlen(wanted) == 40, rc = LINNET_OK;
    int n_header = is_blob ? snprintf(header, sizeof header, "blob %" PRIu64, n_bytes) + 1 : 0; /* with its NUL */
    EVP_MD_CTX *sum = EVP_MD_CTX_new();
    if (sum == NULL || EVP_DigestInit_ex(sum, is_blob ? EVP_sha1() : EVP_sha256(), NULL) != 1 ||
        EVP_DigestUpdate(sum, header, (size_t)n_header) != 1)
        rc = fail(msg, LINNET_E_MEMORY, "the sum cannot be computed");
    if (rc >= 0 && (rc = add_bytes(sum, fd, n_bytes, msg)) >= 0 && EVP_DigestFinal_ex(sum, bytes, &n) != 1)
        rc = fail(msg, LINNET_E_MEMORY, "the sum cannot be computed");
    EVP_MD_CTX_free(sum);
    for (unsigned i = 0; i < n; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return rc < 0 ? rc : strcmp(text, wanted) == 0;
}
