/* SPDX-License-Identifier: Apache-2.0
 * test_torch_file.c - checkpoints of PyTorch, good and bad. */
#include <string.h>
#include <zip.h>

#include "base/file.h"
#include "base/mem.h"
#include "convert/pickle.h"
#include "convert/torch_file.h"
#include "tests/support/checkpoint_file.h"
#include "tests/support/torch_writer.h"

static const float numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

/* A matrix that sees some of the numbers. */
static void put_matrix(struct torch_writer *w, int64_t offset, int64_t rows, int64_t columns, int64_t row_stride,
                       int64_t column_stride)
{
    torch_put_view(
        w, &(struct torch_view){
               "FloatStorage", numbers, sizeof numbers, 12, offset, 2, {rows, columns}, {row_stride, column_stride}});
}

/* {"dims": {"n_mels": 80}, "state": {"x": 3x4, "t": its transpose, "s": rows 1, 2 of columns 0, 2, "none": None}} */
static void write_nested(void)
{
    struct torch_writer w;
    torch_open(&w, path());
    TORCH_PUTS(&w, "}(");
    torch_text(&w, "dims");
    TORCH_PUTS(&w, "}");
    torch_text(&w, "n_mels");
    torch_number(&w, 80);
    TORCH_PUTS(&w, "s");
    torch_text(&w, "state");
    TORCH_PUTS(&w, "ccollections\nOrderedDict\n)R(");
    torch_text(&w, "x");
    put_matrix(&w, 0, 3, 4, 4, 1);
    torch_text(&w, "t");
    put_matrix(&w, 0, 4, 3, 1, 4);
    torch_text(&w, "s");
    put_matrix(&w, 4, 2, 2, 4, 2);
    torch_text(&w, "none");
    TORCH_PUTS(&w, "N");
    TORCH_PUTS(&w, "u}"); /* the attributes of a state_dict */
    torch_text(&w, "_metadata");
    TORCH_PUTS(&w, "Nsb");
    TORCH_PUTS(&w, "u");
    torch_close(&w);
}

static void views_become_dense(void)
{
    struct checkpoint *c = NULL;
    struct message msg = {""};
    int64_t n = 0;
    write_nested();
    CU_ASSERT_EQUAL_FATAL(torch_file_open(&c, path(), &msg), 0);
    CU_ASSERT_EQUAL(checkpoint_count(c), 3);
    CU_ASSERT_EQUAL(checkpoint_number(c, "dims.n_mels", &n), 0);
    CU_ASSERT_EQUAL(n, 80);
    CU_ASSERT(checkpoint_number(c, "dims.n_vocab", &n) < 0);
    check_floats(c, "state.x", numbers, 12);
    check_floats(c, "state.t", (const float[]){0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}, 12);
    check_floats(c, "state.s", (const float[]){4, 6, 8, 10}, 4);
    checkpoint_close(c);
}

/* A checkpoint of one tensor is refused with this message. */
static void refuse_view(const char *class, size_t n_bytes, int64_t n_elements, int64_t offset, int64_t size,
                        int64_t stride, const char *what)
{
    struct torch_writer w;
    struct checkpoint *c = NULL;
    struct message msg = {""};
    torch_open(&w, path());
    TORCH_PUTS(&w, "}");
    torch_text(&w, "a.name");
    torch_put_view(&w, &(struct torch_view){class, numbers, n_bytes, n_elements, offset, 1, {size}, {stride}});
    TORCH_PUTS(&w, "s");
    torch_close(&w);
    CU_ASSERT_EQUAL(torch_file_open(&c, path(), &msg), LINNET_E_FORMAT);
    CU_ASSERT_PTR_NULL(c);
    CU_ASSERT(says(&msg, what));
}

static void views_out_of_bounds_are_refused(void)
{
    refuse_view("FloatStorage", 48, 12, 1, 12, 1, "reaches past");
    refuse_view("FloatStorage", 48, 12, 0, 7, 2, "reaches past");
    refuse_view("FloatStorage", 48, 12, 0, 1000000000, 0, "reaches past"); /* expanded */
    refuse_view("FloatStorage", 48, 12, -1, 2, 1, "damaged");
    refuse_view("FloatStorage", 48, 12, 0, 2, -1, "impossible shape");
    refuse_view("FloatStorage", 48, 12, 0, -2, 1, "impossible shape");
    refuse_view("FloatStorage", 47, 12, 0, 12, 1, "too few");
    refuse_view("FloatStorage", 47, 12, 0, 12, 1, "a.name");
    refuse_view("QUInt8Storage", 48, 12, 0, 12, 1, "foreign class torch.QUInt8Storage");
}

/* A checkpoint whose pickle is this, refused with this. */
static void refuse_pickle(const char *bytes, size_t n, const char *what)
{
    struct torch_writer w;
    struct checkpoint *c = NULL;
    struct message msg = {""};
    torch_open(&w, path());
    torch_put(&w, bytes, n);
    torch_close(&w);
    CU_ASSERT_EQUAL(torch_file_open(&c, path(), &msg), LINNET_E_FORMAT);
    CU_ASSERT_PTR_NULL(c);
    CU_ASSERT(says(&msg, what));
}
#define REFUSE_PICKLE(text, what) refuse_pickle(text, sizeof(text) - 1, what)

static void pickles_that_want_more_are_refused(void)
{
    REFUSE_PICKLE("cos\nsystem\n(X\4\0\0\0truetR", "foreign class os.system");
    REFUSE_PICKLE("X\2\0\0\0osX\6\0\0\0system\x93)R", "foreign class os.system");
    REFUSE_PICKLE("ctorch\nFloatStorage\n)R", "a call of torch.FloatStorage");
    REFUSE_PICKLE("X\1\0\0\0a)R", "damaged");
    REFUSE_PICKLE("}X\1\0\0\0aK\1ss", "damaged");
    REFUSE_PICKLE("", "damaged");
    REFUSE_PICKLE("K\1K\2", "damaged");
    REFUSE_PICKLE("(", "damaged");
    REFUSE_PICKLE("(K\1a", "damaged");
    REFUSE_PICKLE("h\7", "damaged");
    REFUSE_PICKLE("r\xff\xff\xff\xff", "damaged");
    REFUSE_PICKLE("Nr\xff\xff\xff\xff", "too many");
    REFUSE_PICKLE("\x8a\x09\1\1\1\1\1\1\1\1\1", "9 bytes");
    REFUSE_PICKLE("V1\n", "0x56");
    REFUSE_PICKLE("]q\0h\0a", "without end"); /* a list that contains itself */
    REFUSE_PICKLE("K\1Q", "damaged");
    REFUSE_PICKLE("}(K\1K\2K\3u", "damaged");
    REFUSE_PICKLE("}(NK\1u", "impossible name");
    REFUSE_PICKLE("}(X\1\0\0\0aK\1X\1\0\0\0aK\2u", "two of the name a");
}

static void numbers_and_texts_are_read(void)
{
    static const char text[] = "\x80\x04\x95\0\0\0\0\0\0\0\0(J\xfe\xff\xff\xff\x8a\2\0\x80\x8a\0M\1\2\x88\x89N"
                               "G\xc0\4\0\0\0\0\0\0\x8c\2hi\x94]\x94(K\1K\2eh\1\x86t.";
    struct pickle *p = NULL;
    struct message msg = {""};
    const int64_t wanted[] = {-2, -32768, 0, 513, 1, 0};
    CU_ASSERT_EQUAL_FATAL(pickle_open(&p, text, sizeof text - 1, &msg), 0);
    const struct pickle_value *v = &p->values[p->root];
    CU_ASSERT_EQUAL_FATAL(v->type, PICKLE_TUPLE);
    uint32_t i = v->first;
    for (size_t j = 0; j < sizeof wanted / sizeof wanted[0]; j++, i = p->items[i].next) {
        CU_ASSERT_EQUAL(p->values[p->items[i].value].type, PICKLE_INT);
        CU_ASSERT_EQUAL(p->values[p->items[i].value].as.integer, wanted[j]);
    }
    CU_ASSERT_EQUAL(p->values[p->items[i].value].type, PICKLE_NONE);
    i = p->items[i].next;
    CU_ASSERT_EQUAL(p->values[p->items[i].value].as.real, -2.5);
    i = p->items[i].next;
    CU_ASSERT_EQUAL(p->values[p->items[i].value].as.text.n, 2);
    i = p->items[i].next;
    CU_ASSERT_EQUAL(p->values[p->items[i].value].type, PICKLE_TUPLE);
    CU_ASSERT_EQUAL(p->items[i].next, 0);
    pickle_close(p);
}

/* Lists that hold the list before ten times each: 10^12 steps for a walk that does not count them. */
static void lists_of_lists_end(void)
{
    struct buffer b = {0};
    CU_ASSERT_EQUAL(buffer_puts(&b, "K\1"), 0);
    for (int i = 0; i < 12; i++) {
        char put[] = {'q', (char)i, '0', ']', '('};
        CU_ASSERT_EQUAL(buffer_append(&b, put, 5), 0);
        for (int j = 0; j < 10; j++) {
            char get[] = {'h', (char)i};
            CU_ASSERT_EQUAL(buffer_append(&b, get, 2), 0);
        }
        CU_ASSERT_EQUAL(buffer_puts(&b, "e"), 0);
    }
    refuse_pickle(b.data, b.n, "without end");
    buffer_free(&b);
}

static void archives_cut_or_changed_are_refused(void)
{
    struct buffer good = {0};
    struct checkpoint *c = NULL;
    struct message msg = {""};
    float x[12];
    write_nested();
    CU_ASSERT_EQUAL_FATAL(file_read(path(), 1 << 20, &good, &msg), 0);
    for (size_t n = 0; n < good.n; n += 7) {
        write_bytes(path(), good.data, n);
        CU_ASSERT(torch_file_open(&c, path(), &msg) < 0);
    }
    write_bytes(path(), good.data, good.n - 1);
    CU_ASSERT(torch_file_open(&c, path(), &msg) < 0);
    CU_ASSERT(says(&msg, "archive is cut or damaged"));
    char *at = memmem(good.data, good.n, &numbers[1], 20); /* inside the first storage */
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    at[0] ^= 1;
    write_bytes(path(), good.data, good.n);
    CU_ASSERT_EQUAL_FATAL(torch_file_open(&c, path(), &msg), 0);
    CU_ASSERT_EQUAL(checkpoint_read(c, checkpoint_find(c, "state.x"), x, &msg), LINNET_E_FORMAT);
    CU_ASSERT(says(&msg, "data/0 in the archive is cut or damaged"));
    checkpoint_close(c);
    write_bytes(path(), "\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.", 16);
    CU_ASSERT_EQUAL(torch_file_open(&c, path(), &msg), LINNET_E_UNSUPPORTED);
    CU_ASSERT(says(&msg, "before 1.6"));
    write_bytes(path(), "hello world", 11);
    CU_ASSERT_EQUAL(torch_file_open(&c, path(), &msg), LINNET_E_FORMAT);
    buffer_free(&good);
}

/* Thousands of pickles with bytes changed, taken out or doubled: read or refused, and nothing else happens. */
static void random_changes_do_no_harm(void)
{
    struct buffer good = {0};
    struct message msg;
    const char *set = getenv("LINNET_TEST_SEED");
    unsigned long long seed = set != NULL ? strtoull(set, NULL, 10) : 1;
    int n_read = 0, error;
    write_nested();
    zip_t *zip = zip_open(path(), ZIP_RDONLY, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(zip);
    zip_file_t *member = zip_fopen(zip, "t/data.pkl", 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(member);
    CU_ASSERT_EQUAL_FATAL(buffer_reserve(&good, 65536), 0);
    good.n = (size_t)zip_fread(member, good.data, 65536);
    zip_fclose(member);
    zip_discard(zip);
    for (int i = 0; i < 30000; i++) {
        struct pickle *p = NULL;
        char *bad = mem_array(good.n, 1); /* of its own size, so that a step past the end is seen */
        CU_ASSERT_PTR_NOT_NULL_FATAL(bad);
        memcpy(bad, good.data, good.n);
        int n_changes = 1 + i % 4;
        size_t n = good.n;
        for (int j = 0; j < n_changes; j++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            size_t at = (size_t)(seed >> 33) % good.n, from = (size_t)(seed >> 13) % good.n;
            switch (seed >> 62) {
            case 0:
                bad[at] = (char)(seed >> 50);
                break;
            case 1:
                bad[at] = good.data[from];
                break;
            case 2:
                n = at + 1 < n ? at + 1 : n;
                break;
            default:
                memmove(bad + at, bad + (at > from ? from : at), good.n - at);
            }
        }
        char *cut = mem_array(n, 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(cut);
        memcpy(cut, bad, n);
        n_read += pickle_open(&p, cut, n, &msg) == 0;
        pickle_close(p);
        mem_free(bad);
        mem_free(cut);
    }
    CU_ASSERT(n_read > 100 && n_read < 29000); /* a changed number or letter of a name is still a pickle */
    buffer_free(&good);
}

static const struct unit_test tests[] = {
    {"views become dense", views_become_dense},
    {"views out of bounds are refused", views_out_of_bounds_are_refused},
    {"pickles that want more are refused", pickles_that_want_more_are_refused},
    {"numbers and texts are read", numbers_and_texts_are_read},
    {"lists of lists end", lists_of_lists_end},
    {"archives cut or changed are refused", archives_cut_or_changed_are_refused},
    {"random changes do no harm", random_changes_do_no_harm},
};

SCRATCH_MAIN("PyTorch files", tests)
