"""What a replay of a run is asked for."""

import re
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ConfigError
from .foreign import known

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")  # it stands in file names
FEW = 24  # trials of the checks that compare variants of the circuit


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaySettings:
    """Settings of `replay_run`.

    Args:
        population: name; None for the lowest one above the first with relu and without max-pool.
        position: (row, col) on its map before the pool; None for the centre.
        units: neurons of the circuit.
        source: one of the rule's, e.g. `dfb`; None for the rule's first.
        trials: trials of the circuit.
        level: rung of the ladder of fidelity, 0 to 4.
        pool: neurons per input and per context neuron.
        duration: window of a trial, ms.
        tau: time constant of apical and basal potential, ms; at level 4 of the basal one alone.
        seeds: one replay of every check for each.
        target: where Brian2 computes.
        dale: how Dale's law is obeyed; None for the level's own.
        dt: time step, ms.
        name: of the replay in the recording; None for `<population>-<source>`, which replaces an earlier one.
        quick: the first seed, few trials and units, and only the checks that need no variant of the circuit.
        learning: also apply the changes to the rate network (C15).
        eligibility: what the gate of the eligibility is read from: `voltage`, the basal potential, or `spike`, the soma's own spikes.
        checks: further ones from outside, see `foreign`.
        ladder: in place of the checks, one table over all levels, populations and sources; goes on where it stopped.
        mutants: also show wrong replays to the checks, and tell which of them each rejects.

    Raises:
        OutsideError: a check that cannot be used.
        ConfigError: fewer than 4 trials, no seeds, a name that no file can have, or a ladder with what belongs to the checks.
    """

    population: str | None = None
    position: tuple[int, int] | None = None
    units: int = 30
    source: str | None = None
    trials: int = 64
    level: int = 2
    pool: int = 10
    duration: float = 500.0
    tau: float = 50.0
    seeds: tuple[int, ...] = (0, 1, 2)
    target: str = "numpy"
    dale: str | None = None
    dt: float = 0.1
    name: str | None = None
    quick: bool = False
    learning: bool = False
    eligibility: str = "voltage"
    mutants: bool = False
    ladder: bool = False
    checks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "checks", known(self.checks))
        if self.trials < 4:
            raise ConfigError(f"replay.trials: expected at least 4, got {self.trials}; 64 are usual")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise ConfigError(
                f"replay.seeds: expected different numbers from 0, got {list(self.seeds)}; for example 0-2"
            )
        if self.name is not None and not PLAIN.fullmatch(self.name):
            raise ConfigError(
                f"replay.name: expected letters, digits, '-', '_' and '.', got {self.name!r}; for example first-try"
            )
        also = [f"--{name}" for name in ("mutants", "learning") if getattr(self, name)]
        also += ["--check"] * bool(self.checks)
        if self.ladder and also:
            raise ConfigError(
                f"replay.ladder: expected it without checks, got {' and '.join(also)} too; ask for one of them"
            )

    def but(self, **values: Any) -> "ReplaySettings":
        """The same with other values."""
        return replace(self, **values)

    def shortened(self) -> "ReplaySettings":
        """What `quick` makes of them."""
        if not self.quick:
            return self
        return replace(self, seeds=self.seeds[:1], trials=min(self.trials, 16), units=min(self.units, 16))

    @property
    def few(self) -> int:
        """Trials of the checks that compare variants of the circuit."""
        return min(FEW, self.trials)

    @property
    def live_target(self) -> str:
        """Where single cells and a late modulator are computed: a compiled program can neither stop on the way nor pay for one cell."""
        return "numpy" if self.target == "cpp_standalone" else self.target

    @property
    def operating(self) -> dict[str, Any]:
        """Words of `apical.models.spiking.replay` at the level asked for."""
        return {
            "level": self.level, "pool": self.pool, "duration": self.duration, "dale": self.dale, "target": self.target,
            "dt": self.dt, "tau_b": self.tau, "tau_a": None if self.level == 4 else self.tau, "eligibility": self.eligibility,
            "keep_sources": True,
        }  # fmt: skip

    @property
    def reference(self) -> dict[str, Any]:
        """The same at level 2, which the variants are compared with."""
        return self.operating | {"level": 2, "tau_a": self.tau, "dale": None}
