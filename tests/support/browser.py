# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, told what to do over the DevTools protocol."""
import base64
import json
import os
import subprocess
import time

from websockets.sync.client import connect

PATIENCE_S = 60


class Browser:
    """One page, whose microphone is a file that is played once."""

    def __init__(self, program, folder, microphone):
        self.errors, self.requests, self.n = [], [], 0
        self.folder = folder
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--mute-audio", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 "--disable-dev-shm-usage", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
                 f"--use-file-for-fake-audio-capture={microphone}%noloop", "--remote-debugging-port=0",
                 f"--user-data-dir={folder}/profile", "about:blank"]
        environment = dict(os.environ, HOME=folder)
        self.log = open(f"{folder}/chromium.log", "wb")
        self.process = subprocess.Popen([program, *flags], env=environment, stdout=self.log, stderr=self.log)
        try:
            self.attach()
        except Exception:
            self.kill()
            raise

    def attach(self):
        address = f"{self.folder}/profile/DevToolsActivePort"
        self.until(lambda: os.path.exists(address) and os.path.getsize(address) > 8, "the browser starts")
        with open(address, encoding="ascii") as file:
            port, path = file.read().split()
        self.socket = connect(f"ws://127.0.0.1:{port}{path}", max_size=None)
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "DOM", "Accessibility"):
            self.call(f"{domain}.enable")

    def close(self):
        self.session = None
        self.call("Browser.close")
        self.process.wait(20)

    def kill(self):
        """Where something went wrong."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    # ---- the protocol

    def call(self, method, **parameters):
        self.n += 1
        message = {"id": self.n, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.socket.send(json.dumps(message))
        while True:
            answer = json.loads(self.socket.recv(timeout=PATIENCE_S))
            if answer.get("id") == self.n:
                break
            self.note(answer.get("method"), answer.get("params", {}))
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def note(self, method, values):
        if method == "Network.requestWillBeSent":
            self.requests.append(values["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requests.append(values["url"])
        elif method == "Runtime.exceptionThrown":
            details = values["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and values["type"] in ("error", "warning", "assert"):
            self.errors.append(str([a.get("value", a.get("description")) for a in values["args"]]))
        elif method == "Log.entryAdded" and values["entry"]["level"] in ("error", "warning"):
            self.errors.append(values["entry"]["text"])

    # ---- the page

    def js(self, text):
        """The value of an expression, or of a promise of it."""
        answer = self.call("Runtime.evaluate", expression=text, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{text}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, condition, what, patience_s=PATIENCE_S):
        end = time.monotonic() + patience_s
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                raise RuntimeError(f"waited {patience_s} s in vain: {what}")
            time.sleep(0.1)

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.until(lambda: self.js("document.readyState") == "complete", f"{url} is loaded")

    def show(self, columns, rows, scheme):
        self.call("Emulation.setDeviceMetricsOverride", width=columns, height=rows, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme},
                                                          {"name": "prefers-reduced-motion", "value": "reduce"}])

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=False)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def place(self, selector):
        """The middle of the element, which comes into view."""
        return self.js(f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
                       "e.scrollIntoView({block: 'nearest'}); const r = e.getClientRects()[0];"
                       "return [r.left + r.width / 2, r.top + r.height / 2]; })()")

    def click(self, selector):
        place = self.place(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def hover(self, selector):
        place = self.place(selector)
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=place[0], y=place[1])

    def key(self, name, code, modifiers=0, text=""):
        for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code,
                      modifiers=modifiers, **({"text": text} if text and kind == "keyDown" else {}))

    def choose_file(self, selector, path):
        document = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=document, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[path])

    def drop_file(self, selector, path):
        place = self.place(selector)
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=place[0], y=place[1],
                      data={"items": [], "files": [path], "dragOperationsMask": 1})

    def download_to(self, folder):
        session, self.session = self.session, None
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=folder)
        self.session = session

    def focusable(self):
        """What the keyboard reaches, as a screen reader has it: [role, name]."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [[node["role"]["value"], node.get("name", {}).get("value", "")] for node in nodes
                if not node["ignored"] and node["role"]["value"] != "RootWebArea" and
                any(p["name"] == "focusable" and p["value"]["value"] for p in node.get("properties", []))]
