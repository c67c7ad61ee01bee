"""Ranks: the processes that train one network together, and what they tell each other.

    rows     block-pooled rates of own rows of the batch   -> of all rows       (every rank computes the same factors)
    units    apical potentials of own rows of B            -> of all units; or, where the rule allows it, drives of own units -> of own rows
    sum      changes of convolutions from own rows         -> from all rows
    agreed   whether one of them was asked to stop

No change of B is ever sent: it is the outer product of signals that every rank has, and each rank forms those rows of it that it owns.
`Alone` is one process, for which all of this is nothing at all.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

RATES, POTENTIALS, DRIVES, SCORES, BACKWARDS, CHANGES, RECORDED, AGREED, STORED = (
    "rates", "potentials", "drives", "scores", "backwards", "changes", "recorded", "agreed", "stored",
)  # fmt: skip


@dataclass(slots=True, eq=False)
class Ranks:
    """One process alone; with more of them see `processes.py`.

    Attributes:
        rank: number of this process, from 0.
        size: how many there are.
        sent: bytes that this process has sent, by what they were.
        calls: how often it has told something, by what it was.
    """

    rank: int = 0
    size: int = 1
    sent: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)

    def own(self, count: int) -> slice:
        """What this rank owns of so many rows: blocks of one size, of which the last ones may be shorter, or empty.

        >>> Ranks(rank=1, size=4).own(10), Ranks(rank=3, size=4).own(10), Ranks().own(10)
        (slice(3, 6, None), slice(9, 10, None), slice(0, 10, None))
        """
        each = self.each(count)
        return slice(min(self.rank * each, count), min((self.rank + 1) * each, count))

    def each(self, count: int) -> int:
        """Rows of the largest block."""
        return -(-count // self.size)

    def whole(self, own: Tensor, count: int, what: str) -> Tensor:
        """All rows, (count, ...), from those that each rank owns, in their order.

        Args:
            own: this rank's, as `own(count)` says.
            count: of all ranks together.
            what: they are, for the count of bytes.
        """
        return own

    def turned(self, own: Tensor, units: int, what: str) -> Tensor:
        """Own units of all rows, (rows, own units), from all units of own rows, (own rows, units).

        Args:
            own: all units of the own rows.
            units: of the population.
            what: they are, for the count of bytes.
        """
        return own

    def returned(self, own: Tensor, units: int, what: str) -> Tensor:
        """The way back: all units of own rows, (own rows, units), from own units of all rows, (rows, own units)."""
        return own

    def blocks(self, own: Tensor, count: int, what: str) -> Iterator[Tensor]:
        """At rank 0 the blocks of rows of all ranks, in their order and one at a time; at the others nothing, while theirs are sent.

        Args:
            own: this rank's, on the CPU, contiguous.
            count: rows of all ranks together; asked for at rank 0.
            what: they are, for the count of bytes.
        """
        yield own

    def sum(self, tensors: Sequence[Tensor], like: Sequence[Tensor], what: str) -> Callable[[], list[Tensor]]:
        """Begin to add up tensors over the ranks.

        Args:
            tensors: of this rank.
            like: in whose dtype and layout the sums are wanted.
            what: they are, for the count of bytes.

        Returns:
            What waits for the sums and returns them.
        """
        return lambda: list(tensors)

    def agreed(self, flag: bool) -> bool:
        """Whether the flag is up at any rank; the same answer at all."""
        return flag

    def told(self, values: Mapping[str, str]) -> dict[str, str]:
        """Words of rank 0, at every rank."""
        return dict(values)

    def barrier(self) -> None:
        """Wait for all."""

    def note_begun(self, run: str) -> None:
        """Note that this job began a run, for when it is started again; a process alone is not."""


ALONE = Ranks()
