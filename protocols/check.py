"""A check: one number per seed, its criterion, and whether every seed meets it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Criterion:
    """An interval that the number must lie in.

    Attributes:
        low, high: its ends, included.
        strict: the lower end is not included.
    """

    low: float = -math.inf
    high: float = math.inf
    strict: bool = False

    def met(self, value: float) -> bool:
        """Whether the number lies in it; NaN never does."""
        return (self.low < value if self.strict else self.low <= value) and value <= self.high

    def __str__(self) -> str:
        if not math.isfinite(self.high):
            return f"{'>' if self.strict else '>='} {self.low:g}"
        if not math.isfinite(self.low):
            return f"<= {self.high:g}"
        return f"{self.low:g} to {self.high:g}"


def at_least(value: float) -> Criterion:
    """From this value."""
    return Criterion(low=value)


def above(value: float) -> Criterion:
    """Above this value."""
    return Criterion(low=value, strict=True)


def at_most(value: float) -> Criterion:
    """Up to this value."""
    return Criterion(high=value)


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the result.

    Attributes:
        name: C0, C1, ...
        what: the quantity.
        values: one number per seed; one alone where no seed is involved, or the mean over seeds is judged.
        criterion: what every one of them must meet.
        reason: where it fails and a diagnosis was computed: what it says.
        detail: further numbers.
        self_test: no mutant fails it (`mutants.py`): it says that the program is sound, and nothing about the circuit.
        rejects: mutants that were tried where the check is made, and fail it.
    """

    name: str
    what: str
    values: Sequence[float]
    criterion: Criterion
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    self_test: bool = False
    rejects: Sequence[str] = ()

    @property
    def value(self) -> float:
        """Mean over seeds."""
        return math.fsum(self.values) / len(self.values) if self.values else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Smallest and largest over seeds."""
        return (min(self.values), max(self.values)) if self.values else (math.nan, math.nan)

    @property
    def passed(self) -> bool:
        """Whether every seed meets the criterion."""
        return bool(self.values) and all(self.criterion.met(value) for value in self.values)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; a reason only where it failed."""
        found: dict[str, Any] = {
            "name": self.name, "what": self.what, "value": self.value, "interval": list(self.interval),
            "seeds": len(self.values), "criterion": str(self.criterion), "passed": self.passed,
        }  # fmt: skip
        if self.reason and not self.passed:
            found["reason"] = self.reason
        return found | ({"detail": dict(self.detail)} if self.detail else {})
