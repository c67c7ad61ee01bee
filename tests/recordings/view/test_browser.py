"""The page in a headless Chromium: choose a unit, scrub, open a replay, follow a link; nothing is asked of elsewhere."""

from urllib.parse import urlsplit

import pytest
from apical.recordings.view import View
from chromium import FOUND, Chromium
from looking import choose, column, idle, set_control, text

pytestmark = pytest.mark.skipif(not FOUND, reason="no chromium found; set APICAL_CHROMIUM to one")


@pytest.fixture(scope="module")
def view(looked_at, other_run):
    with View([looked_at, other_run]) as served:
        yield served


@pytest.fixture(scope="module")
def chromium(view):
    with Chromium() as browser:
        browser.open(view.url.partition("?")[0])
        yield browser


def test_a_click_on_a_unit_changes_its_apical_trace(chromium, source):
    before = column(chromium, "dots-0", "apical")
    choose(chromium, source, "conv1", 30)
    after = column(chromium, "dots-0", "apical")
    assert after != before
    assert after == pytest.approx(source.read("conv1", "apical", 3, 0, 256).tolist())
    assert "unit 30 [1, 3, 2]" in text(chromium)


def test_the_slider_scrubs(chromium, source):
    set_control(chromium, "at", "value", 800)
    chromium.until("new URLSearchParams(location.search).get('at') == '800'")
    idle(chromium)
    assert column(chromium, "dots-0", "trial")[0] == 800
    assert "step 40" in text(chromium)


def test_the_raster_of_a_replay_opens(chromium):
    set_control(chromium, "tab", "active", 3)
    chromium.until("new URLSearchParams(location.search).get('tab') == 'replay'")
    idle(chromium)
    assert column(chromium, "spikes-0", "time") == [0, 1]
    assert "rate of the rate network" in text(chromium)


def test_a_link_shows_two_runs_at_the_same_place(chromium, view):
    chromium.open(f"{view.url}&unit=40&at=100&span=64&population=conv1")
    assert column(chromium, "dots-0", "apical") == column(chromium, "dots-1", "apical")
    assert column(chromium, "dots-1", "trial") == list(range(100, 164))


def test_on_a_narrow_screen_nothing_stands_out(chromium):
    chromium.resize(500, 900)
    chromium.until("document.documentElement.scrollWidth <= 500")  # or the test ends with what it waited for
    chromium.resize(1300, 1000)


def test_nothing_was_asked_of_elsewhere_and_nothing_failed(chromium, view):
    hosts = {urlsplit(url).netloc for url in chromium.requested if not url.startswith(("data:", "blob:", "about:"))}
    assert hosts == {f"127.0.0.1:{view.port}"}
    assert chromium.complaints == []
