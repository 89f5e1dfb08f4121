# SPDX-License-Identifier: Apache-2.0
# hub_server.py FOLDER: answers as the Hugging Face hub does, from FOLDER/OWNER/NAME/FILE, until it is killed.
#
# Small files come from the hub itself; large ones (more than 1000 bytes, "LFS") by redirection from a second server, on
# another port, as from the hub's CDN.  FOLDER/address gets the hub's address when both are up, FOLDER/log a line
# "SERVER PATH RANGE AUTHORIZATION" for each request.  What goes wrong is said by files in FOLDER:
#     cut      the CDN sends so many bytes of each answer and closes the connection; once, then the file is removed
#     stall    the CDN sends so many bytes and then nothing while the file is there; then it closes the connection
#     swap     the CDN sends other bytes than it should
#     more     the CDN sends a byte too much
#     norange  the CDN knows no ranges
# and by owners: private (a token "good" is needed), gated (nobody has access), bare (an API without blobs=true), evil (an
# API that names files outside of the folder), busy (503).
import hashlib
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FOLDER = sys.argv[1]
REVISION = "0123456789abcdef0123456789abcdef01234567"
LARGE = 1000


def control(name):
    path = f"{FOLDER}/{name}"
    return (open(path).read().strip() or "0") if os.path.exists(path) else None


def about(path, name, blobs):
    data = open(path, "rb").read()
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    item = {"rfilename": name}
    if blobs:
        item |= {"size": len(data), "blobId": blob}
        if len(data) > LARGE:
            item["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return item


def in_tree(item):
    tree = {"type": "file", "path": item["rfilename"], "size": item["size"], "oid": item["blobId"]}
    if "lfs" in item:
        tree["lfs"] = {"oid": item["lfs"]["sha256"], "size": item["lfs"]["size"], "pointerSize": 134}
    return tree


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        with open(f"{FOLDER}/log", "a") as log:
            print(self.server.what, self.path, self.headers.get("Range", "-"),
                  self.headers.get("Authorization", "-"), file=log)

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, code, text):
        self.answer(status, text.encode(), X_Error_Code=code, X_Error_Message=text)


class Hub(Handler):
    def do_GET(self):
        path, _, query = self.path.partition("?")
        parts = path.strip("/").split("/")
        is_api = parts[:2] == ["api", "models"]
        owner, name = parts[2:4] if is_api else parts[:2]
        folder = f"{FOLDER}/{owner}/{name}"
        token = self.headers.get("Authorization")
        if owner == "busy":
            self.refuse(503, "Unavailable", "We are busy")
        elif token not in (None, "Bearer good"):
            self.refuse(401, "", "Invalid credentials in Authorization header")
        elif not os.path.isdir(folder) or (owner == "private" and token is None):
            self.refuse(401 if token is None else 404, "RepoNotFound", "Repository not found")
        elif owner == "gated":
            self.refuse(403, "GatedRepo", "Access to this model is restricted")
        elif is_api:
            self.answer(200, json.dumps(self.describe(folder, owner, parts, query)).encode())
        else:
            self.resolve(folder, parts)

    def describe(self, folder, owner, parts, query):
        items = [about(f"{folder}/{name}", name, query == "blobs=true" and owner != "bare" or parts[4] == "tree")
                 for name in sorted(os.listdir(folder))]
        if parts[4] == "tree":
            return [in_tree(item) for item in items]
        if owner == "evil":
            items += [dict(items[0], rfilename=name) for name in ("../out", "/tmp/out", ".hidden", "sub/out", "a\nb")]
            items += [{"rfilename": 7}, None, dict(items[0], rfilename="big", size=1 << 62)]
        return {"id": "/".join(parts[2:4]), "sha": REVISION, "siblings": items}

    def resolve(self, folder, parts):
        path = f"{folder}/{parts[-1]}"
        if parts[2:4] != ["resolve", REVISION] or not os.path.exists(path):
            return self.refuse(404, "EntryNotFound", "Entry not found")
        item = about(path, parts[-1], True)
        if "lfs" not in item:
            return self.answer(200, open(path, "rb").read(), ETag=f'"{item["blobId"]}"', X_Repo_Commit=REVISION)
        self.answer(302, b"Found. Redirecting", X_Repo_Commit=REVISION, X_Linked_Size=str(item["size"]),
                    X_Linked_Etag=f'"{item["lfs"]["sha256"]}"',
                    Location=f"http://127.0.0.1:{cdn.server_port}/{'/'.join(parts[:2])}/{parts[-1]}?signature=x")


class Cdn(Handler):
    def do_GET(self):
        data = open(FOLDER + self.path.partition("?")[0], "rb").read()
        if control("swap") is not None:
            data = data[:-1] + bytes([data[-1] ^ 1])
        if control("more") is not None:
            data += b"x"
        begin = 0
        if "Range" in self.headers and control("norange") is None:
            begin = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if begin > 0 else 200)
        if begin > 0:
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - begin))
        self.end_headers()
        cut, stall = control("cut"), control("stall")
        some = cut or stall
        self.wfile.write(data[begin:begin + int(some)] if some else data[begin:])
        if some:
            self.close_connection = True
        if cut:
            os.remove(f"{FOLDER}/cut")
        self.wfile.flush()
        while stall and control("stall") is not None:
            time.sleep(0.05)


def serve(handler, what):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.what = what
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


cdn = serve(Cdn, "cdn")
hub = serve(Hub, "hub")
with open(f"{FOLDER}/address.new", "w") as f:
    f.write(f"http://127.0.0.1:{hub.server_port}\n")
os.rename(f"{FOLDER}/address.new", f"{FOLDER}/address")
threading.Event().wait()
