#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""http_client.py URL FOLDER - speaks HTTP to a server as clients do that are odd, slow, broken or hostile, and tells
what it does not answer as it should. Of the standard library alone."""
import http.client
import json
import os
import socket
import struct
import sys
import urllib.parse

address = urllib.parse.urlsplit(sys.argv[1])
folder = sys.argv[2]
n_failed = 0


def check(is_good, what):
    global n_failed
    if not is_good:
        n_failed += 1
        print("FAILED:", what)


def connect(receive_bytes=None):
    s = socket.socket()
    if receive_bytes:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    s.settimeout(120)
    s.connect((address.hostname, address.port))
    return s


def read_reply(s, is_head=False):
    """The status, the headers, the body; status 0 for a connection that was closed."""
    reply = http.client.HTTPResponse(s, method="HEAD" if is_head else None)
    try:
        reply.begin()
        return reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read()
    except (http.client.HTTPException, OSError):
        return 0, {}, b""


def ask(head, body=b"", **options):
    s = connect()
    try:
        s.sendall(head.encode("latin-1").replace(b"\n", b"\r\n") + b"Host: localhost\r\n\r\n" + body)
    except OSError:
        pass # what was answered before may still be read
    reply = read_reply(s, **options)
    s.close()
    return reply


def is_error(reply, status, words=""):
    try:
        error = json.loads(reply[2])["error"]
        return reply[0] == status and set(error) == {"message", "type", "param", "code"} and words in error["message"]
    except (ValueError, KeyError, TypeError):
        return False


def form(*parts, boundary="xYz"):
    """A part is (name, value), or (name, value, file name)."""
    body = b""
    for name, value, *file in parts:
        value = value if isinstance(value, bytes) else value.encode()
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
        body += (head + "".join(f'; filename="{f}"' for f in file) + "\r\n\r\n").encode() + value + b"\r\n"
    return body + f"--{boundary}--\r\n".encode()


def post(body, type="multipart/form-data; boundary=xYz", path="/v1/audio/transcriptions", more=""):
    return ask(f"POST {path} HTTP/1.1\nContent-Type: {type}\nContent-Length: {len(body)}\n{more}", body)


def methods_and_addresses():
    check(ask("GET /health HTTP/1.1\n")[0] == 200, "GET /health")
    check(ask("GET /health?a=b HTTP/1.0\n")[0] == 200, "HTTP/1.0")
    status, headers, body = ask("HEAD /health HTTP/1.1\n", is_head=True)
    check(status == 200 and int(headers["content-length"]) > 0 and not body, "HEAD /health")
    check(ask("GET /nothing HTTP/1.1\n")[0] == 404, "a page that is not there")
    check(is_error(ask("GET /v1/nothing HTTP/1.1\n"), 404), "an address of the API that is not there")
    check(is_error(ask("GET /v1/models/ HTTP/1.1\n"), 404), "no model's name")
    check(ask("GET /../../etc/passwd HTTP/1.1\n")[0] in (0, 403, 404), "a path upwards")
    check(ask("GET /%2e%2e/etc/passwd HTTP/1.1\n")[0] in (0, 403, 404), "a path upwards, escaped")
    for method in "POST", "PUT", "PATCH", "DELETE":
        status, headers, body = ask(f"{method} /health HTTP/1.1\nContent-Length: 0\n")
        check(status == 405 and headers["allow"] == "HEAD, GET, OPTIONS", f"{method} /health: {status} {headers}")
    check(is_error(ask("GET /v1/audio/translations HTTP/1.1\n"), 405), "GET of what is POST's")
    status, headers, body = ask("OPTIONS /v1/models HTTP/1.1\n")
    check(status == 204 and headers["allow"] == "HEAD, GET, OPTIONS", "OPTIONS")
    check(ask("GET /" + "a" * 300 + " HTTP/1.1\n")[0] == 414, "a long path")
    for line in "CONNECT a:80 HTTP/1.1\n", "BREW /health HTTP/1.1\n", "\n", "GET\n", "\0\1\2", "GET  HTTP/1.1\n":
        check(ask(line)[0] in (0, 400, 403, 404, 405), f"no request: {line!r}")
    check(ask("GET /health HTTP/1.1\nX: " + "a" * 100000 + "\n")[0] in (0, 200, 400, 431), "a long header")


def connections_are_kept():
    s = connect()
    body = form(("file", open(folder + "/a.wav", "rb").read(), "a.wav"))
    head = "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=xYz\r\n"
    bad = form(("file", b"no sound", "a.wav"))
    for one, status in (body, 200), (bad, 400), (body, 200):
        s.sendall(f"{head}Content-Length: {len(one)}\r\n\r\n".encode() + one)
        check(read_reply(s)[0] == status, f"{status} on a connection that is kept")
    s.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    status, headers, body = read_reply(s)
    check(status == 200 and headers["connection"] == "close", "a request without a body is the last")
    check(s.recv(1) == b"", "a connection is not closed")


def requests_in_one_packet():
    """What is sent before the answer to a request is dropped, whatever it is, with the connection."""
    body = form(("file", open(folder + "/a.wav", "rb").read(), "a.wav"))
    post = (f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: multipart/form-data; boundary=xYz\r\n\r\n").encode() + body
    short = b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nX"
    get = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for first in get, short, post:
        for second in get, short, post, b"\r\n", b"PUT / HTTP/1.1\r\n\r\n":
            s = connect()
            s.sendall(first + second)
            check(read_reply(s)[0] in (0, 200, 400), "the first of two requests in one packet")
            check(read_reply(s)[0] == 0, "the second of two requests in one packet")
            s.close()
    check(ask("GET /health HTTP/1.1\n")[0] == 200, "the server after it")


def nothing_gets_into_headers():
    for path in "/v1/models/%0d%0aX-Evil:%20y", "/%0d%0aX-Evil:%20y", "/v1/models/%22%00%ff":
        status, headers, body = ask(f"GET {path} HTTP/1.1\n")
        check("x-evil" not in headers, f"{path}: {status} {headers}")


def upgrades_are_declined():
    head = "GET /health HTTP/1.1\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAAQAAP__\n"
    check(ask(head)[0] == 200, "Upgrade: h2c")


def lengths_are_checked_first():
    head = "POST /v1/audio/transcriptions HTTP/1.1\nContent-Type: multipart/form-data; boundary=xYz\n"
    check(is_error(ask(head), 411), "no length")
    chunked = b"5\r\nhello\r\n0\r\n\r\n"
    check(is_error(ask(head + "Transfer-Encoding: chunked\n", chunked), 411), "chunked")
    check(is_error(ask(head + "Transfer-Encoding: chunked\nContent-Length: 5\n", chunked), 411), "chunked and a length")
    for length in str(1 << 30), "9" * 14, "9" * 30, "-1", "1x", "0x10", "1, 1":
        check(ask(head + f"Content-Length: {length}\n")[0] == 413, f"Content-Length: {length}")
    check(ask(head + "Content-Length: 5\nContent-Length: 6\n", b"123456")[0] == 413, "two lengths")
    check(ask("GET /health HTTP/1.1\nContent-Length: 5\n", b"12345")[0] == 400, "a body of GET")
    s = connect() # who sends on although it is too much gets to read why
    s.sendall((head + f"Host: localhost\nContent-Length: {1 << 30}\n\n").replace("\n", "\r\n").encode())
    try:
        for i in range(20):
            s.sendall(bytes(10000))
    except OSError:
        pass
    check(read_reply(s)[0] == 413, "a body that is sent although it is too long")
    try:
        for i in range(100000):
            s.sendall(bytes(10000))
        check(False, "a body is read for ever")
    except OSError:
        pass


def who_waits_is_told_to_go_on():
    body = form(("file", open(folder + "/a.wav", "rb").read(), "a.wav"))
    s = connect()
    s.sendall((f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
               f"Content-Type: multipart/form-data; boundary=xYz\r\nContent-Length: {len(body)}\r\n\r\n").encode())
    line = b""
    while not line.endswith(b"\r\n\r\n"):
        got = s.recv(1)
        if not got:
            break
        line += got
    check(line == b"HTTP/1.1 100 Continue\r\n\r\n", f"Expect: {line!r}")
    s.sendall(body)
    check(read_reply(s)[0] == 200, "a body after 100 Continue")
    check(post(b"", more="Expect: 100-continue\n", type="text/plain")[0] == 400, "refused although it waits")


def bodies_in_pieces():
    recording = open(folder + "/a.wav", "rb").read()
    whole = post(form(("file", recording, "a.wav")))
    check(whole[0] == 200, "a recording at once")
    for size in 1000, 4096, 33333:
        body = form(("file", recording, "a.wav"))
        s = connect()
        s.sendall((f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
                   "Content-Type: multipart/form-data; boundary=xYz\r\n\r\n").encode())
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(0, len(body), size):
            s.sendall(body[i:i + size])
        check(read_reply(s)[2] == whole[2], f"a recording in pieces of {size}")


def slow_readers_get_all():
    body = form(("file", open(folder + "/long.wav", "rb").read(), "a.wav"), ("response_format", "verbose_json"),
                ("timestamp_granularities[]", "word"), ("timestamp_granularities[]", "segment"))
    wanted = post(body)
    s = connect(receive_bytes=2048)
    s.sendall((f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
               "Connection: close\r\nContent-Type: multipart/form-data; boundary=xYz\r\n\r\n").encode() + body)
    got = b""
    while True:
        piece = s.recv(100)
        if not piece:
            break
        got += piece
    check(wanted[0] == 200 and len(wanted[2]) > 2000 and got.endswith(b"\r\n\r\n" + wanted[2]), "a slow reader")


def forms_that_are_none():
    check(is_error(post(b"{}", "application/json"), 400, "multipart/form-data"), "JSON")
    check(is_error(post(b"", ""), 400, "multipart/form-data"), "nothing")
    check(is_error(post(form(("model", "")), "multipart/form-data"), 400, "boundary"), "no boundary")
    check(is_error(post(form(("model", ""))[:-6]), 400, "cut off"), "a form that is cut off")
    check(is_error(post(form(("a\r\nb", ""))), 400, "cannot be read"), "a name of two lines")
    check(is_error(post(form(*[("language", "en")] * 65)), 400, "fields"), "many fields")
    check(is_error(post(form(("prompt", "a" * 70000))), 400, "fields"), "a long field")
    recording = ("file", open(folder + "/a.wav", "rb").read(), "a.wav")
    check(post(form(("prompt", "a " * 5000), recording))[0] == 200, "a long prompt")
    check(is_error(post(form(("prompt", "a " * 10000), recording)), 400, "too long"), "too long a prompt")
    check(is_error(post(form(("other", b"abc", "a.wav"))), 400, "`file`"), "a file under another name")
    quoted = form(("file", open(folder + "/a.wav", "rb").read(), 'a\\"; name=\\"b'), boundary="a b'()+_,-./:=?")
    check(post(quoted, "multipart/form-data; boundary=\"a b'()+_,-./:=?\"")[0] == 200, "a quoted boundary")


def long_recordings_are_refused():
    """--file-seconds 60; the second WAV does not say how long it is."""
    n = 61 * 8000
    for size in n, 0xFFFFFFFF:
        riff = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", min(size + 36, 0xFFFFFFFF), b"WAVE", b"fmt ", 16, 1, 1, 8000,
                           8000, 1, 8, b"data", size)
        status, headers, body = post(form(("file", riff + b"\x80" * n, "a.wav")))
        check(is_error((status, headers, body), 400, "may last 60 s"), f"61 s of {size}: {status} {body}")


def clients_that_go():
    recording = open(folder + "/long.wav", "rb").read()
    body = form(("file", recording, "a.wav"))
    head = (f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: multipart/form-data; boundary=xYz\r\n\r\n").encode()
    for n in 1, 20, len(head), len(head) + 1000, len(head) + len(body) // 2, len(head) + len(body):
        for i in range(3):
            s = connect()
            s.sendall((head + body)[:n])
            if i == 1: # a reset
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            s.close()
    check(ask("GET /health HTTP/1.1\n")[0] == 200, "the server after clients that went")

def main():
    for test in (methods_and_addresses, connections_are_kept, requests_in_one_packet, nothing_gets_into_headers,
                 upgrades_are_declined, lengths_are_checked_first, who_waits_is_told_to_go_on, bodies_in_pieces,
                 slow_readers_get_all, forms_that_are_none, long_recordings_are_refused,
                 clients_that_go):
        before = n_failed
        test()
        print(f"{test.__name__}: {'ok' if n_failed == before else 'FAILED'}", flush=True)
    return 1 if n_failed else 0


sys.exit(main())
