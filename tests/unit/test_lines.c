/* SPDX-License-Identifier: Apache-2.0
 * test_lines.c - text files as other programs write them. */
#include <string.h>

#include "base/lines.h"
#include "tests/support/scratch.h"

static struct message msg;

static const char *file_of(const char *bytes, size_t n)
{
    const char *path = in_folder("file");
    write_bytes(path, bytes, n);
    return path;
}

/* The trimmed lines with a bar behind each; of one that is no text the number and a bang. */
static int reads_as(const char *bytes, size_t n, const char *wanted)
{
    struct lines l = {0};
    struct line line;
    struct buffer all = {0};
    int rc;
    CU_ASSERT_EQUAL_FATAL(lines_open(&l, file_of(bytes, n), 100000, &msg), 0);
    while ((rc = lines_next(&l, &line, &msg)) != 0) {
        if (rc > 0) {
            line_trim(&line);
            CU_ASSERT_EQUAL(strlen(line.text), line.n);
        }
        CU_ASSERT_EQUAL(rc > 0 ? buffer_printf(&all, "%s|", line.text) : buffer_printf(&all, "%d!", l.number), 0);
    }
    CU_ASSERT_EQUAL(lines_next(&l, &line, &msg), 0);
    int same = strcmp(buffer_text(&all), wanted) == 0;
    if (!same)
        printf("\n    read as \"%s\", not \"%s\"\n", buffer_text(&all), wanted);
    buffer_free(&all);
    lines_close(&l);
    return same;
}

#define READS_AS(text, wanted) CU_ASSERT(reads_as(text, sizeof(text) - 1, wanted))

static void lines_end_in_every_way(void)
{
    READS_AS("", "");
    READS_AS("\n", "|");
    READS_AS("a\nb\n", "a|b|");
    READS_AS("a\nb", "a|b|");
    READS_AS("a\r\nb\r\n", "a|b|");
    READS_AS("a\rb\r", "a|b|");
    READS_AS("a\rb\nc\r\nd", "a|b|c|d|");
    READS_AS("a\n\r\n\rb", "a|||b|");
    READS_AS("\r\n\r\n", "||");
}

static void marks_and_blanks_in_front_are_dropped(void)
{
    READS_AS("\xEF\xBB\xBF"
             "a\n b\n",
             "a|b|");
    READS_AS("\xEF\xBB\xBF", "|");
    READS_AS("\xEF\xBB", "1!");
    READS_AS(" \t a b \t\n\xE3\x80\x80"
             "c\xC2\xA0\n",
             "a b|c|"); /* U+3000, U+00A0 */
    READS_AS("a\n\xEF\xBB\xBF"
             " b\n",
             "a|b|"); /* two files joined */
}

static void utf16_is_read(void)
{
    READS_AS("\xFF\xFE"
             "a\0\n\0"
             "\x60\x4F"
             "\n\0",
             "a|你|");
    READS_AS("\xFE\xFF"
             "\0a\0\r\0\n"
             "\x4F\x60",
             "a|你|");
    READS_AS("\xFE\xFF"
             "\xD8\x3D\xDE\x00",
             "😀|");
    READS_AS("\xFE\xFF"
             "\0a\0\n"
             "\xD8\x3D\0b\0\n\0c",
             "a|2!c|"); /* half a pair */
    READS_AS("\xFE\xFF"
             "\0a\0\n\0",
             "a|2!"); /* half a unit */
    READS_AS("\xFF\xFE", "");
}

static void what_is_no_text_is_told_by_its_line(void)
{
    READS_AS("a\ncaf\xE9\nb\n", "a|2!b|");
    READS_AS("a\0b\nc\n", "1!c|");
    READS_AS("a\0b\0\n\0", "1!2!"); /* UTF-16 without a mark */
    struct lines l = {0};
    struct line line;
    const char *path = file_of("x\ncaf\xE9 au lait\n", 15);
    CU_ASSERT_EQUAL_FATAL(lines_open(&l, path, 100, &msg), 0);
    CU_ASSERT_EQUAL(lines_next(&l, &line, &msg), 1);
    CU_ASSERT_EQUAL(lines_next(&l, &line, &msg), LINNET_E_FORMAT);
    CU_ASSERT(says(&msg, "file:2: ") && says(&msg, "0xE9") && says(&msg, "UTF-8"));
    lines_close(&l);
    l.any_bytes = 1; /* names of files */
    CU_ASSERT_EQUAL_FATAL(lines_open(&l, path, 100, &msg), 0);
    CU_ASSERT_EQUAL(lines_next(&l, &line, &msg), 1);
    CU_ASSERT_EQUAL(lines_next(&l, &line, &msg), 1);
    CU_ASSERT(line.n == 12 && memcmp(line.text, "caf\xE9", 4) == 0);
    lines_close(&l);
    CU_ASSERT_EQUAL(lines_open(&l, path, 5, &msg), LINNET_E_FORMAT);
    CU_ASSERT_EQUAL(lines_open(&l, in_folder("none"), 5, &msg), LINNET_E_IO);
    CU_ASSERT_EQUAL(lines_open(&l, folder, 5, &msg), LINNET_E_IO);
}

static void words_are_cut_at_blanks(void)
{
    char text[] = "utt-1 \t\xE3\x80\x80 two words";
    struct line line = {text, sizeof text - 1}, word;
    line_cut_word(&line, &word);
    CU_ASSERT_STRING_EQUAL(word.text, "utt-1");
    CU_ASSERT_STRING_EQUAL(line.text, "two words");
    CU_ASSERT(word.n == 5 && line.n == 9);
    line_cut_word(&line, &word);
    line_cut_word(&line, &word);
    CU_ASSERT_STRING_EQUAL(word.text, "words");
    CU_ASSERT(line.n == 0 && *line.text == '\0');
}

static void a_long_line_is_a_line(void)
{
    enum { N = 3 << 20 };
    struct lines l = {0};
    struct line line;
    char *bytes = malloc(N);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    memset(bytes, 'x', N);
    CU_ASSERT_EQUAL_FATAL(lines_open(&l, file_of(bytes, N), N, &msg), 0);
    CU_ASSERT_EQUAL(lines_next(&l, &line, &msg), 1);
    CU_ASSERT_EQUAL(line.n, N);
    CU_ASSERT_EQUAL(lines_next(&l, &line, &msg), 0);
    lines_close(&l);
    free(bytes);
}

static const struct unit_test tests[] = {
    {"lines end in every way", lines_end_in_every_way},
    {"marks and blanks in front are dropped", marks_and_blanks_in_front_are_dropped},
    {"UTF-16 is read", utf16_is_read},
    {"what is no text is told by its line", what_is_no_text_is_told_by_its_line},
    {"words are cut at blanks", words_are_cut_at_blanks},
    {"a long line is a line", a_long_line_is_a_line},
};

SCRATCH_MAIN("lines", tests)
