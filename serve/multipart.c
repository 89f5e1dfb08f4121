/* SPDX-License-Identifier: Apache-2.0
 * multipart.c - a delimiter is looked for byte by byte.
 *
 * The only CR of a delimiter is its first byte.  So where one breaks off, what matched is data, and no later byte of it
 * can be the beginning of another: nothing has to be looked at twice.
 *
 * libwebsockets has a parser (lws_spa), which keeps one value for a name, takes boundaries of up to 128 bytes out of a
 * header of up to 204, and wants a header's colon followed by exactly one space. */
#include "serve/multipart.h"

#include <string.h>
#include <strings.h>

/* ---- headers ---- */

static const char *skip_spaces(const char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

/* Reads a value, quoted or a token, into `value` and returns where it ends; NULL: it is none, or too long. */
static const char *read_value(const char *at, char *value, size_t size)
{
    int is_quoted = *at == '"';
    size_t n = 0;
    for (at += is_quoted; *at != '\0'; at++) {
        if (is_quoted ? *at == '"' : strchr("; \t", *at) != NULL)
            break;
        if (is_quoted && *at == '\\' && (at[1] == '"' || at[1] == '\\'))
            at++;
        if ((unsigned char)*at < ' ' || *at == 127 || n + 1 >= size)
            return NULL;
        value[n++] = *at;
    }
    value[n] = '\0';
    return !is_quoted ? at : *at == '"' ? at + 1 : NULL;
}

/* Looks for a parameter in "; a=b; c="d"": 1 when it is there, 0 when not, < 0 for what cannot be read. Of a value that
 * nobody asks for any length is good. */
static int find_parameter(const char *at, const char *name, char *value, size_t size)
{
    char other[MULTIPART_HEADER];
    size_t n_name = strlen(name);
    int has = 0;
    for (at = skip_spaces(at); *at == ';'; at = skip_spaces(at)) {
        at = skip_spaces(at + 1);
        size_t n = strcspn(at, "=; \t");
        int is_it = n == n_name && strncasecmp(at, name, n) == 0;
        at += n;
        if (*at != '=')
            continue;
        at = is_it && !has ? read_value(at + 1, value, size) : read_value(at + 1, other, sizeof other);
        if (at == NULL)
            return LINNET_E_FORMAT;
        has |= is_it;
    }
    return *at == '\0' ? has : LINNET_E_FORMAT;
}

static int read_boundary(struct multipart *m, const char *content_type, struct message *msg)
{
    static const char type[] = "multipart/form-data";
    char boundary[MULTIPART_BOUNDARY + 1];
    if (strncasecmp(content_type, type, sizeof type - 1) != 0)
        return fail(msg, LINNET_E_ARGUMENT, "the body must be multipart/form-data");
    int has = find_parameter(content_type + sizeof type - 1, "boundary", boundary, sizeof boundary);
    if (has <= 0 || boundary[0] == '\0')
        return fail(msg, LINNET_E_ARGUMENT, "multipart/form-data without a boundary that can be read");
    size_t n = strlen(boundary);
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, boundary, n + 1);
    m->n_delimiter = n + 4;
    return LINNET_OK;
}

/* The header of a part has come: a line each, the last one empty. */
static int begin_part(struct multipart *m, struct message *msg)
{
    static const char wanted[] = "content-disposition:", form_data[] = "form-data";
    char name[MULTIPART_NAME + 1] = "", file[MULTIPART_HEADER];
    const char *value = NULL;
    for (char *line = m->header, *end; *line != '\0'; line = end + 2) {
        end = strstr(line, "\r\n");
        *end = '\0';
        if (strncasecmp(line, wanted, sizeof wanted - 1) == 0)
            value = skip_spaces(line + sizeof wanted - 1);
    }
    if (value == NULL || strncasecmp(value, form_data, sizeof form_data - 1) != 0)
        return fail(msg, LINNET_E_FORMAT, "a part of the form has no Content-Disposition: form-data");
    value += sizeof form_data - 1;
    if (find_parameter(value, "name", name, sizeof name) <= 0)
        return fail(msg, LINNET_E_FORMAT, "a part of the form has no name, or one that cannot be read");
    int is_file = find_parameter(value, "filename", file, sizeof file) != 0 ||
                  find_parameter(value, "filename*", file, sizeof file) != 0;
    m->state = MULTIPART_DATA;
    return m->sink.begin(m->sink.arg, name, is_file, msg);
}

/* ---- bytes ---- */

int multipart_open(struct multipart *m, const char *content_type, const struct multipart_sink *sink,
                   struct message *msg)
{
    *m = (struct multipart){.sink = *sink, .n_matched = 2}; /* a body may begin with "--": its CR LF are thought */
    return read_boundary(m, content_type, msg);
}

static int put(struct multipart *m, const char *bytes, size_t n, struct message *msg)
{
    return m->state == MULTIPART_DATA && n > 0 ? m->sink.data(m->sink.arg, bytes, n, msg) : LINNET_OK;
}

/* Takes bytes of data, or of what is before the first delimiter, and returns how many. */
static int take_data(struct multipart *m, const char *bytes, size_t n, size_t *n_taken, struct message *msg)
{
    int rc = LINNET_OK;
    if (m->n_matched == 0) {
        const char *cr = memchr(bytes, '\r', n);
        *n_taken = cr == NULL ? n : (size_t)(cr - bytes) + 1;
        m->n_matched = cr != NULL;
        return put(m, bytes, cr == NULL ? n : (size_t)(cr - bytes), msg);
    }
    if (bytes[0] != m->delimiter[m->n_matched]) {
        rc = put(m, m->delimiter, m->n_matched, msg);
        m->n_matched = 0;
        *n_taken = 0; /* it may be a CR */
        return rc;
    }
    *n_taken = 1;
    if (++m->n_matched < m->n_delimiter)
        return rc;
    if (m->state == MULTIPART_DATA)
        rc = m->sink.end(m->sink.arg, msg);
    m->state = MULTIPART_LINE;
    m->n_matched = m->n_header = 0;
    return rc;
}

/* The line after a delimiter: "--" after the last one, else blanks. */
static int take_line(struct multipart *m, char c, struct message *msg)
{
    if (m->n_header >= sizeof m->header - 1)
        return fail(msg, LINNET_E_FORMAT, "the form is damaged after a boundary");
    m->header[m->n_header++] = c;
    m->header[m->n_header] = '\0';
    if (strcmp(m->header, "--") == 0) {
        m->state = MULTIPART_OVER;
        return LINNET_OK;
    }
    if (c == '\n') {
        m->state = MULTIPART_HEAD;
        int is_good = strcmp(skip_spaces(m->header), "\r\n") == 0;
        m->n_header = 0;
        return is_good ? LINNET_OK : fail(msg, LINNET_E_FORMAT, "the form is damaged after a boundary");
    }
    return strchr("- \t\r", c) != NULL && c != '\0'
               ? LINNET_OK
               : fail(msg, LINNET_E_FORMAT, "the form is damaged after a boundary");
}

static int take_header(struct multipart *m, char c, struct message *msg)
{
    size_t n = m->n_header;
    if (n >= sizeof m->header - 1)
        return fail(msg, LINNET_E_FORMAT, "a part of the form has a header of more than %d bytes", MULTIPART_HEADER);
    if (c == '\0' || (c == '\n') != (n > 0 && m->header[n - 1] == '\r'))
        return fail(msg, LINNET_E_FORMAT, "a part of the form has a header that cannot be read");
    m->header[n++] = c;
    m->header[n] = '\0';
    m->n_header = n;
    int is_whole = n >= 2 && strcmp(m->header + n - 2, "\r\n") == 0 && (n == 2 || m->header[n - 3] == '\n');
    if (!is_whole)
        return LINNET_OK;
    m->header[n - 2] = '\0';
    m->n_header = 0;
    return begin_part(m, msg);
}

int multipart_feed(struct multipart *m, const char *bytes, size_t n, struct message *msg)
{
    int rc = LINNET_OK;
    for (size_t n_taken; n > 0 && rc >= 0 && m->state != MULTIPART_OVER; bytes += n_taken, n -= n_taken) {
        n_taken = 1;
        if (m->state == MULTIPART_LINE)
            rc = take_line(m, bytes[0], msg);
        else if (m->state == MULTIPART_HEAD)
            rc = take_header(m, bytes[0], msg);
        else
            rc = take_data(m, bytes, n, &n_taken, msg);
    }
    return rc;
}

int multipart_end(const struct multipart *m, struct message *msg)
{
    return m->state == MULTIPART_OVER ? LINNET_OK
                                      : fail(msg, LINNET_E_FORMAT, "the form is cut off: its last boundary is missing");
}
