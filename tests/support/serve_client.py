# A client of the server's that does what no good one would: bytes over a socket, websockets by hand.
import base64
import json
import os
import socket
import ssl
import struct
import urllib.error
import urllib.request


class Server:
    """Where it is, and what is seen of its process from outside."""

    def __init__(self, url, pid=0, token=None, certificate=None):
        self.url, self.pid, self.token = url, pid, token
        self.host, port = url.split("://")[1].rsplit(":", 1)
        self.port = int(port)
        self.tls = ssl.create_default_context(cafile=certificate) if certificate else None

    def connect(self, timeout=60):
        s = socket.create_connection((self.host.strip("[]"), self.port), timeout)
        return self.tls.wrap_socket(s, server_hostname=self.host) if self.tls else s

    def ask(self, path, method="GET", body=None, **headers):
        """Status, headers and body of a reply."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            headers.setdefault("Authorization", "Bearer " + self.token)
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        try:
            reply = urllib.request.urlopen(request, timeout=60, context=self.tls)
        except urllib.error.HTTPError as error:
            reply = error
        with reply:
            return reply.status, reply.headers, reply.read().decode()

    def metric(self, name):
        for line in self.ask("/metrics")[2].splitlines():
            if line.startswith("linnet_" + name + " "):
                return float(line.split()[1])
        raise AssertionError("no metric " + name)

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.pid))

    def resident_mb(self):
        with open("/proc/%d/statm" % self.pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


class Refused(Exception):
    pass


class WebSocket:
    def __init__(self, server, path="/v1/stream", timeout=60, **headers):
        self.s = server.connect(timeout)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers.setdefault("Host", "%s:%d" % (server.host, server.port))
        if server.token:
            headers.setdefault("Authorization", "Bearer " + server.token)
        lines = ["GET %s HTTP/1.1" % path, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                 "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode()]
        lines += ["%s: %s" % item for item in headers.items()]
        self.s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            piece = self.s.recv(65536)
            if not piece:
                raise Refused(0, self.rest)
            self.rest += piece
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        self.head = head.decode()
        status = int(head.split()[1])
        if status != 101:
            self.s.close()
            raise Refused(status, self.head)

    def send(self, data, opcode=None, fin=1, length=None, mask=b"\1\2\3\4"):
        """A frame; length: what is declared instead of the truth."""
        opcode = opcode if opcode is not None else (1 if isinstance(data, str) else 2)
        data = data.encode() if isinstance(data, str) else data
        n = len(data) if length is None else length
        flag = 0x80 if mask else 0
        head = bytes([fin << 7 | opcode])
        head += bytes([flag | n]) if n < 126 else \
            struct.pack(">BH", flag | 126, n) if n < 65536 else struct.pack(">BQ", flag | 127, n)
        masked = data
        if mask:
            key = int.from_bytes((mask * (len(data) // 4 + 1))[:len(data)], "big")
            masked = (int.from_bytes(data, "big") ^ key).to_bytes(len(data), "big")
        self.s.sendall(head + mask + masked)

    def take(self, n):
        while len(self.rest) < n:
            piece = self.s.recv(65536)
            if not piece:
                raise EOFError
            self.rest += piece
        piece, self.rest = self.rest[:n], self.rest[n:]
        return piece

    def receive(self):
        """(opcode, bytes) of the next frame."""
        first, n = self.take(2)
        if n == 126:
            n = struct.unpack(">H", self.take(2))[0]
        elif n == 127:
            n = struct.unpack(">Q", self.take(8))[0]
        return first & 15, self.take(n)

    def start(self, **fields):
        self.send(json.dumps(dict(type="start", sample_rate=16000, **fields)))
        return self.event()

    def event(self):
        opcode, data = self.receive()
        if opcode == 8:
            raise EOFError(struct.unpack(">H", data[:2])[0])
        return json.loads(data)

    def events(self):
        """All that come until the connection is closed, and the status that closes it."""
        found = []
        while True:
            try:
                found.append(self.event())
            except EOFError as end:
                return found, end.args[0] if end.args else None
            except ConnectionError:
                return found, None

    def abort(self):
        """The client is killed: no close, not even of the connection."""
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.s.close()

    def close(self):
        self.s.close()


def transcribe(server, samples, **headers):
    """The words of a live stream that behaves."""
    ws = WebSocket(server, **headers)
    ready = ws.start()
    assert ready["type"] == "ready", ready
    ws.send(samples)
    ws.send(json.dumps({"type": "finish"}))
    text, event = [], {"type": ""}
    while event["type"] != "end":
        event = ws.event()
        assert event["type"] != "error", event
        if event["type"] == "final":
            text.append(event["text"])
    ws.close()
    return text
