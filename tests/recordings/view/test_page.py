"""What the page shows follows what is chosen; without a browser."""

import sys

import numpy as np
import pytest
from apical.recordings import RecordingError
from apical.recordings.view import server
from apical.recordings.view.links import Shown
from apical.recordings.view.page import Page
from bokeh.document import Document


@pytest.fixture
def page_of(catalogue):
    def make(**shown):
        return Page(Document(), catalogue, Shown(**shown), [])

    return make


def dots(page, name, side=0):
    return np.asarray(page.sides[side].traces.dots.data[name])


def test_it_opens_on_the_first_of_everything(page_of):
    page = page_of()
    assert (page.shown.run, page.shown.recording, page.shown.population, page.shown.unit) == (
        "first",
        "training",
        "conv1",
        1,
    )
    assert page.message == ""
    assert page.address.value == page.shown.query


def test_a_unit_changes_its_traces(page_of):
    page = page_of()
    before = dots(page, "apical")
    page._choose(30)
    assert dots(page, "apical")[0] == pytest.approx(-30)
    assert not np.array_equal(before, dots(page, "apical"))
    assert "unit=30" in page.address.value
    assert "unit 30 [1, 3, 2]" in page.sides[0].head


def test_a_click_finds_the_nearest_unit(page_of):
    side = page_of().sides[0]
    x, y = side.map._x, side.map._y
    assert [side.map.at(x[i] + 0.3, y[i] - 0.3) for i in range(5)] == list(range(5))


def test_scrubbing_moves_the_window_and_the_training(page_of):
    page = page_of(tab="trials", span=64)
    page.update({"at": 700})
    np.testing.assert_array_equal(dots(page, "trial"), np.arange(700, 764))
    assert "step 35" in page.at.title
    page.update({"tab": "training"})
    assert page.sides[0].learning.at.location == 35
    assert "at step 35" in page.sides[0].learning._histograms.title.text


def test_many_trials_are_drawn_by_their_extremes(page_of):
    page = page_of(span=4096)
    assert len(dots(page, "trial")) == 1200
    traces = page.sides[0].traces
    traces.show(0, 5000, dict.fromkeys(traces.figures, np.arange(5000.0)), {})
    assert len(dots(page, "trial")) == 0
    assert max(traces.bars.data["apical_high"]) == 4999


def test_borders_of_steps_are_drawn(page_of):
    page = page_of(span=64)
    assert page.sides[0].traces.borders.data["x"].tolist() == [19.5, 39.5, 59.5]


def test_a_trial_shows_its_stimulus(page_of):
    page = page_of()
    page._go(10, False)
    assert page.sides[0].image.visible
    assert page.sides[0].image.title.text == "stimulus 3"
    assert "saccade" in page.sides[0].seen.text or "fixation" in page.sides[0].seen.text


def test_a_replay_is_shown_with_its_potentials(page_of):
    page = page_of(tab="replay", unit=6, window=2)
    replays = page.sides[0].replays
    assert list(replays.spikes.data["time"]) == [2, 3, 4]
    assert [figure.title.text for figure in replays.potentials.children] == [
        "potential of the soma",
        "potential of the apical dendrite",
    ]
    assert "rate of the rate network" in replays.table.text
    np.testing.assert_array_equal(replays._lines.data["V_soma"], np.arange(350, 400))


def test_results_colour_the_map_and_are_drawn(page_of):
    page = page_of(tab="results", result="analysis-tuning/curve", colour="analysis-tuning/selectivity", unit=30)
    side = page.sides[0]
    assert side.map.marks.data["value"].tolist() == [0.01, 0.05, 0.06, 0.3, 0.4]
    assert len(set(side.map.marks.data["fill"])) == 5
    assert "mean rate" in side.results.children[0].children[0].text


def test_two_runs_move_together(page_of):
    page = page_of(beside="second")
    page._choose(40)
    assert dots(page, "apical", 0)[0] == dots(page, "apical", 1)[0] == pytest.approx(-40)
    page.update({"population": "conv2", "unit": 9})
    assert "second has no population conv2" in page.sides[1].note
    page.update({"beside": ""})
    assert not page.sides[1].column.visible


def test_a_unit_that_was_not_recorded_is_said(page_of):
    page = page_of(unit=31)
    assert "unit 31 of conv1 was not recorded" in page.sides[0].note
    assert np.isnan(dots(page, "apical")).all()
    assert not np.isnan(dots(page, "score")).any()


def test_an_address_of_what_is_not_there_is_said(page_of):
    page = page_of(run="third", population="conv9", replay="second", result="none/such")
    for word in ("third", "conv9", "second", "none/such"):
        assert repr(word).strip("'") in page.message


def test_the_whole_recording_is_read_in_turns(page_of):
    page = page_of(population="conv1")
    while page.sides[0].refine():
        pass
    assert len(page.sides[0].overview.source.data["mean"]) == 240
    assert "evenly" not in page.sides[0].overview.figure.title.text


def test_a_missing_bokeh_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "bokeh.server.tornado", None)
    with pytest.raises(RecordingError, match=r"pip install 'apical\[view\]'"):
        server.need_bokeh()


def test_both_runs_are_drawn_on_one_axis(page_of):
    page = page_of(beside="second", at=500, span=64)
    (start,) = {side.traces.trials.start for side in page.sides}
    (end,) = {side.traces.trials.end for side in page.sides}
    assert (start, end) == (499.5, 563.5)
    page.sides[1].traces.stop = 510
    page.update({})
    assert page.sides[1].traces.trials.end == 563.5
