/* SPDX-License-Identifier: Apache-2.0
 * test_output.c - result writers, and the option table of the command line. */
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "bin/options.h"
#include "bin/output.h"
#include "tests/support/unit.h"

static struct message msg;

static const int tokens[] = {50364, 7, 50464};
static const double times_s[] = {0.12, 0.3204};
static const struct linnet_word words[] = {{" And", 0.1, 0.32, 0.99f, 0.875f}, {" so\xFF", 0.32, 0.7, 0.5f, 0.5f}};
static const struct linnet_hypothesis nbest[] = {{"A \"b\"", tokens, times_s, 2, -1.25}, {"a", tokens, NULL, 1, -2}};
static const struct linnet_window window = {sizeof window, 30.5, 0.2, 19.0 / 7, 0.9, "english", NULL};
static const linnet_event segments[] = {
    {.type = LINNET_EVENT_FINAL,
     .start_s = 0,
     .end_s = 1.9996,
     .text = " And so\xFF",
     .language = "en",
     .tokens = tokens,
     .n_tokens = 3,
     .words = words,
     .n_words = 2,
     .logprob = -0.25,
     .no_speech = 0.125,
     .confidence = 0.75f,
     .nbest = nbest,
     .n_nbest = 2,
     .window = &window},
    {.type = LINNET_EVENT_FINAL,
     .start_s = 3723.5,
     .end_s = 3725,
     .text = " a --> b\tc\n\"d\" ",
     .language = "de",
     .logprob = -1.0 / 0.0},
    {.type = LINNET_EVENT_FINAL, .start_s = 3725, .end_s = 3726, .text = "  ", .language = ""},
};

/* What the format makes of the segments from first on. */
static void write_segments(struct output *o, const char *format, const struct output_options *options, int first)
{
    CU_ASSERT_EQUAL_FATAL(output_open(o, format, "/a/My talk.wav", options, &msg), 0);
    for (int i = first; i < 3; i++)
        CU_ASSERT_EQUAL(output_segment(o, &segments[i], &msg), 0);
    CU_ASSERT_EQUAL(output_end(o, 3726.25, &msg), 0);
}

static void gives(const char *format, const struct output_options *options, const char *wanted)
{
    struct output o;
    write_segments(&o, format, options, 0);
    CU_ASSERT_STRING_EQUAL(buffer_text(&o.out), wanted);
    if (strcmp(buffer_text(&o.out), wanted) != 0)
        printf("\n%s", buffer_text(&o.out));
    output_close(&o);
}

static void each_format_is_as_it_should_be(void)
{
    struct output_options word_cues = {.word_cues = 1}, timestamps = {.timestamps = 1};
    gives("txt", NULL, "And so\uFFFD\na --> b c \"d\"\n");
    gives("txt", &timestamps,
          "[00:00.000 --> 00:02.000] And so\uFFFD\n[01:02:03.500 --> 01:02:05.000] a --> b c \"d\"\n");
    gives("srt", NULL,
          "1\n00:00:00,100 --> 00:00:00,933\nAnd so\uFFFD\n\n2\n01:02:03,500 --> 01:02:05,000\na -> b c \"d\"\n\n");
    gives("vtt", NULL,
          "WEBVTT\n\n00:00.100 --> 00:00.933\nAnd so\uFFFD\n\n01:02:03.500 --> 01:02:05.000\na -> b c \"d\"\n\n");
    gives("srt", &word_cues,
          "1\n00:00:00,100 --> 00:00:00,320\nAnd\n\n2\n00:00:00,320 --> 00:00:00,700\nso\uFFFD\n\n"
          "3\n01:02:03,500 --> 01:02:05,000\na -> b c \"d\"\n\n");
    gives("tsv", NULL,
          "start\tend\ttext\n0\t2000\tAnd so\uFFFD\n3723500\t3725000\ta --> b c \"d\"\n3725000\t3726000\t\n");
    gives("lrc", NULL, "[by:linnet]\n[00:00.00]And so\uFFFD\n[62:03.50]a --> b c \"d\"\n");
    gives("csv", NULL,
          "start,end,text\n0,2000,\"And so\uFFFD\"\n3723500,3725000,\"a --> b c \"\"d\"\"\"\n"
          "3725000,3726000,\"\"\n");
    struct output o;
    CU_ASSERT_EQUAL_FATAL(output_open(&o, "ctm", "/a/My talk.wav", NULL, &msg), 0);
    CU_ASSERT_EQUAL(output_segment(&o, &segments[1], &msg), LINNET_E_UNSUPPORTED); /* text without words */
    CU_ASSERT_EQUAL(output_segment(&o, &segments[0], &msg), 0);
    CU_ASSERT_STRING_EQUAL(buffer_text(&o.out),
                           "My_talk 1 0.100 0.220 And 0.8750\nMy_talk 1 0.320 0.380 so\uFFFD 0.5000\n");
    CU_ASSERT_EQUAL(output_segment(&o, &segments[1], &msg), 0); /* all of it in the word before */
    CU_ASSERT_EQUAL(output_segment(&o, &segments[2], &msg), 0); /* nothing said: nothing to time */
    output_close(&o);
    CU_ASSERT_EQUAL(output_open(&o, "doc", "a", NULL, &msg), LINNET_E_ARGUMENT);
}

static double number_at(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static void json_is_read_by_a_json_reader(void)
{
    struct output o;
    write_segments(&o, "json", NULL, 0);
    CU_ASSERT_EQUAL(strcspn(o.out.data, "\n"), o.out.n - 1); /* one line */
    json_error_t error;
    json_t *root = json_loads(o.out.data, 0, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(root);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(root, "file")), "/a/My talk.wav");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(root, "language")), "en");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(root, "text")), "And so\uFFFD a --> b\tc\n\"d\"   ");
    CU_ASSERT_EQUAL(number_at(root, "duration"), 3726.25);
    const json_t *all = json_object_get(root, "segments"), *first = json_array_get(all, 0);
    CU_ASSERT_EQUAL(json_array_size(all), 3);
    CU_ASSERT_EQUAL(number_at(first, "end"), 2);
    CU_ASSERT_EQUAL(number_at(first, "logprob"), -0.25);
    CU_ASSERT_EQUAL(number_at(first, "confidence"), 0.75);
    CU_ASSERT_EQUAL(number_at(json_array_get(all, 1), "id"), 1); /* openai-whisper's fields */
    CU_ASSERT_EQUAL(number_at(first, "seek"), 3050);
    CU_ASSERT_EQUAL(number_at(first, "temperature"), 0.2);
    CU_ASSERT_EQUAL(number_at(first, "avg_logprob"), -0.25);
    CU_ASSERT_EQUAL(number_at(first, "compression_ratio"), 19.0 / 7);
    CU_ASSERT_EQUAL(number_at(first, "no_speech_prob"), 0.125);
    CU_ASSERT_PTR_NULL(json_object_get(json_array_get(all, 1), "seek")); /* there is no window */
    CU_ASSERT_PTR_NULL(json_object_get(json_array_get(all, 1), "temperature"));
    CU_ASSERT_EQUAL(json_integer_value(json_array_get(json_object_get(first, "tokens"), 2)), 50464);
    const json_t *word = json_array_get(json_object_get(first, "words"), 1);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(word, "word")), " so\uFFFD");
    CU_ASSERT_EQUAL(number_at(word, "start"), 0.32);
    CU_ASSERT_EQUAL(number_at(word, "probability"), 0.5);
    CU_ASSERT(json_is_null(json_object_get(json_array_get(all, 1), "logprob")));
    const json_t *hypotheses = json_object_get(root, "nbest"), *best = json_array_get(hypotheses, 0);
    CU_ASSERT_EQUAL(json_array_size(hypotheses), 2);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(best, "text")), "A \"b\"");
    CU_ASSERT_EQUAL(number_at(best, "score"), -1.25);
    const json_t *times = json_object_get(best, "times");
    CU_ASSERT_EQUAL(json_array_size(times), 2);
    CU_ASSERT_EQUAL(json_number_value(json_array_get(times, 0)), 0.12);
    CU_ASSERT_EQUAL(json_number_value(json_array_get(times, 1)), 0.32);
    CU_ASSERT_EQUAL(json_array_size(json_object_get(json_array_get(hypotheses, 1), "times")), 0);
    json_decref(root);
    output_close(&o);
}

static void any_bytes_make_a_json_string(void)
{
    char text[256 * 3];
    for (int i = 0; i < 256 * 3; i++)
        text[i] = (char)(i * 7 + i / 256);
    struct buffer b = {0};
    CU_ASSERT_EQUAL(json_write_string(&b, text, sizeof text), 0);
    json_error_t error;
    json_t *string = json_loads(b.data, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    CU_ASSERT_PTR_NOT_NULL(string);
    json_decref(string);
    static const struct {
        double value;
        int decimals;
        const char *text;
    } numbers[] = {{1.5, 3, "1.5"},        {2, 3, "2"},     {-0.0004, 3, "0"}, {100, 0, "100"},
                   {0.0 / 0.0, 3, "null"}, {1e300, 1, NULL}};
    for (int i = 0; i < 6; i++) {
        buffer_cut(&b, 0);
        CU_ASSERT_EQUAL(json_write_number(&b, numbers[i].value, numbers[i].decimals), 0);
        if (numbers[i].text != NULL)
            CU_ASSERT_STRING_EQUAL(b.data, numbers[i].text)
        else
            CU_ASSERT_EQUAL(strtod(b.data, NULL), 1e300);
    }
    buffer_free(&b);
}

static void saving_names_what_fails(void)
{
    char dir[] = "/tmp/linnet-output-XXXXXX", above[48], made[64], path[80];
    struct output o;
    struct buffer b = {0};
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    snprintf(above, sizeof above, "%s/new", dir);
    snprintf(made, sizeof made, "%s/folder", above);
    snprintf(path, sizeof path, "%s/My talk.txt", made);
    write_segments(&o, "txt", NULL, 0);
    CU_ASSERT_EQUAL(output_save(&o, made, &msg), 0);
    CU_ASSERT_EQUAL(file_read(path, 1000, &b, &msg), 0);
    CU_ASSERT_STRING_EQUAL(b.data, o.out.data);
    CU_ASSERT_EQUAL(output_save(&o, path, &msg), LINNET_E_IO); /* a file is no folder */
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "My talk.txt"));
    CU_ASSERT_EQUAL(output_save(&o, "/dev/null/folder", &msg), LINNET_E_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "/dev/null/folder"));
    buffer_free(&b);
    output_close(&o);
    unlink(path);
    rmdir(made);
    rmdir(above);
    CU_ASSERT_EQUAL(rmdir(dir), 0);
    static const struct {
        const char *file, *stem;
    } stems[] = {
        {"-", "stdin"}, {"a.b.wav", "a.b"}, {"/x/.hidden", ".hidden"}, {"x/y", "y"}, {"very.long.name", "very.lo"}};
    for (size_t i = 0; i < sizeof stems / sizeof stems[0]; i++) {
        char stem[8];
        output_stem(stems[i].file, stem, sizeof stem);
        CU_ASSERT_STRING_EQUAL(stem, stems[i].stem);
    }
}

struct shared {
    int n;
};
struct values {
    const char *name;
    int flag, verbose;
    double ratio;
    struct option_list set;
    struct shared shared;
};
static const struct option_spec shared_options[] = {
    {"threads", 't', OPTION_INT, offsetof(struct shared, n), "N", "threads", 0, 64, NULL, NULL}, {0}};
static const struct option_spec options[] = {
    {"format", 'f', OPTION_TEXT, offsetof(struct values, name), "NAME", "which", 0, 0, "txt|json", NULL},
    {"align", 'a', OPTION_FLAG, offsetof(struct values, flag), NULL, "align", 0, 0, NULL, NULL},
    {"verbose", 'v', OPTION_FLAG, offsetof(struct values, verbose), NULL, "more", 0, 0, NULL, NULL},
    {"ratio", 0, OPTION_NUMBER, offsetof(struct values, ratio), "X", "ratio", 0, 1, NULL, NULL},
    {"set", 's', OPTION_LIST, offsetof(struct values, set), "K=V", "setting", 0, 0, NULL, NULL},
    {.type = OPTION_GROUP, .offset = offsetof(struct values, shared), .group = shared_options},
    {0}};
static const struct command command = {.name = "test",
                                       .summary = "test",
                                       .arguments = "FILE...",
                                       .options = options,
                                       .min_arguments = 1,
                                       .max_arguments = 3};

/* Parses words parted by spaces; returns what options_parse does. */
static int parse(const char *line, struct values *values, char **argv, int *code)
{
    static char copy[256];
    int argc = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    *values = (struct values){.name = "txt"};
    return options_parse(&command, argc, argv, values, code);
}

static void options_are_taken_in_every_form(void)
{
    struct values v;
    char *argv[20];
    int code = -1;
    CU_ASSERT_EQUAL(parse("a --format=json -t8 --ratio 0.5 -av - --set x=1 -s y=2 -- --b", &v, argv, &code), 3);
    CU_ASSERT_STRING_EQUAL(argv[0], "a");
    CU_ASSERT_STRING_EQUAL(argv[1], "-");
    CU_ASSERT_STRING_EQUAL(argv[2], "--b");
    CU_ASSERT_STRING_EQUAL(v.name, "json");
    CU_ASSERT(v.flag == 1 && v.verbose == 1 && v.shared.n == 8 && v.ratio == 0.5);
    CU_ASSERT_EQUAL_FATAL(v.set.n, 2);
    CU_ASSERT_STRING_EQUAL(v.set.items[1], "y=2");
    options_free(&command, &v);
    CU_ASSERT_EQUAL(parse("a", &v, argv, &code), 1);
    CU_ASSERT_STRING_EQUAL(v.name, "txt");
    CU_ASSERT_EQUAL(parse("a --align True --verbose=no", &v, argv, &code), 1);
    CU_ASSERT(v.flag == 1 && v.verbose == 0);
    CU_ASSERT_EQUAL(parse("a --align False --verbose=on b", &v, argv, &code), 2);
    CU_ASSERT(v.flag == 0 && v.verbose == 1);
}

static void mistakes_end_with_two(void)
{
    static const char *const lines[] = {
        "",        "a b c d",     "a --nope", "a -x",        "a --format", "a --format=doc", "a -t 65",
        "a -t -1", "a --ratio=2", "a -t 1x",  "a --align=2", "a --ratio=", "a --forma=txt",  "a --set"};
    int saved = dup(2);
    FILE *quiet = fopen("/dev/null", "w");
    fflush(stderr);
    dup2(fileno(quiet), 2);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct values v;
        char *argv[20];
        int code = -1;
        CU_ASSERT_EQUAL(parse(lines[i], &v, argv, &code), -1);
        CU_ASSERT_EQUAL(code, EXIT_WRONG_USAGE);
        options_free(&command, &v);
    }
    fflush(stderr);
    dup2(saved, 2);
    close(saved);
    fclose(quiet);
}

static const struct unit_test tests[] = {
    {"each format is as it should be", each_format_is_as_it_should_be},
    {"JSON is read by a JSON reader", json_is_read_by_a_json_reader},
    {"any bytes make a JSON string", any_bytes_make_a_json_string},
    {"saving names what fails", saving_names_what_fails},
    {"options are taken in every form", options_are_taken_in_every_form},
    {"mistakes end with 2", mistakes_end_with_two},
};

UNIT_MAIN("output", tests)
