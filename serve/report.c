/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/report.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "serve/http.h"
#include "serve/server.h"

void report_reply(struct report *r, const char *path, int status)
{
    const char *name = path != NULL ? path : "other";
    int i = 0;
    while (i < r->n_routes && (r->routes[i].status != status || strcmp(r->routes[i].path, name) != 0))
        i++;
    if (i == REPORT_ROUTES)
        return;
    if (i == r->n_routes)
        r->routes[r->n_routes++] = (struct report_route){name, status, 0};
    r->routes[i].n++;
}

/* ---- the format ---- */

static int describe(struct buffer *b, const char *name, const char *type, const char *help)
{
    return buffer_printf(b, "# HELP linnet_%s %s\n# TYPE linnet_%s %s\n", name, help, name, type);
}

static int put(struct buffer *b, const char *name, const char *type, const char *help, double value)
{
    int rc = describe(b, name, type, help);
    return rc < 0 ? rc : buffer_printf(b, "linnet_%s %.15g\n", name, value);
}

/* labels: "kind=\"partial\"," or "" */
static int put_histogram(struct buffer *b, const char *name, const char *labels, const struct histogram *h)
{
    unsigned long n = 0;
    int rc = 0, n_labels = (int)strlen(labels);
    for (int i = 0; i <= HISTOGRAM_BUCKETS && rc >= 0; i++) {
        n += h->counts[i];
        rc = i < HISTOGRAM_BUCKETS
                 ? buffer_printf(b, "linnet_%s_bucket{%sle=\"%.15g\"} %lu\n", name, labels, histogram_bounds_s[i], n)
                 : buffer_printf(b, "linnet_%s_bucket{%sle=\"+Inf\"} %lu\n", name, labels, n);
    }
    n_labels -= n_labels > 0; /* its comma */
    const char *open = n_labels > 0 ? "{" : "", *close = n_labels > 0 ? "}" : "";
    return rc < 0 ? rc
                  : buffer_printf(b, "linnet_%s_sum%s%.*s%s %.15g\nlinnet_%s_count%s%.*s%s %lu\n", name, open, n_labels,
                                  labels, close, h->sum_s, name, open, n_labels, labels, close, n);
}

/* ---- what is told ---- */

static int put_live(struct buffer *b, const struct live_facts *f)
{
    int rc = put(b, "streams", "gauge", "Live streams that are open.", f->n_streams);
    if (rc >= 0)
        rc = put(b, "streams_started_total", "counter", "Live streams that were taken on.", (double)f->n_started);
    if (rc >= 0)
        rc = put(b, "streams_failed_total", "counter", "Live streams that failed.", (double)f->n_failed);
    if (rc >= 0)
        rc = put(b, "live_load_ratio", "gauge", "What busy seconds of all live streams take, of what they may take.",
                 f->busy);
    if (rc >= 0)
        rc = put(b, "live_backlog_seconds", "gauge", "Audio of live streams that waits.", f->backlog_s);
    if (rc >= 0)
        rc = put(b, "live_audio_seconds_total", "counter", "Audio of live streams that was decoded.", f->audio_s);
    if (rc >= 0)
        rc = put(b, "live_compute_seconds_total", "counter", "What decoding it took.", f->compute_s);
    if (rc >= 0)
        rc = describe(b, "latency_seconds", "histogram",
                      "From the arrival of audio to the event that it made, of live streams.");
    if (rc >= 0)
        rc = put_histogram(b, "latency_seconds", "kind=\"partial\",", &f->partials);
    return rc < 0 ? rc : put_histogram(b, "latency_seconds", "kind=\"final\",", &f->finals);
}

static int put_files(struct buffer *b, const struct files_facts *f)
{
    int rc = put(b, "queue", "gauge", "Recordings that wait.", f->n_waiting);
    if (rc >= 0)
        rc = put(b, "files_running", "gauge", "Recordings that are being decoded.", f->n_running);
    if (rc >= 0)
        rc = put(b, "files_done_total", "counter", "Recordings that were decoded.", (double)f->n_done);
    if (rc >= 0)
        rc = put(b, "files_failed_total", "counter", "Recordings that failed.", (double)f->n_failed);
    if (rc >= 0)
        rc = put(b, "files_audio_seconds_total", "counter", "Audio of recordings that was decoded.", f->audio_s);
    if (rc >= 0)
        rc = put(b, "files_compute_seconds_total", "counter", "What decoding it took.", f->compute_s);
    if (rc >= 0)
        rc = describe(b, "file_wait_seconds", "histogram", "For how long recordings waited.");
    if (rc >= 0)
        rc = put_histogram(b, "file_wait_seconds", "", &f->waited);
    if (rc >= 0)
        rc = describe(b, "file_run_seconds", "histogram", "For how long recordings were being decoded.");
    return rc < 0 ? rc : put_histogram(b, "file_run_seconds", "", &f->ran);
}

static int put_real_time(struct buffer *b, const struct live_facts *live, const struct files_facts *files)
{
    int rc = describe(b, "real_time_factor", "gauge", "Computation for a second of audio, of all that was decoded.");
    if (rc >= 0)
        rc = buffer_printf(b, "linnet_real_time_factor{kind=\"live\"} %.15g\n",
                           live->audio_s > 0 ? live->compute_s / live->audio_s : 0);
    return rc < 0 ? rc
                  : buffer_printf(b, "linnet_real_time_factor{kind=\"file\"} %.15g\n",
                                  files->audio_s > 0 ? files->compute_s / files->audio_s : 0);
}

static int put_refusals(struct buffer *b, const struct report *r, const struct live_facts *live,
                        const struct files_facts *files)
{
    static const char *const names[REFUSAL_KINDS] = {"token",  "origin",   "host", "connections", "address",
                                                     "memory", "draining", "idle", "body"};
    int rc = describe(b, "refused_total", "counter", "Who was not served, by the reason.");
    for (int i = 0; i < REFUSAL_KINDS && rc >= 0; i++)
        rc = buffer_printf(b, "linnet_refused_total{reason=\"%s\"} %lu\n", names[i], r->refused[i]);
    if (rc >= 0)
        rc = buffer_printf(b, "linnet_refused_total{reason=\"processor\"} %lu\n", live->n_refused);
    return rc < 0 ? rc : buffer_printf(b, "linnet_refused_total{reason=\"queue\"} %lu\n", files->n_refused);
}

static int count_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = -3; /* ".", "..", and its own */
    for (; d != NULL && readdir(d) != NULL; n++)
        ;
    if (d != NULL)
        closedir(d);
    return n > 0 ? n : 0;
}

static int put_server(struct buffer *b, const struct server *s)
{
    const struct report *r = &s->report;
    int rc = put(b, "connections", "gauge", "Connections that are open.", s->connections.n);
    if (rc >= 0)
        rc = put(b, "accepted_connections_total", "counter", "Connections that came.", (double)r->connections);
    if (rc >= 0)
        rc = put(b, "received_bytes_total", "counter", "Bytes of bodies and messages that came.", (double)r->bytes_in);
    if (rc >= 0)
        rc = put(b, "sent_bytes_total", "counter", "Bytes of bodies and messages that went.", (double)r->bytes_out);
    if (rc >= 0)
        rc = put(b, "resident_memory_bytes", "gauge", "Memory of the process, a second ago at most.", s->resident);
    if (rc >= 0)
        rc = put(b, "memory_limit_bytes", "gauge", "Resident memory from which nobody new is served.", s->most_memory);
    if (rc >= 0)
        rc = put(b, "open_descriptors", "gauge", "File descriptors of the process.", count_descriptors());
    if (rc >= 0)
        rc = describe(b, "http_requests_total", "counter", "Requests by route and status.");
    for (int i = 0; i < r->n_routes && rc >= 0; i++)
        rc = buffer_printf(b, "linnet_http_requests_total{route=\"%s\",status=\"%d\"} %lu\n", r->routes[i].path,
                           r->routes[i].status, r->routes[i].n);
    return rc;
}

static int metrics(struct request *r, struct message *msg)
{
    struct buffer b = {0};
    struct live_facts live;
    struct files_facts files;
    live_scheduler_facts(r->server->live, &live);
    files_facts(r->server->files, &files);
    int rc = put_live(&b, &live);
    if (rc >= 0)
        rc = put_files(&b, &files);
    if (rc >= 0)
        rc = put_real_time(&b, &live, &files);
    if (rc >= 0)
        rc = put_refusals(&b, &r->server->report, &live, &files);
    if (rc >= 0)
        rc = put_server(&b, r->server);
    rc =
        rc < 0 ? fail_memory(msg) : request_reply(r, 200, "text/plain; version=0.0.4; charset=utf-8", b.data, b.n, msg);
    buffer_free(&b);
    return rc;
}

/* For those who look whether the server is there, and whether to send it more. */
static int health(struct request *r, struct message *msg)
{
    struct server *s = r->server;
    struct live_facts live;
    struct files_facts files;
    char body[256];
    live_scheduler_facts(s->live, &live);
    files_facts(s->files, &files);
    int n = snprintf(body, sizeof body, "{\"status\":\"%s\",\"streams\":%d,\"queue\":%d,\"room\":%s}\n",
                     s->is_draining ? "draining" : "ok", live.n_streams, files.n_waiting + files.n_running,
                     !s->is_draining && server_has_memory(s) && live.busy < 1 ? "true" : "false");
    return request_reply(r, s->is_draining ? 503 : 200, "application/json", body, (size_t)n, msg);
}

const struct route report_routes[] = {{.method = "GET", .path = "/health", .is_public = 1, .handle = health},
                                      {.method = "GET", .path = "/metrics", .handle = metrics},
                                      {0}};
