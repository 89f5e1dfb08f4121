/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/mem.h"
#include "base/pool.h"
#include "base/status.h"
#include "tests/support/unit.h"

static void memory_is_zero_aligned_and_checked(void)
{
    unsigned char *a = mem_array(1000, 3);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    CU_ASSERT_EQUAL((uintptr_t)a % 64, 0);
    for (int i = 0; i < 3000; i++)
        CU_ASSERT_EQUAL(a[i], 0);
    a[2999] = 7;
    a = mem_resize(a, 3000, 6000, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    CU_ASSERT_EQUAL(a[2999], 7);
    CU_ASSERT_EQUAL(a[5999], 0);
    mem_free(a);
    CU_ASSERT_PTR_NULL(mem_array(SIZE_MAX / 2, 3));
    CU_ASSERT_PTR_NULL(mem_array(SIZE_MAX, 1));
}

/* Room for one more, again and again: what was there stays, what is new is zero, and moves are few. */
static void arrays_grow(void)
{
    int *at = NULL, room = 0, n_moves = 0;
    CU_ASSERT_EQUAL(MEM_GROW(at, room, 0), 0);
    CU_ASSERT_TRUE(at == NULL && room == 0);
    for (int i = 0; i < 1000; i++) {
        int before = room, *old = at;
        CU_ASSERT_EQUAL_FATAL(MEM_GROW(at, room, i + 1), 0);
        CU_ASSERT_TRUE(room == before ? at == old : room >= before + before / 2);
        CU_ASSERT_TRUE(room > i && room <= 2 * (i + 1));
        n_moves += room != before;
        for (int k = i; k < room; k++)
            CU_ASSERT_EQUAL(at[k], 0);
        at[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        CU_ASSERT_EQUAL(at[i], i);
    CU_ASSERT_TRUE(n_moves < 25);
    int *old = at, before = room;
    CU_ASSERT_EQUAL(MEM_GROW(at, room, INT_MAX), LINNET_E_MEMORY);
    CU_ASSERT_EQUAL(mem_grow((void **)&at, &room, room + 1, SIZE_MAX / 4), LINNET_E_MEMORY);
    CU_ASSERT_TRUE(at == old && room == before && at[999] == 999);
    mem_free(at);
}

static void parts_share_a_block(void)
{
    struct {
        char *a;
        double *b, *none;
        int *c;
    } s = {0};
    void *block = MEM_PARTS(MEM_PART(s.a, 3), MEM_PART(s.b, 100), MEM_PART(s.none, 0), MEM_PART(s.c, 17));
    CU_ASSERT_PTR_NOT_NULL_FATAL(block);
    CU_ASSERT_TRUE((uintptr_t)s.a % 64 == 0 && (uintptr_t)s.b % 64 == 0 && (uintptr_t)s.c % 64 == 0);
    CU_ASSERT_TRUE(s.a + 3 <= (char *)s.b && s.b + 100 <= (double *)(void *)s.c);
    for (int i = 0; i < 100; i++)
        CU_ASSERT_TRUE(s.b[i] == 0.0 && s.a[i % 3] == 0 && s.c[i % 17] == 0);
    memset(s.a, 1, 3);
    memset(s.b, 2, 100 * sizeof *s.b);
    memset(s.c, 3, 17 * sizeof *s.c);
    CU_ASSERT_TRUE(s.a[2] == 1 && ((char *)s.b)[0] == 2 && ((char *)(s.b + 100))[-1] == 2 && ((char *)s.c)[0] == 3);
    mem_free(block);
    s.a = NULL;
    CU_ASSERT_PTR_NULL(MEM_PARTS(MEM_PART(s.a, 3), MEM_PART(s.b, SIZE_MAX / 4)));
    CU_ASSERT_PTR_NULL(MEM_PARTS(MEM_PART(s.a, SIZE_MAX / 2 - 64), MEM_PART(s.c, SIZE_MAX / 8)));
    CU_ASSERT_PTR_NULL(MEM_PARTS(MEM_PART(s.a, SIZE_MAX)));
    CU_ASSERT_PTR_NULL(s.a);
}

struct count {
    int done[500];
    int sum_of_threads[8];
};

static void count_task(void *arg, int i, int i_thread)
{
    struct count *c = arg;
    c->done[i]++;
    c->sum_of_threads[i_thread]++;
}

static void pool_does_each_task_once(void)
{
    for (int n_threads = 1; n_threads <= 5; n_threads++) {
        struct pool *p;
        CU_ASSERT_EQUAL_FATAL(pool_open(&p, n_threads), 0);
        for (int round = 0; round < 300; round++) {
            struct count c = {0};
            int n = round % 2 ? 500 : round % 7;
            pool_run(p, count_task, &c, n);
            int ones = 0, all = 0;
            for (int i = 0; i < 500; i++)
                ones += c.done[i] == 1, all += c.done[i];
            CU_ASSERT_EQUAL(ones, n);
            CU_ASSERT_EQUAL(all, n);
        }
        pool_close(p);
    }
}

struct nested {
    struct pool *pool;
    struct count inner[4];
};

static void nested_task(void *arg, int i, int i_thread)
{
    struct nested *n = arg;
    (void)i_thread;
    pool_run(n->pool, count_task, &n->inner[i], 9);
}

static void pool_can_be_entered_from_a_task(void)
{
    struct nested n = {0};
    CU_ASSERT_EQUAL_FATAL(pool_open(&n.pool, 3), 0);
    pool_run(n.pool, nested_task, &n, 4);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 9; j++)
            CU_ASSERT_EQUAL(n.inner[i].done[j], 1);
    pool_close(n.pool);
    CU_ASSERT_EQUAL(pool_open(&n.pool, 0), LINNET_E_ARGUMENT);
}

static double processor_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Other programs make 0.3 s longer, but not this one's processor time; a worker that spins would take all of it. */
static void idle_pool_takes_no_time(void)
{
    struct pool *p;
    struct count c = {0};
    const struct timespec pause = {0, 300000000};
    CU_ASSERT_EQUAL_FATAL(pool_open(&p, 4), 0);
    pool_run(p, count_task, &c, 500);
    double before = processor_s();
    nanosleep(&pause, NULL);
    CU_ASSERT_TRUE(processor_s() - before < 0.03);
    pool_close(p);
}

/* Tasks long enough that who has none left goes to sleep before the others are done. */
static void slow_task(void *arg, int i, int i_thread)
{
    const struct timespec pause = {0, 2000000 * (i % 3)};
    nanosleep(&pause, NULL);
    count_task(arg, i, i_thread);
}

static void pool_waits_for_slow_tasks(void)
{
    struct pool *p;
    CU_ASSERT_EQUAL_FATAL(pool_open(&p, 4), 0);
    for (int round = 0; round < 20; round++) {
        struct count c = {0};
        int n = 2 + round % 7;
        pool_run(p, slow_task, &c, n);
        for (int i = 0; i < n; i++)
            CU_ASSERT_EQUAL(c.done[i], 1);
    }
    pool_close(p);
}

struct held_up {
    atomic_int n_done;
    int others_were_done;
};

/* The first task lasts until the others are done, or some seconds. */
static void held_up_task(void *arg, int i, int i_thread)
{
    struct held_up *h = arg;
    const struct timespec pause = {0, 1000000};
    (void)i_thread;
    for (int tries = 0; i == 0 && tries < 5000 && atomic_load(&h->n_done) < 7; tries++)
        nanosleep(&pause, NULL);
    if (i == 0)
        h->others_were_done = atomic_load(&h->n_done) == 7;
    atomic_fetch_add(&h->n_done, 1);
}

static void pool_helps_who_is_held_up(void)
{
    struct pool *p;
    struct held_up h = {0};
    CU_ASSERT_EQUAL_FATAL(pool_open(&p, 2), 0);
    pool_run(p, held_up_task, &h, 8);
    CU_ASSERT_TRUE(h.others_were_done);
    CU_ASSERT_EQUAL(h.n_done, 8);
    pool_close(p);
}

struct niceness {
    int of[2]; /* the caller's, and a worker's once it had a task */
    int n_workers;
};

static void ask_niceness(void *arg, int i, int i_thread)
{
    struct niceness *n = arg;
    const struct timespec pause = {0, 2000000};
    (void)i;
    nanosleep(&pause, NULL);
    n->of[i_thread] = getpriority(PRIO_PROCESS, 0); /* on Linux the thread's */
    if (i_thread > 0)
        n->n_workers++; /* the worker's: nobody else writes it */
}

/* Workers alone, and only those of the pool that was to give way. */
static void low_pool_gives_way(void)
{
#ifdef __linux__
    int before = getpriority(PRIO_PROCESS, 0), lower = before + 10 < 19 ? before + 10 : 19;
    for (int is_low = 0; is_low <= 1; is_low++) {
        struct pool *p;
        struct niceness n = {.n_workers = 0};
        CU_ASSERT_EQUAL_FATAL(is_low ? pool_open_low(&p, 2) : pool_open(&p, 2), 0);
        while (n.n_workers == 0)
            pool_run(p, ask_niceness, &n, 4);
        pool_close(p);
        CU_ASSERT_EQUAL(n.of[0], before);
        CU_ASSERT_EQUAL(n.of[1], is_low ? lower : before);
    }
#endif
}

static void messages_are_cut_not_overrun(void)
{
    struct message m;
    char longer[1000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    CU_ASSERT_EQUAL(fail(&m, LINNET_E_IO, "%s", longer), LINNET_E_IO);
    CU_ASSERT_EQUAL(strlen(m.text), sizeof m.text - 1);
    fail(&m, LINNET_E_IO, "reason");
    CU_ASSERT_EQUAL(fail_in(&m, LINNET_E_IO, "file"), LINNET_E_IO);
    CU_ASSERT_STRING_EQUAL(m.text, "file: reason");
    fail_in(&m, LINNET_E_IO, longer);
    CU_ASSERT_EQUAL(strlen(m.text), sizeof m.text - 1);
    for (int code = LINNET_E_UNSUPPORTED; code <= 0; code++)
        CU_ASSERT_STRING_NOT_EQUAL(linnet_strerror(code), "unknown error");
}

static const struct unit_test tests[] = {
    {"memory is zero, aligned and checked", memory_is_zero_aligned_and_checked},
    {"arrays grow", arrays_grow},
    {"parts share a block", parts_share_a_block},
    {"pool does each task once", pool_does_each_task_once},
    {"pool can be entered from a task", pool_can_be_entered_from_a_task},
    {"pool waits for slow tasks", pool_waits_for_slow_tasks},
    {"pool helps who is held up", pool_helps_who_is_held_up},
    {"idle pool takes no time", idle_pool_takes_no_time},
    {"low pool gives way", low_pool_gives_way},
    {"messages are cut, not overrun", messages_are_cut_not_overrun},
};

UNIT_MAIN("base", tests)
