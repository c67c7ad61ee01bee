"""The page answers whoever knows the token and asks this machine by its own name, and nobody else."""

import http.client
import re
import socket
from urllib.parse import urlsplit

import pytest
from apical.recordings import RecordingError
from apical.recordings.view import View
from apical.recordings.view.guard import is_loopback, refusal


@pytest.fixture(scope="module")
def view(looked_at, other_run):
    with View([looked_at, other_run]) as served:
        yield served


@pytest.fixture(scope="module")
def page(view):
    """Made once, which takes a second."""
    return ask(view)[1]


def ask(view, path=None, **headers):
    """Status and text of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", view.port, timeout=60)
    connection.putrequest("GET", urlsplit(view.url).path if path is None else path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    found = answer.status, answer.read().decode(), dict(answer.getheaders())
    connection.close()
    return found


def test_the_address_opens_the_page(view):
    status, page, headers = ask(view)
    assert status == 200
    assert "bokeh" in page
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_nothing_comes_from_elsewhere(view, page):
    links = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert any("bokeh.min.js" in link for link in links)
    prefix = urlsplit(view.url).path
    assert [link for link in links if not link.startswith((prefix, "data:"))] == []
    script = next(link for link in links if "bokeh.min.js" in link)
    assert ask(view, script)[0] == 200


@pytest.mark.parametrize("path", ["/", "/wrong/", "/ws", "/static/js/bokeh.min.js", "/favicon.ico", "//", "/%00"])
def test_without_the_token_it_is_refused(view, path):
    status, said, _ = ask(view, path)
    assert status == 403
    assert said.startswith("token: expected")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1", "", "[::2]:80"]
)
def test_another_host_is_refused(view, host):
    status, said, _ = ask(view, Host=host)
    assert status in (400, 403)  # tornado itself refuses what is no host
    assert "bokeh" not in said


@pytest.mark.parametrize("host", ["localhost:9999", "127.0.0.1:1", "[::1]:5006"])
def test_the_end_of_a_tunnel_is_not(view, host):
    assert ask(view, Host=host)[0] == 200


@pytest.mark.parametrize(
    ("origin", "status"), [("http://evil.example", 403), ("null", 403), ("http://127.0.0.1:1", 403), (None, 101)]
)
def test_a_websocket_of_another_page_is_refused(view, page, origin, status):
    token = re.search(r'"token":"([^"]+)"', page)[1]
    words = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol": f"bokeh, {token}", "Origin": origin or f"http://127.0.0.1:{view.port}",
    }  # fmt: skip
    with socket.create_connection(("127.0.0.1", view.port), timeout=60) as line:
        lines = [
            f"GET {urlsplit(view.url).path}ws HTTP/1.1",
            f"Host: 127.0.0.1:{view.port}",
            *(f"{k}: {v}" for k, v in words.items()),
        ]
        line.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        assert line.recv(200).split()[1] == str(status).encode()


def test_it_listens_on_the_loopback_interface_alone(view):
    assert view._socket.getsockname()[0] == "127.0.0.1"


def test_two_runs_stand_side_by_side(view):
    assert view.url.endswith("?run=first&beside=second")


def test_every_page_has_its_own_token(looked_at, view):
    with View([looked_at]) as another:
        assert len(urlsplit(another.url).path) > 30
        assert urlsplit(another.url).path != urlsplit(view.url).path
        assert ask(another, urlsplit(view.url).path)[0] == 403


def test_a_port_that_is_taken_is_said(looked_at, view):
    with pytest.raises(RecordingError, match=rf"view.port: expected a free port, got {view.port}"):
        View([looked_at], view.port)


def test_it_ends(looked_at):
    view = View([looked_at])
    view.close()
    view.close()
    view.wait()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", view.port), timeout=5)


def test_loopback_names():
    assert [is_loopback(host) for host in ("LOCALHOST", "127.9.9.9:1", "[::1]")] == [True] * 3
    assert [is_loopback(host) for host in ("localhost.evil", "[::1", "0.0.0.0", "::1")] == [False] * 4
    assert refusal("/abc/", "localhost", [], "abc") == ""
    assert refusal("/ab/", "localhost", [], "abc").startswith("token")
    assert refusal("http://localhost/abc/", "localhost", [], "abc").startswith("token")
