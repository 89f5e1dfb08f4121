/* SPDX-License-Identifier: Apache-2.0
 * pool.h - a thread pool for loops over independent tasks.
 *
 * One pool is shared by every stream of a model.  pool_run may be called from several threads: the pool serves one loop
 * at a time, and a caller that finds it busy does its own loop alone, so nobody waits and nothing can deadlock.  What a
 * task computes must depend on its index only, never on which thread does it: results are then the same for any number
 * of threads.  Who waits, worker or caller, spins for some microseconds before it sleeps, because a decoder step is
 * many short loops; an idle pool takes no processor time. */
#ifndef LINNET_BASE_POOL_H
#define LINNET_BASE_POOL_H

struct pool;

#define POOL_MOST_THREADS 256

/* task(arg, i_task, i_thread): i_thread is in [0, pool_threads); no two tasks of a loop run at once with the same. */
typedef void pool_task(void *arg, int i_task, int i_thread);

int pool_open(struct pool **out, int n_threads) __attribute__((warn_unused_result)); /* n_threads counts the caller */

/* Its workers give way to other threads (priority.h), as those who call pool_run on it should. */
int pool_open_low(struct pool **out, int n_threads) __attribute__((warn_unused_result));

void pool_close(struct pool *p);        /* NULL is fine */
int pool_threads(const struct pool *p); /* 1 for NULL */

/* Runs tasks 0 .. n_tasks-1 and returns when all are done.  p == NULL: in order, on this thread. */
void pool_run(struct pool *p, pool_task *task, void *arg, int n_tasks);

/* Whether loops of the calling thread are run by it alone from now on, as where there is no pool: for threads that are
 * as many as the processors, and would only hinder each other. */
void pool_alone(int is_alone);

int pool_processors(void); /* processors this process may use */

#endif
