"""C18: the change once more, from what a recording holds and from nothing else.

    dW_ji = sum over trials of gamma weight / (P r T) * sum over spikes of input i that arrive in the window of G_j(s) (V_a(s) - rest)_j / s_a

Where the second factor is the rule's own, it stands in the place of (V_a - rest) / s_a: the rule is told the recorded potentials and spikes.

P neurons per input, r Hz per unit of z, T the window, s the millisecond of the arrival (emission plus synaptic delay); the gate G_j(s) from V_b
or from the unit's own spikes. No circuit, no calibration and no Brian2 object of the replay is asked; the factors stand in its attributes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.spiking import Circuit
from ...recordings import open_replay
from ..check import Check, at_most
from .agreement import ratio
from .workbench import Bench

Array = NDArray[np.float64]


@dataclass(slots=True)
class Stored:
    """A replay as it is kept; also a sink that keeps it in memory.

    Attributes:
        trials: per trial: V_basal, V_apical (trials, units, time), spike_count, spike_before, input_count.
        spikes: spike_time, spike_unit, input_time, input_index; each trial by trial.
        circuit: W, gamma, weight, winner.
        attributes: of the replay.
    """

    trials: dict[str, Any] = field(default_factory=dict)
    spikes: dict[str, Any] = field(default_factory=dict)
    circuit: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)

    def begin(self, *, circuit: Mapping[str, Any], attributes: Mapping[str, Any], **_: Any) -> None:
        """Of `apical.models.spiking.Sink`."""
        self.circuit = {name: np.asarray(values) for name, (_, values, _) in circuit.items()}
        self.attributes = dict(attributes)

    def append(self, trials: Mapping[str, NDArray[Any]], spikes: Mapping[str, NDArray[Any]]) -> None:
        """Of `apical.models.spiking.Sink`."""
        for kept, more in ((self.trials, trials), (self.spikes, spikes)):
            for name, values in more.items():
                if name not in ("V_soma", "eligibility"):
                    kept[name] = np.concatenate([kept[name], values]) if name in kept else np.array(values)


def recorded(bench: Bench) -> list[Check]:
    """C18: what was recorded gives what the synapses hold; nothing where there are no spikes."""
    if not bench.recomputed:
        return []

    def apart(seed: int) -> float:
        held = bench.base[seed].batch_change
        return ratio(float(np.linalg.norm(bench.recomputed[seed] - held)), float(np.linalg.norm(held)))

    what = "distance of dW from recorded spikes and potentials to that of the synapses, relative to it"
    return [Check("C18", what, [apart(seed) for seed in bench.settings.seeds], at_most(1e-6))]


def read(run: Path, name: str) -> Stored:
    """A replay out of the recording of a run."""
    with open_replay(run, name) as tree:
        trials, circuit = (
            {
                str(key): values.to_numpy()
                for key, values in tree[node].to_dataset().variables.items()
                if key != "V_soma"
            }
            for node in ("trials", "circuit")
        )
        spikes = {
            str(key): values.to_numpy() for node in ("spikes", "input_spikes")
            for key, values in tree[node].to_dataset().variables.items()
        }  # fmt: skip
        return Stored(trials, spikes, circuit, {str(name): value for name, value in tree.attrs.items()})


def change(stored: Stored, circuit: Circuit | None = None) -> Array:
    """dW of the batch, (units, inputs).

    Args:
        stored: a replay at level 1 or above, without decay of the eligibility.
        circuit: of the replay, where the second factor is its rule's own; None where it is the apical potential.
    """
    a, c = stored.attributes, stored.circuit
    scales, neuron = a["calibration"], a["neuron"]
    expected = a["pool"] * scales["pre_rate"] * a["duration_ms"] * 1e-3
    inhibitory = (c["W"] < 0) & (a["dale"] in ("split", "relay"))
    total: Array = np.zeros(c["W"].shape)
    own = None if circuit is None or circuit.told is None else _told(stored, circuit)
    for trial, (spikes, inputs) in enumerate(zip(_parts(stored, "spike"), _parts(stored, "input"), strict=True)):
        opened = _gate(stored, trial, *spikes) * c["winner"][trial][:, None]
        if own is None:
            rest = stored.trials["V_apical"][trial].astype(np.float64) - a["rest_apical_mV"]
            trace = opened * rest / (scales["apical_gain"] * a["apical_slope"])
        else:
            trace = opened * own[trial][:, None]
        early, late = (
            trace @ _arrivals(inputs, neuron[delay], a, len(c["W"].T)) for delay in ("delay_exc", "delay_inh")
        )
        total += c["gamma"][trial] * c["weight"][trial] * np.where(inhibitory, late, early)
    total /= expected
    return total


def _told(stored: Stored, circuit: Circuit) -> Array:
    """The rule's second factor from recorded potentials and spikes, (trials, units)."""
    assert circuit.told is not None and circuit.trial is not None
    a, scales = stored.attributes, stored.attributes["calibration"]

    def mean(name: str, rest: float) -> Array:
        if name not in stored.trials:
            return np.zeros(circuit.basal.shape)
        found: Array = stored.trials[name].mean(-1, dtype=np.float64) - rest
        return found

    basal = mean("V_basal", a["rest_basal_mV"]) / scales["basal_gain"]
    apical = mean("V_apical", a["rest_apical_mV"]) / (scales["apical_gain"] * a["apical_slope"])
    counts = [np.bincount(units, minlength=basal.shape[1]) for _, units in _parts(stored, "spike")]
    fired = np.array(counts) / (a["duration_ms"] * 1e-3 * scales["post_rate"])
    return circuit.told(circuit.trial, basal, fired if a["level"] >= 2 else np.maximum(basal, 0), apical)


def _parts(stored: Stored, name: str) -> Iterator[tuple[Array, NDArray[np.int64]]]:
    """Times and indices of every trial's spikes."""
    index = stored.spikes["spike_unit" if name == "spike" else "input_index"]
    edges = np.cumsum(stored.trials[f"{name}_count"])[:-1]
    yield from zip(
        np.split(stored.spikes[f"{name}_time"].astype(np.float64), edges), np.split(index, edges), strict=True
    )


def _arrivals(inputs: tuple[Array, NDArray[np.int64]], delay: float, a: Mapping[str, Any], count: int) -> Array:
    """Spikes of every input that arrive in each millisecond of the window, (time, inputs)."""
    steps = np.round(inputs[0] / a["dt_ms"]).astype(np.int64) + round(delay / a["dt_ms"])
    at = steps // round(1 / a["dt_ms"])
    inside = (steps >= 0) & (at < int(a["duration_ms"]))
    found = np.zeros((int(a["duration_ms"]), count))
    np.add.at(found, (at[inside], inputs[1][inside]), 1)
    return found


def _gate(stored: Stored, trial: int, times: Array, units: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the gate is open at every millisecond, (units, time)."""
    a, neuron = stored.attributes, stored.attributes["neuron"]
    if a["eligibility"] == "none":
        return np.ones((stored.trials["V_basal"].shape[1], int(a["duration_ms"])), dtype=bool)
    if a["eligibility"] == "voltage":
        above: NDArray[np.bool_] = stored.trials["V_basal"][trial] > np.float32(neuron["E_L"] + neuron["theta_b"])
        return above
    last = stored.trials["spike_before"][trial].astype(np.float64)
    now, found = (
        np.arange(int(a["duration_ms"]), dtype=np.float64),
        np.zeros((len(last), int(a["duration_ms"])), dtype=bool),
    )
    for unit in range(len(last)):
        fired = np.concatenate([[last[unit] if np.isfinite(last[unit]) else -np.inf], times[units == unit]])
        latest = fired[np.searchsorted(fired, now - a["dt_ms"] / 2) - 1] if len(fired) else np.full(len(now), -np.inf)
        since = now - np.where(np.searchsorted(fired, now - a["dt_ms"] / 2) > 0, latest, -np.inf)
        found[unit] = since < neuron["tau_gate"] + a["dt_ms"] / 2
    return found
