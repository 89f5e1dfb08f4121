/* SPDX-License-Identifier: Apache-2.0
 * whisper_pieces.h - reading the files that hold a Whisper vocabulary. */
#ifndef LINNET_VOCAB_WHISPER_PIECES_H
#define LINNET_VOCAB_WHISPER_PIECES_H

#include "vocab/whisper_vocab.h"

/* Fills v->pool and v->pieces [v->n] from the first known file in dir; one must be there. */
int whisper_pieces_read(struct whisper_vocab *v, const char *dir, struct message *msg) LINNET_MUST_CHECK;

#endif
