"""What the checks share: the circuit, its scales, and replays of it and of its variants."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.spiking import BAC, LINEAR, Calibration, Circuit, Neuron, Population, Replay, calibrate, replay
from .altered import INTACT, Alteration, altered
from .circuits import Loaded
from .settings import ReplaySettings

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """What a replay is made of.

    Attributes:
        circuit: the neurons that fire.
        population: all neurons of its population in the same trials; None where no score of theirs decides about plasticity.
        many: the same in as many trials as tell whether fixations differ from saccades.
    """

    circuit: Circuit
    population: Population | None
    many: Population | None


@dataclass(eq=False)
class Bench:
    """Runs replays with the calibration of the intact circuit.

    Attributes:
        loaded: the run.
        settings: what was asked for, shortened where `quick`.
        circuit: the circuit with all its trials: what every replay is compared with.
        population, many: all neurons of its population, see `World`; None where the checks that ask them are left out.
        base: replays at the level asked for, by seed.
        recomputed: the change of each of them from what was recorded, by seed; none at level 0.
        alteration: what is done to cells, circuit and results of every replay; nothing, but for mutants.
        shown: the circuit that is replayed, where it is not the one compared with.
        tell: called before every replay with a word on it.
        extras: what a check leaves for the figures.
        unscored: why there is no population whose score could be asked; None where there is.
    """

    loaded: Loaded
    settings: ReplaySettings
    circuit: Circuit
    population: Population | None = None
    many: Population | None = None
    base: dict[int, Replay] = field(default_factory=dict)
    recomputed: dict[int, Array] = field(default_factory=dict)
    alteration: Alteration = INTACT
    shown: Circuit | None = None
    tell: Callable[[str], None] = lambda _: None
    extras: dict[str, Any] = field(default_factory=dict)
    unscored: str | None = None

    @cached_property
    def calibration(self) -> Calibration:
        """Scales of the intact circuit, fitted to the neuron by each replay."""
        return calibrate(self.circuit)

    @cached_property
    def few(self) -> Circuit:
        """The circuit with the first trials alone."""
        return self.circuit.take(slice(0, self.settings.few))

    @property
    def world(self) -> World:
        """Circuit and population."""
        return World(self.circuit, self.population, self.many)

    def run(self, word: str, seed: int, circuit: Circuit, **words: Any) -> Replay:
        """Replay at level 2 unless told otherwise.

        Args:
            word: shown to the user.
            seed: of the noise.
            circuit: the circuit or a variant of it.
            words: of `apical.models.spiking.replay`, in place of the usual ones.
        """
        self.tell(f"{word}, seed {seed}")
        asked = {**self.settings.reference, "calibration": self.calibration, **words, "seed": seed}
        if asked["level"] < 2:
            asked["eligibility"] = "voltage"  # nothing fires there
        return self.replayed(circuit, asked)

    def replayed(self, circuit: Circuit, words: dict[str, Any]) -> Replay:
        """A replay as the alteration leaves it, compared with the circuit that was asked for."""
        cell = self.cell(words.get("neuron") or (BAC if words["level"] == 4 else LINEAR))
        found = replay(self._simulated(circuit), **{**words, "neuron": cell})
        return altered(found, circuit, self.alteration, int(words["seed"]))

    def cell(self, neuron: Neuron) -> Neuron:
        """The cell that is simulated where this one is asked for."""
        return self.alteration.neuron(neuron)

    def _simulated(self, circuit: Circuit) -> Circuit:
        if self.shown is None:
            return circuit
        if circuit is self.circuit:
            return self.shown
        return self.shown.take(slice(0, self.settings.few)) if circuit is self.few else circuit

    def gamma(self, seed: int) -> Array:
        """Neuromodulators that acted in the base replay."""
        return self.alteration.gamma(self.circuit.gamma, seed)

    def over(self, found: Callable[[Replay], float]) -> list[float]:
        """A number of every seed's base replay."""
        return [float(found(self.base[seed])) for seed in self.settings.seeds]

    @cached_property
    def reference(self) -> dict[int, NDArray[np.float64]]:
        """Cosine of the first trials' eligibility at level 2, by seed."""
        few = self.settings.few
        if self.settings.level == 2 and self.settings.dale in (None, "none"):
            return {seed: found.cosine[:few] for seed, found in self.base.items()}
        return {seed: self.run("level 2", seed, self.few).cosine for seed in self.settings.seeds}


def cosine_of(found: Replay) -> float:
    """cosT: mean over trials of the cosine between the spiking eligibility and the rate rule's, where the rule's is not 0."""
    return float(np.nanmean(found.cosine)) if np.isfinite(found.cosine).any() else float("nan")


def traces(found: Replay) -> NDArray[np.float64]:
    """Eligibility of every trial in float64."""
    assert found.eligibility is not None  # every replay of the checks keeps it
    return found.eligibility.astype(np.float64)
