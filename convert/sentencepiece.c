/* SPDX-License-Identifier: Apache-2.0
 * sentencepiece.c - pieces and scores out of a sentencepiece model.
 *
 * The file is a protocol buffer (sentencepiece_model.proto): field 1 of a message, repeated, is a piece {1: text, 2:
 * score (float)}; field 2 is how it was trained, with 3: kind (1 unigram, 2 BPE, 3 words, 4 characters).  Everything
 * else is skipped. */
#include <string.h>

#include "base/cursor.h"
#include "base/file.h"
#include "convert/wenet.h"

#define MAX_FILE ((size_t)64 << 20)
#define UNIGRAM 1
#define BPE 2

/* A number of 7 bits a byte, the lowest first. */
static uint64_t read_varint(struct cursor *c)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && !c->bad; shift += 7) {
        unsigned byte = cursor_u8(c);
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
    c->bad = 1;
    return 0;
}

struct field {
    uint64_t number, value; /* value: of a varint or of 4 and 8 bytes */
    struct cursor bytes;    /* of text and messages */
};

/* The next field; 0 at the end and when bad. */
static int read_field(struct cursor *c, struct field *f)
{
    if (cursor_left(c) == 0)
        return 0;
    uint64_t tag = read_varint(c);
    *f = (struct field){.number = tag >> 3};
    switch (tag & 7) {
    case 0:
        f->value = read_varint(c);
        break;
    case 1:
        f->value = cursor_number(c, 8);
        break;
    case 2: {
        uint64_t n = read_varint(c);
        const unsigned char *bytes = cursor_bytes(c, n);
        if (bytes != NULL)
            f->bytes = (struct cursor){bytes, bytes + n, 0};
        break;
    }
    case 5:
        f->value = cursor_number(c, 4);
        break;
    default:
        c->bad = 1;
    }
    return !c->bad;
}

/* Appends "piece<TAB>score". */
static int write_piece(struct cursor *piece, struct buffer *out)
{
    struct field f, text = {0};
    float score = 0.0f;
    while (read_field(piece, &f)) {
        if (f.number == 1)
            text = f;
        if (f.number == 2) {
            uint32_t bits = (uint32_t)f.value;
            memcpy(&score, &bits, sizeof score);
        }
    }
    size_t n = (size_t)(text.bytes.end - text.bytes.at);
    if (piece->bad || n == 0 || memchr(text.bytes.at, '\n', n) != NULL || !(score - score == 0))
        return piece->bad || n == 0 || !(score - score == 0) ? LINNET_E_FORMAT
                                                             : 0; /* a line cannot hold a line's end */
    int rc = buffer_append(out, text.bytes.at, n);
    return rc < 0 ? rc : buffer_printf(out, "\t%.9g\n", (double)score);
}

static uint64_t read_kind(struct cursor training)
{
    struct field f;
    uint64_t kind = UNIGRAM;
    while (read_field(&training, &f))
        if (f.number == 3)
            kind = f.value;
    return kind;
}

static int write_all(const struct buffer *model, struct buffer *out)
{
    struct cursor c = {(const unsigned char *)model->data, (const unsigned char *)model->data + model->n, 0};
    struct buffer pieces = {0};
    struct field f;
    uint64_t kind = UNIGRAM;
    int rc = 0, n = 0;
    while (rc == 0 && read_field(&c, &f)) {
        if (f.number == 2)
            kind = read_kind(f.bytes);
        if (f.number == 1) {
            rc = write_piece(&f.bytes, &pieces);
            n++;
        }
    }
    if (rc == 0 && (c.bad || n == 0 || (kind != UNIGRAM && kind != BPE)))
        rc = LINNET_E_FORMAT;
    if (rc == 0 && (rc = buffer_printf(out, "#model\t%s\n", kind == BPE ? "bpe" : "unigram")) == 0)
        rc = buffer_append(out, buffer_text(&pieces), pieces.n);
    buffer_free(&pieces);
    return rc;
}

int sentencepiece_write(const char *model, const char *path, struct message *msg)
{
    struct buffer bytes = {0}, text = {0};
    int rc = file_read(model, MAX_FILE, &bytes, msg);
    if (rc < 0)
        return rc;
    rc = bytes.n > 0 ? write_all(&bytes, &text) : LINNET_E_FORMAT;
    if (rc == 0)
        rc = file_write(path, text.data, text.n, msg);
    else if (rc == LINNET_E_MEMORY)
        rc = fail_memory(msg);
    else
        rc = fail(msg, LINNET_E_FORMAT, "%s: not a sentencepiece model of kind unigram or BPE", model);
    buffer_free(&bytes);
    buffer_free(&text);
    return rc;
}
