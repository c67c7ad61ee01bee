"""The figure of one trial, drawn from tables alone."""

import numpy as np
import pytest
import xarray as xr
from apical.protocols.replay.trial import one_trial, shown_tables

UNITS, TIME, SPIKES = 5, 50, [3, 7, 0]
ATTRIBUTES = {
    "rest_basal_mV": -70.0, "rest_apical_mV": -70.0, "settle_ms": 10.0, "apical_slope": 0.5,
    "calibration": {"basal_gain": 20.0, "apical_gain": 10.0, "post_rate": 50.0},
}  # fmt: skip


def made(gamma=(1.0, 0.0, -1.0), soma=True):
    """Three trials: one that changes weights, one with more spikes that does not, and a silent one."""
    trials, total = len(SPIKES), sum(SPIKES)
    reading = {name: (("trial", "unit"), np.full((trials, UNITS), value)) for name, value in (("basal", 0.5), ("rate", 0.4), ("prediction", 0.2))}  # fmt: skip
    potential = {"V_basal": -70 + 20 * 0.5, "V_apical": -70 + 10 * 0.5 * 0.2} | ({"V_soma": -55.0} if soma else {})
    tables = {
        "trials": xr.Dataset(
            {n: (("trial", "unit", "time"), np.full((trials, UNITS, TIME), v)) for n, v in potential.items()}
            | {"output_rate": (("trial", "unit"), np.full((trials, UNITS), 20.0))}
            | {"spike_count": ("trial", SPIKES), "spike_offset": ("trial", np.cumsum([0, *SPIKES[:-1]]))},
            {"time": np.arange(TIME)},
        ),
        "spikes": xr.Dataset({"spike_time": ("spike", np.arange(total) * 4.0), "spike_unit": ("spike", np.arange(total) % UNITS)}),
        "circuit": xr.Dataset(
            {**reading, "gamma": ("trial", list(gamma)), "score": ("trial", [1.0, 2.0, 3.0]), "phase": ("trial", [0, 1, 1]), "label": ("trial", [4, 5, -1])}
        ),
    }  # fmt: skip
    tree = xr.DataTree.from_dict(tables)
    tree.attrs = ATTRIBUTES
    return tree


def test_the_trial_shown_changes_weights():
    assert shown_tables(made())[3] == 0
    assert shown_tables(made(gamma=(0.0, 0.0, 0.0)))[3] == 1
    assert shown_tables(made(gamma=(0.0, 1.0, 0.0)))[3] == 1


def test_spikes_and_readings_are_those_of_the_trial():
    figure = one_trial(*shown_tables(made()))
    raster, *readings = figure.axes[:4]
    np.testing.assert_array_equal(raster.lines[0].get_xdata(), [0, 4, 8])
    np.testing.assert_array_equal(raster.lines[0].get_ydata(), [0, 1, 2])
    assert raster.get_title() == "trial 0, fixation, label 4, u +1.00, γ +1.00"
    for axes, value in zip(readings, (0.5, 0.4, 0.2), strict=True):
        rates, spiking = axes.lines[1:]
        np.testing.assert_allclose(rates.get_xdata(), value)
        np.testing.assert_allclose(spiking.get_xdata(), value)  # these spiking neurons are the rate network's


def test_potentials_stand_beside_what_the_rate_network_says():
    figure = one_trial(*shown_tables(made()))
    soma = figure.axes[4]
    assert [line.get_label() for line in soma.lines if not line.get_label().startswith("_")] == ["V_soma", "V_basal"]
    dashed = [line.get_ydata()[0] for line in soma.lines if line.get_linestyle() == "--"]
    assert dashed == [pytest.approx(-60.0)]


def test_below_level_2_there_is_no_soma():
    figure = one_trial(*shown_tables(made(soma=False)))
    labels = {line.get_label() for axes in figure.axes for line in axes.lines}
    assert "V_soma" not in labels
    assert {"V_basal", "V_apical"} <= labels
