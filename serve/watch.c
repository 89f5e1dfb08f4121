/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/watch.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "serve/client.h"
#include "serve/server.h"

enum { GRACE_S = 5 /* for which who is told of an end may take what it has been sent */ };

struct watch {
    lws_sorted_usec_list_t timer;
    struct server *server;
};

/* ---- memory ---- */

static double read_number(const char *path)
{
    FILE *f = fopen(path, "re");
    double value = 0;
    if (f != NULL && fscanf(f, "%lf", &value) != 1)
        value = 0; /* "max" */
    if (f != NULL)
        fclose(f);
    return value;
}

static double resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    double total, resident = 0;
    if (f != NULL && fscanf(f, "%lf %lf", &total, &resident) != 2)
        resident = 0;
    if (f != NULL)
        fclose(f);
    return resident * (double)sysconf(_SC_PAGESIZE);
}

/* Of the machine, or of the container that the process is in. */
static double memory_there(void)
{
    double all = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    double own = read_number("/sys/fs/cgroup/memory.max");
    return own > 0 && own < all ? own : all;
}

/* ---- what takes too long ---- */

static void kill(struct lws *wsi)
{
    if (wsi != NULL)
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

static void watch_clients(struct server *s, double now_s)
{
    double idle_s = s->options->idle_s;
    for (struct client *c = s->clients, *next; c != NULL; c = next) {
        double silent_s = now_s - c->heard_s;
        next = c->next;
        if (s->is_draining && now_s > s->drained_s && !outbox_is_ended(&c->outbox))
            client_fail(c, LINNET_E_CANCELLED, "the server ends");
        if (outbox_is_ended(&c->outbox)) {
            if (silent_s > GRACE_S)
                kill(c->connection);
        } else if (silent_s > idle_s && (!outbox_is_empty(&c->outbox) || c->live == NULL || !live_is_busy(c->live))) {
            server_refuse(s, REFUSED_IDLE);
            client_fail(c, LINNET_E_STATE, "nothing came and nothing was taken for too long");
        }
    }
}

static void tick(lws_sorted_usec_list_t *timer)
{
    struct watch *w = lws_container_of(timer, struct watch, timer);
    struct server *s = w->server;
    double now_s = clock_s();
    s->resident = resident_bytes();
    watch_clients(s, now_s);
    lws_sul_schedule(s->context, 0, timer, tick, LWS_US_PER_SEC);
}

/* ---- opening ---- */

int watch_open(struct watch **out, struct server *s, struct message *msg)
{
    struct watch *w = mem_array(1, sizeof *w);
    if (w == NULL)
        return fail_memory(msg);
    w->server = s;
    double most = s->options->limits.memory_mb * 1e6;
    s->most_memory = most > 0 ? most : memory_there() * 0.75;
    s->resident = resident_bytes();
    lws_sul_schedule(s->context, 0, &w->timer, tick, LWS_US_PER_SEC);
    *out = w;
    return LINNET_OK;
}

void watch_close(struct watch *w)
{
    if (w == NULL)
        return;
    lws_sul_schedule(w->server->context, 0, &w->timer, NULL, LWS_SET_TIMER_USEC_CANCEL);
    mem_free(w);
}
