/* SPDX-License-Identifier: Apache-2.0
 * confidences.h - confidences of the words of hypotheses, and which of these words are right.
 *
 * They are read from JSON lines as `linnet decode --word-times` writes them: "segments" with "words", each with "word"
 * and "probability", what the decoder gives it, or "confidence", that after calibration; or "words" alone.
 *
 * Whose confidence a word of the normalized text has:
 *   - A word of the text, between blanks, has that of the decoder's word that it is; the geometric mean where it is
 *     made of several.
 *   - Where normalizing word by word gives the text that normalizing all of it gives, each word has the confidence of
 *     the word that it comes from, one that becomes two words twice.
 *   - Elsewhere, as with "twenty five" that becomes "25", the two are aligned: words that are the same keep their
 *     confidence, and those of a stretch that differs have the geometric mean of what stands there word by word, or
 *     of its neighbours where nothing does. */
#ifndef LINNET_SCORE_CONFIDENCES_H
#define LINNET_SCORE_CONFIDENCES_H

#include "base/buffer.h"
#include "score/score.h"

struct confidences_word {
    size_t at, n; /* in bytes: its text without blanks */
    double value;
};

struct confidences_utterance {
    size_t id_at;
    const char *id;
    int first, n; /* of words */
    int line;
};

/* Of a file. */
struct confidences {
    struct confidences_utterance *at; /* [n] in order of ids */
    struct confidences_word *words;   /* [n_words] */
    int n, room, n_words, room_words;
    struct buffer bytes;
};

/* Reads them; "probability" is taken before "confidence" if is_raw is set, else after it.  A file that is no JSON has
 * none, and so has what is no file, a pipe, which transcripts_read has used up.  Lines that cannot be used are passed
 * over. */
int confidences_read(struct confidences *c, const char *path, int is_raw, struct message *msg) LINNET_MUST_CHECK;
void confidences_close(struct confidences *c);

/* Words that are right or wrong.  Zeroed is empty. */
struct confidences_judged {
    double *values;          /* [n] */
    unsigned char *is_right; /* [n] */
    int n, room, room_right;
};

/* Adds the words of a hypothesis, as they are aligned with the reference: those that are matched are right.  Returns 1,
 * or 0 and adds none where the utterance has no confidences, or its words do not make up its text. */
int confidences_judge(const struct confidences *c, const struct score_alignment *a, const char *normalizer,
                      struct confidences_judged *judged, struct message *msg) LINNET_MUST_CHECK;
void confidences_judged_free(struct confidences_judged *judged);

#endif
