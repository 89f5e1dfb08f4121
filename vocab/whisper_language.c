/* SPDX-License-Identifier: Apache-2.0
 * whisper_language.c - the languages of Whisper.
 *
 * The order is that of the language tokens; models before large-v3 have all but the last one.  Codes are Whisper's own,
 * so Javanese is "jw". */
#include "vocab/whisper_language.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

struct language {
    const char *code, *name;
};

static const struct language languages[WHISPER_LANGUAGES] = {
    {"en", "english"},        {"zh", "chinese"},       {"de", "german"},    {"es", "spanish"},    {"ru", "russian"},
    {"ko", "korean"},         {"fr", "french"},        {"ja", "japanese"},  {"pt", "portuguese"}, {"tr", "turkish"},
    {"pl", "polish"},         {"ca", "catalan"},       {"nl", "dutch"},     {"ar", "arabic"},     {"sv", "swedish"},
    {"it", "italian"},        {"id", "indonesian"},    {"hi", "hindi"},     {"fi", "finnish"},    {"vi", "vietnamese"},
    {"he", "hebrew"},         {"uk", "ukrainian"},     {"el", "greek"},     {"ms", "malay"},      {"cs", "czech"},
    {"ro", "romanian"},       {"da", "danish"},        {"hu", "hungarian"}, {"ta", "tamil"},      {"no", "norwegian"},
    {"th", "thai"},           {"ur", "urdu"},          {"hr", "croatian"},  {"bg", "bulgarian"},  {"lt", "lithuanian"},
    {"la", "latin"},          {"mi", "maori"},         {"ml", "malayalam"}, {"cy", "welsh"},      {"sk", "slovak"},
    {"te", "telugu"},         {"fa", "persian"},       {"lv", "latvian"},   {"bn", "bengali"},    {"sr", "serbian"},
    {"az", "azerbaijani"},    {"sl", "slovenian"},     {"kn", "kannada"},   {"et", "estonian"},   {"mk", "macedonian"},
    {"br", "breton"},         {"eu", "basque"},        {"is", "icelandic"}, {"hy", "armenian"},   {"ne", "nepali"},
    {"mn", "mongolian"},      {"bs", "bosnian"},       {"kk", "kazakh"},    {"sq", "albanian"},   {"sw", "swahili"},
    {"gl", "galician"},       {"mr", "marathi"},       {"pa", "punjabi"},   {"si", "sinhala"},    {"km", "khmer"},
    {"sn", "shona"},          {"yo", "yoruba"},        {"so", "somali"},    {"af", "afrikaans"},  {"oc", "occitan"},
    {"ka", "georgian"},       {"be", "belarusian"},    {"tg", "tajik"},     {"sd", "sindhi"},     {"gu", "gujarati"},
    {"am", "amharic"},        {"yi", "yiddish"},       {"lo", "lao"},       {"uz", "uzbek"},      {"fo", "faroese"},
    {"ht", "haitian creole"}, {"ps", "pashto"},        {"tk", "turkmen"},   {"nn", "nynorsk"},    {"mt", "maltese"},
    {"sa", "sanskrit"},       {"lb", "luxembourgish"}, {"my", "myanmar"},   {"bo", "tibetan"},    {"tl", "tagalog"},
    {"mg", "malagasy"},       {"as", "assamese"},      {"tt", "tatar"},     {"haw", "hawaiian"},  {"ln", "lingala"},
    {"ha", "hausa"},          {"ba", "bashkir"},       {"jw", "javanese"},  {"su", "sundanese"},  {"yue", "cantonese"},
};

/* Other names, and the standard code where Whisper's differs. */
static const struct language others[] = {
    {"my", "burmese"},
    {"ca", "valencian"},
    {"nl", "flemish"},
    {"ht", "haitian"},
    {"lb", "letzeburgesch"},
    {"ps", "pushto"},
    {"pa", "panjabi"},
    {"ro", "moldavian"},
    {"ro", "moldovan"},
    {"si", "sinhalese"},
    {"es", "castilian"},
    {"zh", "mandarin"},
    {"jw", "jv"},
    {"tl", "filipino"},
    {"no", "nb"},
    {"nn", "norwegian nynorsk"},
    {"he", "iw"},
};

#define N_OTHERS (sizeof others / sizeof others[0])

const char *whisper_language_code(int index)
{
    return index >= 0 && index < WHISPER_LANGUAGES ? languages[index].code : NULL;
}

const char *whisper_language_name(int index)
{
    return index >= 0 && index < WHISPER_LANGUAGES ? languages[index].name : NULL;
}

static int index_of_code(const char *code)
{
    for (int i = 0; i < WHISPER_LANGUAGES; i++)
        if (strcasecmp(languages[i].code, code) == 0)
            return i;
    return -1;
}

int whisper_language_find(const char *code_or_name)
{
    int index = index_of_code(code_or_name);
    for (int i = 0; index < 0 && i < WHISPER_LANGUAGES; i++)
        if (strcasecmp(languages[i].name, code_or_name) == 0)
            index = i;
    for (size_t i = 0; index < 0 && i < N_OTHERS; i++)
        if (strcasecmp(others[i].name, code_or_name) == 0)
            index = index_of_code(others[i].code);
    return index;
}

int whisper_language_is_unspaced(const char *code)
{
    static const char *const unspaced[] = {"zh", "ja", "th", "lo", "my", "yue"};
    for (size_t i = 0; code != NULL && i < sizeof unspaced / sizeof unspaced[0]; i++)
        if (strcmp(unspaced[i], code) == 0)
            return 1;
    return 0;
}
