"""Figures of analyses: what stands in them is what the datasets hold."""

import numpy as np
import pytest
import xarray as xr
from apical.recordings import RecordingError
from apical.recordings.analysis.figures import distributions, fields, lines, matrices, spectra, spiking, tuned
from apical.recordings.analysis.figures.axes import wrapped
from apical.recordings.analysis.figures.populations import best_of


def of_units(**values):
    """Two populations of four units, two channels each."""
    coords = {
        "population": ("unit", np.repeat(["conv1", "conv2"], 4)), "unit_id": ("unit", np.arange(8)),
        "channel": ("unit", np.arange(8) // 2 % 2), "row": ("unit", np.zeros(8, int)), "col": ("unit", np.zeros(8, int)),
    }  # fmt: skip
    told = {"units": "1", "long_name": "measure", "symbol": "m"}
    return xr.Dataset({name: (dims, np.asarray(v), told) for name, (dims, v) in values.items()}, coords)


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_boxes_of_populations_and_a_dash_where_nothing_is_known():
    values = np.r_[np.full(4, np.nan), 1, 2, 3, 4]
    figure = distributions(of_units(d=("unit", values)), ["d", "absent"], levels={"d": 0})
    (axes,) = [axes for axes in figure.axes if axes.get_visible()]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["conv1", "conv2"]
    assert axes.get_ylabel() == "measure m"
    assert texts(figure) == ["–"]
    with pytest.raises(RecordingError, match="expected a number for some unit"):
        distributions(of_units(d=("unit", np.full(8, np.nan))), ["d"])


def test_matrices_hold_their_numbers_and_no_minus_zero():
    matrix = xr.DataArray([[1.0, -0.001], [-0.25, np.nan]], {"a": ["x", "y"], "b": ["x", "y"]}, ("a", "b"), attrs={"long_name": "r"})  # fmt: skip
    figure = matrices([("one", matrix)], axes_named=("rows", "columns"))
    assert texts(figure) == ["1.00", "0.00", "−0.25"]
    large = xr.DataArray(np.eye(20), dims=("a", "b"), coords={"a": np.arange(20), "b": np.arange(20)})
    assert texts(matrices([("large", large)])) == []


def test_a_line_per_population():
    dataset = xr.Dataset(coords={"step": ("window", [0.0, 10.0], {"long_name": "training step", "units": "1"})})
    values = xr.DataArray([[1.0, 2.0], [3.0, np.nan]], {"population": ["conv1", "conv2"]}, ("population", "window"), attrs={"long_name": "gates"})  # fmt: skip
    figure = lines(dataset, [("fixation", values)])
    axes = figure.axes[0]
    assert [line.get_label() for line in axes.lines] == ["conv1", "conv2"]
    assert axes.lines[0].get_ydata().tolist() == [1, 2]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("training step", "gates", "fixation")


def test_spectra_end_at_1():
    spectrum = np.array([[0.5, 0.3, 0.2], [0.9, 0.1, np.nan]])
    dataset = xr.Dataset(
        {"participation_ratio": ("population", [2.0, 1.2]), "entropy_rank": ("population", [2.5, 1.3]), "spectrum": (("population", "rank"), spectrum)},
        {"population": ["conv1", "conv2"]},
    )  # fmt: skip
    right = spectra(dataset).axes[1]
    assert [line.get_ydata()[-1] for line in right.lines] == pytest.approx([1, 1])


def test_units_of_other_channels_come_first():
    dataset = of_units(d=("unit", np.zeros(8)))
    score = np.array([3.0, 9.0, np.nan, 1.0])
    assert best_of(dataset, np.arange(4), score, 4) == [1, 3, 0]
    assert best_of(dataset, np.arange(4, 8), score, 2) == [5, 7]


def test_fields_of_units_that_have_one():
    kernel = np.zeros((8, 9, 9))
    kernel[:, 4, 4] = np.arange(8)
    found = of_units(
        kernel=(("unit", "y", "x"), kernel), p=("unit", np.r_[0.5, np.full(7, 0.001)]), centre_x=("unit", np.full(8, 4.0)),
        centre_y=("unit", np.full(8, 4.0)), diameter=("unit", np.ones(8)), peak_z=("unit", np.arange(8.0)),
    )  # fmt: skip
    figure = fields(found, units=2)
    assert [axes.get_ylabel() for axes in figure.axes if "p <" in axes.get_ylabel()] == [
        "conv1\n3 of 4 units\nwith p < 0.01", "conv2\n4 of 4 units\nwith p < 0.01"
    ]  # fmt: skip
    assert [axes.get_title() for axes in figure.axes[:2]] == ["3 (1, 0, 0)", "1 (0, 0, 0)"]
    unknown = fields(found.assign(p=("unit", np.full(8, np.nan))), units=2)
    assert "answer some place" in unknown.axes[0].get_ylabel()


def test_tuned_shows_points_fit_and_preferred_orientation():
    angles, fine = np.arange(0, 180, 45.0), np.linspace(0, 180, 181)
    found = of_units(
        curve=(("orientation", "unit"), np.tile([[1.0], [2.0], [1.0], [0.0]], 8)), fitted=(("angle", "unit"), np.ones((181, 8))),
        preferred_orientation=("unit", np.full(8, 45.0)), selectivity=("unit", np.linspace(0.1, 0.8, 8)), fit_r2=("unit", np.ones(8)),
        amplitude=("unit", np.ones(8)), phase_modulation=("unit", np.full(8, 5.0)),
    ).assign_coords(orientation=angles, angle=fine)  # fmt: skip
    figure = tuned(found, units=2)
    first = figure.axes[0]
    assert first.lines[0].get_ydata().tolist() == [1, 2, 1, 0]
    assert first.lines[2].get_xdata()[0] == 45
    assert [axes.get_title() for axes in figure.axes[:2]] == ["3 (1, 0, 0)", "1 (0, 0, 0)"]
    assert sum(patch.get_height() for patch in figure.axes[4].patches) == 4  # F1/F0 beyond 2 is counted at 2


def test_spiking_draws_a_silent_replay_too():
    lag = np.arange(-4.0, 5, 2)
    values = {name: ("unit", np.full(3, np.nan)) for name in ("cv", "cv2", "lv", "fano")}
    curves = {name: ("lag", np.zeros(5)) for name in ("autocorrelogram", "crosscorrelogram", "shuffled")}
    figure = spiking(xr.Dataset({**values, **curves, "firing_rate": ("unit", np.zeros(3))}, {"lag": lag}))
    assert len(figure.axes) == 4


def test_a_formula_stays_together():
    assert (
        wrapped("relative prediction error ‖e\u00a0−\u00a0a‖/‖a‖", 20)
        == "relative prediction\nerror ‖e\u00a0−\u00a0a‖/‖a‖"
    )
