/* SPDX-License-Identifier: Apache-2.0
 * whisper_language.c - the languages of Whisper, and the names that people give them.
 *
 * The order is that of the language tokens; models before large-v3 have all but the last one.  Codes are Whisper's own,
 * so Javanese is "jw".  A locale ("zh-CN", "pt_BR.UTF-8") is its language.  Names are compared without regard to case
 * and accents. */
#include "vocab/whisper_language.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "base/unicode.h"

struct language {
    const char *code, *name, *iso; /* iso: ISO 639-2, terminological */
};

/* clang-format off */
static const struct language languages[WHISPER_LANGUAGES] = {
    {"en", "english", "eng"}, {"zh", "chinese", "zho"}, {"de", "german", "deu"}, {"es", "spanish", "spa"},
    {"ru", "russian", "rus"}, {"ko", "korean", "kor"}, {"fr", "french", "fra"}, {"ja", "japanese", "jpn"},
    {"pt", "portuguese", "por"}, {"tr", "turkish", "tur"}, {"pl", "polish", "pol"}, {"ca", "catalan", "cat"},
    {"nl", "dutch", "nld"}, {"ar", "arabic", "ara"}, {"sv", "swedish", "swe"}, {"it", "italian", "ita"},
    {"id", "indonesian", "ind"}, {"hi", "hindi", "hin"}, {"fi", "finnish", "fin"}, {"vi", "vietnamese", "vie"},
    {"he", "hebrew", "heb"}, {"uk", "ukrainian", "ukr"}, {"el", "greek", "ell"}, {"ms", "malay", "msa"},
    {"cs", "czech", "ces"}, {"ro", "romanian", "ron"}, {"da", "danish", "dan"}, {"hu", "hungarian", "hun"},
    {"ta", "tamil", "tam"}, {"no", "norwegian", "nor"}, {"th", "thai", "tha"}, {"ur", "urdu", "urd"},
    {"hr", "croatian", "hrv"}, {"bg", "bulgarian", "bul"}, {"lt", "lithuanian", "lit"}, {"la", "latin", "lat"},
    {"mi", "maori", "mri"}, {"ml", "malayalam", "mal"}, {"cy", "welsh", "cym"}, {"sk", "slovak", "slk"},
    {"te", "telugu", "tel"}, {"fa", "persian", "fas"}, {"lv", "latvian", "lav"}, {"bn", "bengali", "ben"},
    {"sr", "serbian", "srp"}, {"az", "azerbaijani", "aze"}, {"sl", "slovenian", "slv"}, {"kn", "kannada", "kan"},
    {"et", "estonian", "est"}, {"mk", "macedonian", "mkd"}, {"br", "breton", "bre"}, {"eu", "basque", "eus"},
    {"is", "icelandic", "isl"}, {"hy", "armenian", "hye"}, {"ne", "nepali", "nep"}, {"mn", "mongolian", "mon"},
    {"bs", "bosnian", "bos"}, {"kk", "kazakh", "kaz"}, {"sq", "albanian", "sqi"}, {"sw", "swahili", "swa"},
    {"gl", "galician", "glg"}, {"mr", "marathi", "mar"}, {"pa", "punjabi", "pan"}, {"si", "sinhala", "sin"},
    {"km", "khmer", "khm"}, {"sn", "shona", "sna"}, {"yo", "yoruba", "yor"}, {"so", "somali", "som"},
    {"af", "afrikaans", "afr"}, {"oc", "occitan", "oci"}, {"ka", "georgian", "kat"}, {"be", "belarusian", "bel"},
    {"tg", "tajik", "tgk"}, {"sd", "sindhi", "snd"}, {"gu", "gujarati", "guj"}, {"am", "amharic", "amh"},
    {"yi", "yiddish", "yid"}, {"lo", "lao", "lao"}, {"uz", "uzbek", "uzb"}, {"fo", "faroese", "fao"},
    {"ht", "haitian creole", "hat"}, {"ps", "pashto", "pus"}, {"tk", "turkmen", "tuk"}, {"nn", "nynorsk", "nno"},
    {"mt", "maltese", "mlt"}, {"sa", "sanskrit", "san"}, {"lb", "luxembourgish", "ltz"}, {"my", "myanmar", "mya"},
    {"bo", "tibetan", "bod"}, {"tl", "tagalog", "tgl"}, {"mg", "malagasy", "mlg"}, {"as", "assamese", "asm"},
    {"tt", "tatar", "tat"}, {"haw", "hawaiian", "haw"}, {"ln", "lingala", "lin"}, {"ha", "hausa", "hau"},
    {"ba", "bashkir", "bak"}, {"jw", "javanese", "jav"}, {"su", "sundanese", "sun"}, {"yue", "cantonese", "yue"},
};

/* Other names and codes: of English, ISO 639-1 where Whisper's differs and what it was before, ISO 639-2. */
static const struct other {
    const char *code, *name;
} others[] = {
    {"my", "burmese"}, {"ca", "valencian"}, {"nl", "flemish"}, {"ht", "haitian"}, {"lb", "letzeburgesch"},
    {"ps", "pushto"}, {"pa", "panjabi"}, {"ro", "moldavian"}, {"ro", "moldovan"}, {"si", "sinhalese"},
    {"es", "castilian"}, {"zh", "mandarin"}, {"jw", "jv"}, {"tl", "filipino"}, {"no", "nb"},
    {"nn", "norwegian nynorsk"}, {"he", "iw"}, {"id", "in"}, {"yi", "ji"}, {"tl", "fil"}, {"fa", "farsi"},
    {"no", "bokmal"}, {"no", "nob"}, {"zh", "cmn"}, {"zh", "putonghua"}, {"zh", "simplified chinese"},
    {"zh", "traditional chinese"}, {"yue", "zh-yue"}, {"fa", "prs"}, {"fa", "dari"},
    /* ISO 639-2, bibliographic */
    {"zh", "chi"}, {"de", "ger"}, {"fr", "fre"}, {"nl", "dut"}, {"el", "gre"}, {"ms", "may"}, {"cs", "cze"},
    {"ro", "rum"}, {"mi", "mao"}, {"cy", "wel"}, {"sk", "slo"}, {"fa", "per"}, {"mk", "mac"}, {"eu", "baq"},
    {"is", "ice"}, {"hy", "arm"}, {"sq", "alb"}, {"ka", "geo"}, {"my", "bur"}, {"bo", "tib"},
    /* countries, where they are no languages */
    {"ja", "jp"}, {"zh", "cn"}, {"zh", "tw"}, {"ko", "kr"}, {"uk", "ua"}, {"cs", "cz"}, {"da", "dk"}, {"el", "gr"},
    {"vi", "vn"}, {"en", "us"}, {"en", "gb"},
    /* in the languages themselves */
    {"de", "Deutsch"}, {"fr", "français"}, {"es", "español"}, {"it", "italiano"}, {"pt", "português"},
    {"nl", "Nederlands"}, {"pl", "polski"}, {"ru", "русский"}, {"uk", "українська"}, {"be", "беларуская"},
    {"bg", "български"}, {"cs", "čeština"}, {"sk", "slovenčina"}, {"sl", "slovenščina"}, {"hr", "hrvatski"},
    {"sr", "српски"}, {"sr", "srpski"}, {"bs", "bosanski"}, {"mk", "македонски"}, {"ro", "română"}, {"hu", "magyar"},
    {"fi", "suomi"}, {"sv", "svenska"}, {"da", "dansk"}, {"no", "norsk"}, {"is", "íslenska"}, {"fo", "føroyskt"},
    {"et", "eesti"}, {"lv", "latviešu"}, {"lt", "lietuvių"}, {"el", "ελληνικά"}, {"tr", "Türkçe"},
    {"az", "azərbaycan"}, {"kk", "қазақ"}, {"uz", "oʻzbek"}, {"tt", "татар"}, {"tg", "тоҷикӣ"}, {"mn", "монгол"},
    {"ka", "ქართული"}, {"hy", "հայերեն"}, {"he", "עברית"}, {"yi", "ייִדיש"}, {"ar", "العربية"}, {"fa", "فارسی"},
    {"ur", "اردو"}, {"ps", "پښتو"}, {"hi", "हिन्दी"}, {"mr", "मराठी"}, {"ne", "नेपाली"}, {"bn", "বাংলা"},
    {"pa", "ਪੰਜਾਬੀ"}, {"gu", "ગુજરાતી"}, {"ta", "தமிழ்"}, {"te", "తెలుగు"}, {"kn", "ಕನ್ನಡ"}, {"ml", "മലയാളം"},
    {"si", "සිංහල"}, {"th", "ไทย"}, {"lo", "ລາວ"}, {"km", "ខ្មែរ"}, {"my", "မြန်မာ"}, {"vi", "Tiếng Việt"},
    {"id", "bahasa indonesia"}, {"ms", "bahasa melayu"}, {"ja", "日本語"}, {"ko", "한국어"}, {"zh", "中文"}, {"zh", "汉语"},
    {"zh", "漢語"}, {"zh", "普通话"}, {"zh", "國語"}, {"yue", "粤语"}, {"yue", "粵語"}, {"yue", "廣東話"}, {"ca", "català"},
    {"gl", "galego"}, {"eu", "euskara"}, {"br", "brezhoneg"}, {"cy", "cymraeg"}, {"mt", "malti"}, {"sq", "shqip"},
    {"lb", "Lëtzebuergesch"}, {"sw", "kiswahili"}, {"so", "soomaali"}, {"ht", "kreyòl"}, {"la", "latina"},
    {"am", "አማርኛ"}, {"tl", "wikang tagalog"},
};
/* clang-format on */

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

/* Small letters without accents. */
static void fold(const char *text, struct codes *c)
{
    size_t n = 0;
    codes_read(c, text, strlen(text));
    codes_lower(c);
    codes_decompose(c);
    for (size_t i = 0; i < c->n; i++)
        if (unicode_class_of(c->at[i]) != UNICODE_NONSPACING_MARK)
            c->at[n++] = c->at[i];
    c->n = n;
}

static int is_same(const char *a, const char *b)
{
    struct codes x = {0}, y = {0};
    if (strcasecmp(a, b) == 0)
        return 1;
    fold(a, &x);
    fold(b, &y);
    int same = x.rc >= 0 && y.rc >= 0 && x.n == y.n && memcmp(x.at, y.at, x.n * sizeof *x.at) == 0;
    codes_free(&x);
    codes_free(&y);
    return same;
}

static int find_name(const char *name)
{
    int index = index_of_code(name);
    for (int i = 0; index < 0 && i < WHISPER_LANGUAGES; i++)
        if (strcasecmp(languages[i].name, name) == 0 || strcasecmp(languages[i].iso, name) == 0)
            index = i;
    for (size_t i = 0; index < 0 && i < N_OTHERS; i++)
        if (is_same(others[i].name, name))
            index = index_of_code(others[i].code);
    return index;
}

int whisper_language_find(const char *code_or_name)
{
    char code[4] = "";
    size_t n = strcspn(code_or_name, "-_.@");
    int index = find_name(code_or_name);
    if (index >= 0 || code_or_name[n] == '\0' || n < 2 || n >= sizeof code)
        return index;
    memcpy(code, code_or_name, n);
    return find_name(code);
}

const char *whisper_language_nearest(const char *name)
{
    struct parse_nearest nearest = {.wanted = name};
    if (strlen(name) < 4) /* every code is near to a code */
        return NULL;
    for (int i = 0; i < WHISPER_LANGUAGES; i++)
        parse_offer(&nearest, languages[i].name);
    for (size_t i = 0; i < N_OTHERS; i++)
        if (strlen(others[i].name) > 3)
            parse_offer(&nearest, others[i].name);
    return nearest.best;
}

int whisper_language_is_unspaced(const char *code)
{
    static const char *const unspaced[] = {"zh", "ja", "th", "lo", "my", "yue"};
    for (size_t i = 0; code != NULL && i < sizeof unspaced / sizeof unspaced[0]; i++)
        if (strcmp(unspaced[i], code) == 0)
            return 1;
    return 0;
}
