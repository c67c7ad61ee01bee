"""Tuning: fits recover what was planted; vector measures and F1/F0 are their closed forms."""

import numpy as np
import pytest
import xarray as xr
from apical.recordings import RecordingError
from apical.recordings.analysis import curve, frequency_tuning, orientation_tuning, phase_modulation, tuning_responses
from apical.recordings.analysis.tuning import PARAMETERS
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from .signals import signal

ANGLES = np.arange(0, 180, 15.0)
DIRECTIONS = np.arange(0, 360, 22.5)


def curves(values, **axis):
    (name, along), *_ = axis.items()
    return xr.DataArray(np.asarray(values), {name: along}, (name, "unit"), name="mean", attrs={"units": "1"})


def von_mises(t, p, k, a, b):
    return b + a * np.exp(k * (np.cos(2 * np.deg2rad(t - p)) - 1))


def apart(a, b, period=180):
    return np.abs((np.asarray(a) - b + period / 2) % period - period / 2)


@settings(max_examples=40)
@given(p=st.floats(0, 179.9), k=st.floats(0.2, 8), a=st.floats(0.1, 10), b=st.floats(0, 5))
def test_a_planted_von_mises_is_recovered(p, k, a, b):
    found = orientation_tuning(curves(von_mises(ANGLES, p, k, a, b)[:, None], orientation=ANGLES))
    assert apart(found["preferred_orientation"].item(), p) < 0.05
    assert found["fit_r2"].item() > 1 - 1e-6
    top, low = von_mises(p, p, k, a, b), von_mises(p + 90, p, k, a, b)
    half = found["half_width"].item()
    assert von_mises(p + half, p, k, a, b) == pytest.approx((top + low) / 2, rel=1e-3)
    assert found["osi"].item() == pytest.approx((top - low) / (top + low), abs=2e-3)


def test_noisy_curves_are_fitted_as_by_scipy():
    random = np.random.default_rng(0)
    planted = random.uniform(20, 160, 12)
    values = np.stack([von_mises(ANGLES, p, 2.0, 3.0, 1.0) for p in planted], axis=1) + 0.2 * random.normal(
        size=(12, 12)
    )
    found = orientation_tuning(curves(values, orientation=ANGLES))
    for i, p in enumerate(planted):
        best, _ = curve_fit(von_mises, ANGLES, values[:, i], p0=(p, 2.0, 3.0, 1.0))
        assert apart(found["preferred_orientation"].values[i], best[0]) < 0.05
        error = ((von_mises(ANGLES, *best) - values[:, i]) ** 2).sum()
        assert found["fit_r2"].values[i] == pytest.approx(
            1 - error / ((values[:, i] - values[:, i].mean()) ** 2).sum(), abs=1e-6
        )


def test_circular_variance_of_closed_forms():
    """Cosine tuning 1 + m cos 2(t - p) has 1 - CV = m / 2; a unit of one angle has 1; a flat one 0."""
    cosine = 1 + 0.6 * np.cos(2 * np.deg2rad(ANGLES - 30))
    one = np.where(ANGLES == 45, 5.0, 0.0)
    found = orientation_tuning(curves(np.stack([cosine, one, np.ones(12)], axis=1), orientation=ANGLES))
    assert found["selectivity"].values == pytest.approx([0.3, 1.0, 0.0])
    assert found["vector_orientation"].values[:2] == pytest.approx([30, 45])
    assert np.isnan(found["preferred_orientation"].values[2])
    assert np.isnan(found["fit_r2"].values[2])


def test_directions_are_told_apart():
    def double(t, p):
        turns = [np.exp(3 * (np.cos(np.deg2rad(t - p - s)) - 1)) for s in (0, 180)]
        return 0.5 + 4 * turns[0] + 1 * turns[1]

    planted = np.array([10.0, 100.0, 250.0])
    found = orientation_tuning(
        curves(np.stack([double(DIRECTIONS, p) for p in planted], axis=1), orientation=DIRECTIONS)
    )
    assert apart(found["preferred_direction"].values, planted, 360).max() < 0.1
    assert apart(found["preferred_orientation"].values, planted).max() < 0.1
    top, null = double(10, 10), double(190, 10)
    assert found["dsi"].values == pytest.approx((top - null) / (top + null), abs=2e-3)
    radians = np.deg2rad(DIRECTIONS)
    rates = double(DIRECTIONS, 10)
    assert found["direction_selectivity"].values[0] == pytest.approx(
        abs((rates * np.exp(1j * radians)).sum()) / rates.sum()
    )


def test_negative_responses_have_a_preferred_orientation_but_no_index():
    found = orientation_tuning(curves(von_mises(ANGLES, 60, 2, 3, -2)[:, None], orientation=ANGLES))
    assert found["preferred_orientation"].item() == pytest.approx(60, abs=0.1)
    assert np.isnan([found["selectivity"].item(), found["osi"].item()]).all()


@settings(max_examples=30)
@given(peak=st.floats(-1.5, 1.5), width=st.floats(0.4, 1.5), a=st.floats(0.1, 9), b=st.floats(0, 3))
def test_a_planted_frequency_is_recovered(peak, width, a, b):
    shown = 2.0 ** np.linspace(-2, 2, 9)
    values = b + a * np.exp(-((np.log2(shown) - peak) ** 2) / (2 * width**2))
    found = frequency_tuning(curves(values[:, None], spatial_frequency=shown))
    assert np.log2(found["preferred_frequency"].item()) == pytest.approx(peak, abs=0.01)
    assert found["bandwidth"].item() == pytest.approx(2 * np.sqrt(2 * np.log(2)) * width, rel=0.02)


def test_phase_modulation_of_simple_and_complex_units():
    """A half-rectified sine has F1/F0 = pi / 2, a raised one 2 m / ... = m, a flat one 0."""
    phases = np.arange(0, 360, 360 / 64)
    angles = np.deg2rad(phases)
    values = np.stack([np.clip(np.cos(angles), 0, None), 1 + 0.4 * np.cos(angles - 1), np.ones(64)], axis=1)
    found = tuning_responses(signal(values, spatial_phase=phases), ["spatial_phase"])
    assert phase_modulation(found).values == pytest.approx([np.pi / 2, 0.4, 0.0], abs=2e-3)


def test_curve_is_at_the_best_of_the_others_and_the_mean_over_phases():
    grid = np.array(
        [(o, f, p) for o in (0.0, 45.0, 90.0, 135.0) for f in (1.0, 2.0) for p in (0.0, 90.0, 180.0, 270.0)]
    )
    rate = (grid[:, 0] == 45) * (1 + grid[:, 1]) * (grid[:, 2] / 90)
    found = tuning_responses(
        signal(np.stack([rate, rate[::-1]], axis=1), orientation=grid[:, 0], spatial_frequency=grid[:, 1], spatial_phase=grid[:, 2], contrast=np.ones(len(grid))),
        ["orientation", "spatial_frequency", "spatial_phase", "contrast"],
    )  # fmt: skip
    assert "contrast" not in found.dims
    made = curve(found, "orientation")
    assert made.values[:, 0].tolist() == [0, 3 * 1.5, 0, 0]
    assert curve(found, "spatial_frequency").values[:, 0].tolist() == [2 * 1.5, 3 * 1.5]


def test_diameters_are_told_apart():
    """Patches and gratings that fill the image, whose diameter is no number, are other conditions: the curve is of the better one."""
    orientation = np.tile(ANGLES, 2)
    diameter = np.repeat([np.nan, 8.0], len(ANGLES))
    values = np.concatenate([ANGLES, 3 * ANGLES])[:, None]
    found = tuning_responses(signal(values, orientation=orientation, diameter=diameter), PARAMETERS)
    assert found["diameter"].values.tolist() == [0, 8]
    assert curve(found, "orientation").values[:, 0] == pytest.approx(3 * ANGLES)
    alike = tuning_responses(signal(values, orientation=orientation, diameter=0 * diameter + np.nan), PARAMETERS)
    assert alike["mean"].dims == ("orientation", "unit")


def test_refusals():
    with pytest.raises(RecordingError, match="expected at least 4 angles, got 2"):
        orientation_tuning(curves(np.ones((2, 1)), orientation=[0.0, 90.0]))
    with pytest.raises(RecordingError, match="expected at least 4 frequencies above 0"):
        frequency_tuning(curves(np.ones((4, 1)), spatial_frequency=[0.0, 1.0, 2.0, 3.0]))
