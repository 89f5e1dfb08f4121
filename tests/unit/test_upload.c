/* SPDX-License-Identifier: Apache-2.0
 * test_upload.c - forms that clients send: cut at every byte, of every style, and damaged ones. */
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "serve/multipart.h"
#include "serve/upload.h"
#include "tests/support/unit.h"

#define TYPE "multipart/form-data; boundary=xYz"

static struct message msg;

/* What came, as "name=value;" for each text, and "[recording]" where there is one; NULL after a failure. */
static const char *told(struct upload *u)
{
    static struct buffer all;
    const char *name, *value;
    char bytes[256];
    buffer_cut(&all, 0);
    for (int i = 0; (value = upload_text(u, i, &name)) != NULL; i++)
        CU_ASSERT_EQUAL_FATAL(buffer_printf(&all, "%s=%s;", name, value), 0);
    int fd = upload_take_file(u);
    if (fd >= 0) {
        ssize_t n = pread(fd, bytes, sizeof bytes, 0);
        CU_ASSERT_EQUAL_FATAL(buffer_printf(&all, "[%.*s]", (int)n, bytes), 0);
        close(fd);
    }
    CU_ASSERT(upload_take_file(u) < 0);
    return buffer_text(&all);
}

/* Feeds the body in pieces of these sizes in turn. */
static const char *read_cut(const char *type, const char *body, size_t n, const size_t sizes[2])
{
    struct upload *u = NULL;
    const char *result = NULL;
    int rc = upload_open(&u, type, n, &msg);
    for (size_t at = 0, i = 0, m; at < n && rc >= 0; at += m, i++) {
        m = sizes[i % 2] < n - at ? sizes[i % 2] : n - at;
        rc = upload_feed(u, body + at, m, &msg);
    }
    if (rc >= 0 && upload_end(u, &msg) >= 0)
        result = told(u);
    upload_close(u);
    return result;
}

static int reads_as(const char *type, const char *body, size_t n, const char *wanted)
{
    for (size_t first = 1; first <= n; first++) {
        const char *result = read_cut(type, body, n, (const size_t[]){first, n});
        if (result == NULL || strcmp(result, wanted) != 0) {
            printf("\n    cut at %zu: \"%s\", not \"%s\" (%s)\n", first, result != NULL ? result : "", wanted,
                   msg.text);
            return 0;
        }
    }
    const char *result = read_cut(type, body, n, (const size_t[]){1, 1});
    return result != NULL && strcmp(result, wanted) == 0;
}

#define READS_AS(type, body, wanted) CU_ASSERT(reads_as(type, body, sizeof(body) - 1, wanted))
#define REFUSED(type, body, why)                                                                                       \
    do {                                                                                                               \
        msg.text[0] = '\0';                                                                                            \
        CU_ASSERT_PTR_NULL(read_cut(type, body, sizeof(body) - 1, (const size_t[]){1, 7}));                            \
        CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, why));                                                                 \
    } while (0)

#define PART(name, value) "--xYz\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define RECORDING(bytes)                                                                                               \
    "--xYz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: "                     \
    "audio/wav\r\n\r\n" bytes "\r\n"
#define LAST "--xYz--\r\n"

static void fields_and_file_in_any_order(void)
{
    READS_AS(TYPE, PART("model", "m") RECORDING("RIFF") PART("language", "en") LAST, "model=m;language=en;[RIFF]");
    READS_AS(TYPE, RECORDING("RIFF") PART("model", "m") LAST, "model=m;[RIFF]");
    READS_AS(TYPE, PART("model", "m") LAST, "model=m;");
    READS_AS(TYPE, RECORDING("") PART("prompt", "") LAST, "prompt=;[]");
}

static void names_may_repeat(void)
{
    READS_AS(TYPE, PART("g[]", "word") PART("g[]", "segment") LAST, "g[]=word;g[]=segment;");
}

static void what_is_nearly_a_boundary_is_data(void)
{
    READS_AS(TYPE, RECORDING("\r\n--xY\r\n\r\n--xY\r\r\n-\r\n--xy") LAST, "[\r\n--xY\r\n\r\n--xY\r\r\n-\r\n--xy]");
    READS_AS(TYPE, RECORDING("--xYz--\r") LAST, "[--xYz--\r]");
    READS_AS(TYPE, RECORDING("\r\n\r\n") LAST, "[\r\n\r\n]");
}

static void text_around_the_parts_is_left_out(void)
{
    READS_AS(TYPE, "before\r\n" PART("a", "b") LAST "after --xYz\r\n", "a=b;");
    READS_AS(TYPE, PART("a", "b") "--xYz--", "a=b;");
    READS_AS(TYPE, "--xYz \t\r\ncontent-disposition:form-data;name=a\r\n\r\nb\r\n" LAST, "a=b;");
}

static void names_are_read_as_clients_write_them(void)
{
    READS_AS(TYPE,
             "--xYz\r\nX: y\r\nContent-Disposition: form-data; filename=\"a;\\\" name=c.wav\"; "
             "name=\"file\"\r\n\r\nR\r\n" LAST,
             "[R]");
    READS_AS(TYPE,
             "--xYz\r\nContent-Disposition: form-data; name=\"file\"; filename*=UTF-8''%c3%a4.wav\r\n\r\nR\r\n" LAST,
             "[R]");
    READS_AS(TYPE, PART("a\\\"b", "c") LAST, "a\"b=c;");
}

static void boundaries_are_read_as_clients_write_them(void)
{
    READS_AS("Multipart/Form-Data; charset=utf-8; Boundary=\"xYz\"", PART("a", "b") LAST, "a=b;");
    READS_AS("multipart/form-data ;boundary=xYz ; a=b", PART("a", "b") LAST, "a=b;");
    READS_AS("multipart/form-data; boundary=\"a b\"",
             "--a b\r\nContent-Disposition: form-data; name=c\r\n\r\nd\r\n--a b--", "c=d;");
    REFUSED("multipart/form-data", PART("a", "b") LAST, "boundary");
    REFUSED("multipart/form-data; boundary=", PART("a", "b") LAST, "boundary");
    REFUSED("multipart/form-data; boundary=\"xYz", PART("a", "b") LAST, "boundary");
    REFUSED("multipart/form-data; boundary=0123456789012345678901234567890123456789012345678901234567890123456789a",
            PART("a", "b") LAST, "boundary");
    REFUSED("application/json", "{}", "multipart/form-data");
    REFUSED("", "{}", "multipart/form-data");
}

static void damaged_forms_are_refused(void)
{
    REFUSED(TYPE, "", "cut off");
    REFUSED(TYPE, "no form", "cut off");
    REFUSED(TYPE, PART("a", "b"), "cut off");
    REFUSED(TYPE, PART("a", "b") "--xYz-", "cut off");
    REFUSED(TYPE, PART("a", "b") "--xYzz\r\n", "damaged");
    REFUSED(TYPE, PART("a", "b") "--xYz-\r\n", "damaged");
    REFUSED(TYPE, "--xYz\r\n\r\nb\r\n" LAST, "Content-Disposition");
    REFUSED(TYPE, "--xYz\r\nContent-Disposition: form-data\r\n\r\nb\r\n" LAST, "no name");
    REFUSED(TYPE, "--xYz\nContent-Disposition: form-data; name=\"a\"\n\nb\n--xYz--\n", "damaged");
    REFUSED(TYPE, "--xYz\r\nContent-Disposition: form-data; name=\"a\nb\"\r\n\r\nb\r\n" LAST, "cannot be read");
    REFUSED(TYPE, PART("a\r\nb", "c") LAST, "cannot be read");
    REFUSED(TYPE, PART("a\tb", "c") LAST, "cannot be read");
    REFUSED(TYPE, PART("a", "b\0c") LAST, "NUL");
    REFUSED(TYPE, RECORDING("a") RECORDING("b") LAST, "two files");
    REFUSED(TYPE, "--xYz\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\nb\r\n" LAST, "`file`");
}

static char many[400000];

static const char *read_many(const char *part, size_t n_parts, const char *filling, size_t n)
{
    size_t at = 0;
    for (size_t i = 0; i < n_parts; i++)
        at += (size_t)snprintf(many + at, sizeof many - at, "%s", part);
    for (size_t i = 0; i < n; i++)
        many[at++] = filling[i % strlen(filling)];
    at += (size_t)snprintf(many + at, sizeof many - at, "\r\n" LAST);
    return read_cut(TYPE, many, at, (const size_t[]){4096, 1000});
}

static void large_forms_are_refused(void)
{
    static const char head[] = "--xYz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n";
    CU_ASSERT_PTR_NOT_NULL(read_many(head, 1, "x", UPLOAD_TEXT - 3));
    CU_ASSERT_PTR_NULL(read_many(head, 1, "x", UPLOAD_TEXT - 2));
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "fields of the form"));
    CU_ASSERT_PTR_NULL(read_many("--xYz\r\nA: ", 1, "x", MULTIPART_HEADER));
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "header"));
    CU_ASSERT_PTR_NULL(read_many("--xYz\r\nContent-Disposition: form-data; name=\"", 1, "x", MULTIPART_NAME + 1));
    CU_ASSERT_PTR_NULL(read_many("--xYz", 1, " ", MULTIPART_HEADER));
    CU_ASSERT_PTR_NULL(read_many(PART("a", "b"), UPLOAD_FIELDS + 1, "\r\n", 0));
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "fields"));
    const char *empty = read_many("", 0, "x", 300000);
    CU_ASSERT(empty != NULL && *empty == '\0');
}

/* The recording is the same whether it lies in memory or in a file, and that has no name. */
static void recordings_of_any_size(void)
{
    static const size_t lengths[] = {UPLOAD_IN_MEMORY, UPLOAD_IN_MEMORY + 1};
    static const char head[] = "--xYz\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n";
    for (int i = 0; i < 2; i++) {
        struct upload *u = NULL;
        char link[64], target[256], byte;
        CU_ASSERT_EQUAL_FATAL(upload_open(&u, TYPE, lengths[i], &msg), 0);
        CU_ASSERT_EQUAL(upload_feed(u, head, sizeof head - 1, &msg), 0);
        for (int k = 0; k < 20; k++)
            CU_ASSERT_EQUAL(upload_feed(u, memset(many, k, sizeof many), sizeof many, &msg), 0);
        CU_ASSERT_EQUAL(upload_feed(u, "\r\n" LAST, sizeof LAST + 1, &msg), 0);
        CU_ASSERT_EQUAL(upload_end(u, &msg), 0);
        int fd = upload_take_file(u);
        CU_ASSERT_FATAL(fd >= 0);
        CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_END), 20 * (off_t)sizeof many);
        CU_ASSERT(pread(fd, &byte, 1, 13 * (off_t)sizeof many) == 1 && byte == 13);
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, target, sizeof target - 1);
        CU_ASSERT_FATAL(n > 0);
        target[n] = '\0';
        CU_ASSERT_PTR_NOT_NULL(strstr(target, "(deleted)"));
        CU_ASSERT_EQUAL(strstr(target, "memfd:") != NULL, i == 0);
        close(fd);
        upload_close(u);
    }
}

static const struct unit_test tests[] = {
    {"fields and file in any order", fields_and_file_in_any_order},
    {"names may repeat", names_may_repeat},
    {"what is nearly a boundary is data", what_is_nearly_a_boundary_is_data},
    {"text around the parts is left out", text_around_the_parts_is_left_out},
    {"names are read as clients write them", names_are_read_as_clients_write_them},
    {"boundaries are read as clients write them", boundaries_are_read_as_clients_write_them},
    {"damaged forms are refused", damaged_forms_are_refused},
    {"large forms are refused", large_forms_are_refused},
    {"recordings of any size", recordings_of_any_size},
};

UNIT_MAIN("upload", tests)
