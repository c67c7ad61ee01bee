"""An address says what is shown, and what of it cannot be read is told."""

from dataclasses import fields, replace
from urllib.parse import parse_qs

from apical.recordings.view.links import Shown, read_link

ALL = Shown(
    run="a b", beside="c&d", recording="gratings", population="conv3", unit=41, at=300, span=1024, trial=310, tab="replay",
    result="analysis-tuning/curve", replay="conv3-dfb", window=7, colour="mean",
)  # fmt: skip


def test_opening_it_shows_the_same():
    assert all(getattr(ALL, field.name) != getattr(Shown(), field.name) for field in fields(Shown))
    assert read_link(parse_qs(ALL.query)) == (ALL, [])


def test_what_is_usual_is_left_out():
    assert Shown().query == ""
    assert replace(Shown(), unit=3).query == "unit=3"


def test_what_cannot_be_read_is_told():
    shown, notes = read_link({"unit": [b"x"], "tab": [b"nowhere"], "span": [b"3"], "colour": [b"mean"], "more": [b"1"]})
    assert shown == Shown(colour="mean")
    assert len(notes) == 4
    assert any("tab: expected one of trials, training, results, replay, got 'nowhere'" in note for note in notes)
