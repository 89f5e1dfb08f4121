/* SPDX-License-Identifier: Apache-2.0
 * The ring between the sound system's thread and ours: order, overflow, and two threads at once (under ThreadSanitizer
 * this also shows that no access races). */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>

#include "base/mem.h"
#include "frontend/ring.h"
#include "tests/support/unit.h"

static void full_and_empty(void)
{
    struct ring r;
    float x[20], y[20];
    for (int i = 0; i < 20; i++)
        x[i] = (float)i;
    CU_ASSERT_EQUAL_FATAL(ring_open(&r, 10, NULL), 0); /* 16 */
    CU_ASSERT_EQUAL(ring_read(&r, y, 20), 0);
    CU_ASSERT_EQUAL(ring_write(&r, x, 20), 16);
    CU_ASSERT_EQUAL(ring_write(&r, x, 1), 0);
    CU_ASSERT_EQUAL(ring_held(&r), 16);
    CU_ASSERT_EQUAL(ring_read(&r, y, 5), 5);
    CU_ASSERT_EQUAL(ring_write(&r, x + 16, 4), 4); /* over the edge */
    CU_ASSERT_EQUAL(ring_read(&r, y + 5, 20), 15);
    for (int i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(y[i], (float)i);
    CU_ASSERT_EQUAL(ring_write(&r, NULL, 0), 0);
    ring_close(&r);
}

#define N_SENT 2000000

static void *send(void *arg)
{
    struct ring *r = arg;
    float block[97];
    for (int at = 0; at < N_SENT;) {
        int n = N_SENT - at < 97 ? N_SENT - at : 97;
        for (int i = 0; i < n; i++)
            block[i] = (float)((at + i) % 65536);
        size_t n_sent = ring_write(r, block, (size_t)n);
        at += (int)n_sent;
        if (n_sent == 0)
            sched_yield();
    }
    return NULL;
}

static void two_threads(void)
{
    struct ring r;
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(ring_open(&r, 1024, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, send, &r), 0);
    float block[131];
    int n_wrong = 0;
    for (int at = 0; at < N_SENT;) {
        size_t n = ring_read(&r, block, 131);
        for (size_t i = 0; i < n; i++)
            n_wrong += block[i] != (float)((at + (int)i) % 65536);
        at += (int)n;
        if (n == 0)
            sched_yield();
    }
    CU_ASSERT_EQUAL(n_wrong, 0);
    CU_ASSERT_EQUAL(ring_held(&r), 0);
    pthread_join(thread, NULL);
    ring_close(&r);
}

static const struct unit_test tests[] = {
    {"full and empty", full_and_empty},
    {"two threads", two_threads},
};

UNIT_MAIN("ring", tests)
