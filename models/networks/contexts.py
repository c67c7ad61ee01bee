"""Context sources: whose rates an apical dendrite receives; one row each.

From its row follow the size of B, how long a population waits before it learns, and the names of its signals in a recording.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..errors import ModelError


@dataclass(frozen=True, slots=True)
class Context:
    """One source.

    Attributes:
        whose: position of the population whose block-pooled rates arrive, from the own position and the number of populations.
        recorded: whether its signals can be laid along trials, where the context comes before the glance that it predicts.
        suffix: end of its names in a recording where the dendrite is one of several; empty for the one without.
    """

    whose: Callable[[int, int], int]
    recorded: bool = True
    suffix: str = ""


CONTEXTS: dict[str, Context] = {
    "lateral": Context(lambda own, count: own),
    # the same rates, predicted against the order of trials
    "retro": Context(lambda own, count: own, recorded=False),
    "dfb": Context(lambda own, count: count - 1, suffix="feedback"),
}


def whose(source: str, own: int, count: int) -> int:
    """Position of the population whose rates a source brings to the population at `own`, of `count`.

    Raises:
        ModelError: an unknown source.
    """
    if source not in CONTEXTS:
        raise ModelError(
            f"network.sources: expected some of {', '.join(CONTEXTS)}, got {source!r}; correct the rule or add a row to CONTEXTS"
        )
    return CONTEXTS[source].whose(own, count)


def awaited(sources: Iterable[str], own: int, count: int) -> int:
    """How far up the sweep has to be before the population at `own` can learn: to itself, or to who sends it a context."""
    return max([own, *(whose(source, own, count) for source in sources)])


def suffixes(sources: Sequence[str]) -> dict[str, str]:
    """Suffix of each recorded source's names; the first has none where no other is without."""
    rows = {source: CONTEXTS[source].suffix for source in sources if CONTEXTS[source].recorded}
    if rows and all(rows.values()):
        rows[next(iter(rows))] = ""
    return rows
