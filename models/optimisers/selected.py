"""An optimiser that minds only some of the weights."""

from dataclasses import dataclass

from torch import Tensor

from .base import Optimiser


@dataclass(slots=True)
class Selected:
    """Passes the changes of some weights on to another optimiser; the others stay as they are.

    Args:
        inner: who takes the changes.
        ending: how the names of the weights end, e.g. `.weight` for the basal or `.apical` for the apical ones.
    """

    inner: Optimiser
    ending: str

    @property
    def learning_rate(self) -> float:
        """That of the other optimiser."""
        return self.inner.learning_rate

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        self.inner.learning_rate = rate

    def register(self, name: str, weight: Tensor) -> None:
        """Make ready for a weight, if it is one of them."""
        if name.endswith(self.ending):
            self.inner.register(name, weight)

    def advance(self) -> None:
        """Begin the next step."""
        self.inner.advance()

    def apply(self, name: str, weight: Tensor, change: Tensor, block: slice | None = None) -> None:
        """Pass on the change of a weight, or of a block of its rows, if it is one of them."""
        if name.endswith(self.ending):
            self.inner.apply(name, weight, change, block)
