"""One quantity of a preset beside its source's."""

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was measured and what it is compared with.

    Attributes:
        part: preset or measurement that it belongs to.
        quantity: what it is, with its unit.
        found: measured here.
        expected: of the source; None where there is none.
        at_most: largest distance (or value, where nothing is expected) with which it passes; None for what is only told.
    """

    part: str
    quantity: str
    found: float
    expected: float | None = None
    at_most: float | None = None

    @property
    def passed(self) -> bool | None:
        """Whether it is near enough; None where nothing is asked of it."""
        if self.at_most is None:
            return None
        distance = self.found if self.expected is None else abs(self.found - self.expected)
        return bool(math.isfinite(distance) and distance <= self.at_most)

    def as_dict(self) -> dict[str, Any]:
        """All fields and the verdict."""
        return asdict(self) | {"passed": self.passed}
