"""Presets against their sources: NEST's traces and weights, a sigmoid, counted bursts, signs of change."""

import json
from pathlib import Path

import numpy as np
import pytest
from apical.models.spiking.cells import CELLS, SYNAPSES, drive
from apical.models.spiking.cells.clopath import kicks

pytest.importorskip("brian2", reason="the bridge needs brian2")
REFERENCE = Path(__file__).resolve().parents[4] / "protocols" / "cells" / "nest"


def test_dendritic_prediction_is_that_of_nest():
    """V and every weight of NEST's urbanczik_synapse within 5 %, given its somatic spikes."""
    nest = json.loads((REFERENCE / "urbanczik.json").read_text())
    period, duration = nest["period_ms"], nest["duration_ms"]
    pre = [
        np.concatenate([np.array(p) + k * period for k in range(round(duration / period))]) for p in nest["pattern_ms"]
    ]
    found = drive(
        CELLS["urbanczik-senn"], SYNAPSES["urbanczik-senn"], duration=duration, pre=[p[p < duration - 0.05] for p in pre],
        post=[nest["somatic_spikes_ms"]], weights=nest["initial_weight_pA"], weight_every=1.0,
    )  # fmt: skip
    rest, expected = -70.0, np.array(nest["dendritic_potential_mV"])
    potential = np.interp(nest["time_ms"], found.time, found.potentials["apical"][0])
    assert np.linalg.norm(potential - expected) < 0.05 * np.linalg.norm(expected - rest)
    at = np.rint(nest["last_spike_ms"]).astype(int)
    change = found.weight_course[0, np.arange(len(at)), at] - nest["initial_weight_pA"]
    wanted = np.array(nest["last_weight_pA"]) - nest["initial_weight_pA"]
    assert np.linalg.norm(change - wanted) < 0.05 * np.linalg.norm(wanted)
    assert np.abs(wanted).max() > 20


def test_voltage_rule_is_that_of_nest():
    """Change of weight in percent, as NEST's example scales it, against the frequency of the pairs."""
    nest = json.loads((REFERENCE / "clopath.json").read_text())
    shown = [k for k, rate in enumerate(nest["rate_Hz"]) if rate >= 20]
    duration = 350.0
    found = drive(
        CELLS["clopath"], SYNAPSES["clopath"], cells=len(shown), duration=duration, wiring="one", weights=nest["initial_weight"],
        pre=[np.array(nest["pre_ms"][k]) + 0.1 for k in shown], step=0.1, weight_every=1.0,
        inputs={"I_s": np.array([kicks([t + 0.1 for t in nest["post_ms"][k]], duration) for k in shown])},
    )  # fmt: skip
    percent = lambda w: 100 * 15 * (w - nest["initial_weight"]) / nest["initial_weight"]  # noqa: E731
    for n, k in enumerate(shown):
        assert found.counts[n] == len(nest["post_ms"][k])
        measured = found.weight_course[n, int(nest["pre_ms"][k][-1]) + 2]
        assert percent(measured) == pytest.approx(percent(nest["last_weight"][k]), abs=2), nest["rate_Hz"][k]


def bursts_and_events(times):
    short = np.diff(times) < 16.0
    second = short & ~np.concatenate(([False], short[:-1]))
    return second.sum(), 1 + (~short).sum()


def test_burst_probability_is_the_sigmoid_of_the_dendritic_current():
    current, cells = np.array([-200.0, 300.0, 500.0, 800.0]), 40
    found = drive(
        CELLS["burst-poisson"],
        cells=4 * cells,
        duration=2000.0,
        every=100.0,
        inputs={"I_s": 600.0, "I_t": np.repeat(current, cells)},
    )
    counted = np.array([bursts_and_events(times) for times in found.spikes]).reshape(4, cells, 2).sum(1)
    potential = -70 + current / (24.285714 + 13)  # a constant current meets leak and slow outward current
    expected = 1 / (1 + np.exp(-(potential + 57) / 6))
    np.testing.assert_allclose(counted[:, 0] / counted[:, 1], expected, rtol=0, atol=0.05)
    # the dendrite does not change how often events come
    assert counted[:, 1].max() < 1.1 * counted[:, 1].min()


def test_burst_dependent_change_is_the_sum_over_events_and_bursts():
    """Counted by hand: -Pbar x at an event, +x at the second spike of a burst, nothing at a third."""
    pre, post = 50.0, [100.0, 110.0, 118.0, 200.0, 300.0]
    found = drive(
        CELLS["burst-poisson"], SYNAPSES["burst-dependent"], duration=400.0, pre=[[pre]], post=[post], weight_every=10.0
    )
    x = np.exp(-(np.array(post) - pre) / 100)
    events, bursts, last, expected = 20.0, 4.0, 0.0, 0.0
    for time, trace, kind in zip(post, x, "ebnee", strict=True):
        fade = np.exp(-(time - last) / 4000)
        events, bursts, last = events * fade, bursts * fade, time
        expected += 0.1 * trace * {"e": -bursts / events, "b": 1.0, "n": 0.0}[kind]
        events, bursts = events + (kind == "e"), bursts + (kind == "b")
    assert found.weights[0, 0] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("current", "sign"), [(900.0, 1), (-300.0, -1)])
def test_burst_dependent_change_follows_the_dendrite(current, sign):
    """A tuft that is raised above what it was potentiates, one that is lowered depresses."""
    course = np.concatenate([np.full((60, 1), 300.0), np.full((60, 1), current)], 1)
    found = drive(
        CELLS["burst-poisson"], SYNAPSES["burst-dependent"], cells=60, duration=1600.0, rates=[20.0] * 10, weight_every=800.0,
        inputs={"I_s": 600.0, "I_t": course}, step=800.0, every=100.0,
    )  # fmt: skip
    mean = found.weight_course.mean((0, 1))
    assert found.weight_time[1] == 800
    assert sign * (found.weights.mean() - mean[1]) > 0.1
