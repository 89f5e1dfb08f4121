/* SPDX-License-Identifier: Apache-2.0
 * page.c - the page at /, whose files (page/) are part of the program.
 *
 * They are told to browsers with a sum as their ETag: a browser asks each time, and gets them only when the program is
 * another one. The policy lets the page have nothing from elsewhere. */
#include <libwebsockets.h>
#include <string.h>

#include "serve/http.h"
#include "serve/page_data.h"

struct file {
    const char *path, *type, *tag;
    const unsigned char *bytes;
    size_t n;
};

#define FILE_OF(path, type, array, sum)                                                                                \
    {                                                                                                                  \
        path, type, "\"" sum "\"", array, sizeof array                                                                 \
    }

static const struct file files[] = {
    FILE_OF("/", "text/html; charset=utf-8", page_index_html, PAGE_INDEX_HTML_SUM),
    FILE_OF("/style.css", "text/css; charset=utf-8", page_style_css, PAGE_STYLE_CSS_SUM),
    FILE_OF("/app.js", "text/javascript; charset=utf-8", page_app_js, PAGE_APP_JS_SUM),
    FILE_OF("/recorder.js", "text/javascript; charset=utf-8", page_recorder_js, PAGE_RECORDER_JS_SUM),
};

/* What may be done with the page: blob: is the recording that somebody chose, for the player. */
static const char policy[] = "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; "
                             "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/* Whether the browser has the file as it is here. */
static int is_known(const struct request *r, const struct file *f)
{
    char tags[256];
    return lws_hdr_copy(r->connection, tags, sizeof tags, WSI_TOKEN_HTTP_IF_NONE_MATCH) > 0 &&
           strstr(tags, f->tag) != NULL;
}

static int add_headers(struct request *r, const struct file *f, struct message *msg)
{
    const char *const headers[][2] = {{"etag", f->tag},
                                      {"cache-control", "no-cache"},
                                      {"content-security-policy", policy},
                                      {"referrer-policy", "no-referrer"}};
    int rc = LINNET_OK;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0] && rc >= 0; i++)
        rc = request_header(r, headers[i][0], headers[i][1], msg);
    return rc;
}

static int send_file(struct request *r, struct message *msg)
{
    const struct file *f = files;
    while (strcmp(f->path, r->path) != 0)
        f++; /* the routes are those of the files */
    int rc = add_headers(r, f, msg);
    if (rc < 0)
        return rc;
    return is_known(r, f) ? request_reply(r, 304, NULL, NULL, 0, msg)
                          : request_reply(r, 200, f->type, f->bytes, f->n, msg);
}

#define FILE_ROUTE(name)                                                                                               \
    {                                                                                                                  \
        .method = "GET", .path = name, .is_public = 1, .handle = send_file                                             \
    }

const struct route page_routes[] = {
    FILE_ROUTE("/"), FILE_ROUTE("/style.css"), FILE_ROUTE("/app.js"), FILE_ROUTE("/recorder.js"), {0}};
