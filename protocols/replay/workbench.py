"""What the checks share: the circuit, its scales, and replays of it and of its variants."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.spiking import Calibration, Circuit, Replay, calibrate, replay
from .circuits import Loaded
from .settings import ReplaySettings


@dataclass(eq=False)
class Bench:
    """Runs replays with the calibration of the intact circuit.

    Attributes:
        loaded: the run.
        settings: what was asked for, shortened where `quick`.
        circuit: the circuit with all its trials.
        base: replays at the level asked for, by seed.
        tell: called before every replay with a word on it.
        extras: what a check leaves for the figures.
    """

    loaded: Loaded
    settings: ReplaySettings
    circuit: Circuit
    base: dict[int, Replay] = field(default_factory=dict)
    tell: Callable[[str], None] = lambda _: None
    extras: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def calibration(self) -> Calibration:
        """Scales of the intact circuit, fitted to the neuron by each replay."""
        return calibrate(self.circuit)

    @cached_property
    def few(self) -> Circuit:
        """The circuit with the first trials alone."""
        return self.circuit.take(slice(0, self.settings.few))

    def run(self, word: str, seed: int, circuit: Circuit, **words: Any) -> Replay:
        """Replay at level 2 unless told otherwise.

        Args:
            word: shown to the user.
            seed: of the noise.
            circuit: the circuit or a variant of it.
            words: of `apical.models.spiking.replay`, in place of the usual ones.
        """
        self.tell(f"{word}, seed {seed}")
        return replay(circuit, **{**self.settings.reference, "calibration": self.calibration, **words, "seed": seed})

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
