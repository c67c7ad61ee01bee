"""The thread that serves the page, from the moment it is asked for until it is closed."""

import asyncio
import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from ..errors import RecordingError
from .catalogue import Catalogue
from .links import Shown

HOST = "127.0.0.1"
WAIT = 30.0  # seconds that a start or an end may take


class View:
    """A page that is being served; a context manager, which ends it.

    Attributes:
        url: its address, token included; of several runs the first two stand side by side.
        port: on the loopback interface.

    Args:
        runs: folders of runs.
        port: 0 for any that is free.

    Raises:
        RecordingError: no recording in a run, the port is taken, or Bokeh is not installed.
    """

    def __init__(self, runs: Sequence[Path], port: int = 0) -> None:
        catalogue = Catalogue(runs)
        need_bokeh()
        self._token = secrets.token_urlsafe(24)
        self._socket = _listening(port)
        self.port = int(self._socket.getsockname()[1])
        names = catalogue.runs
        query = Shown(run=names[0], beside=names[1]).query if len(names) > 1 else ""
        self.url = f"http://{HOST}:{self.port}/{self._token}/" + (f"?{query}" if query else "")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: Callable[[], None] = lambda: None
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(catalogue,), name="apical-view", daemon=True)
        self._thread.start()
        self._ready.wait(WAIT)
        if self._failed is not None:
            raise RecordingError(f"view.server: expected to start, got {self._failed}; try again") from self._failed

    @property
    def tunnel(self) -> str:
        """What to type on another machine to see the page there."""
        return f"ssh -L {self.port}:{HOST}:{self.port} {socket.gethostname()}, then the same address there"

    def close(self) -> None:
        """End the page; a second call does nothing."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended)
            self._thread.join(WAIT)

    def wait(self) -> None:
        """Wait until the page is closed, from another thread or by Ctrl-C."""
        while self._thread.is_alive():
            self._thread.join(0.5)  # in turns: signals are answered in between

    def _run(self, catalogue: Catalogue) -> None:
        try:
            asyncio.run(self._serve(catalogue))
        except BaseException as error:
            self._failed = error
        finally:
            self._ready.set()

    async def _serve(self, catalogue: Catalogue) -> None:
        from bokeh.document import Document
        from bokeh.server.server import BaseServer
        from bokeh.server.tornado import BokehTornado
        from tornado.httpserver import HTTPServer
        from tornado.ioloop import IOLoop

        from .guard import Guard, Private

        def show(document: Document) -> None:
            from .page import show as fill  # with xarray, when somebody looks

            fill(document, catalogue)

        for name in ("bokeh", "tornado.access"):  # of every request; what fails is told in the page
            logging.getLogger(name).setLevel(logging.ERROR)
        application = BokehTornado(
            show, prefix=self._token, use_index=False,
            extra_websocket_origins=["localhost:*", f"{HOST}:*", "[::1]:*"], transforms=[Private],
            unused_session_lifetime_milliseconds=60_000,
        )  # fmt: skip
        http = HTTPServer(Guard(application, self._token))
        http.add_sockets([self._socket])
        server = BaseServer(IOLoop.current(), application, http)
        server.start()
        ended = asyncio.Event()
        self._loop, self._ended = asyncio.get_running_loop(), ended.set
        self._ready.set()
        warming = self._loop.run_in_executor(None, catalogue.warm)
        await ended.wait()
        await warming
        http.stop()
        await http.close_all_connections()
        server.stop(wait=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"View({self.url})"


def serve(*runs: Path, port: int = 0) -> View:
    """Serve the page of one or several runs from a thread of its own; see `View`."""
    return View(runs, port)


def need_bokeh() -> None:
    """Say what to install where Bokeh is missing.

    Raises:
        RecordingError: it is not installed.
    """
    try:
        import bokeh.server.tornado  # noqa: F401
    except ImportError as error:
        raise RecordingError(f"view: expected Bokeh, got {error}; pip install 'apical[view]'") from error


def _listening(port: int) -> socket.socket:
    """A socket on the loopback interface alone."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it lets two programs share a port
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((HOST, port))
        found.listen(128)
        found.setblocking(False)
    except (OSError, OverflowError) as error:
        found.close()
        raise RecordingError(
            f"view.port: expected a free port, got {port} ({error}); choose another, or 0 for any"
        ) from error
    return found
