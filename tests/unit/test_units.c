/* SPDX-License-Identifier: Apache-2.0
 * test_units.c - vocabularies: reading, text, words, spelling, and lists of hotwords. */
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "decoders/common/hotword_list.h"
#include "tests/support/unit.h"
#include "vocab/units.h"

static void write_file(char path[40], const char *text)
{
    strcpy(path, "/tmp/linnet-units-XXXXXX");
    int file = mkstemp(path);
    CU_ASSERT_TRUE_FATAL(file >= 0);
    CU_ASSERT_EQUAL(write(file, text, strlen(text)), (ssize_t)strlen(text));
    close(file);
}

/* A vocabulary from its units, one space between them. */
static int try_vocabulary(const char *names, int n, struct vocab **u, struct message *msg)
{
    struct buffer text = {0};
    char path[40], copy[2000];
    strcpy(copy, names);
    int id = 0;
    for (char *name = strtok(copy, " "); name != NULL; name = strtok(NULL, " "))
        CU_ASSERT_EQUAL(buffer_printf(&text, "%s %d\n", name, id++), 0);
    write_file(path, text.data);
    int rc = units_open(u, path, NULL, n < 0 ? id : n, msg);
    unlink(path);
    buffer_free(&text);
    return rc;
}

static struct vocab *vocabulary(const char *names)
{
    struct vocab *u = NULL;
    CU_ASSERT_EQUAL_FATAL(try_vocabulary(names, -1, &u, NULL), 0);
    return u;
}

/* Spells text; checks the names of the units and that they read as expected again. */
static void check_spelling(const struct vocab *u, const char *text, const char *names, const char *again)
{
    int *ids = NULL, n = vocab_spell(u, text, &ids, NULL);
    struct buffer found = {0}, back = {0};
    CU_ASSERT_TRUE(n > 0);
    for (int i = 0; i < n; i++)
        CU_ASSERT_EQUAL(buffer_printf(&found, i > 0 ? " %s" : "%s", vocab_token(u, ids[i])), 0);
    CU_ASSERT_STRING_EQUAL(buffer_text(&found), names);
    CU_ASSERT_EQUAL(vocab_text(u, ids, n > 0 ? n : 0, 1, &back), 0);
    CU_ASSERT_STRING_EQUAL(buffer_text(&back), again);
    mem_free(ids);
    buffer_free(&found);
    buffer_free(&back);
}

/* The words of the units of text, put between bars. */
static void check_words(const struct vocab *u, const char *names, const char *words)
{
    char copy[400];
    int ids[100], ends[100], n = 0;
    strcpy(copy, names);
    for (char *name = strtok(copy, " "); name != NULL; name = strtok(NULL, " "))
        ids[n++] = units_find(u, name);
    int n_words = vocab_words(u, ids, n, ends);
    struct buffer found = {0};
    for (int i = 0; i < n_words; i++) {
        int from = i > 0 ? ends[i - 1] : 0;
        CU_ASSERT_TRUE(ends[i] > from);
        CU_ASSERT_EQUAL(vocab_text(u, ids + from, ends[i] - from, 1, &found), 0);
        CU_ASSERT_EQUAL(buffer_append(&found, "|", 1), 0);
    }
    CU_ASSERT_STRING_EQUAL(buffer_text(&found), words);
    CU_ASSERT_EQUAL(n_words > 0 ? ends[n_words - 1] : 0, n);
    buffer_free(&found);
}

static void pieces_with_the_space_in_front(void)
{
    struct vocab *u = vocabulary("<blank> <unk> ▁ ▁THE ▁CAT S C A T ▁S AT 你 好 ' <sos/eos>");
    CU_ASSERT_EQUAL(u->n, 15);
    CU_ASSERT_EQUAL(units_find(u, "▁CAT"), 4);
    CU_ASSERT_EQUAL(units_find(u, "CAT"), -1);
    check_spelling(u, "THE CATS", "▁THE ▁CAT S", "THE CATS");
    check_spelling(u, "  the\tcats sat ", "▁THE ▁CAT S ▁S AT", "THE CATS SAT");
    check_spelling(u, "你好 CAT 你", "你 好 ▁CAT 你", "你好 CAT你");
    check_words(u, "▁THE ▁CAT S ▁S AT", "THE|CATS|SAT|");
    check_words(u, "S AT ▁ AT ▁CAT ' S", "SAT|AT|CAT'S|");
    check_words(u, "▁ 你 好 ▁CAT 你", "你|好|CAT|你|");
    check_words(u, "", "");
    int ids[] = {0, 4, 1, 14};
    struct buffer text = {0};
    CU_ASSERT_EQUAL(vocab_text(u, ids, 4, 0, &text), 0);
    CU_ASSERT_STRING_EQUAL(buffer_text(&text), " CAT<unk>");
    buffer_free(&text);
    vocab_close(u);
}

static void other_kinds(void)
{
    struct vocab *u = vocabulary("<blank> ▁ A B C");
    check_spelling(u, "ab c", "A B ▁ C", "AB C");
    check_words(u, "A B ▁ C", "AB|C|");
    vocab_close(u);
    u = vocabulary("<blank> 你 好 吗 ， A B");
    check_spelling(u, "你好 吗", "你 好 吗", "你好吗");
    check_spelling(u, "AB你", "A B 你", "AB你");
    check_words(u, "你 好 ， A B 吗", "你|好，|AB|吗|");
    vocab_close(u);
    u = vocabulary("<blank> hello world wor@@ ld 你 好");
    check_spelling(u, "hello world", "hello world", "hello world");
    check_words(u, "hello wor@@ ld 你 好 hello", "hello|world|你|好|hello|");
    vocab_close(u);
    u = vocabulary("<blank> ▁A <0xE4> <0xBD> <0xA0>");
    int ids[] = {1, 2, 3, 4};
    struct buffer text = {0};
    CU_ASSERT_EQUAL(vocab_text(u, ids, 4, 1, &text), 0);
    CU_ASSERT_STRING_EQUAL(buffer_text(&text), "A你");
    buffer_free(&text);
    vocab_close(u);
}

static void what_cannot_be_spelled_is_named(void)
{
    struct vocab *u = vocabulary("<blank> <unk> ▁A B C");
    struct message m;
    int *ids = NULL;
    CU_ASSERT_EQUAL(vocab_spell(u, "AB qB", &ids, &m), LINNET_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(m.text, "'▁'")); /* no unit for the space before q */
    CU_ASSERT_EQUAL(vocab_spell(u, "AB\nC", &ids, &m), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(vocab_spell(u, " ", &ids, &m), LINNET_E_ARGUMENT);
    CU_ASSERT_EQUAL(vocab_spell(u, "<unk>", &ids, &m), LINNET_E_ARGUMENT);
    vocab_close(u);
}

/* A file of the vectors folder. */
static const char *vector(const char *name)
{
    static char paths[4][4200];
    static int i;
    const char *top = getenv("top_srcdir");
    i = (i + 1) % 4;
    snprintf(paths[i], sizeof paths[i], "%s/tests/vectors/%s", top != NULL ? top : ".", name);
    return paths[i];
}

static void spelling_equals_sentencepiece(void)
{
    struct vocab *u = NULL;
    CU_ASSERT_EQUAL_FATAL(units_open(&u, vector("spell_units.txt"), vector("spell_pieces.tsv"), 162, NULL), 0);
    FILE *f = fopen(vector("spell_expected.tsv"), "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    char line[2000];
    int n_lines = 0;
    while (fgets(line, sizeof line, f) != NULL) {
        char *ids_text = strchr(line, '\t');
        int *ids = NULL, n_expected = 0;
        CU_ASSERT_PTR_NOT_NULL_FATAL(ids_text);
        *ids_text++ = '\0';
        int n = vocab_spell(u, line, &ids, NULL);
        for (char *id = strtok(ids_text, " \n"); id != NULL; id = strtok(NULL, " \n"), n_expected++)
            CU_ASSERT_TRUE(n_expected < n && ids[n_expected] == atoi(id));
        CU_ASSERT_EQUAL(n, n_expected);
        struct buffer text = {0};
        CU_ASSERT_EQUAL(vocab_text(u, ids, n, 1, &text), 0);
        CU_ASSERT_STRING_EQUAL(buffer_text(&text), line);
        buffer_free(&text);
        mem_free(ids);
        n_lines++;
    }
    CU_ASSERT_TRUE(n_lines >= 50);
    fclose(f);
    vocab_close(u);
}

/* Merges: "lo" first, then "low"; "we" is never made because "w" is taken by then. */
static void byte_pairs_merge_in_order(void)
{
    char units_path[40], pieces_path[40];
    write_file(units_path, "<unk> 0\n▁ 1\nl 2\no 3\nw 4\ne 5\nr 6\nlo 7\nlow 8\nwe 9\ner 10\n▁low 11\n");
    write_file(pieces_path,
               "#model\tbpe\n<unk>\t0\n▁\t-9\nl\t-9\no\t-9\nw\t-9\ne\t-9\nr\t-9\nlo\t0\nlow\t-1\nwe\t-2\ner\t-3\n"
               "▁low\t-4\n");
    struct vocab *u = NULL;
    CU_ASSERT_EQUAL_FATAL(units_open(&u, units_path, pieces_path, 12, NULL), 0);
    check_spelling(u, "lower", "▁low er", "lower");
    check_spelling(u, "we low", "▁ we ▁low", "we low");
    vocab_close(u);
    unlink(units_path);
    unlink(pieces_path);
}

static void check_refused(const char *text, int n, const char *why)
{
    char path[40];
    struct vocab *u = NULL;
    struct message m;
    write_file(path, text);
    CU_ASSERT_EQUAL(units_open(&u, path, NULL, n, &m), LINNET_E_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(m.text, why));
    CU_ASSERT_PTR_NULL(u);
    unlink(path);
}

/* Byte order mark, CRLF, blanks around, several blanks between. */
static void units_of_other_editors(void)
{
    char path[40];
    struct vocab *u = NULL;
    write_file(path, "\xEF\xBB\xBF<blank> 0\r\n  a\t 1 \r\n\r\nb b  2\r\u3000 3");
    CU_ASSERT_EQUAL_FATAL(units_open(&u, path, NULL, 4, NULL), 0);
    CU_ASSERT(units_find(u, "<blank>") == 0 && units_find(u, "a") == 1);
    CU_ASSERT(units_find(u, "b b") == 2 && units_find(u, "\u3000") == 3);
    unlink(path);
    vocab_close(u);
}

static void space_has_two_names(void)
{
    struct vocab *u = vocabulary("<blank> <space> A B C");
    check_spelling(u, "ab c", "A B ▁ C", "AB C");
    check_words(u, "A B ▁ C", "AB|C|");
    vocab_close(u);
    u = vocabulary("<blank> ▁A <space> B"); /* where words bring their spaces along too there is one */
    const int ids[] = {2, 1, 2, 1, 3, 2, 3};
    struct buffer text = {0};
    CU_ASSERT_EQUAL(vocab_text(u, ids, 7, 1, &text), 0);
    CU_ASSERT_STRING_EQUAL(buffer_text(&text), "A AB B");
    buffer_free(&text);
    vocab_close(u);
}

/* Letters with marks, of any form and case. */
static void letters_are_spelled_whatever_their_form(void)
{
    struct vocab *u = vocabulary("<blank> ▁ấ m ▁ș ი");
    check_spelling(u, "a\u0302\u0301m", "▁ấ m", "ấm");
    check_spelling(u, "ẤM", "▁ấ m", "ấm");
    check_spelling(u, "S\u0326Ი", "▁ș ი", "șი");
    vocab_close(u);
}

static void broken_files_are_refused(void)
{
    check_refused("a 0\nb 1\n", 3, "2 units, the model has 3");
    check_refused("a 0\nb 1\nc 2\n", 2, ":3: ");
    check_refused("a 0\nb 0\n", 2, "twice");
    check_refused("a 0\nb\n", 2, ":2: ");
    check_refused("a 0\nb -1\n", 2, ":2: ");
    check_refused("a 0\nb 1x\n", 2, ":2: ");
    check_refused("a 0\nb\xE9 1\n", 2, ":2: ");
    check_refused("", 2, "0 units");
    struct vocab *u = NULL;
    CU_ASSERT_EQUAL(units_open(&u, "/nonexistent/units.txt", NULL, 2, NULL), LINNET_E_IO);
}

static void hotword_lists(void)
{
    struct vocab *u = vocabulary("<blank> <unk> ▁AB ▁A B C");
    struct hotword_list list = {0};
    struct hotwords *h = NULL;
    struct buffer unspelled = {0};
    char path[40];
    write_file(path, "# comment\nab c\t2.5\r\n\nabq\nB\t-1\nABC");
    CU_ASSERT_EQUAL(hotword_list_read(&list, path, 3.0, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(list.n, 4);
    CU_ASSERT_STRING_EQUAL(list.phrases[0], "ab c");
    CU_ASSERT_TRUE(list.bonus[0] == 2.5 && list.bonus[1] == 3.0 && list.bonus[2] == -1.0 && list.bonus[3] == 3.0);
    CU_ASSERT_EQUAL(hotword_list_graph(&list, u, &h, &unspelled, NULL), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_text(&unspelled), "abq: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_text(&unspelled), "ab c: "));
    double delta;
    int state = hotwords_step(h, HOTWORDS_START, units_find(u, "▁AB"), &delta);
    CU_ASSERT_DOUBLE_EQUAL(delta, 3.0, 0.0);
    CU_ASSERT_EQUAL(hotwords_step(h, state, units_find(u, "C"), &delta), HOTWORDS_START);
    CU_ASSERT_DOUBLE_EQUAL(delta, 3.0, 0.0);
    hotwords_close(h);
    hotword_list_free(&list);
    unlink(path);
    struct message m;
    write_file(path, "\xEF\xBB\xBF  ab \t2\r# comment\rABC\t\r\n \u3000\n");
    CU_ASSERT_EQUAL(hotword_list_read(&list, path, 3.0, &m), 0);
    CU_ASSERT_EQUAL_FATAL(list.n, 2);
    CU_ASSERT_STRING_EQUAL(list.phrases[0], "ab");
    CU_ASSERT_STRING_EQUAL(list.phrases[1], "ABC");
    CU_ASSERT(list.bonus[0] == 2.0 && list.bonus[1] == 3.0);
    hotword_list_free(&list);
    unlink(path);
    write_file(path, "a\t1\nb\tx\n");
    CU_ASSERT_EQUAL(hotword_list_read(&list, path, 3.0, &m), LINNET_E_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(m.text, ":2: 'x'"));
    CU_ASSERT(list.n == 0 && list.phrases == NULL);
    buffer_free(&unspelled);
    unlink(path);
    vocab_close(u);
}

static void unknown_kinds_are_refused(void)
{
    static const char *const unknown[] = {"parrot", "", "unit", "unitss"};
    struct message m;
    struct vocab *v = NULL;
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        char wanted[40];
        snprintf(wanted, sizeof wanted, "'%s'", unknown[i]);
        CU_ASSERT_EQUAL(vocab_open(&v, unknown[i], "/nonexistent", 5, &m), LINNET_E_MODEL);
        CU_ASSERT_PTR_NOT_NULL(strstr(m.text, wanted));
    }
    CU_ASSERT_TRUE(vocab_open(&v, "units", "/nonexistent", 5, &m) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(m.text, "/nonexistent/units.txt"));
    CU_ASSERT_PTR_NULL(v);
    vocab_close(v);
}

static const struct unit_test tests[] = {
    {"pieces with the space in front", pieces_with_the_space_in_front},
    {"other kinds of vocabularies", other_kinds},
    {"what cannot be spelled is named", what_cannot_be_spelled_is_named},
    {"spelling equals sentencepiece", spelling_equals_sentencepiece},
    {"byte pairs merge in order", byte_pairs_merge_in_order},
    {"broken files are refused", broken_files_are_refused},
    {"hotword lists", hotword_lists},
    {"units of other editors", units_of_other_editors},
    {"space has two names", space_has_two_names},
    {"letters are spelled whatever their form", letters_are_spelled_whatever_their_form},
    {"vocabularies of no kind", unknown_kinds_are_refused},
};

UNIT_MAIN("units", tests)
