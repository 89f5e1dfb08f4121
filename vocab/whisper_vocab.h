/* SPDX-License-Identifier: Apache-2.0
 * whisper_vocab.h - Whisper's vocabulary: byte pieces, special tokens, text to tokens and back.
 *
 * Read from what lies in a model directory: `tokenizer.json` (Hugging Face), `vocab.tiktoken` (OpenAI: a line
 * "base64 rank" for each piece), `vocab.json` or `vocabulary.json` (CTranslate2's list).  A directory with none of them
 * is refused: its texts would be numbers.  Special tokens may be missing in the file: they follow from the size.
 *
 * A vocabulary is immutable after opening and may be used by many threads. */
#ifndef LINNET_VOCAB_WHISPER_VOCAB_H
#define LINNET_VOCAB_WHISPER_VOCAB_H

#include <stdint.h>

#include "vocab/vocab.h"

#define WHISPER_TIMESTAMPS 1501 /* 0.00 to 30.00 s in steps of 0.02 s */

/* Ids.  Every id below eot is a piece of text; everything from timestamp_begin on is a time. */
struct whisper_specials {
    int eot, sot, translate, transcribe, sot_lm, sot_prev, no_speech, no_timestamps, timestamp_begin;
    int first_language, n_languages; /* the English-only models have the ids but no use for them: n_languages 0 */
    int multilingual;
};

struct whisper_piece {
    uint32_t offset, n; /* bytes in pool */
};

struct whisper_vocab {
    struct vocab base;
    struct whisper_specials special;
    struct buffer pool;
    struct whisper_piece *pieces; /* [n] into pool; the special tokens' are their names */
    uint32_t *table;              /* [table_mask + 1] id + 1 of a piece by hash, 0: free; for encoding */
    uint32_t table_mask;
};

extern const struct vocab_kind bpe_vocab;

static inline const struct whisper_vocab *whisper_vocab_of(const struct vocab *v)
{
    return (const struct whisper_vocab *)v;
}

/* Opens the vocabulary of the model in dir, which must have n_vocab ids. */
int whisper_vocab_open(struct whisper_vocab **v, const char *dir, int n_vocab, struct message *msg) LINNET_MUST_CHECK;
void whisper_vocab_close(struct whisper_vocab *v); /* NULL is fine */

/* The bytes of one id, "<|en|>" for special ones; "" for an id out of range. */
const char *whisper_vocab_piece(const struct whisper_vocab *v, int id, size_t *n);

/* The id of the piece with these bytes, or -1; only where there are pieces. */
int whisper_vocab_find(const struct whisper_vocab *v, const char *bytes, size_t n);

/* Appends the text of ids [n]: special tokens and times left out, broken UTF-8 replaced. */
int whisper_vocab_text(const struct whisper_vocab *v, const int *ids, int n, struct buffer *out) LINNET_MUST_CHECK;

/* The same with special tokens and times as "<|1.08|>". */
int whisper_vocab_annotated(const struct whisper_vocab *v, const int *ids, int n, struct buffer *out) LINNET_MUST_CHECK;

/* Language token of a code or name ("de", "German"), or -1; code of a language token, or NULL. */
int whisper_vocab_language(const struct whisper_vocab *v, const char *code_or_name);
const char *whisper_vocab_language_code(const struct whisper_vocab *v, int id);

/* Text to ids, which the caller releases with mem_free.  Names of special tokens in text are text. */
int whisper_vocab_encode(const struct whisper_vocab *v, const char *text, size_t n_bytes, int **ids, int *n_ids,
                         struct message *msg) LINNET_MUST_CHECK;

/* Tokens of annotations that are not spoken (brackets, notes, dashes), in order, released with mem_free: what
 * suppress_tokens "-1" stands for.  The special tokens that are suppressed as well are not among them. */
int whisper_vocab_non_speech(const struct whisper_vocab *v, int **ids, int *n_ids,
                             struct message *msg) LINNET_MUST_CHECK;

/* Groups ids [n] into words: word w is ids ends[w - 1] up to ends[w], ends [n] being the caller's.  language: a code,
 * which determines whether words are separated by spaces (NULL: they are).  Returns the number of words; ids at the end
 * that are not a whole character belong to none. */
int whisper_vocab_words(const struct whisper_vocab *v, const char *language, const int *ids, int n,
                        int *ends) LINNET_MUST_CHECK;

#endif
