/* SPDX-License-Identifier: Apache-2.0
 * pool.c - the thread pool.
 *
 * A loop is published under a new generation number, cut into a range of tasks for each thread.  A thread does its own
 * range first, so that what it reads lies side by side, then helps with those of others.  No worker is inside a loop
 * while the next is published. */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/priority.h"
#include "linnet.h"

#define N_SPINS 1000 /* 30 to 60 microseconds: longer than the gap between two loops of a decoder step */

struct worker {
    struct pool *pool;
    pthread_t thread;
    int index;
};

/* Tasks of a loop that nobody has taken: next .. end - 1. */
struct range {
    _Alignas(64) atomic_int next;
    int end;
};

struct pool {
    int n_threads, n_started, is_low;
    struct worker workers[POOL_MOST_THREADS];
    pthread_mutex_t busy; /* held by the caller whose loop runs */
    pthread_mutex_t lock; /* for sleeping and waking */
    pthread_cond_t wake;  /* there is a loop, or the end */
    pthread_cond_t left;  /* no worker is inside */
    pool_task *task;
    void *arg;
    struct range ranges[POOL_MOST_THREADS]; /* [n_threads] */
    _Alignas(64) atomic_uint generation;
    atomic_int n_sleeping; /* workers */
    atomic_int caller_sleeps;
    atomic_int stop;
    _Alignas(64) atomic_int n_inside; /* workers that may still touch the current loop */
};

static _Thread_local int caller_is_alone;

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void take_tasks(struct pool *p, int i_thread)
{
    for (int k = 0; k < p->n_threads; k++) {
        struct range *r = &p->ranges[(i_thread + k) % p->n_threads];
        while (atomic_load(&r->next) < r->end) {
            int i = atomic_fetch_add(&r->next, 1);
            if (i < r->end)
                p->task(p->arg, i, i_thread);
        }
    }
}

static void wait_for_change(struct pool *p, unsigned seen)
{
    for (int i = 0; i < N_SPINS; i++) {
        if (atomic_load(&p->generation) != seen || atomic_load(&p->stop))
            return;
        relax();
    }
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->n_sleeping, 1);
    while (atomic_load(&p->generation) == seen && !atomic_load(&p->stop))
        pthread_cond_wait(&p->wake, &p->lock);
    atomic_fetch_sub(&p->n_sleeping, 1);
    pthread_mutex_unlock(&p->lock);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;
    unsigned seen = 0;
    if (p->is_low)
        priority_lower();
    for (;;) {
        wait_for_change(p, seen);
        if (atomic_load(&p->stop))
            return NULL;
        atomic_fetch_add(&p->n_inside, 1);
        seen = atomic_load(&p->generation); /* odd while a loop is open, even between loops */
        if (seen & 1)
            take_tasks(p, w->index);
        if (atomic_fetch_sub(&p->n_inside, 1) == 1 && atomic_load(&p->caller_sleeps)) {
            pthread_mutex_lock(&p->lock);
            pthread_cond_signal(&p->left);
            pthread_mutex_unlock(&p->lock);
        }
    }
}

/* Until no worker is inside.  One that lost its processor to another program may stay for milliseconds: this thread's
 * processor is better free then. */
static void wait_for_workers(struct pool *p)
{
    for (int i = 0; i < N_SPINS; i++) {
        if (atomic_load(&p->n_inside) == 0)
            return;
        relax();
    }
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->caller_sleeps, 1);
    while (atomic_load(&p->n_inside) > 0)
        pthread_cond_wait(&p->left, &p->lock);
    atomic_store(&p->caller_sleeps, 0);
    pthread_mutex_unlock(&p->lock);
}

static int open_any(struct pool **out, int n_threads, int is_low)
{
    if (n_threads < 1 || n_threads > POOL_MOST_THREADS)
        return LINNET_E_ARGUMENT;
    struct pool *p = mem_array(1, sizeof *p);
    if (p == NULL)
        return LINNET_E_MEMORY;
    p->n_threads = n_threads;
    p->is_low = is_low;
    pthread_mutex_init(&p->busy, NULL);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->left, NULL);
    for (int i = 1; i < n_threads; i++) {
        struct worker *w = &p->workers[i];
        w->pool = p;
        w->index = i;
        if (pthread_create(&w->thread, NULL, work, w) != 0)
            break; /* fewer threads than asked: slower, never wrong */
        p->n_started++;
    }
    *out = p;
    return LINNET_OK;
}

int pool_open(struct pool **out, int n_threads) { return open_any(out, n_threads, 0); }

int pool_open_low(struct pool **out, int n_threads) { return open_any(out, n_threads, 1); }

void pool_close(struct pool *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->stop, 1);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (int i = 1; i <= p->n_started; i++)
        pthread_join(p->workers[i].thread, NULL);
    pthread_cond_destroy(&p->wake);
    pthread_cond_destroy(&p->left);
    pthread_mutex_destroy(&p->lock);
    pthread_mutex_destroy(&p->busy);
    mem_free(p);
}

int pool_threads(const struct pool *p) { return p != NULL ? p->n_threads : 1; }

static void divide(struct pool *p, int n_tasks)
{
    for (int i = 0; i < p->n_threads; i++) {
        struct range *r = &p->ranges[i];
        atomic_store_explicit(&r->next, (int)((int64_t)n_tasks * i / p->n_threads), memory_order_relaxed);
        r->end = (int)((int64_t)n_tasks * (i + 1) / p->n_threads);
    }
}

static void run_alone(pool_task *task, void *arg, int n_tasks)
{
    for (int i = 0; i < n_tasks; i++)
        task(arg, i, 0);
}

void pool_run(struct pool *p, pool_task *task, void *arg, int n_tasks)
{
    if (p == NULL || p->n_started == 0 || n_tasks < 2 || caller_is_alone || pthread_mutex_trylock(&p->busy) != 0) {
        run_alone(task, arg, n_tasks);
        return;
    }
    p->task = task;
    p->arg = arg;
    divide(p, n_tasks);
    unsigned generation = atomic_load(&p->generation) + 1;
    atomic_store(&p->generation, generation);
    if (atomic_load(&p->n_sleeping) > 0) {
        pthread_mutex_lock(&p->lock);
        pthread_cond_broadcast(&p->wake);
        pthread_mutex_unlock(&p->lock);
    }
    take_tasks(p, 0);
    atomic_store(&p->generation, generation + 1);
    wait_for_workers(p);
    pthread_mutex_unlock(&p->busy);
}

void pool_alone(int is_alone) { caller_is_alone = is_alone; }

int pool_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}
