"""Each preset run as its source ran it."""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.spiking import BAC, LINEAR
from ...models.spiking.cells import CELLS, SYNAPSES, Measured, drive, measure
from ...models.spiking.cells.clopath import kicks
from .row import Row

Array = NDArray[np.float64]
SCALED = 15.0  # by which NEST's example multiplies the relative change, as the paper's figure repeats its pairs


@dataclass(frozen=True, slots=True)
class Shown:
    """Rows of one part and what its figure draws."""

    rows: list[Row]
    drawn: dict[str, Any]


def calibration(seed: int) -> Shown:
    """f-I curves by simulation; the linear cell against its closed form."""
    found: dict[str, Measured] = {name: measure(CELLS[name], seed=seed) for name in ("linear", "bac")}
    found["burst-poisson"] = measure(CELLS["burst-poisson"], top=40.0, seed=seed)
    linear, calcium = found["linear"], found["bac"]
    rows = [
        Row(part="calibration", quantity="gain of linear relative to its closed form", found=linear.gain / LINEAR.gain, expected=1, at_most=0.03),
        Row(part="calibration", quantity="rheobase of linear beyond its holding current (pA)", found=linear.rheobase,
            expected=LINEAR.rheobase - LINEAR.holding, at_most=10),
        Row(part="calibration", quantity="distance of linear from relu, 0 to 100 Hz (Hz)", found=linear.distance, at_most=1.5),
        Row(part="calibration", quantity="apical gain of linear relative to its closed form", found=linear.apical_gain * LINEAR.apical_leak,
            expected=1, at_most=0.01),
        Row(part="calibration", quantity="gain of bac relative to the closed form without calcium spikes", found=calcium.gain / BAC.gain),
        Row(part="calibration", quantity="gain of burst-poisson (Hz per pA, up to 40 Hz)", found=found["burst-poisson"].gain),
    ]  # fmt: skip
    return Shown(rows, {"measured": found})


def dendritic_prediction(seed: int) -> Shown:
    """NEST's urbanczik_synapse with NEST's own somatic spikes: dendritic potential and every change of weight."""
    nest = numbers("urbanczik")
    period, duration, first = nest["period_ms"], nest["duration_ms"], nest["initial_weight_pA"]
    repeated = [
        np.concatenate([np.array(p) + k * period for k in range(round(duration / period))]) for p in nest["pattern_ms"]
    ]
    found = drive(
        CELLS["urbanczik-senn"], SYNAPSES["urbanczik-senn"], duration=duration, pre=[p[p < duration - 0.05] for p in repeated],
        post=[nest["somatic_spikes_ms"]], weights=first, weight_every=1.0, seed=seed,
    )  # fmt: skip
    assert found.weight_course is not None
    time, expected = np.array(nest["time_ms"]), np.array(nest["dendritic_potential_mV"])
    potential = np.interp(time, found.time, found.potentials["apical"][0])
    at = np.rint(nest["last_spike_ms"]).astype(int)
    change = found.weight_course[0, np.arange(len(at)), at] - first
    wanted = np.array(nest["last_weight_pA"]) - first
    rows = [
        Row(part="urbanczik-senn", quantity="distance of V from NEST, relative to V - E_L", found=_distance(potential, expected, -70.0),
            at_most=0.05),
        Row(part="urbanczik-senn", quantity="distance of all dw from NEST, relative", found=_distance(change, wanted, 0.0), at_most=0.05),
    ]  # fmt: skip
    return Shown(rows, {"time": time, "V": potential, "V_nest": expected, "dw": change, "dw_nest": wanted})


def burst_probability(seed: int) -> Shown:
    """The share of events that become bursts against the dendritic current, and the sign of the change where it jumps."""
    current, cells = np.linspace(-400.0, 1200.0, 17), 40
    found = drive(
        CELLS["burst-poisson"], cells=len(current) * cells, duration=3000.0, every=100.0, seed=seed,
        inputs={"I_s": 600.0, "I_t": np.repeat(current, cells)},
    )  # fmt: skip
    counted = np.array([bursts_and_events(times) for times in found.spikes]).reshape(len(current), cells, 2).sum(1)
    share = counted[:, 0] / counted[:, 1]
    expected = 1 / (1 + np.exp(-(-70 + current / (24.285714 + 13) + 57) / 6))
    steps, courses = (-300.0, 300.0, 900.0), []
    for step in steps:
        course = np.concatenate([np.full((cells, 1), 300.0), np.full((cells, 1), step)], 1)
        seen = drive(
            CELLS["burst-poisson"], SYNAPSES["burst-dependent"], cells=cells, duration=4000.0, rates=[20.0] * 10, weight_every=100.0,
            inputs={"I_s": 600.0, "I_t": course}, step=2000.0, every=100.0, seed=seed,
        )  # fmt: skip
        assert seen.weight_course is not None
        assert seen.weight_time is not None
        courses.append(seen.weight_course.mean((0, 1)))
    half = len(courses[0]) // 2
    moved = [float(course[-1] - course[half]) for course in courses]
    rows = [
        Row(part="burst-dependent", quantity="distance of the burst probability from the sigmoid", found=float(np.abs(share - expected).max()),
            at_most=0.05),
        Row(part="burst-dependent", quantity="event rate over all dendritic currents, largest relative to smallest",
            found=float(counted[:, 1].max() / counted[:, 1].min()), expected=1, at_most=0.1),
        Row(part="burst-dependent", quantity="sign of dw, dendrite raised by 600 pA", found=float(np.sign(moved[2])), expected=1, at_most=0),
        Row(part="burst-dependent", quantity="sign of dw, dendrite lowered by 600 pA", found=float(np.sign(moved[0])), expected=-1, at_most=0),
        Row(part="burst-dependent", quantity="dw with the dendrite as it was, relative to raised", found=abs(moved[1]) / abs(moved[2]), at_most=0.5),
    ]  # fmt: skip
    return Shown(
        rows,
        {"current": current, "share": share, "sigmoid": expected, "steps": steps, "courses": courses, "every": 100.0},
    )


def voltage_rule(seed: int) -> Shown:
    """Five pairs 10 ms apart at several frequencies against NEST; at 0.1 Hz pairs are isolated, and here 1 s apart."""
    nest = numbers("clopath")
    first, rows = nest["initial_weight"], []
    pre, post = _as_isolated(nest)
    duration = 20.0 + round(max(times[-1] for times in [*pre, *post]))
    found = drive(
        CELLS["clopath"], SYNAPSES["clopath"], cells=len(pre), duration=duration, wiring="one", weights=first, step=0.1, weight_every=1.0,
        pre=[times + 0.1 for times in pre], inputs={"I_s": np.array([kicks(list(times + 0.1), duration) for times in post])}, seed=seed,
    )  # fmt: skip
    assert found.weight_course is not None
    percent = np.array([
        100 * SCALED * (found.weight_course[n, int(times[-1]) + 2] - first) / first for n, times in enumerate(pre)
    ])  # fmt: skip
    expected = 100 * SCALED * (np.array(nest["last_weight"]) - first) / first
    for n, (rate, order) in enumerate(zip(nest["rate_Hz"], nest["order"], strict=True)):
        rows.append(
            Row(part="clopath", quantity=f"change of weight (%), {order} at {rate:g} Hz", found=float(percent[n]),
                expected=float(expected[n]), at_most=2)
        )  # fmt: skip
    return Shown(rows, {"rate": nest["rate_Hz"], "order": nest["order"], "percent": percent, "nest": expected})


def _as_isolated(nest: dict[str, Any]) -> tuple[list[Array], list[Array]]:
    """Spike times; those 10 s apart brought to 1 s, which leaves a cell at rest as well."""

    def near(times: list[float], rate: float) -> Array:
        given = np.array(times)
        return given - 9000.0 * np.floor(given / 10000.0) if rate < 1 else given

    trains = [
        [near(t, rate) for t, rate in zip(nest[side], nest["rate_Hz"], strict=True)] for side in ("pre_ms", "post_ms")
    ]
    return trains[0], trains[1]


def bursts_and_events(times: Array) -> tuple[int, int]:
    """Second spikes of bursts, and spikes that follow no other within 16 ms."""
    if not len(times):
        return 0, 0
    short = np.diff(times) < 16.0
    second = short & ~np.concatenate(([False], short))[:-1]
    return int(second.sum()), int(1 + (~short).sum())


def numbers(name: str) -> dict[str, Any]:
    """Values that NEST computed; see `nest/README.md`."""
    text = (files(__package__) / "nest" / f"{name}.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


def _distance(found: Array, expected: Array, zero: float) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected - zero))


PARTS = {
    "calibration": calibration, "urbanczik-senn": dendritic_prediction, "burst-dependent": burst_probability,
    "clopath": voltage_rule,
}  # fmt: skip
