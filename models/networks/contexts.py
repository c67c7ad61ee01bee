"""Context sources: whose rates an apical dendrite receives; one row each.

From its row follow the size of B, how long a population waits before it learns, and the names of its signals in a recording.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ModelError
from ..imported import Unfit
from ..keywords import takes
from ..outside import Open, short


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


ROWS: dict[str, Context] = {
    "lateral": Context(lambda own, count: own),
    # the same rates, predicted against the order of trials
    "retro": Context(lambda own, count: own, recorded=False),
    "dfb": Context(lambda own, count: count - 1, suffix="feedback"),
}


def _adopted(thing: Any, word: str) -> Context:
    """The row of a source from outside: a row as it is, or a function of own position and number of populations.

    Raises:
        Unfit: something else.
    """
    if isinstance(thing, Context):
        return thing
    if not callable(thing) or isinstance(thing, type):
        raise Unfit(
            f"expected a context source, a function of own position and number of populations, got {word}, which is {type(thing).__name__}"
        )
    takes(thing, 2)
    return Context(thing, suffix=short(word).lower())


CONTEXTS = Open(ROWS, group="apical.contexts", field="network.sources", adopt=_adopted)


def whose(source: str, own: int, count: int) -> int:
    """Position of the population whose rates a source brings to the population at `own`, of `count`.

    Raises:
        ModelError: an unknown source.
    """
    if source not in CONTEXTS:
        raise ModelError(
            f"network.sources: expected some of {', '.join(CONTEXTS.words())}, got {source!r}; correct the rule or add a row to CONTEXTS"
        )
    sender = CONTEXTS[source].whose(own, count)
    if not (isinstance(sender, int) and 0 <= sender < count):
        raise ModelError(
            f"network.sources: expected a position from 0 to {count - 1} from {source}, got {sender!r}; correct the function"
        )
    return sender


def awaited(sources: Iterable[str], own: int, count: int) -> int:
    """How far up the sweep has to be before the population at `own` can learn: to itself, or to who sends it a context."""
    return max([own, *(whose(source, own, count) for source in sources)])


def suffixes(sources: Sequence[str]) -> dict[str, str]:
    """Suffix of each recorded source's names; the first has none where no other is without."""
    rows = {source: CONTEXTS[source].suffix for source in sources if CONTEXTS[source].recorded}
    if rows and all(rows.values()):
        rows[next(iter(rows))] = ""
    return rows
