/* SPDX-License-Identifier: Apache-2.0
 * request.c - requests to a Hugging Face hub, by libcurl.
 *
 * The hub answers with a redirection to where a large file is: libcurl follows it, and sends the token to the hub's own
 * host and port alone (CURLOPT_UNRESTRICTED_AUTH is off). */
#include "bin/hub/request.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

#define DEFAULT_HUB "https://huggingface.co"
#define MOST_TEXT ((size_t)16 << 20)

struct requests {
    CURL *curl;
    char hub[1000]; /* its address, without a slash at the end */
    int has_token;
    char why[CURL_ERROR_SIZE]; /* libcurl's words */
    char said[120];            /* the hub's: X-Error-Message */
    /* of the request that runs */
    struct buffer *text;
    struct requests_file *file;
    const struct hub_watch *watch;
    int has_begun;
    int rc, error; /* of storing what arrives, and errno */
};

/* ---- what libcurl calls ---- */

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
    static const char key[] = "x-error-message:";
    struct requests *r = arg;
    size_t n_key = sizeof key - 1, n_line = size * n, n_said = 0;
    for (size_t i = n_key; n_line > n_key && strncasecmp(line, key, n_key) == 0 && i < n_line; i++)
        if (line[i] >= ' ' && line[i] < 127 && n_said + 1 < sizeof r->said && (n_said > 0 || line[i] != ' '))
            r->said[n_said++] = line[i];
    if (n_said > 0)
        r->said[n_said] = '\0';
    return n_line;
}

/* A file that is sent from its beginning though the rest was asked for begins anew. */
static int begin(struct requests *r, struct requests_file *file)
{
    long status = 0;
    curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
    r->has_begun = 1;
    if (status != 206)
        file->n = 0;
    return ftruncate(file->fd, (off_t)file->n) < 0 || lseek(file->fd, (off_t)file->n, SEEK_SET) < 0 ? LINNET_E_IO
                                                                                                    : LINNET_OK;
}

static int put(struct requests *r, struct requests_file *file, const char *bytes, size_t n)
{
    if (!r->has_begun && begin(r, file) < 0)
        return LINNET_E_IO;
    if (n > file->n_bytes - file->n)
        return LINNET_E_FORMAT;
    if (file_write_all(file->fd, bytes, n) < 0)
        return LINNET_E_IO;
    file->n += n;
    if (r->watch->arrived != NULL)
        r->watch->arrived(r->watch->arg, file->n);
    return LINNET_OK;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct requests *r = arg;
    r->rc = r->text != NULL ? buffer_append(r->text, bytes, size * n) : put(r, r->file, bytes, size * n);
    r->error = errno;
    return r->rc < 0 ? 0 : size * n;
}

static int on_progress(void *arg, curl_off_t n_down, curl_off_t of_down, curl_off_t n_up, curl_off_t of_up)
{
    const struct requests *r = arg;
    (void)n_down, (void)of_down, (void)n_up, (void)of_up;
    return r->watch != NULL && r->watch->is_stopped() != 0;
}

/* ---- opening ---- */

static int take_address(struct requests *r, struct message *msg)
{
    const char *hub = getenv("HF_ENDPOINT");
    if (hub == NULL || hub[0] == '\0')
        hub = DEFAULT_HUB;
    size_t n = strlen(hub);
    while (n > 0 && hub[n - 1] == '/')
        n--;
    if ((strncmp(hub, "https://", 8) != 0 && strncmp(hub, "http://", 7) != 0) || n >= sizeof r->hub)
        return fail(msg, LINNET_E_ARGUMENT, "HF_ENDPOINT=%.200s: not the http or https address of a hub", hub);
    snprintf(r->hub, sizeof r->hub, "%.*s", (int)n, hub);
    return LINNET_OK;
}

static int take_token(struct requests *r, struct message *msg)
{
    const char *token = getenv("HF_TOKEN");
    if (token == NULL || token[0] == '\0')
        return LINNET_OK;
    for (const char *c = token; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~')
            return fail(msg, LINNET_E_ARGUMENT, "HF_TOKEN: blanks and other characters that no token has");
    r->has_token = 1;
    return curl_easy_setopt(r->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER) != CURLE_OK ||
                   curl_easy_setopt(r->curl, CURLOPT_XOAUTH2_BEARER, token) != CURLE_OK
               ? fail_memory(msg)
               : LINNET_OK;
}

static int set_options(struct requests *r, struct message *msg)
{
    static const struct {
        CURLoption option;
        long value;
    } numbers[] = {{CURLOPT_NOSIGNAL, 1},        {CURLOPT_FAILONERROR, 1},     {CURLOPT_FOLLOWLOCATION, 1},
                   {CURLOPT_MAXREDIRS, 10},      {CURLOPT_CONNECTTIMEOUT, 30}, {CURLOPT_LOW_SPEED_LIMIT, 1},
                   {CURLOPT_LOW_SPEED_TIME, 60}, {CURLOPT_NOPROGRESS, 0},      {CURLOPT_UNRESTRICTED_AUTH, 0}};
    int is_safe = strncmp(r->hub, "https", 5) == 0; /* then never go on to less */
    char agent[60];
    CURLcode bad = CURLE_OK;
    snprintf(agent, sizeof agent, "linnet/%s", linnet_version());
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        bad |= curl_easy_setopt(r->curl, numbers[i].option, numbers[i].value);
#if CURL_AT_LEAST_VERSION(7, 85, 0)
    bad |= curl_easy_setopt(r->curl, CURLOPT_PROTOCOLS_STR, is_safe ? "https" : "http,https");
    bad |= curl_easy_setopt(r->curl, CURLOPT_REDIR_PROTOCOLS_STR, is_safe ? "https" : "http,https");
#else
    bad |= curl_easy_setopt(r->curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTPS | (is_safe ? 0L : CURLPROTO_HTTP));
    bad |= curl_easy_setopt(r->curl, CURLOPT_REDIR_PROTOCOLS, CURLPROTO_HTTPS | (is_safe ? 0L : CURLPROTO_HTTP));
#endif
    bad |= curl_easy_setopt(r->curl, CURLOPT_USERAGENT, agent);
    bad |= curl_easy_setopt(r->curl, CURLOPT_ERRORBUFFER, r->why);
    bad |= curl_easy_setopt(r->curl, CURLOPT_HEADERFUNCTION, on_header);
    bad |= curl_easy_setopt(r->curl, CURLOPT_HEADERDATA, r);
    bad |= curl_easy_setopt(r->curl, CURLOPT_WRITEFUNCTION, on_body);
    bad |= curl_easy_setopt(r->curl, CURLOPT_WRITEDATA, r);
    bad |= curl_easy_setopt(r->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    bad |= curl_easy_setopt(r->curl, CURLOPT_XFERINFODATA, r);
    return bad == CURLE_OK ? LINNET_OK : fail(msg, LINNET_E_UNSUPPORTED, "libcurl is too old, or out of memory");
}

int requests_open(struct requests **out, struct message *msg)
{
    struct requests *r = mem_array(1, sizeof *r);
    if (r == NULL)
        return fail_memory(msg);
    int rc = take_address(r, msg);
    if (rc >= 0 && (r->curl = curl_easy_init()) == NULL)
        rc = fail(msg, LINNET_E_MEMORY, "libcurl cannot be used");
    if (rc >= 0 && (rc = set_options(r, msg)) >= 0)
        rc = take_token(r, msg);
    if (rc < 0)
        requests_close(r);
    else
        *out = r;
    return rc;
}

void requests_close(struct requests *r)
{
    if (r == NULL)
        return;
    curl_easy_cleanup(r->curl);
    mem_free(r);
}

/* ---- what went wrong, and what to do ---- */

static int refused(const struct requests *r, struct message *msg)
{
    long status = 0;
    const char *why;
    curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 401)
        why = r->has_token ? "there is no such repository, or the token in HF_TOKEN is not valid"
                           : "there is no such repository, or it is not open to all: set HF_TOKEN to a token of yours";
    else if (status == 403)
        why = r->has_token ? "the owner of HF_TOKEN has no access: ask for it on the repository's page"
                           : "it is not open to all: set HF_TOKEN to a token of yours that has access";
    else if (status == 404)
        why = "there is no such repository or file: check the name";
    else if (status == 429)
        why = "too many requests: wait a while, then run it again";
    else
        why = status >= 500 ? "it is out of order: run it again later, what has arrived is kept"
                            : "not what was expected";
    return fail(msg, LINNET_E_IO, "%.120s answers %ld: %s%s%s%s", r->hub, status, why, r->said[0] != '\0' ? " (" : "",
                r->said, r->said[0] != '\0' ? ")" : "");
}

static int not_stored(const struct requests *r, struct message *msg)
{
    if (r->rc == LINNET_E_MEMORY)
        return fail_memory(msg);
    if (r->rc == LINNET_E_IO)
        return fail(msg, r->rc, "cannot be written: %s; what has arrived is kept: make room and run it again",
                    strerror(r->error));
    return fail(msg, r->rc, "%.120s sends more than it announced", r->hub);
}

static int explain(const struct requests *r, CURLcode code, struct message *msg)
{
    const char *why = r->why[0] != '\0' ? r->why : curl_easy_strerror(code);
    switch (code) {
    case CURLE_OK:
        return LINNET_OK;
    case CURLE_HTTP_RETURNED_ERROR:
        return refused(r, msg);
    case CURLE_WRITE_ERROR:
        return not_stored(r, msg);
    case CURLE_ABORTED_BY_CALLBACK:
        return fail(msg, LINNET_E_STATE, "interrupted; what has arrived is kept, the same command goes on");
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return fail(
            msg, LINNET_E_IO,
            "%.120s cannot be reached: %.150s; is there a network? HF_ENDPOINT names another hub, https_proxy a "
            "proxy",
            r->hub, why);
    default:
        return fail(msg, LINNET_E_IO, "%.120s: %.150s; run it again: what has arrived is kept", r->hub, why);
    }
}

/* Errors of the network in the middle of a file, and of a server that has too much to do. */
static int passes(const struct requests *r, CURLcode code)
{
    long status = 0;
    curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
    switch (code) {
    case CURLE_HTTP_RETURNED_ERROR:
        return status == 408 || status == 429 || status >= 500;
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return 1;
    default:
        return 0;
    }
}

/* ---- requests ---- */

static CURLcode perform(struct requests *r, const char *path, const char *range)
{
    char address[2000];
    r->has_begun = r->rc = r->error = 0;
    r->why[0] = r->said[0] = '\0';
    snprintf(address, sizeof address, "%s%s", r->hub, path);
    curl_easy_setopt(r->curl, CURLOPT_RANGE, range);
    CURLcode code = curl_easy_setopt(r->curl, CURLOPT_URL, address);
    return code == CURLE_OK ? curl_easy_perform(r->curl) : code;
}

int requests_text(struct requests *r, const char *path, struct buffer *out, struct message *msg)
{
    r->text = out;
    r->watch = NULL;
    out->max = MOST_TEXT;
    return explain(r, perform(r, path, NULL), msg);
}

int requests_file(struct requests *r, const char *path, struct requests_file *file, const struct hub_watch *watch,
                  struct message *msg)
{
    char range[40];
    r->text = NULL;
    r->file = file;
    r->watch = watch;
    snprintf(range, sizeof range, "%llu-", (unsigned long long)file->n);
    CURLcode code = perform(r, path, file->n > 0 ? range : NULL);
    if (code == CURLE_OK && file->n < file->n_bytes)
        code = CURLE_PARTIAL_FILE;
    file->may_pass = passes(r, code);
    return explain(r, code, msg);
}
