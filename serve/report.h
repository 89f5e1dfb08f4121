/* SPDX-License-Identifier: Apache-2.0
 * report.h - what the server has done and does now: GET /health and GET /metrics, in Prometheus' text format. */
#ifndef LINNET_SERVE_REPORT_H
#define LINNET_SERVE_REPORT_H

/* Why somebody was not served; what streams and recordings were refused for, live.h and files.h count. */
enum refusal {
    REFUSED_TOKEN,
    REFUSED_ORIGIN,
    REFUSED_HOST,
    REFUSED_CONNECTIONS,
    REFUSED_ADDRESS, /* too many streams from it */
    REFUSED_MEMORY,
    REFUSED_DRAINING,
    REFUSED_IDLE,
    REFUSED_BODY, /* too large a one */
    REFUSAL_KINDS
};

enum { REPORT_ROUTES = 256 };

/* The loop's thread's. */
struct report {
    unsigned long refused[REFUSAL_KINDS], bytes_in, bytes_out, connections;
    struct report_route {
        const char *path; /* of a route: a constant */
        int status;
        unsigned long n;
    } routes[REPORT_ROUTES]; /* [n_routes] */
    int n_routes;
};

/* A reply has begun; path: of its route, or NULL. */
void report_reply(struct report *r, const char *path, int status);

#endif
