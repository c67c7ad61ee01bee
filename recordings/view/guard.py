"""Who may read the page: whoever knows the token, and asks this machine by a name of this machine.

The server listens on the loopback interface alone. That is not enough: a page of the web may ask `http://evil.example:PORT`, a name that its owner
lets point to 127.0.0.1 (DNS rebinding), and any page may open a websocket to any host. Hence, before anything is answered:

    path     begins with the token, compared in constant time
    Host     is a loopback name; any port, since a tunnel may end at another one
    Origin   where a browser sends one, is that very host
"""

import hmac
import ipaddress
from typing import Any

from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, HTTPServerRequest
from tornado.routing import Router
from tornado.web import Application, OutputTransform, RequestHandler

# scripts and styles of the page itself and nothing from elsewhere; Bokeh makes functions of text
POLICY = "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def is_loopback(host: str) -> bool:
    """Whether a host of an address, with or without port, is this machine by its own name.

    >>> [is_loopback(host) for host in ("localhost:80", "127.0.0.1", "[::1]:5006", "evil.example:80", "127.0.0.1.evil.example", "")]
    [True, True, True, False, False, False]
    """
    name = host.rpartition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    if name.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def refusal(path: str, host: str, origins: list[str], token: str) -> str:
    """Why a request is not answered; empty where it is.

    Args:
        path: of the request, from the first `/` on.
        host: its header Host.
        origins: its headers Origin; a browser sends one with every websocket and with what other pages ask.
        token: of the page.
    """
    if not is_loopback(host):
        return f"Host: expected localhost or 127.0.0.1, got {host[:80]!r}; open the address that apical view printed"
    for origin in origins:
        if origin.partition("://")[2].lower() != host.lower():
            return f"Origin: expected the page itself, got {origin[:80]!r}; open the address that apical view printed"
    given = path.lstrip("/").partition("/")[0]
    if not hmac.compare_digest(given.encode("utf-8", "replace"), token.encode()):
        return "token: expected the one that apical view printed, got another or none; copy the whole address"
    return ""


class Guard(Router):
    """Hands a request on to the application, or refuses it before any handler sees it.

    Args:
        application: what answers.
        token: of the page.
    """

    def __init__(self, application: Application, token: str) -> None:
        self._application, self._token = application, token
        self._refusing = Application([(r".*", _Refused)])

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        """The application's own handler, or one that says why not."""
        why = refusal(request.path, request.headers.get("Host", ""), request.headers.get_list("Origin"), self._token)
        if why:
            return self._refusing.get_handler_delegate(request, _Refused, {"why": why})
        return self._application.find_handler(request, **kwargs)


class _Refused(RequestHandler):
    def initialize(self, why: str) -> None:
        self.why = why

    def prepare(self) -> None:
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{self.why}\n")


class Private(OutputTransform):
    """Adds `HEADERS` to every answer."""

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """The answer with the headers."""
        for name, value in HEADERS.items():
            headers[name] = value
        return status_code, headers, chunk
