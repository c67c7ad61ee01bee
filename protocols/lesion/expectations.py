"""Expected directions as checkable statements: comparisons of measured numbers, and nothing else.

    blocked.moved < 0.05 * sham.moved
    swapped.selectivity_swap.change < swapped.selectivity_nonswap.change
    late.change between 0.3 and 2
    test_only.accuracy = sham.accuracy

A name is CONDITION.MEASURE (at the last probe), CONDITION.MEASURE.PROBE, or CONDITION.MEASURE.change (last probe minus first); a side is a
number, a name, or a number times a name, with `+ number` or `- number` behind it. `=` means equal to one part in a million.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import ConfigError, nearest

CHANGE = "change"
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
SIDE = re.compile(
    rf"(?:({NUMBER})|(?:({NUMBER})\s*\*\s*)?([A-Za-z_]\w*(?:\.\w+)*)(?:\s*([-+])\s*({NUMBER.removeprefix('[-+]?')}))?)"
)
COMPARISON = re.compile(r"(.+?)\s*(<=|>=|<|>|=|\bbetween\b)\s*(.+)")
EQUAL = 1e-6

# value of condition, measure, and probe, `change` or None for the last probe
Lookup = Callable[[str, str, str | None], float]


@dataclass(frozen=True, slots=True)
class Side:
    """`factor * name + offset`, or the number `offset` where there is no name."""

    offset: float
    factor: float = 1.0
    name: tuple[str, str, str | None] | None = None

    def value(self, look: Lookup) -> float:
        """The number it stands for."""
        return self.offset if self.name is None else self.factor * look(*self.name) + self.offset


@dataclass(frozen=True, slots=True)
class Expectation:
    """One statement.

    Attributes:
        text: as written.
        left, relation, right: `left relation right`; of `between` the lower bound is `right`.
        upper: upper bound of `between`, else None.
    """

    text: str
    left: Side
    relation: str
    right: Side
    upper: Side | None = None

    def names(self) -> list[tuple[str, str, str | None]]:
        """Every name it speaks of."""
        return [side.name for side in (self.left, self.right, self.upper) if side is not None and side.name is not None]

    def holds(self, look: Lookup) -> bool:
        """Whether it holds; never with a value that is not a number."""
        left, right = self.left.value(look), self.right.value(look)
        if self.upper is not None:
            return right <= left <= self.upper.value(look)
        if self.relation == "=":
            return math.isclose(left, right, rel_tol=EQUAL, abs_tol=EQUAL * 1e-3)
        ordered = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}
        return ordered[self.relation]


def parse(text: str) -> Expectation:
    """Read one statement.

    Raises:
        ConfigError: it is of another form.
    """
    found = COMPARISON.fullmatch(text.strip())
    if found is None:
        raise _wrong(text, "no comparison")
    left, relation, right = found.groups()
    if relation != "between":
        return Expectation(text, _side(left, text), relation, _side(right, text))
    low, word, high = right.partition(" and ")
    if not word:
        raise _wrong(text, "between without and")
    return Expectation(text, _side(left, text), relation, _side(low, text), _side(high, text))


def _side(text: str, whole: str) -> Side:
    found = SIDE.fullmatch(text.strip())
    if found is None:
        raise _wrong(whole, repr(text.strip()))
    number, factor, name, sign, offset = found.groups()
    if number is not None:
        return Side(float(number))
    parts = name.split(".")
    if len(parts) not in (2, 3):
        raise _wrong(whole, repr(name))
    shift = 0.0 if offset is None else float(f"{sign}{offset}")
    return Side(shift, 1.0 if factor is None else float(factor), (parts[0], parts[1], parts[2] if parts[2:] else None))


def _wrong(text: str, got: str) -> ConfigError:
    return ConfigError(
        f"expect: expected a statement like 'a.moved < 0.5 * b.moved', got {got} in {text!r}; a name is "
        "CONDITION.MEASURE or CONDITION.MEASURE.PROBE"
    )


def check_names(expectation: Expectation, probes: Mapping[str, list[str]], measures: list[str]) -> None:
    """Refuse a statement about what is not measured.

    Args:
        expectation: the statement.
        probes: names of the probes of every condition.
        measures: what is measured.

    Raises:
        ConfigError: an unknown condition, measure or probe; the known ones are listed. Or the change of a condition with one
            probe, which is 0 whatever happens.
    """
    for condition, measure, moment in expectation.names():
        _known("condition", condition, list(probes), expectation.text)
        _known("measure", measure, measures, expectation.text)
        if moment is not None and moment != CHANGE:
            _known("probe", moment, [*probes[condition], CHANGE], expectation.text)
        if moment == CHANGE and len(probes[condition]) < 2:
            raise ConfigError(
                f"expect: expected two probes or more in {condition} for a change, got {len(probes[condition])} in "
                f"{expectation.text!r}; add a probe before"
            )


def _known(kind: str, word: str, known: list[str], text: str) -> None:
    if word not in known:
        raise ConfigError(
            f"expect: expected a {kind} among {', '.join(known)}, got {word!r} in {text!r}{nearest(word, known)}"
        )
