"""Every figure: it shows the recorded numbers, and its words neither overlap nor leave the page."""

import itertools

import numpy as np
import pytest
import xarray as xr
from apical.recordings import RecordingError
from apical.recordings import open as open_recording
from apical.recordings.figures import tables_of
from apical.recordings.plot_dendrites import potentials, traces
from apical.recordings.plot_factors import gates, scores, separation
from apical.recordings.plot_learning import changes, learning
from apical.recordings.plot_style import FIXATION, SACCADE
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.text import Text

SCORES = arrays(np.float64, st.integers(1, 20), elements=st.integers(-3, 3).map(float))


def words(figure):
    """Bounding boxes of titles, labels and legend entries, once drawn."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    axes = [panel for panel in figure.axes if panel.get_visible()]
    ticks = {text for panel in axes for axis in (panel.xaxis, panel.yaxis) for text in _tick_texts(axis)}
    hidden = {text for panel in figure.axes if not panel.get_visible() for text in panel.findobj(Text)}
    kept = [text for text in texts if text not in ticks and text not in hidden]
    return {f"{index} {text.get_text()}": text.get_window_extent() for index, text in enumerate(kept)}


def _tick_texts(axis):
    return [text for tick in [*axis.majorTicks, *axis.minorTicks] for text in (tick.label1, tick.label2)]


def check_words(figure):
    """No word on another word, none off the page."""
    boxes = words(figure)
    width, height = figure.canvas.get_width_height()
    for name, box in boxes.items():
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1, name
    for (a, box), (b, other) in itertools.combinations(boxes.items(), 2):
        assert not box.padded(-1).overlaps(other.padded(-1)), (a, b)


@pytest.fixture(scope="module")
def deep_run(make_run, tmp_path_factory):
    """The recording of nine populations with two apical dendrites."""
    names = [f"conv{index}" for index in range(1, 10)]
    return open_recording(make_run(tmp_path_factory.mktemp("deep"), names, further=["feedback"], trials=60, steps=30))


@pytest.mark.parametrize(
    ("draw", "suffix"),
    [(gates, ""), (scores, "_feedback"), (potentials, "")]
    + [
        pytest.param(*other, marks=pytest.mark.slow)
        for other in ((gates, "_feedback"), (scores, ""), (potentials, "_feedback"))
    ],
)
def test_words_of_small_multiples_are_readable(deep_run, draw, suffix):
    check_words(draw(tables_of(deep_run, "activity" if draw is potentials else "updates"), suffix=suffix))


@pytest.mark.parametrize("draw", [gates, scores, potentials, changes])
def test_words_of_a_single_population_are_readable(recorded_run, draw):
    tables = tables_of(recorded_run, "activity" if draw is potentials else "updates")
    check_words(draw({"conv1": tables["conv1"]}))


def test_words_of_the_other_figures_are_readable(deep_run):
    check_words(traces(deep_run["activity/conv3"].to_dataset()))
    check_words(learning(deep_run["metrics"].to_dataset()))
    check_words(changes(tables_of(deep_run, "updates")))


def test_traces_show_the_chosen_units_of_the_last_trials(recorded_run):
    activity = recorded_run["activity/conv1"].to_dataset()
    figure = traces(activity, units=[4, 0], trials=10)
    for panel, name in zip(figure.axes, ("basal", "rate", "apical"), strict=False):
        for line, unit in zip(panel.lines, (4, 0), strict=True):
            np.testing.assert_array_equal(line.get_ydata(), activity[name].values[-10:, unit])
            np.testing.assert_array_equal(line.get_xdata(), np.arange(70, 80))
    assert len(figure.axes) == 4
    saccade = activity["phase"].values[-10:] == 1
    shaded = [patch.get_x() for patch in figure.axes[0].patches]
    widths = sum(patch.get_width() for patch in figure.axes[0].patches)
    assert widths == saccade.sum()
    assert min(shaded) == 70 + np.flatnonzero(saccade)[0] - 0.5


def test_traces_choose_the_most_variable_units(recorded_run):
    activity = recorded_run["activity/conv1"].to_dataset().compute()
    activity["rate"] = activity["rate"] * np.array([1, 9, 1, 1, 8, 1], "f4")
    lines = traces(activity, units=2).axes[1].lines
    assert [line.get_label().split("\n")[0] for line in lines] == ["unit 1", "unit 4"]


@pytest.mark.parametrize("units", [[6], [-1], [], list(range(8))])
def test_traces_of_units_that_are_not_there_are_refused(recorded_run, units):
    with pytest.raises(RecordingError, match=r"^activity/conv1\.units: expected 1 to 7 positions from 0 to 5"):
        traces(recorded_run["activity/conv1"].to_dataset(), units=units)


def test_potentials_state_the_correlation(recorded_run):
    activity = recorded_run["activity/conv1"].to_dataset().compute()
    activity["apical"] = 0.5 * activity["basal"] + activity["apical"].where(activity["phase"] == 1, 0)
    figure = potentials({"conv1": activity})
    r = np.corrcoef(activity["basal"].values.ravel(), activity["apical"].values.ravel())[0, 1]
    title = figure.axes[0].get_title()
    assert title.startswith(f"conv1: r = {r:.2f}\nfixation 1.00, saccade 0.")
    assert figure.axes[0].collections[0].get_array().sum() == activity["basal"].size


def test_gates_show_both_phases(recorded_run):
    figure = gates(tables_of(recorded_run, "updates"))
    gate = recorded_run["updates/conv2/gate_saccade"].values
    lines = [line for line in figure.axes[1].lines if line.get_label() == "saccade"]
    assert len(lines) == 1
    np.testing.assert_allclose(lines[0].get_ydata(), gate, rtol=1e-6)
    assert to_hex(lines[0].get_color()).upper() == SACCADE != FIXATION


def test_scores_compare_early_with_late(recorded_run):
    updates = tables_of(recorded_run, "updates")
    figure = scores(updates, share=0.25)
    parts = {name: updates["conv2"][f"score_{name}"].values[-15:].ravel() for name in ("fixation", "saccade")}
    said = f"P(fixation > saccade) = {separation(parts['fixation'], parts['saccade']):.2f}"
    assert said in [text.get_text() for text in figure.axes[3].texts]
    assert figure.axes[0].get_title() == "first 25% of the steps"


@given(SCORES, SCORES)
def test_separation_is_the_share_of_ordered_pairs(fixation, saccade):
    difference = fixation[:, None] - saccade
    assert separation(fixation, saccade) == pytest.approx((difference > 0).mean() + (difference == 0).mean() / 2)


def test_learning_shows_every_population(recorded_run):
    metrics = recorded_run["metrics"].to_dataset()
    lines = [line for line in learning(metrics).axes[0].lines if not line.get_label().startswith("_")]
    assert [line.get_label() for line in lines] == ["conv1", "conv2"]
    np.testing.assert_allclose(lines[1].get_ydata(), metrics["loss"].values[:, 1], rtol=1e-6)


def test_changes_without_apical_dendrites_show_the_basal_ones(make_run, tmp_path):
    recording = open_recording(make_run(tmp_path, apical=False))
    assert len(changes(tables_of(recording, "updates")).axes) == 1
    with pytest.raises(RecordingError, match=r"updates/conv1\.gate_fixation: expected this variable"):
        gates(tables_of(recording, "updates"))


def test_a_population_without_the_second_dendrite_has_no_panel(make_run, tmp_path):
    updates = tables_of(open_recording(make_run(tmp_path, further=["feedback"])), "updates")
    updates["conv2"] = updates["conv2"].drop_vars("gate_saccade_feedback")
    assert [panel.get_title() for panel in gates(updates, suffix="_feedback").axes if panel.get_visible()] == ["conv1"]


@pytest.mark.parametrize("value", [np.nan, pytest.param(np.inf, marks=pytest.mark.slow), 0.0])
def test_a_run_without_a_single_good_number_is_still_drawn(make_run, tmp_path, value):
    recording = open_recording(make_run(tmp_path, further=["feedback"]))
    activity, updates, metrics = (
        {
            name: table.assign({key: xr.full_like(array, value).compute() for key, array in table.data_vars.items()})
            for name, table in tables.items()
        }
        for tables in (
            *(tables_of(recording, k) for k in ("activity", "updates")),
            {"": recording["metrics"].to_dataset()},
        )
    )
    drawn = (traces(activity["conv1"]), gates(updates), scores(updates), changes(updates), learning(metrics[""]))
    for figure in drawn:
        FigureCanvasAgg(figure).draw()
    if value == 0:
        assert "r = –" in potentials(activity).axes[0].get_title()
    else:
        with pytest.raises(RecordingError, match="expected finite potentials"):
            potentials(activity)
