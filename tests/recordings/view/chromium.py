"""A headless Chromium that a test drives by its DevTools protocol; no library for that is needed."""

import asyncio
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tornado.websocket import websocket_connect

FOUND = os.environ.get("APICAL_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))), None
)
OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-port=0",
    "--hide-scrollbars", "--mute-audio", "--disable-background-networking", "--disable-extensions",
)  # fmt: skip
PATIENCE = 60.0  # seconds; no assertion, the end of a test that hangs


class Chromium:
    """One page in a browser of its own; a context manager."""

    def __init__(self, width=1300, height=1000):
        self._folder = tempfile.mkdtemp(prefix="apical-chromium-")
        size = f"--window-size={width},{height}"
        self._process = subprocess.Popen(
            [FOUND, *OPTIONS, size, f"--user-data-dir={self._folder}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._loop = asyncio.new_event_loop()
        self._count = 0
        self.events = []
        try:
            self._socket = self._loop.run_until_complete(self._connect())
        except BaseException:
            self.close()
            raise
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    async def _connect(self):
        port = Path(self._folder) / "DevToolsActivePort"
        ends = time.monotonic() + PATIENCE
        while not port.exists() or len(port.read_text().split()) < 2:
            if time.monotonic() > ends or self._process.poll() is not None:
                raise RuntimeError("chromium: expected its DevTools port, got none")
            await asyncio.sleep(0.05)
        from tornado.httpclient import AsyncHTTPClient

        number = port.read_text().split()[0]
        answer = await AsyncHTTPClient().fetch(f"http://127.0.0.1:{number}/json/list")
        page = next(each for each in json.loads(answer.body) if each["type"] == "page")
        return await websocket_connect(page["webSocketDebuggerUrl"], max_message_size=1 << 28)

    def call(self, method, **params):
        """Send a command and return its result; events that come meanwhile are kept."""
        return self._loop.run_until_complete(self._call(method, params))

    async def _call(self, method, params):
        self._count += 1
        number = self._count
        await self._socket.write_message(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            told = json.loads(await asyncio.wait_for(self._socket.read_message(), PATIENCE))
            if told.get("id") == number:
                if "error" in told:
                    raise RuntimeError(f"{method}: {told['error']}")
                return told["result"]
            self.events.append(told)

    def run(self, code):
        """The value of an expression in the page, awaited."""
        found = self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(json.dumps(found["exceptionDetails"])[:2000])
        return found["result"].get("value")

    def until(self, code):
        """Wait until an expression in the page is true, and return its value."""
        ends = time.monotonic() + PATIENCE
        while not (value := self.run(code)):
            if time.monotonic() > ends:
                raise TimeoutError(f"{code}: expected to become true within {PATIENCE} s, got {value!r}")
            time.sleep(0.03)
        return value

    def open(self, url):
        """Go to an address and wait until Bokeh has drawn everything there is."""
        self.call("Page.navigate", url=url)
        self.until("document.readyState == 'complete' && typeof Bokeh != 'undefined' && Bokeh.documents.length > 0")
        self.until("Bokeh.documents[0].is_idle")

    def click(self, x, y):
        """A click of the mouse at a point of the window."""
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def resize(self, width, height):
        """Another size of the window."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def screenshot(self, path, whole=True):
        """The page as a PNG."""
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        Path(path).write_bytes(base64.b64decode(data))

    @property
    def requested(self):
        """Addresses that the page has asked for."""
        sent = [event for event in self.events if event["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    @property
    def complaints(self):
        """What went wrong in the page: exceptions and errors in its log."""
        thrown = [
            e["params"]["exceptionDetails"]["text"] for e in self.events if e["method"] == "Runtime.exceptionThrown"
        ]
        logged = [e["params"]["entry"] for e in self.events if e["method"] == "Log.entryAdded"]
        return thrown + [entry["text"] for entry in logged if entry["level"] == "error"]

    def close(self):
        """End the browser."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._loop.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
