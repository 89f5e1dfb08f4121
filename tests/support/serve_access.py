# serve_access.py WHAT URL PID [FILE]: what a server lets in and what not, each of a server that was started for it.
import base64
import json
import os
import signal
import socket
import sys
import time

from serve_client import Refused, Server, WebSocket, transcribe

what, url, pid = sys.argv[1], sys.argv[2], int(sys.argv[3])
server = Server(url, pid, certificate=sys.argv[4] if what == "tls" else None)
quiet = b"\0" * 6400


def refusal(**headers):
    """The status that a websocket is refused with, and the head of the reply."""
    try:
        WebSocket(server, **headers).close()
    except Refused as error:
        return error.args
    return 101, ""


def status(path="/metrics", **headers):
    return server.ask(path, **headers)[0]


def token():
    good, other = open(sys.argv[4]).read().split("\n")[1:3]
    encoded = base64.urlsafe_b64encode(good.encode()).decode().rstrip("=")
    assert status("/health") == 200
    code, headers, _ = server.ask("/metrics")
    assert code == 401 and headers["WWW-Authenticate"] == "Bearer", (code, headers)
    assert server.ask("/v1/audio/transcriptions", "POST", b"x")[0] == 401
    for wrong in good[:-1], good + "x", "x" + good[1:], "", "# comment", good + " " + other, encoded:
        assert status(Authorization="Bearer " + wrong) == 401, wrong
    assert status(Authorization="Basic " + good) == 401 and status(Authorization=good) == 401
    assert status(Authorization="Bearer " + good) == 200 and status(Authorization="bearer " + other) == 200
    code, head = refusal()
    assert code == 401 and "www-authenticate: Bearer" in head, head
    assert refusal(Authorization="Bearer " + good)[0] == 101
    assert refusal(Sec_WebSocket_Protocol="linnet, linnet-token." + encoded)[0] == 101
    assert refusal(Sec_WebSocket_Protocol="linnet, linnet-token." + encoded[:-1])[0] == 401
    assert refusal(Sec_WebSocket_Protocol="realtime, openai-insecure-api-key." + good)[0] == 101
    assert refusal(Sec_WebSocket_Protocol="realtime, openai-insecure-api-key." + good[1:])[0] == 401
    ws = WebSocket(server, Sec_WebSocket_Protocol="linnet, linnet-token." + encoded)
    assert "sec-websocket-protocol: linnet\r\n" in ws.head.lower() + "\r\n", ws.head
    ws.close()
    server.token = good
    transcribe(server, quiet)
    assert 'linnet_refused_total{reason="token"} 14\n' in server.ask("/metrics")[2]


def origin():
    own, allowed, foreign = url, "https://page.example", "https://evil.example"
    for there in "", "/health", "/v1/models":
        assert status(there or "/metrics", Origin=foreign) == 403
    assert status(Origin="null") == 403 and refusal(Origin=foreign)[0] == 403 and refusal(Origin="null")[0] == 403
    assert server.ask("/v1/audio/transcriptions", "POST", b"x", Origin=foreign)[0] == 403
    code, headers, _ = server.ask("/metrics", Origin=own)
    assert code == 200 and "Access-Control-Allow-Origin" not in headers
    code, headers, _ = server.ask("/metrics", Origin=allowed)
    assert code == 200 and headers["Access-Control-Allow-Origin"] == allowed and headers["Vary"] == "Origin"
    code, headers, _ = server.ask("/metrics", "OPTIONS", Origin=allowed, Access_Control_Request_Method="GET")
    assert code == 204 and "Authorization" in headers["Access-Control-Allow-Headers"], (code, headers)
    assert server.ask("/metrics", "OPTIONS", Origin=foreign)[0] == 403
    assert refusal(Origin=own)[0] == 101 and refusal(Origin=allowed)[0] == 101
    port = ":%d" % server.port
    for name in "localhost" + port, "LOCALHOST", "127.0.0.1", "[::1]" + port, "page.example":
        assert status(Host=name) == 200, name
    for name in "evil.example", "evil.example" + port, "localhost.evil.example", "127.0.0.1.evil.example" + port:
        assert status(Host=name) == 403 and refusal(Host=name)[0] == 403, name
    assert status(Host="evil.example", Origin="http://evil.example") == 403


def tls():
    assert url.startswith("https:") and status("/health") == 200
    transcribe(server, quiet)
    assert refusal(Origin="https://%s:%d" % (server.host, server.port))[0] == 101
    assert refusal(Origin="http://%s:%d" % (server.host, server.port))[0] == 403
    plain = Server(url.replace("https", "http"))
    s = plain.connect()
    s.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    try:
        assert b"ok" not in s.recv(1000)
    except ConnectionError:
        pass


def full():
    """Memory: what is asked for is answered, what is to be done is refused."""
    assert status() == 200 and not json.loads(server.ask("/health")[2])["room"]
    code, headers, _ = server.ask("/v1/audio/transcriptions", "POST", b"x")
    assert code == 503 and int(headers["Retry-After"]) > 0, (code, headers)
    code, head = refusal()
    assert code == 503 and "retry-after: 5" in head, head


def streams():
    """One stream at most."""
    first, second = WebSocket(server), WebSocket(server)
    assert first.start()["type"] == "ready"
    error = second.start()
    assert (error["type"], error["code"]) == ("error", "busy"), error
    assert second.events() == ([], 1013)
    assert 'linnet_refused_total{reason="processor"} 1\n' in server.ask("/metrics")[2]
    first.close()
    deadline = time.monotonic() + 60
    while server.metric("streams") > 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    transcribe(server, quiet)


def addresses():
    """Two connections and one stream from each address of another machine; its own are not limited."""
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        probe.connect(("192.0.2.1", 9))  # sends nothing
        server.host = probe.getsockname()[0]
    except OSError:
        server.host = "127.0.0.1"
    if server.host.startswith("127."):
        print("this machine has no address but loopback: limits of addresses are not tested")
        return
    first, second = WebSocket(server), WebSocket(server)
    third = server.connect()
    assert third.recv(100).startswith(b"HTTP/1.1 503"), "a third connection"
    third.close()
    assert first.start()["type"] == "ready" and second.start()["code"] == "busy"
    assert second.events() == ([], 1013)
    second.close()
    local = Server(url)
    others = [WebSocket(local) for _ in range(3)]
    for ws in others:
        assert ws.start()["type"] == "ready"
    metrics = local.ask("/metrics")[2]
    for reason in "connections", "address":
        assert 'linnet_refused_total{reason="%s"} 1\n' % reason in metrics, metrics
    for ws in [first] + others:
        ws.close()
    deadline = time.monotonic() + 60
    while local.metric("streams") > 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    transcribe(server, quiet)


def metrics():
    """All is there, as the parser of Prometheus' own client reads it."""
    from prometheus_client.parser import text_string_to_metric_families
    transcribe(server, quiet)
    ask = server.ask("/health"), server.ask("/nothing"), server.ask("/metrics")
    assert [reply[0] for reply in ask] == [200, 404, 200]
    assert ask[2][1]["Content-Type"].startswith("text/plain; version=0.0.4")
    found = {}
    for family in text_string_to_metric_families(server.ask("/metrics")[2]):
        assert family.documentation and family.type in ("gauge", "counter", "histogram"), family
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    value = lambda name, **labels: found["linnet_" + name, tuple(sorted(labels.items()))]
    assert value("streams_started_total") == 1 and value("streams") >= 0 and value("queue") == 0
    assert value("live_audio_seconds_total") == len(quiet) / 32000
    for kind in "partial", "final":
        assert value("latency_seconds_count", kind=kind) == value("latency_seconds_bucket", kind=kind, le="+Inf")
    assert value("file_wait_seconds_count") == 0 == value("file_run_seconds_count")
    assert value("http_requests_total", route="/health", status="200") == 1
    assert value("http_requests_total", route="other", status="404") == 1
    assert value("refused_total", reason="memory") == 0 and value("real_time_factor", kind="live") > 0
    assert 5e6 < value("resident_memory_bytes") < value("memory_limit_bytes")
    assert value("connections") >= 1 and 0 <= value("open_descriptors") - server.descriptors() <= 1  # its own
    assert value("received_bytes_total") >= len(quiet) and value("sent_bytes_total") > 0


def drain():
    """Who is here is served to the end, who comes is not."""
    ws, kept = WebSocket(server), server.connect()
    ws.start()
    os.kill(pid, signal.SIGTERM)
    assert ws.event()["type"] == "ending"
    assert kept.recv(100) == b"", "an idle connection is kept open"
    try:
        server.connect().close()
        raise AssertionError("connections are still taken")
    except ConnectionError:
        pass
    ws.send(quiet)
    ws.send('{"type": "finish"}')
    assert ws.event()["type"] in ("final", "end")
    ws.close()


def deadline():
    """The longest time is one second; and a second signal ends at once."""
    ws = WebSocket(server)
    ws.start()
    os.kill(pid, signal.SIGTERM)
    if sys.argv[4] == "again":
        assert ws.event()["type"] == "ending"
        os.kill(pid, signal.SIGTERM)
        assert ws.events()[0] == []
    else:
        events, code = ws.events()
        assert [e["type"] for e in events] == ["ending", "error"] and code == 1001, (events, code)


globals()[what]()
