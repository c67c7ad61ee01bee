"""The plan of the rooms: no circles, and experiments that stand side by side."""

import pytest
from floors import ROOT, Plan, plan

EXPERIMENTS = {
    "verify",
    "train",
    "probe",
    "align",
    "analyse",
    "lesion",
    "record",
    "replay",
    "theory",
    "bench",
    "spike",
    "cells",
    "export",
    "view",
}
# these run experiments or lay out what they found: one floor above
ABOVE = {
    "new", "sweep", "compare", "demo", "inspect", "documents", "needs_table", "views", "calls", "command", "__main__",
}  # fmt: skip


@pytest.mark.parametrize("room", ["plasticity", "models", "recordings", "protocols"])
def test_no_room_has_a_circle(room):
    assert plan(room).circle == []


def test_experiments_import_no_sibling():
    arrows = plan("protocols").arrows
    assert arrows.keys() >= EXPERIMENTS
    assert {
        box: sorted(arrows[box] & (EXPERIMENTS | ABOVE)) for box in EXPERIMENTS if arrows[box] & (EXPERIMENTS | ABOVE)
    } == {}


def test_nothing_below_knows_an_experiment():
    arrows = plan("protocols").arrows
    assert {box for box, below in arrows.items() if below & EXPERIMENTS} <= ABOVE


def test_circles_and_floors_are_counted():
    assert Plan({"a": {"b"}, "b": {"c"}, "c": set()}).floors == 3
    round_trip = Plan({"a": {"b"}, "b": {"a"}})
    assert set(round_trip.circle) == {"a", "b"}
    assert round_trip.floors == -1


def test_every_box_is_on_disk():
    for room in ("models", "protocols"):
        assert all((ROOT / room / box).is_dir() or (ROOT / room / f"{box}.py").is_file() for box in plan(room).arrows)
