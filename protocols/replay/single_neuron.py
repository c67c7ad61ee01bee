"""C1 and C11: the single neuron and the single synapse."""

import numpy as np

from ...models.spiking import BAC, FORMS, LINEAR, clamp, pairing_window
from ..check import Check, Criterion, at_least, at_most
from .workbench import Bench

START = 100.0  # ms after the onset of the current
APICAL = (5.0, 0.0, -5.0)
LAGS = tuple(range(-60, 61, 5))


def fi_curve(bench: Bench) -> list[Check]:
    """C1: the f-I curve against relu, and its slope against the closed form."""
    quick = bench.settings.quick
    asked = np.arange(0.0, 100.1, 10.0 if quick else 5.0)
    cells = 40 if quick else 120  # firing below the rheobase is rare
    largest, gains = [], []
    cell = bench.cell(LINEAR)
    for seed in bench.settings.seeds:
        bench.tell(f"f-I curve, seed {seed}")
        response = clamp(
            np.repeat(asked / LINEAR.gain, cells),
            neuron=cell,
            duration=900.0,
            dt=bench.settings.dt,
            seed=seed,
            target=bench.settings.live_target,
        )
        found = response.rate(START).reshape(len(asked), cells).mean(1)
        largest.append(float(np.abs(found - asked).max()))
        gains.append(float(np.polyfit(asked, found, 1)[0]))
        bench.extras.setdefault("fi", (asked, []))[1].append(found)
    error = float(np.sqrt(largest[0] / (0.8 * cells)))
    trim = (
        f"I_0 is its closed form {LINEAR.I_trim:+g} pA, a measured shift without which the largest distance is 1.8 Hz"
    )
    reason = f"it is reached below the rheobase, where a point has a standard error of {error:.2f} Hz from counting spikes; {trim}"
    detail = {"I_0, closed form (pA)": LINEAR.rheobase, "measured shift I_trim (pA)": LINEAR.I_trim, "note": trim}
    return [
        Check(
            "C1", "largest distance of the f-I curve from relu, 0 to 100 Hz (Hz)", largest, at_most(1.5), reason, detail
        ),
        Check("C1", "slope of the f-I curve relative to its closed form", gains, Criterion(0.97, 1.03)),
    ]


def bursts(bench: Bench) -> list[Check]:
    """A burst of the preset `bac` needs soma and tuft together."""
    bench.tell("calcium spike")
    soma, tuft = np.zeros((3, 100)), np.zeros((3, 100))  # pA in steps of 1 ms
    soma[[0, 2], 20:25] = 2000.0
    tuft[[1, 2], 20:40] = 300.0
    counts = clamp(
        soma, tuft, neuron=bench.cell(BAC), holding=False, noise=False, target=bench.settings.live_target
    ).counts
    return [
        Check("C1", "spikes to a somatic pulse, preset bac", [float(counts[0])], Criterion(1, 1)),
        Check("C1", "spikes to an apical pulse, preset bac", [float(counts[1])], Criterion(0, 0), self_test=True),
        Check("C1", "spikes to both together, preset bac", [float(counts[2])], Criterion(2, 4)),
    ]


def pairs(bench: Bench) -> list[Check]:
    """C11: the timing window turns over with the apical deviation and vanishes without it."""
    bench.tell("spike pairs")
    found = pairing_window(LAGS, APICAL, target=bench.settings.live_target)
    bench.extras["pairs"] = found
    windows = found.eligibility
    largest = {form: float(np.abs(windows[form]).max()) for form in FORMS}
    turned = max(float(np.abs(windows[f][:, 0] + windows[f][:, 2]).max()) / largest[f] for f in FORMS)
    before = found.lag[:, 0] < 0
    box = found.lag[:, 0][windows["A"][:, 0] > 0]
    causal = np.abs(windows["B"][~before, 0] / APICAL[0] - np.exp(-found.lag[~before, 0] / found.tau_plus)).max()
    detail = {
        "form A, post before pre (ms)": [float(box.min()), float(box.max())] if box.size else [],
        "form B, largest distance from exp(-lag / 20 ms)": float(causal),
        "form C, asymmetry": float(np.abs(windows["C"][:, 0] - windows["C"][::-1, 0]).max() / largest["C"]),
    }
    return [
        Check("C11", "window at +5 mV plus that at -5 mV, relative to its size", [turned], at_most(0.01), detail=detail, self_test=True),
        Check("C11", "largest change at 0 mV", [max(float(np.abs(windows[f][:, 1]).max()) for f in FORMS)], at_most(0.0), self_test=True),
        Check("C11", "smallest of the three windows' sizes at 5 mV", [min(largest.values())], at_least(1.0), self_test=True),
    ]  # fmt: skip
