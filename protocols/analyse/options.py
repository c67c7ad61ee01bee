"""What an analysis is asked for."""

from dataclasses import dataclass
from typing import Any

from ..errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of an analysis; each reads those that concern it.

    Args:
        value: variable of the units that is analysed: rate, basal, apical, ...
        by: coordinate of the trials that names classes, conditions or objects; empty for the analysis' own choice.
        source: name of a further apical dendrite; empty for the first one.
        phase: trials of one phase alone, by name; empty for all.
        since, until: trials from this training step on, and before that one; 0 for no bound.
        windows: stretches of training that are told apart.
        most_units: units of a population of which every pair is computed; of more, this many are drawn.
        batch: trials of a mini-batch of the CKA.
        permutations: of trials against images; 0 for the analytic p.
        seed: of what is drawn.
        engine: who computes measures of spike trains, `own` or `elephant`; empty for elephant where it is installed.

    Raises:
        ConfigError: a number outside its range.
    """

    value: str = "rate"
    by: str = ""
    source: str = ""
    phase: str = ""
    since: int = 0
    until: int = 0
    windows: int = 8
    most_units: int = 512
    batch: int = 256
    permutations: int = 0
    seed: int = 0
    engine: str = ""

    def __post_init__(self) -> None:
        bounds = {"since": (0, 2**62), "until": (0, 2**62), "windows": (1, 200), "most_units": (2, 8192), "batch": (4, 8192), "permutations": (0, 10000), "seed": (0, 2**32 - 1)}  # fmt: skip
        for name, (least, most) in bounds.items():
            given: Any = getattr(self, name)
            if not least <= given <= most:
                raise ConfigError(f"analyse.{name}: expected {least} to {most}, got {given}; correct it")
