"""What a replay gives: per trial in memory, spikes and voltages to a sink while it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .calibration import Calibration
from .circuit import Circuit
from .plan import Plan

Array = NDArray[np.float64]
Described = tuple[tuple[str, ...], NDArray[Any], Mapping[str, Any]]  # dims, values, attributes


class Sink(Protocol):
    """Who receives a replay while it runs, e.g. `apical.recordings.ReplayStore`."""

    def begin(
        self,
        *,
        trials: int,
        units: Mapping[str, NDArray[Any]],
        samples: int,
        voltages: tuple[str, ...],
        circuit: Mapping[str, Described],
        attributes: Mapping[str, Any],
        sources: bool = False,
    ) -> None:
        """Called once before the first chunk; `sources` says whether spikes of the sources and the eligibility will come too."""
        ...

    def append(self, trials: Mapping[str, NDArray[Any]], spikes: Mapping[str, NDArray[Any]]) -> None:
        """Called after each chunk, in the order of the trials; must not keep the arrays."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chunk:
    """What one chunk of trials gave.

    Attributes:
        rate: output rate in Hz, (trials, units).
        voltages: potentials in mV, name to float32 (trials, units, samples); `V_basal`, `V_apical`, and `V_soma` from level 2.
        eligibility: e in the units of the rule, (trials, units, inputs).
        spike_time: ms from the start of the window, trial by trial and sorted in time.
        spike_unit: unit of each spike.
        spike_count: spikes of each trial.
        spike_before: last spike of every unit before the window, ms (below 0), NaN where there was none, (trials, units).
        sources: spikes of inputs and context that arrive in the window: `input_time` (ms, emission), `input_index`, `context_time`,
            `context_index`, trial by trial and sorted in time; `input_count` and `context_count` of each trial. Empty where not asked for.
        coincidence: pre-synaptic spikes that met an open gate, in units of z, (trials, units, inputs); None where not asked for.
    """

    rate: Array
    voltages: dict[str, NDArray[np.float32]]
    eligibility: Array
    spike_time: NDArray[np.float32]
    spike_unit: NDArray[np.int32]
    spike_count: NDArray[np.int64]
    spike_before: NDArray[np.float32]
    sources: dict[str, NDArray[Any]] = field(default_factory=dict)
    coincidence: Array | None = None

    def rows(self) -> dict[str, NDArray[Any]]:
        """What a sink takes of each trial."""
        found: dict[str, NDArray[Any]] = {"output_rate": self.rate.astype(np.float32), "spike_count": self.spike_count}
        found |= self.voltages
        if not self.sources:
            return found
        counts = {name: self.sources[name] for name in ("input_count", "context_count") if name in self.sources}
        return found | counts | {"spike_before": self.spike_before, "eligibility": self.eligibility.astype(np.float32)}

    def spikes(self) -> dict[str, NDArray[Any]]:
        """What a sink takes of the spikes."""
        named = {name: values for name, values in self.sources.items() if not name.endswith("count")}
        return {"spike_time": self.spike_time, "spike_unit": self.spike_unit, **named}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replay:
    """A replayed circuit. Means are over the window after the settle time.

    Attributes:
        circuit: what was replayed, with its rate factors.
        calibration: scales.
        plan: size and chunks.
        rate: output rate, Hz, (trials, units).
        V_basal, V_apical: mean V_b - E_L and mean V_a - rest, mV, (trials, units); the latter 0 without apical dendrites.
        V_soma: mean V_s - E_L, mV, (trials, units); None below level 2.
        eligibility: e_ji in the units of the rule, float32 (trials, units, inputs); None with keep_eligibility=False.
        batch_change: sum over trials of gamma weight e_ji, (units, inputs).
        cosine: of each trial's eligibility with the rate rule's; NaN where the rule's is 0, (trials,).
        attributes: settings, seed, versions; JSON values.
        coincidence: pre-synaptic spikes that met an open gate, in units of z, float32 (trials, units, inputs); None where not asked for.
            What a constant offset of the apical potential would add to the eligibility is this times the offset.
    """

    circuit: Circuit
    calibration: Calibration
    plan: Plan
    rate: Array
    V_basal: Array
    V_apical: Array
    V_soma: Array | None
    eligibility: NDArray[np.float32] | None
    batch_change: Array
    cosine: Array
    attributes: dict[str, Any]
    coincidence: NDArray[np.float32] | None = None

    @property
    def z(self) -> Array:
        """Output rate in the units of the rate network, to compare with `circuit.rate`."""
        return self.rate / self.calibration.post_rate

    @property
    def a(self) -> Array:
        """Basal potential in the units of the rate network, to compare with `circuit.basal`."""
        return self.V_basal / self.calibration.basal_gain

    @property
    def prediction(self) -> Array:
        """Apical deviation in the units of B c, to compare with `circuit.prediction`; slope of conductances taken out."""
        return self.V_apical / (self.calibration.apical_gain * float(self.attributes["apical_slope"]))

    @property
    def change(self) -> Array | None:
        """dW of every trial, gamma weight e_ji, (trials, units, inputs); None without eligibility."""
        return None if self.eligibility is None else self.circuit.change(self.eligibility.astype(np.float64))


def cosine(expected: NDArray[Any], found: NDArray[Any]) -> Array:
    """Cosine along everything but the first axis: NaN where the expected side is 0, 0 where the found side alone is.

    Args:
        expected: what the rule says, (trials, ...).
        found: what is compared with it, of the same shape.
    """
    right, left = (np.asarray(x, dtype=np.float64).reshape(len(x), -1) for x in (expected, found))
    size, other = np.linalg.norm(right, axis=1), np.linalg.norm(left, axis=1)
    angle: Array = np.where(size > 0, 0.0, np.nan)
    np.divide((right * left).sum(1), size * other, out=angle, where=size * other > 0)
    return angle
