/* SPDX-License-Identifier: Apache-2.0
 * test_safetensors.c - 16-bit numbers, tensors, safetensors files good and bad. */
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "nn/half.h"
#include "nn/safetensors.h"
#include "tests/support/unit.h"

static char folder[64];

static const char *in_folder(const char *name)
{
    static char paths[4][128];
    static int i;
    i = (i + 1) % 4;
    snprintf(paths[i], sizeof paths[i], "%s/%s", folder, name);
    return paths[i];
}

/* What 16 bits mean, by the definition: sign, exponent, mantissa. */
static double half_value(unsigned bits, int n_exponent, int n_mantissa)
{
    unsigned mantissa = bits & ((1u << n_mantissa) - 1), top = (1u << n_exponent) - 1;
    unsigned exponent = bits >> n_mantissa & top;
    int bias = (1 << (n_exponent - 1)) - 1;
    double sign = bits >> 15 ? -1.0 : 1.0;
    if (exponent == top)
        return mantissa != 0 ? (double)NAN : sign * (double)INFINITY;
    if (exponent == 0)
        return sign * ldexp(mantissa, 1 - bias - n_mantissa);
    return sign * ldexp((double)(mantissa + (1u << n_mantissa)), (int)exponent - bias - n_mantissa);
}

static void check_all_halfs(int n_exponent, int n_mantissa, float (*widen)(uint16_t), uint16_t (*narrow)(float))
{
    int n_wrong = 0;
    for (unsigned i = 0; i < 65536; i++) {
        double value = half_value(i, n_exponent, n_mantissa);
        float wide = widen((uint16_t)i);
        if (isnan(value)) {
            uint16_t back = narrow(wide);
            n_wrong += !isnan(wide) || !isnan(half_value(back, n_exponent, n_mantissa)) || (back >> 15) != i >> 15;
            continue;
        }
        n_wrong += (double)wide != value || !signbit(wide) != !(i >> 15);
        n_wrong += narrow(wide) != i;
        /* between this number and the next one away from zero: half way goes to the even one */
        double next = half_value(i + 1, n_exponent, n_mantissa);
        if (isinf(value) || isnan(next))
            continue;
        if (isinf(next)) /* where the next number would be, were there no largest */
            next = 2 * value - half_value(i - 1, n_exponent, n_mantissa);
        float middle = (float)((value + next) / 2);
        n_wrong += narrow(middle) != (i & 1 ? i + 1 : i);
        n_wrong += narrow(nextafterf(middle, 0.0f)) != i;
        n_wrong += narrow(nextafterf(middle, value < 0 || signbit(value) ? -INFINITY : INFINITY)) != i + 1;
    }
    CU_ASSERT_EQUAL(n_wrong, 0);
}

static void every_f16_is_exact_and_rounds_to_even(void)
{
    check_all_halfs(5, 10, half_f16_to_f32, half_f32_to_f16);
    CU_ASSERT_EQUAL(half_f32_to_f16(1e30f), 0x7c00);
    CU_ASSERT_EQUAL(half_f32_to_f16(-1e-30f), 0x8000);
}

static void every_bf16_is_exact_and_rounds_to_even(void) { check_all_halfs(8, 7, half_bf16_to_f32, half_f32_to_bf16); }

static void sizes_that_cannot_be_are_refused(void)
{
    size_t n;
    CU_ASSERT_EQUAL(tensor_measure(DTYPE_F32, 2, (const int64_t[]){3, 5}, &n), 0);
    CU_ASSERT_EQUAL(n, 60);
    CU_ASSERT_EQUAL(tensor_measure(DTYPE_F32, 0, NULL, &n), 0);
    CU_ASSERT_EQUAL(n, 4);
    CU_ASSERT(tensor_measure(DTYPE_F32, 1, (const int64_t[]){-1}, &n) < 0);
    CU_ASSERT(tensor_measure(DTYPE_F32, 9, (const int64_t[9]){1}, &n) < 0);
    CU_ASSERT(tensor_measure(DTYPE_F32, 2, (const int64_t[]){INT64_MAX, 2}, &n) < 0);
    CU_ASSERT(tensor_measure(DTYPE_F32, 3, (const int64_t[]){INT64_MAX, 4, 0}, &n) < 0);
    CU_ASSERT_EQUAL(tensor_measure(DTYPE_F32, 2, (const int64_t[]){7, 0}, &n), 0);
    CU_ASSERT_EQUAL(n, 0);
}

static const float floats[] = {1.5f, -2.0f, 3.25f, 0.0f, 5.0f, 6.0f};
static const unsigned char bytes[] = {1, 2, 3};

/* A file of an odd number of bytes before floats, an empty tensor, a number and metadata. */
static int write_sample(const char *path, struct message *msg)
{
    struct safetensors_writer *w = NULL;
    double number = 2.5;
    int rc = safetensors_writer_open(&w, path, msg);
    if (rc < 0)
        return rc;
    int i_bytes = safetensors_writer_declare(w, "bytes", DTYPE_U8, 1, (const int64_t[]){3}, msg);
    int i_floats = safetensors_writer_declare(w, "a.floats", DTYPE_F32, 2, (const int64_t[]){2, 3}, msg);
    int i_empty = safetensors_writer_declare(w, "empty", DTYPE_F16, 2, (const int64_t[]){0, 4}, msg);
    int i_number = safetensors_writer_declare(w, "number", DTYPE_F64, 0, NULL, msg);
    if ((rc = safetensors_writer_meta(w, "who", "wrote \"it\"", msg)) < 0 ||
        (rc = safetensors_writer_put(w, i_number, &number, sizeof number, msg)) < 0 ||
        (rc = safetensors_writer_put(w, i_floats, floats, sizeof floats, msg)) < 0 ||
        (rc = safetensors_writer_put(w, i_empty, "", 0, msg)) < 0 ||
        (rc = safetensors_writer_put(w, i_bytes, bytes, sizeof bytes, msg)) < 0) {
        safetensors_writer_abort(w);
        return rc;
    }
    return safetensors_writer_close(w, msg);
}

static void what_is_written_is_read(void)
{
    struct safetensors *f = NULL;
    struct message msg = {""};
    const struct tensor *t = NULL;
    float half[2];
    const char *path = in_folder("sample.safetensors");
    CU_ASSERT_EQUAL_FATAL(write_sample(path, &msg), 0);
    CU_ASSERT_EQUAL_FATAL(safetensors_open(&f, path, &msg), 0);
    CU_ASSERT_EQUAL(safetensors_count(f), 4);
    CU_ASSERT_STRING_EQUAL(safetensors_at(f, 0)->name, "a.floats");
    CU_ASSERT_STRING_EQUAL(safetensors_metadata(f, "who"), "wrote \"it\"");
    CU_ASSERT_PTR_NULL(safetensors_metadata(f, "nobody"));
    CU_ASSERT_EQUAL(safetensors_get(f, "a.floats", 2, (const int64_t[]){-1, 3}, &t, &msg), 0);
    CU_ASSERT_EQUAL(t->n_bytes, sizeof floats);
    CU_ASSERT_EQUAL(memcmp(t->data, floats, sizeof floats), 0);
    safetensors_release(f, t);
    CU_ASSERT_EQUAL(memcmp(t->data, floats, sizeof floats), 0);
    tensor_to_f32(t, 1, 2, half);
    CU_ASSERT(half[0] == -2.0f && half[1] == 3.25f);
    t = safetensors_find(f, "number");
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT(t->n_dims == 0 && *(const double *)t->data == 2.5);
    CU_ASSERT_EQUAL(safetensors_find(f, "empty")->n_bytes, 0);
    CU_ASSERT_PTR_NULL(safetensors_find(f, "float"));
    CU_ASSERT_EQUAL(safetensors_get(f, "missing", 0, NULL, &t, &msg), LINNET_E_MODEL);
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "missing"));
    CU_ASSERT_EQUAL(safetensors_get(f, "a.floats", 2, (const int64_t[]){-1, 4}, &t, &msg), LINNET_E_MODEL);
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "a.floats is [2, 3], expected [*, 4]"));
    safetensors_close(f);
}

static int n_files(void)
{
    char command[128];
    int n = -1;
    snprintf(command, sizeof command, "ls -A %s | wc -l", folder);
    FILE *p = popen(command, "r");
    if (p == NULL || fscanf(p, "%d", &n) != 1)
        n = -1;
    if (p != NULL)
        pclose(p);
    return n;
}

static void a_file_is_whole_or_not_there(void)
{
    struct safetensors_writer *w = NULL;
    struct message msg = {""};
    const char *path = in_folder("half.safetensors");
    int before = n_files();
    CU_ASSERT_EQUAL_FATAL(safetensors_writer_open(&w, path, &msg), 0);
    CU_ASSERT_EQUAL(safetensors_writer_declare(w, "x", DTYPE_F32, 1, (const int64_t[]){2}, &msg), 0);
    CU_ASSERT(safetensors_writer_declare(w, "x", DTYPE_F32, 1, (const int64_t[]){2}, &msg) < 0);
    CU_ASSERT_EQUAL(safetensors_writer_declare(w, "y", DTYPE_F32, 1, (const int64_t[]){2}, &msg), 1);
    CU_ASSERT(safetensors_writer_put(w, 0, floats, 4, &msg) < 0);
    CU_ASSERT(safetensors_writer_put(w, 2, floats, 8, &msg) < 0);
    CU_ASSERT_EQUAL(safetensors_writer_put(w, 0, floats, 8, &msg), 0);
    CU_ASSERT(safetensors_writer_put(w, 0, floats, 8, &msg) < 0);
    CU_ASSERT(safetensors_writer_declare(w, "z", DTYPE_F32, 1, (const int64_t[]){2}, &msg) < 0);
    CU_ASSERT_EQUAL(safetensors_writer_close(w, &msg), LINNET_E_STATE); /* y was never put */
    CU_ASSERT_EQUAL(n_files(), before);
    CU_ASSERT_EQUAL(safetensors_writer_open(&w, in_folder("no/such/folder"), &msg), LINNET_E_IO);
}

/* A limit on the size of files stands for a full disk. */
static void a_full_disk_is_reported(void)
{
    struct safetensors_writer *w = NULL;
    struct message msg = {""};
    struct rlimit old, small;
    size_t n = 1 << 20;
    char *data = mem_array(n, 1);
    int before = n_files();
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    small = old;
    small.rlim_cur = 65536;
    CU_ASSERT_EQUAL_FATAL(safetensors_writer_open(&w, in_folder("big.safetensors"), &msg), 0);
    CU_ASSERT_EQUAL(safetensors_writer_declare(w, "x", DTYPE_U8, 1, (const int64_t[]){1 << 20}, &msg), 0);
    setrlimit(RLIMIT_FSIZE, &small);
    CU_ASSERT_EQUAL(safetensors_writer_put(w, 0, data, n, &msg), LINNET_E_IO);
    setrlimit(RLIMIT_FSIZE, &old);
    CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, "cannot write"));
    safetensors_writer_abort(w);
    CU_ASSERT_EQUAL(n_files(), before);
    mem_free(data);
}

/* A file of this header and n_data zeros, opened. */
static int open_made(const char *header, size_t n_data, struct safetensors **f, struct message *msg)
{
    char all[4096] = {0};
    size_t n = strlen(header);
    for (int i = 0; i < 8; i++)
        all[i] = (char)(n >> 8 * i);
    memcpy(all + 8, header, n);
    for (size_t i = 0; i < n_data; i++)
        all[8 + n + i] = (char)i;
    const char *path = in_folder("made.safetensors");
    int rc = file_write(path, all, 8 + n + n_data, msg);
    return rc < 0 ? rc : safetensors_open(f, path, msg);
}

static void bad_headers_are_refused(void)
{
    static const struct {
        const char *header;
        size_t n_data;
        const char *expected;
    } cases[] = {
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7, "x"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 9, "after the last"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "needs 12"},
        {"{\"x\":{\"dtype\":\"F31\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "unknown type F31"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, "impossible shape"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}", 8, "impossible shape"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}}", 8, "impossible shape"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[0,8]}}", 8, "9 dimensions"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, "cut or wrong"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", 8, "cut or wrong"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", 8, "incomplete"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "incomplete"},
        {"{\"x\":7}", 0, "incomplete"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"y\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
         12, "overlaps"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"y\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
         12, "hole"},
        {"{\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
         "\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
         2, "duplicate"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "__metadata__"},
        {"{\"__metadata__\":[]}", 0, "__metadata__"},
        {"[]", 0, "not an object"},
        {"{\"x\":", 0, "header"},
        {"", 0, "header"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct safetensors *f = NULL;
        struct message msg = {""};
        int rc = open_made(cases[i].header, cases[i].n_data, &f, &msg);
        CU_ASSERT_EQUAL(rc, LINNET_E_FORMAT);
        CU_ASSERT_PTR_NULL(f);
        CU_ASSERT_PTR_NOT_NULL(strstr(msg.text, cases[i].expected));
        if (strstr(msg.text, cases[i].expected) == NULL)
            fprintf(stderr, "case %zu: %s\n", i, msg.text);
    }
}

static void floats_at_odd_places_are_moved(void)
{
    struct safetensors *f = NULL;
    struct message msg = {""};
    const unsigned char wanted[] = {1, 2, 3, 4};
    CU_ASSERT_EQUAL_FATAL(open_made("{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                                    "\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[1,5]}}",
                                    5, &f, &msg),
                          0);
    const struct tensor *t = safetensors_find(f, "x");
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT_EQUAL((uintptr_t)t->data % 4, 0);
    CU_ASSERT_EQUAL(memcmp(t->data, wanted, 4), 0);
    safetensors_release(f, t);
    CU_ASSERT_EQUAL(memcmp(t->data, wanted, 4), 0);
    safetensors_close(f);
}

/* Any byte changed, any length: opened or refused, never more than that; what is opened can be read to its end. */
static void damaged_files_do_no_harm(void)
{
    struct buffer good = {0};
    struct message msg;
    unsigned sum = 0, seed = 1;
    CU_ASSERT_EQUAL_FATAL(write_sample(in_folder("good.safetensors"), &msg), 0);
    CU_ASSERT_EQUAL_FATAL(file_read(in_folder("good.safetensors"), 1 << 20, &good, &msg), 0);
    for (size_t i = 0; i < 3 * good.n; i++) {
        struct safetensors *f = NULL;
        seed = seed * 1664525u + 1013904223u;
        char old = good.data[i % good.n];
        size_t n = i < good.n ? i : good.n;
        if (i >= good.n)
            good.data[i % good.n] = (char)(seed >> 24);
        FILE *out = fopen(in_folder("bad.safetensors"), "wb");
        CU_ASSERT_PTR_NOT_NULL_FATAL(out);
        fwrite(good.data, 1, n, out);
        fclose(out);
        good.data[i % good.n] = old;
        int rc = safetensors_open(&f, in_folder("bad.safetensors"), &msg);
        if (i < good.n)
            CU_ASSERT(rc < 0); /* every byte is needed */
        for (size_t j = 0; rc == 0 && j < safetensors_count(f); j++)
            for (size_t k = 0; k < safetensors_at(f, j)->n_bytes; k++)
                sum += ((const unsigned char *)safetensors_at(f, j)->data)[k];
        safetensors_close(f);
    }
    CU_ASSERT(sum > 0);
    buffer_free(&good);
}

static int write_part(const char *path, const char *name)
{
    struct safetensors_writer *w = NULL;
    if (safetensors_writer_open(&w, path, NULL) < 0 ||
        safetensors_writer_declare(w, name, DTYPE_U8, 1, (const int64_t[]){3}, NULL) != 0 ||
        safetensors_writer_put(w, 0, bytes, 3, NULL) < 0)
        return -1;
    return safetensors_writer_close(w, NULL);
}

static int open_index(const char *index, struct safetensors **f, struct message *msg)
{
    int rc = file_write(in_folder("parts/model.safetensors.index.json"), index, strlen(index), msg);
    return rc < 0 ? rc : safetensors_open_dir(f, in_folder("parts"), msg);
}

static void parts_are_one(void)
{
    struct safetensors *f = NULL;
    struct message msg = {""};
    mkdir(in_folder("parts"), 0700);
    CU_ASSERT_EQUAL(safetensors_open_dir(&f, in_folder("parts"), &msg), LINNET_E_IO);
    CU_ASSERT_EQUAL_FATAL(write_part(in_folder("parts/1.safetensors"), "a"), 0);
    CU_ASSERT_EQUAL_FATAL(write_part(in_folder("parts/2.safetensors"), "b"), 0);
    CU_ASSERT_EQUAL_FATAL(write_part(in_folder("parts/3.safetensors"), "a"), 0);
    CU_ASSERT_EQUAL_FATAL(open_index("{\"weight_map\":{\"a\":\"1.safetensors\",\"b\":\"2.safetensors\"}}", &f, &msg),
                          0);
    CU_ASSERT_EQUAL(safetensors_count(f), 2);
    CU_ASSERT_PTR_NOT_NULL(safetensors_find(f, "a"));
    CU_ASSERT_PTR_NOT_NULL(safetensors_find(f, "b"));
    safetensors_close(f);
    f = NULL;
    CU_ASSERT(open_index("{\"weight_map\":{\"a\":\"2.safetensors\",\"b\":\"1.safetensors\"}}", &f, &msg) < 0);
    CU_ASSERT(open_index("{\"weight_map\":{\"a\":\"1.safetensors\",\"b\":\"3.safetensors\"}}", &f, &msg) < 0);
    CU_ASSERT(open_index("{\"weight_map\":{\"a\":\"1.safetensors\",\"c\":\"2.safetensors\"}}", &f, &msg) < 0);
    CU_ASSERT(open_index("{\"weight_map\":{\"a\":\"../half.safetensors\"}}", &f, &msg) < 0);
    CU_ASSERT(open_index("{\"weight_map\":{\"a\":\"4.safetensors\"}}", &f, &msg) < 0);
    CU_ASSERT(open_index("{\"weight_map\":{}}", &f, &msg) < 0);
    CU_ASSERT(open_index("{}", &f, &msg) < 0);
    CU_ASSERT_PTR_NULL(f);
}

static const struct unit_test tests[] = {
    {"every f16 is exact and rounds to even", every_f16_is_exact_and_rounds_to_even},
    {"every bf16 is exact and rounds to even", every_bf16_is_exact_and_rounds_to_even},
    {"sizes that cannot be are refused", sizes_that_cannot_be_are_refused},
    {"what is written is read", what_is_written_is_read},
    {"a file is whole or not there", a_file_is_whole_or_not_there},
    {"a full disk is reported", a_full_disk_is_reported},
    {"bad headers are refused", bad_headers_are_refused},
    {"floats at odd places are moved", floats_at_odd_places_are_moved},
    {"damaged files do no harm", damaged_files_do_no_harm},
    {"parts are one", parts_are_one},
};

int main(void)
{
    char command[128];
    snprintf(folder, sizeof folder, "/tmp/linnet-safetensors-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 99;
    int rc = unit_main("safetensors", tests, sizeof tests / sizeof tests[0]);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? rc : 99;
}
