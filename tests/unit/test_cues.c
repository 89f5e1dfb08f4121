/* SPDX-License-Identifier: Apache-2.0
 * test_cues.c - subtitles: where text is broken, how long cues are shown, what they may hold. */
#include <string.h>

#include "base/unicode.h"
#include "base/utf8.h"
#include "bin/output.h"
#include "tests/support/noise.h"
#include "tests/support/unit.h"

static struct message msg;

enum { MOST_CUES = 400 };

/* ---- reading subtitles ---- */

struct shown {
    long start_ms, end_ms;
    int n_lines, widest; /* columns */
    char text[1200];     /* lines parted by | */
};

static struct shown cues[MOST_CUES];
static int n_cues;

static long milliseconds(const char *text)
{
    int h, m, s, ms, n = 0;
    CU_ASSERT_EQUAL_FATAL(sscanf(text, "%2d:%2d:%2d,%3d%n", &h, &m, &s, &ms, &n), 4);
    CU_ASSERT_EQUAL(n, 12);
    CU_ASSERT_TRUE(m < 60 && s < 60);
    return ((h * 60L + m) * 60 + s) * 1000 + ms;
}

static int columns(const char *line, size_t n)
{
    int sum = 0;
    uint32_t code;
    for (size_t at = 0; at < n; sum += unicode_columns(code))
        at += utf8_next(line + at, n - at, &code);
    return sum;
}

/* One cue; returns what follows its blank line. */
static const char *read_cue(const char *at)
{
    struct shown *c = &cues[n_cues++];
    *c = (struct shown){0};
    CU_ASSERT_EQUAL(strtol(at, NULL, 10), n_cues);
    at = strchr(at, '\n') + 1;
    c->start_ms = milliseconds(at);
    CU_ASSERT_EQUAL(memcmp(at + 12, " --> ", 5), 0);
    c->end_ms = milliseconds(at + 17);
    at += 30;
    for (const char *end; *at != '\n' && *at != '\0'; at = end + 1) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(end = strchr(at, '\n'));
        int wide = columns(at, (size_t)(end - at));
        c->widest = wide > c->widest ? wide : c->widest;
        size_t n = strlen(c->text);
        snprintf(c->text + n, sizeof c->text - n, "%s%.*s", c->n_lines++ > 0 ? "|" : "", (int)(end - at), at);
    }
    return at + 1;
}

/* The cues of what SubRip holds; what is so of all: in order, apart, with text. */
static void read_srt(const char *text)
{
    n_cues = 0;
    while (*text != '\0' && n_cues < MOST_CUES)
        text = read_cue(text);
    for (int i = 0; i < n_cues; i++) {
        CU_ASSERT_TRUE(cues[i].start_ms < cues[i].end_ms && cues[i].n_lines > 0);
        CU_ASSERT_TRUE(i == 0 || cues[i - 1].end_ms <= cues[i].start_ms);
    }
}

/* ---- making them ---- */

static const struct layout usual = {.columns = 42, .lines = 2};

static void write_srt(const linnet_event *events, int n, const struct layout *layout, double duration_s)
{
    struct output o;
    struct output_options options = {.layout = *layout};
    CU_ASSERT_EQUAL_FATAL(output_open(&o, "srt", "a.wav", &options, &msg), 0);
    for (int i = 0; i < n; i++)
        CU_ASSERT_EQUAL(output_segment(&o, &events[i], &msg), 0);
    CU_ASSERT_EQUAL(output_end(&o, duration_s, &msg), 0);
    read_srt(buffer_text(&o.out));
    output_close(&o);
}

/* A segment without word times. */
static void write_text(const char *text, double end_s, const struct layout *layout)
{
    const linnet_event e = {.type = LINNET_EVENT_FINAL, .end_s = end_s, .text = text, .language = ""};
    write_srt(&e, 1, layout, end_s);
}

static void cues_are(const char *const *texts, int n)
{
    CU_ASSERT_EQUAL(n_cues, n);
    for (int i = 0; i < n && i < n_cues; i++) {
        CU_ASSERT_STRING_EQUAL(cues[i].text, texts[i]);
        if (strcmp(cues[i].text, texts[i]) != 0)
            printf("\n%s", cues[i].text);
    }
}
#define CUES_ARE(...)                                                                                                  \
    do {                                                                                                               \
        static const char *const wanted[] = {__VA_ARGS__};                                                             \
        cues_are(wanted, (int)(sizeof wanted / sizeof *wanted));                                                       \
    } while (0)

/* ---- where text is broken ---- */

static void text_breaks_at_sentences_and_between_words(void)
{
    write_text(" We came home. It was late, and nobody had waited for us at the station.", 6, &usual);
    CUES_ARE("We came home.", "It was late, and nobody|had waited for us at the station.");
    write_text(" Yes. No. Perhaps we should ask Dr. Smith, who knows.", 3, &usual);
    CUES_ARE("Yes. No. Perhaps we should|ask Dr. Smith, who knows.");
    write_text(" one two three four five six seven", 6, &(struct layout){.columns = 42, .lines = 1, .words = 3});
    CU_ASSERT_EQUAL(n_cues, 3);
    write_text(" a \"b\" -->", 6, &usual);
    CUES_ARE("a \"b\" ->");
}

static void text_without_spaces_breaks_between_characters(void)
{
    static const struct layout narrow = {.columns = 10, .lines = 2};
    write_text("今天天气很好，我们去公园吧。", 6, &narrow); /* a mark begins no line: nine columns are left free */
    CUES_ARE("今天天气|很好，", "我们去公|园吧。");
    write_text("「きょう」はキャッチャーです", 6, &(struct layout){.columns = 8, .lines = 9});
    for (int i = 0; i < n_cues; i++)
        CU_ASSERT_TRUE(strstr(cues[i].text, "|ャ") == NULL && strstr(cues[i].text, "|ッ") == NULL &&
                       strstr(cues[i].text, "|ー") == NULL && strstr(cues[i].text, "|」") == NULL &&
                       strstr(cues[i].text, "「|") == NULL);
    write_text("เด็กไปที่โรงเรียน", 6, &(struct layout){.columns = 5, .lines = 9}); /* vowels before, marks above */
    for (int i = 0; i < n_cues; i++)
        for (const char *at = cues[i].text; (at = strchr(at, '|')) != NULL; at++) {
            uint32_t code;
            utf8_next(at + 1, strlen(at + 1), &code);
            CU_ASSERT_TRUE(unicode_columns(code) > 0 && strncmp(at - 3, "เ", 3) != 0 && strncmp(at - 3, "โ", 3) != 0 &&
                           strncmp(at - 3, "ไ", 3) != 0);
        }
    write_text("안녕하세요 여러분", 6, &(struct layout){.columns = 12, .lines = 2}); /* Korean has spaces */
    CUES_ARE("안녕하세요|여러분");
    write_text("Donaudampfschifffahrt", 6, &(struct layout){.columns = 10, .lines = 3}); /* no choice */
    CUES_ARE("Donaudampf|schifffahr|t");
    write_text("Quoi ? Bonjour !", 6, &(struct layout){.columns = 9, .lines = 2});
    CU_ASSERT_PTR_NULL(strstr(cues[0].text, "|?"));
    CU_ASSERT_PTR_NULL(strstr(cues[n_cues - 1].text, "|!"));
}

/* ---- when they are shown ---- */

static void pauses_part_cues_and_segments_do_not(void)
{
    static const struct linnet_word a[] = {{" One", 0.5, 0.8, 1, 1},
                                           {" two", 0.9, 1.2, 1, 1},
                                           {" three", 3, 3.4, 1, 1}},
                                    b[] = {{" four", 3.5, 3.8, 1, 1}, {" five.", 3.9, 4.4, 1, 1}};
    const linnet_event events[] = {
        {.type = LINNET_EVENT_FINAL, .end_s = 3.4, .text = " One two three", .language = "", .words = a, .n_words = 3},
        {.start_s = 3.5, .end_s = 4.4, .text = " four five.", .language = "", .words = b, .n_words = 2}};
    write_srt(events, 2, &usual, 4.5);
    CUES_ARE("One two", "three four five.");
    CU_ASSERT_TRUE(cues[0].start_ms == 500 && cues[0].end_ms == 1333 && cues[1].start_ms == 3000 &&
                   cues[1].end_ms == 4400);
    write_srt(events, 2, &(struct layout){0}, 4.5); /* a cue for each segment */
    CUES_ARE("One two three", "four five.");
    write_srt(events, 2, &usual, 4); /* the audio ends before the text */
    CU_ASSERT_EQUAL(cues[1].end_ms, 4000);
}

/* The last word has no time of its own left: the cue before it gives some. */
static void short_cues_are_given_time(void)
{
    static const struct linnet_word words[] = {
        {" We", 0, 1, 1, 1}, {" came.", 1, 5.9, 1, 1}, {" Yes.", 5.9, 6, 1, 1}, {" Now", 9, 9.2, 1, 1}};
    const linnet_event e = {.type = LINNET_EVENT_FINAL,
                            .end_s = 9.2,
                            .text = " We came. Yes. Now",
                            .language = "",
                            .words = words,
                            .n_words = 3};
    write_srt(&e, 1, &usual, 6);
    CUES_ARE("We came.", "Yes.");
    CU_ASSERT_TRUE(cues[0].end_ms == 5167 && cues[1].start_ms == 5167 && cues[1].end_ms == 6000);
    linnet_event more = e;
    more.n_words = 4;
    write_srt(&more, 1, &usual, 20); /* there is time after it */
    CU_ASSERT_TRUE(n_cues == 3 && cues[1].start_ms == 5900 && cues[1].end_ms == 6733 && cues[2].end_ms == 9833);
    write_text(" Thank you.", 30, &usual); /* few words with much time stay together */
    CUES_ARE("Thank you.");
    CU_ASSERT_EQUAL(cues[0].end_ms, 7000);
    write_text("word", 0.45, &usual);
    CU_ASSERT_TRUE(n_cues == 1 && cues[0].start_ms == 0 && cues[0].end_ms == 450);
}

/* ---- any text ---- */

static const char *const samples[] = {" and",  " so",  " Americans,", " ask.", " country?",     " I",
                                      "今",    "天。", "ございます",  " สวัสดี", " Überraschung", " Привет!",
                                      " 사람", "、",   " -",          " 3.5"};

/* Words drawn from all scripts, spoken fast and slowly: nothing is lost, and every limit is kept. */
static void any_text_keeps_the_limits(void)
{
    static const struct layout layouts[] = {
        {.columns = 42, .lines = 2}, {.columns = 12, .lines = 1}, {.columns = 30, .lines = 3, .words = 4}};
    enum { N = 300 };
    static struct linnet_word words[N];
    for (int k = 0; k < 3; k++) {
        char text[16 * N] = "";
        double at_s = 0;
        for (int i = 0; i < N; i++) {
            const double pause_s = noise_bits() % 12 == 0 ? 1.5 : 0;
            words[i] = (struct linnet_word){samples[noise_bits() % 16], at_s + pause_s, 0, 1, 1};
            words[i].end_s = at_s = words[i].start_s + 0.15 + noise_bits() % 5 * 0.1;
            strcat(text, words[i].text);
        }
        const linnet_event e = {
            .type = LINNET_EVENT_FINAL, .end_s = at_s, .text = text, .language = "", .words = words, .n_words = N};
        write_srt(&e, 1, &layouts[k], at_s);
        char joined[16 * N] = "";
        for (int i = 0; i < n_cues; i++) {
            CU_ASSERT_TRUE(cues[i].widest <= layouts[k].columns && cues[i].n_lines <= layouts[k].lines);
            CU_ASSERT_TRUE(cues[i].end_ms <= (long)(at_s * 1000 + 0.5) && cues[i].end_ms - cues[i].start_ms <= 7000);
            CU_ASSERT_TRUE(layouts[k].columns < 42 || cues[i].end_ms - cues[i].start_ms >= 833);
            strcat(joined, cues[i].text);
        }
        const char *a = text, *b = joined; /* but for blanks and line ends */
        for (; *a != '\0' || *b != '\0'; a++, b++) {
            a += strspn(a, " ");
            b += strspn(b, " |");
            if (*a != *b || *a == '\0')
                break;
        }
        CU_ASSERT_TRUE(*a == '\0' && *b == '\0');
    }
}

static void widths_are_those_of_a_terminal(void)
{
    static const struct {
        uint32_t code;
        int columns;
    } all[] = {{'a', 1},     {0xE9, 1},    {0x301, 0},  {0x4E00, 2}, {0x3042, 2}, {0xAC00, 2},
               {0xFF21, 2},  {0xFF71, 1},  {0xE01, 1},  {0xE35, 0},  {0x200D, 0}, {'\n', 0},
               {0x1F600, 2}, {0x20000, 2}, {0x3002, 2}, {0x2014, 1}, {0xFFFD, 1}, {0x110000, 0}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        CU_ASSERT_EQUAL(unicode_columns(all[i].code), all[i].columns);
}

static const struct unit_test tests[] = {
    {"text breaks at sentences and between words", text_breaks_at_sentences_and_between_words},
    {"text without spaces breaks between characters", text_without_spaces_breaks_between_characters},
    {"pauses part cues, and segments do not", pauses_part_cues_and_segments_do_not},
    {"short cues are given time", short_cues_are_given_time},
    {"any text keeps the limits", any_text_keeps_the_limits},
    {"widths are those of a terminal", widths_are_those_of_a_terminal},
};

UNIT_MAIN("cues", tests)
