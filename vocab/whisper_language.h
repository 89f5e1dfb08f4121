/* SPDX-License-Identifier: Apache-2.0
 * whisper_language.h - the languages of Whisper: codes and English names, in the order of their tokens. */
#ifndef LINNET_VOCAB_WHISPER_LANGUAGE_H
#define LINNET_VOCAB_WHISPER_LANGUAGE_H

#define WHISPER_LANGUAGES 100

const char *whisper_language_code(int index); /* "en" for 0; NULL past the last */
const char *whisper_language_name(int index); /* "english" for 0 */

/* The index of a code, a locale or a name in any case ("de", "de_DE", "German", "Deutsch", "deu"), or -1. */
int whisper_language_find(const char *code_or_name);

/* The name that is most like one which is not found, or NULL. */
const char *whisper_language_nearest(const char *name);

/* True for languages written without spaces between words. */
int whisper_language_is_unspaced(const char *code);

#endif
