/* SPDX-License-Identifier: Apache-2.0
 * whisper_pieces.c - reading the files that hold a Whisper vocabulary.
 *
 * In the JSON formats a byte is written as one character: printable Latin-1 as itself, the other 68 bytes as U+0100 and
 * on in order (GPT-2's alphabet).  Names of special tokens are plain text, for which that makes no difference.  Merges
 * are not read: the id of a piece is its rank, which is all that encoding needs. */
#include "vocab/whisper_pieces.h"

#include <string.h>

#include "base/file.h"
#include "base/file_map.h"
#include "base/json_reader.h"
#include "base/utf8.h"

#define MAX_FILE_BYTES ((size_t)64 << 20)

static int add(struct whisper_vocab *v, long long id, const char *bytes, size_t n, struct message *msg)
{
    if (id < 0 || id >= v->base.n)
        return fail(msg, LINNET_E_FORMAT, "token %lld, but the model has %d", id, v->base.n);
    struct whisper_piece *p = &v->pieces[id];
    if (p->offset != 0) {
        if (p->n == n && memcmp(v->pool.data + p->offset, bytes, n) == 0)
            return 0; /* some files list special tokens twice */
        return fail(msg, LINNET_E_FORMAT, "token %lld is given twice", id);
    }
    p->offset = (uint32_t)v->pool.n;
    p->n = (uint32_t)n;
    return buffer_append(&v->pool, bytes, n) < 0 ? fail_memory(msg) : 0;
}

static int is_plain(unsigned byte)
{
    return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

/* byte_of[code] for the codes below 324 of GPT-2's alphabet, -1 for the others. */
static void alphabet(int16_t byte_of[324])
{
    int next = 256;
    memset(byte_of, -1, 324 * sizeof byte_of[0]);
    for (int byte = 0; byte < 256; byte++)
        byte_of[is_plain((unsigned)byte) ? byte : next++] = (int16_t)byte;
}

/* Adds a piece written in GPT-2's alphabet; text outside of it stays as it is. */
static int add_spelled(struct whisper_vocab *v, long long id, const int16_t byte_of[324], const char *text, size_t n,
                       struct message *msg)
{
    char bytes[1024];
    size_t n_bytes = 0;
    for (size_t at = 0; at < n;) {
        uint32_t code;
        at += utf8_next(text + at, n - at, &code);
        if (code >= 324 || byte_of[code] < 0 || n_bytes == sizeof bytes)
            return add(v, id, text, n, msg);
        bytes[n_bytes++] = (char)byte_of[code];
    }
    return add(v, id, bytes, n_bytes, msg);
}

/* {"piece": id, ...} */
static int read_map(struct whisper_vocab *v, struct json_reader *r, const int16_t byte_of[324], struct message *msg)
{
    const char *key;
    size_t n;
    long long id;
    int rc = 0;
    if (json_enter(r, '{') < 0)
        return 0;
    while (rc == 0 && json_key(r, &key, &n) > 0)
        if (json_int(r, &id) == 0)
            rc = add_spelled(v, id, byte_of, key, n, msg);
    return rc;
}

/* ["piece of id 0", ...] */
static int read_list(struct whisper_vocab *v, struct json_reader *r, const int16_t byte_of[324], struct message *msg)
{
    const char *text;
    size_t n;
    int rc = 0;
    if (json_enter(r, '[') < 0)
        return 0;
    for (long long id = 0; rc == 0 && json_item(r) > 0; id++)
        if (json_text(r, &text, &n) == 0)
            rc = add_spelled(v, id, byte_of, text, n, msg);
    return rc;
}

/* {"id": 50257, "content": "<|endoftext|>", ...} */
static int read_added_token(struct whisper_vocab *v, struct json_reader *r, struct message *msg)
{
    const char *key;
    char name[64];
    size_t n, n_name = 0;
    long long id = -1;
    if (json_enter(r, '{') < 0)
        return 0;
    while (json_key(r, &key, &n) > 0) {
        if (n == 2 && memcmp(key, "id", 2) == 0) {
            json_int(r, &id);
        } else if (n == 7 && memcmp(key, "content", 7) == 0) {
            if (json_text(r, &key, &n) < 0 || n > sizeof name)
                return fail(msg, LINNET_E_FORMAT, "an added token has no or too long a name");
            memcpy(name, key, n);
            n_name = n;
        } else {
            json_skip(r);
        }
    }
    return r->bad ? 0 : add(v, id, name, n_name, msg);
}

static int read_added_tokens(struct whisper_vocab *v, struct json_reader *r, struct message *msg)
{
    int rc = 0;
    if (json_enter(r, '[') < 0)
        return 0;
    while (rc == 0 && json_item(r) > 0)
        rc = read_added_token(v, r, msg);
    return rc;
}

/* {"added_tokens": [...], "model": {"vocab": {...}, ...}, ...} */
static int read_tokenizer(struct whisper_vocab *v, struct json_reader *r, const int16_t byte_of[324], int in_model,
                          struct message *msg)
{
    const char *key;
    size_t n;
    int rc = 0;
    if (json_enter(r, '{') < 0)
        return 0;
    while (rc == 0 && json_key(r, &key, &n) > 0) {
        if (!in_model && n == 12 && memcmp(key, "added_tokens", 12) == 0)
            rc = read_added_tokens(v, r, msg);
        else if (!in_model && n == 5 && memcmp(key, "model", 5) == 0)
            rc = read_tokenizer(v, r, byte_of, 1, msg);
        else if (in_model && n == 5 && memcmp(key, "vocab", 5) == 0)
            rc = read_map(v, r, byte_of, msg);
        else
            json_skip(r);
    }
    return rc;
}

static int read_json(struct whisper_vocab *v, const char *file, const struct file_map *text, struct message *msg)
{
    struct json_reader r;
    int16_t byte_of[324];
    int rc;
    alphabet(byte_of);
    json_reader_open(&r, (const char *)text->data, text->size);
    if (json_peek(&r) == '[')
        rc = read_list(v, &r, byte_of, msg);
    else if (strcmp(file, "tokenizer.json") == 0)
        rc = read_tokenizer(v, &r, byte_of, 0, msg);
    else
        rc = read_map(v, &r, byte_of, msg);
    if (rc == 0 && r.bad == LINNET_E_MEMORY)
        rc = fail_memory(msg);
    else if (rc == 0 && r.bad != 0)
        rc = fail(msg, LINNET_E_FORMAT, "not the JSON of a vocabulary at byte %zu", (size_t)(r.at - r.start));
    json_reader_close(&r);
    return rc;
}

/* Bytes of base64 text [n] into out, which has room for n; returns their number or -1. */
static int decode_base64(const char *text, size_t n, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    int n_bits = 0, n_out = 0;
    while (n > 0 && text[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        const char *digit = text[i] != '\0' ? strchr(digits, text[i]) : NULL;
        if (digit == NULL)
            return -1;
        bits = (bits << 6 | (uint32_t)(digit - digits)) & 0xFFFF;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            out[n_out++] = (char)(bits >> n_bits & 0xFF);
        }
    }
    return n_out;
}

/* Lines "base64 rank". */
static int read_tiktoken(struct whisper_vocab *v, const struct file_map *text, struct message *msg)
{
    const char *at = (const char *)text->data, *end = at + text->size;
    for (int line = 1; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        const char *space = memchr(at, ' ', (size_t)(stop - at));
        if (stop > at && space == NULL)
            return fail(msg, LINNET_E_FORMAT, "line %d is not \"base64 rank\"", line);
        if (space != NULL) {
            char bytes[1024];
            size_t n = (size_t)(space - at);
            struct json_reader number;
            long long id = -1;
            json_reader_open(&number, space + 1, (size_t)(stop - space - 1));
            int n_bytes = n <= sizeof bytes ? decode_base64(at, n, bytes) : -1;
            if (n_bytes < 0 || json_int(&number, &id) < 0)
                return fail(msg, LINNET_E_FORMAT, "line %d is not \"base64 rank\"", line);
            int rc = add(v, id, bytes, (size_t)n_bytes, msg);
            if (rc < 0)
                return rc;
        }
        at = stop + 1;
    }
    return 0;
}

int whisper_pieces_read(struct whisper_vocab *v, const char *dir, struct message *msg)
{
    static const char *const files[] = {"tokenizer.json", "vocab.tiktoken", "vocab.json", "vocabulary.json"};
    char path[FILE_MAX_PATH];
    const char *file = NULL;
    for (size_t i = 0; i < sizeof files / sizeof files[0] && file == NULL; i++) {
        int rc = file_in(path, dir, files[i], msg);
        if (rc < 0)
            return rc;
        if (file_exists(path))
            file = files[i];
    }
    if (file == NULL)
        return fail(msg, LINNET_E_MODEL,
                    "%s: no vocabulary: none of tokenizer.json, vocab.tiktoken, vocab.json and "
                    "vocabulary.json is there",
                    dir);
    struct file_map text = {0};
    int rc = file_map_open(&text, (const char *const[]){path}, 1, msg);
    if (rc == 0 && text.size > MAX_FILE_BYTES)
        rc = fail(msg, LINNET_E_FORMAT, "%s: more than %zu bytes", path, MAX_FILE_BYTES);
    else if (rc == 0) {
        rc = strcmp(file, "vocab.tiktoken") == 0 ? read_tiktoken(v, &text, msg) : read_json(v, file, &text, msg);
        if (rc < 0)
            rc = fail_in(msg, rc, path);
    }
    file_map_close(&text);
    return rc;
}
