# serve_faults.py URL PID RECORDING.s16 [CONNECTIONS]: does all that a server has to bear, one kind after the other, and
# says what it found wrong. The server has --idle-seconds 2 --connections 60 --upload-mb 1 --message-mb 0.1.
import os
import random
import socket
import sys
import threading
import time

from serve_client import Refused, Server, WebSocket, transcribe

server = Server(sys.argv[1], int(sys.argv[2]))
samples = open(sys.argv[3], "rb").read()
n_many = int(sys.argv[4]) if len(sys.argv) > 4 else 300
chance = random.Random(14)


def is_closed(s, seconds=30):
    """Whether the server closes the connection soon, whatever it says before."""
    s.settimeout(seconds)
    try:
        while s.recv(65536):
            pass
    except ConnectionError:
        pass
    except socket.timeout:
        return False
    finally:
        s.close()
    return True


def request(text, rest=b""):
    s = server.connect()
    s.sendall(text.encode() + rest)
    return s


def status_of(s):
    with s:
        return s.recv(4096).split(b" ")[1]


def garbage_heads():
    heads = [b"\0" * 100, b"\xff" * 5000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"A" * 40000,
             b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n\r\n",
             b"GET http://127.0.0.1/ HTTP/1.1\r\n\r\n", b"GET /" + b"a/" * 5000 + b" HTTP/1.1\r\n\r\n",
             b"GET /%00%ff%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n\r\n", b"GET /../../etc/passwd HTTP/1.1\r\n\r\n",
             b"GET / HTTP/1.1\r\nUpgrade: nothing\r\nConnection: Upgrade\r\n\r\n",
             b"GET / HTTP/1.1\r\nUpgrade: h2c\r\nHTTP2-Settings: ????\r\nConnection: Upgrade\r\n\r\n",
             b"POST /v1/audio/transcriptions HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
             b"POST /v1/audio/transcriptions HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
             b"GET /health HTTP/1.1\r\n" + b"X: y\r\n" * 5000 + b"\r\n"]
    heads += [bytes(chance.randrange(256) for _ in range(chance.randrange(1, 400))) + b"\r\n\r\n" for _ in range(50)]
    for head in heads:
        s = server.connect()
        try:
            s.sendall(head)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        assert is_closed(s), head[:60]


def garbage_frames():
    for kind in range(60):
        ws = WebSocket(server)
        if kind % 3 > 0:
            ws.start()
        try:
            if kind < 20:
                ws.s.sendall(bytes(chance.randrange(256) for _ in range(chance.randrange(1, 3000))))
            elif kind < 40:
                ws.send(bytes(chance.randrange(256) for _ in range(chance.randrange(200))), chance.randrange(16),
                        chance.randrange(2), mask=chance.choice([b"", b"abcd"]))
            else:
                ws.send(chance.choice(["{", "null", "[1]", '{"type": 7}', '{"type": "start", "sample_rate": -1}', "\0",
                                       '{"type":"start","sample_rate":1e300}', '{"type": "start", "nbest": 1e9}',
                                       '{"type":"start","decoder":"%s%n"}', "[" * 5000, '{"type":"finish"}' * 2]))
        except OSError:
            pass
        ws.abort() if kind % 2 else ws.close()


def large_ones():
    head = "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    assert status_of(request(head + "Content-Length: 1073741824\r\n\r\n")) == b"413"
    ws = WebSocket(server)
    ws.send(b"x" * 150000, 1, length=1 << 30)
    events, status = ws.events()
    assert (events[-1]["type"], status) == ("error", 1009), (events, status)
    ws = WebSocket(server)
    ws.send("x" * 60000, fin=0)
    ws.send("x" * 60000, 0)
    assert ws.events()[1] == 1009
    ws = WebSocket(server)
    ws.start()
    ws.send(samples, length=1 << 30)  # audio is decoded as it comes
    ws.abort()


def what_does_not_end():
    """All at once: each is let go of after two seconds."""
    body = "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n" \
           "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    waiting = [server.connect(), request("GET / HT"), request("GET /health HTTP/1.1\r\nHost: localhost\r\nX-"),
               request(body), request(body, b"--x\r\nContent-Disposition")]
    silent = WebSocket(server)
    started = WebSocket(server)
    started.start()
    stopped = WebSocket(server)
    stopped.start()
    stopped.send(samples[:10000], length=50000)
    for ws in silent, started, stopped:
        events, status = ws.events()
        assert events[-1]["type"] == "error" and status == 1008, (events, status)
        ws.close()
    for i, s in enumerate(waiting):
        assert is_closed(s), i


def slow_readers():
    """They send for ever, and read nothing: the server stops reading too."""
    for _ in range(3):
        s = WebSocket(server, timeout=1)
        s.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.send('{"type": "start", "sample_rate": 192000}')
        try:
            for _ in range(400):
                s.send(samples[:60000] + b"\0" * 60000)
        except OSError:
            pass
        s.abort()


def killed_clients():
    for i in range(20):
        ws = WebSocket(server)
        ws.start()
        ws.send(samples[:20000])
        if i % 2:
            ws.send('{"type": "finish"}')
        ws.abort()


def many_connections():
    for i in range(n_many):
        s = server.connect()
        if i % 3 == 0:
            s.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if i % 3 == 1:
            s.sendall(b"GET /v1")
        s.close()


def too_many_at_once():
    there = [server.connect() for _ in range(59)]
    deadline = time.monotonic() + 30
    while status_of(request("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")) != b"503":
        there.append(server.connect())
        assert time.monotonic() < deadline, "connections are not limited"
    for s in there:
        s.close()


def unharmed(wanted, answers, stop):
    """Somebody who behaves, all the while."""
    while not stop.is_set():
        try:
            answers.append(transcribe(server, samples) == wanted)
        except Refused as error:
            if error.args[0] != 503:
                answers.append(error)
        except Exception as error:
            answers.append(error)
            return
        time.sleep(0.05)


def settle(what, wanted):
    deadline = time.monotonic() + 60
    while what() > wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    return what()


wanted = transcribe(server, samples)
assert len(" ".join(wanted)) > 20, wanted
for fault in (garbage_heads, garbage_frames, large_ones, killed_clients, slow_readers, many_connections,
              what_does_not_end, too_many_at_once):
    time.sleep(0.1)
    descriptors, resident_mb = server.descriptors(), server.resident_mb()
    answers, stop = [], threading.Event()
    other = threading.Thread(target=unharmed, args=(wanted, answers, stop))
    if fault is not too_many_at_once:
        other.start()
    began = time.monotonic()
    fault()
    took = time.monotonic() - began
    stop.set()
    if fault is not too_many_at_once:
        other.join()
        assert answers and all(answer is True for answer in answers), (fault.__name__, answers[-1:])
    if fault is too_many_at_once:
        settle(server.descriptors, descriptors)  # until they are gone there is no room
    assert transcribe(server, samples) == wanted
    left = settle(server.descriptors, descriptors) - descriptors
    grown = server.resident_mb() - resident_mb
    print("%s: %.1f s, %d descriptors left, %+.1f MB, now %.0f; others were served %d times" %
          (fault.__name__, took, left, grown, server.resident_mb(), len(answers)), flush=True)
    assert left <= 0, "descriptors leak"
    assert os.environ.get("LINNET_TEST_FEW") or grown < 100, "memory grows"
assert settle(lambda: server.metric("streams"), 0) == 0, "streams are left"
