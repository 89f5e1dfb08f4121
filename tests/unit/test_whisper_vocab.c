/* SPDX-License-Identifier: Apache-2.0
 * test_whisper_vocab.c - against a small vocabulary made here, and against openai-whisper's own tokenizer (vectors made
 * by tests/vectors/gen/whisper_bpe.py) where a Whisper model is in the cache. */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "tests/support/reference.h"
#include "tests/support/unit.h"
#include "vocab/whisper_language.h"
#include "vocab/whisper_vocab.h"

#define N_PIECES 50257

static char folder[] = "/tmp/linnet-vocab-XXXXXX";

static void base64(struct buffer *out, const unsigned char *bytes, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        unsigned v =
            (unsigned)bytes[i] << 16 | (i + 1 < n ? (unsigned)bytes[i + 1] << 8 : 0) | (i + 2 < n ? bytes[i + 2] : 0);
        char text[4] = {digits[v >> 18], digits[v >> 12 & 63], i + 1 < n ? digits[v >> 6 & 63] : '=',
                        i + 2 < n ? digits[v & 63] : '='};
        CU_ASSERT_EQUAL(buffer_append(out, text, 4), 0);
    }
}

/* 256 bytes, the pieces below from 256 on, and filler that no text has. */
static const char *const joined[] = {"th", "he", " t", " th", " the", "\xC3\xA9", "ab", "cd", "abcd", "bc", "  "};

static void write_small_vocabulary(void)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/vocab.tiktoken", folder);
    struct buffer b = {0};
    for (int id = 0; id < N_PIECES; id++) {
        unsigned char bytes[8] = {0xFF, 0xFE, (unsigned char)(id >> 8), (unsigned char)id};
        size_t n = 4;
        if (id < 256) {
            bytes[0] = (unsigned char)id;
            n = 1;
        } else if ((size_t)id - 256 < sizeof joined / sizeof joined[0]) {
            n = strlen(joined[id - 256]);
            memcpy(bytes, joined[id - 256], n);
        }
        base64(&b, bytes, n);
        CU_ASSERT_EQUAL(buffer_printf(&b, " %d\n", id), 0);
    }
    struct message msg;
    CU_ASSERT_EQUAL(file_write(path, b.data, b.n, &msg), 0);
    buffer_free(&b);
}

static struct whisper_vocab *small_vocabulary(int n)
{
    struct whisper_vocab *v = NULL;
    struct message msg = {""};
    if (whisper_vocab_open(&v, folder, n, &msg) < 0)
        printf("%s\n", msg.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(v);
    return v;
}

static int encodes_to(const struct whisper_vocab *v, const char *text, size_t n_bytes, const int *wanted, int n)
{
    int *ids = NULL, n_ids = 0;
    struct message msg;
    if (whisper_vocab_encode(v, text, n_bytes, &ids, &n_ids, &msg) < 0)
        return 0;
    int same = n_ids == n && (n == 0 || memcmp(ids, wanted, (size_t)n * sizeof *ids) == 0);
    mem_free(ids);
    return same;
}

#define ENCODES(v, text, ...)                                                                                          \
    CU_ASSERT(encodes_to(v, text, strlen(text), (const int[]){__VA_ARGS__},                                            \
                         (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int))))

/* By hand: of two possible joins the one with the lower id comes first, and no token spans two stretches. */
static void pairs_are_joined_by_rank(void)
{
    struct whisper_vocab *v = small_vocabulary(51865);
    ENCODES(v, "the", 256, 'e');          /* t-h is 256, h-e only 257; "the" is no piece */
    ENCODES(v, " the", 260);              /* a piece as a whole */
    ENCODES(v, "abc", 262, 'c');          /* a-b (262) before b-c (265) */
    ENCODES(v, "xabcd", 'x', 264);        /* a-b, c-d, then both */
    ENCODES(v, "bcd", 'b', 263);          /* c-d (263) before b-c (265) */
    ENCODES(v, "the the", 256, 'e', 260); /* the space belongs to the word after it */
    ENCODES(v, "a   the", 'a', 266, 260); /* of three spaces, two stand alone */
    ENCODES(v, "a  ", 'a', 266);          /* at the end all of them */
    ENCODES(v, "\xC3\xA9", 261);          /* one letter of two bytes */
    ENCODES(v, "t'he", 't', '\'', 257);   /* an apostrophe is no letter */
    ENCODES(v, "ab's", 262, '\'', 's');   /* an ending is a stretch */
    ENCODES(v, "a1b", 'a', '1', 'b');
    CU_ASSERT(encodes_to(v, "", 0, NULL, 0));
    CU_ASSERT(encodes_to(v, "a\0b", 3, (const int[]){'a', 0, 'b'}, 3));
    CU_ASSERT(encodes_to(v, "\xFF", 1, (const int[]){0xFF}, 1)); /* any bytes can be encoded */
    whisper_vocab_close(v);
}

static void text_comes_back(void)
{
    struct whisper_vocab *v = small_vocabulary(51865);
    const struct whisper_specials *s = &v->special;
    struct buffer b = {0};
    const int ids[] = {s->sot, s->timestamp_begin + 54, 260, 0xE4, 0xBD, 0xA0, 0xE4, s->eot};
    CU_ASSERT_EQUAL(whisper_vocab_text(v, ids, 8, &b), 0);
    CU_ASSERT_STRING_EQUAL(buffer_text(&b), " the\xE4\xBD\xA0\uFFFD");
    buffer_cut(&b, 0);
    CU_ASSERT_EQUAL(whisper_vocab_annotated(v, ids, 8, &b), 0);
    CU_ASSERT_STRING_EQUAL(buffer_text(&b), "<|startoftranscript|><|1.08|> the\xE4\xBD\xA0\uFFFD<|endoftext|>");
    size_t n;
    CU_ASSERT_STRING_EQUAL(whisper_vocab_piece(v, v->base.n, &n), "");
    CU_ASSERT_STRING_EQUAL(whisper_vocab_piece(v, -1, &n), "");
    buffer_free(&b);
    whisper_vocab_close(v);
}

static void words_are_tokens_up_to_a_space(void)
{
    struct whisper_vocab *v = small_vocabulary(51865);
    const int ids[] = {256, 'e', 260, '.', 0xE4, 0xBD, 0xA0, 'x', v->special.timestamp_begin, 260, 'n', 0xE4};
    int ends[12];
    CU_ASSERT_EQUAL_FATAL(whisper_vocab_words(v, "en", ids, 11, ends), 5); /* the| the|.你x|<0.00>| then */
    static const int spaced[] = {2, 3, 8, 9, 11};
    CU_ASSERT_EQUAL(memcmp(ends, spaced, sizeof spaced), 0);
    CU_ASSERT_EQUAL_FATAL(whisper_vocab_words(v, "zh", ids, 11, ends), 9);
    static const int unspaced[] = {1, 2, 3, 4, 7, 8, 9, 10, 11};
    CU_ASSERT_EQUAL(memcmp(ends, unspaced, sizeof unspaced), 0);
    CU_ASSERT_EQUAL(whisper_vocab_words(v, NULL, ids, 0, ends), 0);
    whisper_vocab_close(v);
}

static void size_tells_the_special_tokens(void)
{
    struct whisper_vocab *v = NULL;
    struct message msg;
    struct {
        int n, eot, n_languages, no_speech, timestamp_begin;
    } kinds[] = {{51864, 50256, 0, 50361, 50363}, {51865, 50257, 99, 50362, 50364}, {51866, 50257, 100, 50363, 50365}};
    for (int i = 0; i < 3; i++) {
        v = small_vocabulary(kinds[i].n);
        const struct whisper_specials *s = &v->special;
        CU_ASSERT_EQUAL(s->eot, kinds[i].eot);
        CU_ASSERT_EQUAL(s->n_languages, kinds[i].n_languages);
        CU_ASSERT_EQUAL(s->no_speech, kinds[i].no_speech);
        CU_ASSERT_EQUAL(s->timestamp_begin, kinds[i].timestamp_begin);
        CU_ASSERT_EQUAL(s->timestamp_begin + WHISPER_TIMESTAMPS, v->base.n);
        CU_ASSERT_EQUAL(s->multilingual, i > 0);
        CU_ASSERT_EQUAL(whisper_vocab_language(v, "yue"), i == 2 ? 50358 : -1);
        struct buffer b = {0};
        CU_ASSERT_EQUAL(whisper_vocab_annotated(v, (const int[]){s->sot, v->base.n - 1}, 2, &b), 0);
        CU_ASSERT_STRING_EQUAL(buffer_text(&b), "<|startoftranscript|><|30.00|>");
        buffer_free(&b);
        whisper_vocab_close(v);
    }
    CU_ASSERT_EQUAL(whisper_vocab_open(&v, folder, 51863, &msg), LINNET_E_MODEL);
    CU_ASSERT_EQUAL(whisper_vocab_open(&v, folder, 51867, &msg), LINNET_E_MODEL);
    CU_ASSERT_EQUAL(whisper_vocab_open(&v, folder, 0, &msg), LINNET_E_MODEL);
}

static void a_model_without_a_vocabulary_is_refused(void)
{
    struct whisper_vocab *v = NULL;
    struct message msg;
    char nothing[4200];
    snprintf(nothing, sizeof nothing, "%s/nothing", folder);
    CU_ASSERT_EQUAL(whisper_vocab_open(&v, nothing, 51865, &msg), LINNET_E_MODEL);
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, nothing));
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "no vocabulary: none of tokenizer.json"));
}

static void write_text(const char *name, const char *text)
{
    char path[4200];
    struct message msg;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    CU_ASSERT_EQUAL(file_write(path, text, strlen(text), &msg), 0);
}

static void wrong_files_are_refused(void)
{
    struct whisper_vocab *v = NULL;
    struct message msg;
    char path[4200];
    static const struct {
        const char *name, *text, *reason;
    } cases[] = {
        {"tokenizer.json", "{\"model\": {\"vocab\": {\"a\": 0, \"b\": 0}}}", "given twice"},
        {"tokenizer.json", "{\"model\": {\"vocab\": {\"a\": 51865}}}", "but the model has 51865"},
        {"tokenizer.json", "{\"model\": {\"vocab\": {\"a\": -1}}}", "token -1"},
        {"tokenizer.json", "{\"model\": {\"vocab\": {\"a\": 0}}}", "token 1 is missing"},
        {"tokenizer.json", "{\"model\": {\"vocab\": {\"a\": \"0\"}}}", "not the JSON"},
        {"tokenizer.json", "", "not the JSON"},
        {"tokenizer.json", "[1]", "not the JSON"},
        {"tokenizer.json", "{\"added_tokens\": [{\"id\": 9, \"content\": \"<|startoftranscript|>\"}]}", "order"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_text(cases[i].name, cases[i].text);
        CU_ASSERT(whisper_vocab_open(&v, folder, 51865, &msg) < 0);
        if (strstr(msg.text, cases[i].reason) == NULL)
            printf("\n    %s: %s\n", cases[i].text, msg.text);
        CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, cases[i].reason));
        CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, folder));
        snprintf(path, sizeof path, "%s/%s", folder, cases[i].name);
        unlink(path);
    }
}

static void changed_bytes_do_no_harm(void)
{
    static const char good[] = "{\"added_tokens\": [{\"id\": 50258, \"content\": \"<|sot|>\"}], \"model\": {\"vocab\": "
                               "{\"a\": 0, \"\\u0120b\": 1, \"\xC4\xA0\": 2}, \"merges\": [[\"a\", \"b\"]]}}";
    static const char marks[] = "{}[]:,\"\\u0 9-\xC4\xFF";
    unsigned state = 1;
    char path[4200];
    snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    for (int round = 0; round < 1000; round++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (int i = 0; i <= round % 4; i++) {
            state = state * 1103515245 + 12345;
            text[(state >> 8) % (sizeof good - 1)] = marks[(state >> 20) % (sizeof marks - 1)];
        }
        FILE *f = fopen(path, "w");
        CU_ASSERT_PTR_NOT_NULL_FATAL(f);
        fputs(text, f);
        fclose(f);
        struct whisper_vocab *v = NULL;
        struct message msg = {""};
        CU_ASSERT(whisper_vocab_open(&v, folder, 51865, &msg) < 0); /* most pieces are missing in any case */
        CU_ASSERT(msg.text[0] != '\0');
    }
    unlink(path);
}

/* Locales, countries' codes, names in the language itself with and without accents, names that are nearly right. */
static void languages_are_called_many_things(void)
{
    static const char *const called[][2] = {{"zh-CN", "zh"},
                                            {"zh_TW.UTF-8", "zh"},
                                            {"zh-Hans-CN", "zh"},
                                            {"en-US", "en"},
                                            {"pt_BR", "pt"},
                                            {"nb-NO", "no"},
                                            {"yue-HK", "yue"},
                                            {"jp", "ja"},
                                            {"cn", "zh"},
                                            {"kr", "ko"},
                                            {"iw", "he"},
                                            {"deu", "de"},
                                            {"ger", "de"},
                                            {"cmn", "zh"},
                                            {"Deutsch", "de"},
                                            {"DEUTSCH", "de"},
                                            {"français", "fr"},
                                            {"FRANÇAIS", "fr"},
                                            {"francais", "fr"},
                                            {"Español", "es"},
                                            {"Русский", "ru"},
                                            {"русский", "ru"},
                                            {"日本語", "ja"},
                                            {"中文", "zh"},
                                            {"한국어", "ko"},
                                            {"Tiếng Việt", "vi"},
                                            {"tieng viet", "vi"},
                                            {"Türkçe", "tr"},
                                            {"ελληνικά", "el"},
                                            {"العربية", "ar"},
                                            {"haitian creole", "ht"},
                                            {"no", "no"},
                                            {"is", "is"},
                                            {"id", "id"}};
    for (size_t i = 0; i < sizeof called / sizeof *called; i++) {
        int index = whisper_language_find(called[i][0]);
        CU_ASSERT_FATAL(index >= 0);
        CU_ASSERT_STRING_EQUAL(whisper_language_code(index), called[i][1]);
    }
    static const char *const none[] = {"", "xx", "english-us", "klingon", "e", "-", "zhCN"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        CU_ASSERT_EQUAL(whisper_language_find(none[i]), -1);
    CU_ASSERT_STRING_EQUAL(whisper_language_nearest("gernan"), "german");
    CU_ASSERT_STRING_EQUAL(whisper_language_nearest("portugese"), "portuguese");
    CU_ASSERT_PTR_NULL(whisper_language_nearest("xx"));
    CU_ASSERT_PTR_NULL(whisper_language_nearest("qqqqqqqq"));
}

static void languages_have_codes_and_names(void)
{
    CU_ASSERT_EQUAL(whisper_language_find("en"), 0);
    CU_ASSERT_EQUAL(whisper_language_find("German"), whisper_language_find("de"));
    CU_ASSERT_EQUAL(whisper_language_find("Mandarin"), 1);
    CU_ASSERT_EQUAL(whisper_language_find("YUE"), 99);
    CU_ASSERT_EQUAL(whisper_language_find("klingon"), -1);
    CU_ASSERT_PTR_NULL(whisper_language_code(100));
    for (int i = 0; i < WHISPER_LANGUAGES; i++) {
        CU_ASSERT_EQUAL(whisper_language_find(whisper_language_code(i)), i);
        CU_ASSERT_EQUAL(whisper_language_find(whisper_language_name(i)), i);
    }
    struct whisper_vocab *v = small_vocabulary(51865);
    CU_ASSERT_EQUAL(whisper_vocab_language(v, "chinese"), 50260);
    CU_ASSERT_STRING_EQUAL(whisper_vocab_language_code(v, 50261), "de");
    CU_ASSERT_PTR_NULL(whisper_vocab_language_code(v, v->special.translate));
    whisper_vocab_close(v);
}

static int numbers(char *text, int *out, int max)
{
    int n = 0;
    for (char *word = strtok(text, " \n"); word != NULL && n < max; word = strtok(NULL, " \n"))
        out[n++] = atoi(word);
    return n;
}

static size_t unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++)
        *to++ = *from != '\\' ? *from : *++from == 'n' ? '\n' : *from == 't' ? '\t' : '\\';
    return (size_t)(to - text);
}

static int words_agree(const struct whisper_vocab *v, const char *language, char *ids_text, char *ends_text)
{
    int ids[256], wanted[256], ends[256];
    int n = numbers(ids_text, ids, 256), n_wanted = numbers(ends_text, wanted, 256);
    return whisper_vocab_words(v, language, ids, n, ends) == n_wanted &&
           memcmp(ends, wanted, (size_t)n_wanted * sizeof *ends) == 0;
}

static int non_speech_agrees(const struct whisper_vocab *v, char *text)
{
    int wanted[256], *ids, n, n_wanted = numbers(text, wanted, 256);
    struct message msg;
    if (whisper_vocab_non_speech(v, &ids, &n, &msg) < 0)
        return 0;
    int same = n == n_wanted && memcmp(ids, wanted, (size_t)n * sizeof *ids) == 0;
    mem_free(ids);
    return same;
}

static struct whisper_vocab *whisper_base; /* NULL: not in the cache */

static void real_vocabulary_agrees_with_openai(void)
{
    FILE *f = reference_vector("whisper_bpe.txt");
    char line[8192];
    int n_lines = 0, n_bad = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    while (fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *second = strchr(line, '\t'), *third = strchr(second + 1, '\t');
        int good;
        *second++ = '\0';
        if (strncmp(line, "words ", 6) == 0) {
            *third++ = '\0';
            good = words_agree(whisper_base, line + 6, second, third);
        } else if (strcmp(line, "non_speech") == 0) {
            good = non_speech_agrees(whisper_base, second);
        } else {
            int ids[4096], n = numbers(line, ids, 4096);
            good = encodes_to(whisper_base, second, unescape(second), ids, n);
        }
        n_bad += !good;
        n_lines++;
    }
    fclose(f);
    CU_ASSERT_EQUAL(n_bad, 0);
    CU_ASSERT(n_lines > 150);
}

static const struct unit_test tests[] = {
    {"a small vocabulary is written", write_small_vocabulary}, /* first: the others read it */
    {"pairs are joined by rank", pairs_are_joined_by_rank},
    {"text comes back", text_comes_back},
    {"words are tokens up to a space", words_are_tokens_up_to_a_space},
    {"size tells the special tokens", size_tells_the_special_tokens},
    {"a model without a vocabulary is refused", a_model_without_a_vocabulary_is_refused},
    {"wrong files are refused", wrong_files_are_refused},
    {"changed bytes do no harm", changed_bytes_do_no_harm},
    {"languages have codes and names", languages_have_codes_and_names},
    {"languages are called many things", languages_are_called_many_things},
    {"the real vocabulary agrees with openai-whisper's",
     real_vocabulary_agrees_with_openai}, /* last: may be left out */
};

int main(void)
{
    char path[4200];
    const char *models = getenv("LINNET_MODELS"), *home = getenv("HOME");
    size_t n = sizeof tests / sizeof tests[0];
    if (mkdtemp(folder) == NULL)
        return 99;
    char model[4200];
    if (models != NULL)
        snprintf(model, sizeof model, "%s/whisper-base", models);
    else
        snprintf(model, sizeof model, "%s/.cache/linnet/models/whisper-base", home != NULL ? home : "");
    struct message msg;
    int have = access(model, R_OK) == 0 && whisper_vocab_open(&whisper_base, model, 51865, &msg) == 0;
    if (!have)
        printf("no Whisper model at %s: one test is left out\n", model);
    int code = unit_main("whisper vocabulary", tests, have ? n : n - 1);
    whisper_vocab_close(whisper_base);
    snprintf(path, sizeof path, "%s/vocab.tiktoken", folder);
    unlink(path);
    rmdir(folder);
    return code;
}
