"""The battery for optimisers: what engines, checkpoints and schedules ask of one."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from ...models import Optimiser
from ...models.optimisers.base import Resumable
from .findings import Broken, Finding, run, unasked

Make = Callable[..., Optimiser]
FOUNDATIONS = ("test_steps_along_the_change",)
SHAPES = {"conv1.weight": (4, 3, 3, 3), "conv1.bias": (4,)}
RATE = 1e-2


class OptimiserTests:
    """What Apical asks of an optimiser. Subclass it in a test file of your own:

    >>> from apical.models import SGD
    >>> from apical.testing import OptimiserTests
    >>> class TestMine(OptimiserTests):
    ...     def make(self, *, learning_rate, factors):
    ...         return SGD(learning_rate=learning_rate, factors=factors, momentum=0.9)

    Attributes:
        in_parts: whether it takes the rows of a weight block by block, as apical weights come; False for one that needs whole changes.
    """

    in_parts = True

    def make(self, *, learning_rate: float, factors: Mapping[str, float]) -> Optimiser:
        """A new optimiser; `factors` are on the learning rate, by population."""
        raise NotImplementedError("OptimiserTests.make: expected a method that returns a new optimiser; write it")

    def test_steps_along_the_change(self) -> None:
        """A change is the way downhill: one step moves the weight, in place, to its side."""
        made, weights = self._made()
        changes = _changes(0)
        before = {name: weight.clone() for name, weight in weights.items()}
        _step(made, weights, _changes(0))
        for name, weight in weights.items():
            along = float(((weight - before[name]) * changes[name]).sum())
            if not along > 0:
                raise Broken(f"{name} moved along its change", f"a product of {along:.3g}", "add the change, in place")

    def test_goes_on_from_a_checkpoint(self) -> None:
        """Its tensors and the number of the step are all that it remembers: resumed, it makes the same steps bit for bit."""
        made, weights = self._made()
        if not isinstance(made, Resumable):
            raise Broken("the methods tensors and restore", "none", "a training could not be resumed")
        for number in range(3):
            _step(made, weights, _changes(number))
        kept = {name: value.clone() for name, value in made.tensors().items()}
        other, copies = self._made()
        assert isinstance(other, Resumable)
        for name, weight in copies.items():
            weight.copy_(weights[name])
        if other.tensors().keys() != kept.keys():
            raise Broken("tensors of the same names as soon as weights are registered", f"{sorted(other.tensors().keys() ^ kept.keys())[:2]} in one alone", "make them in register")  # fmt: skip
        for name, value in other.tensors().items():
            value.copy_(kept[name])
        other.restore(3)
        for number in range(3, 6):
            _step(made, weights, _changes(number))
            _step(other, copies, _changes(number))
        for name, weight in weights.items():
            if not torch.equal(weight, copies[name]):
                raise Broken(f"{name} of a resumed optimiser as of an uninterrupted one", "others", "keep everything in tensors(); count steps by restore")  # fmt: skip

    def test_learning_rate_and_factors_scale_a_step(self) -> None:
        """A schedule sets `learning_rate` before a step, and a population with factor 0 rests."""
        made, weights = self._made(factors={"conv1": 0.0})
        before = {name: weight.clone() for name, weight in weights.items()}
        _step(made, weights, _changes(0))
        moved = [name for name, weight in weights.items() if not torch.equal(weight, before[name])]
        if moved:
            raise Broken(
                f"{moved[0]} to rest with factor 0",
                "a step",
                "multiply the rate by factors[population]; decay is a step as well",
            )
        made, weights = self._made()
        made.learning_rate = 0.0
        _step(made, weights, _changes(0))
        if any(not torch.equal(weight, before[name]) for name, weight in weights.items()):
            raise Broken("no step at learning_rate = 0", "one", "read learning_rate in every step: a schedule sets it")

    def test_blocks_of_rows_make_the_whole(self) -> None:
        """Apical weights change block by block of their rows: together the blocks make the step of the whole."""
        if not self.in_parts:
            raise unasked("it needs whole changes (in_parts = False)")
        (made, weights), (other, copies) = self._made(), self._made()
        for number in range(3):
            changes = _changes(number)
            _step(made, weights, changes)
            other.advance()
            for name, weight in copies.items():
                for part in (slice(0, 1), slice(1, 4)):
                    other.apply(name, weight, changes[name][part], part)
        for name, weight in weights.items():
            if not torch.allclose(weight, copies[name], rtol=1e-6, atol=1e-9):
                gap = float((weight - copies[name]).abs().max())
                raise Broken(f"{name} in two blocks as in one", f"a distance of {gap:.3g}", "keep moments of the block alone; count a step in advance(), not in apply()")  # fmt: skip

    def test_is_deterministic(self) -> None:
        """Equal changes make equal steps, and no global random stream is read."""
        found = []
        for seed in (1, 2):
            kept = torch.get_rng_state()
            torch.manual_seed(seed)
            made, weights = self._made()
            for number in range(3):
                _step(made, weights, _changes(number))
            torch.set_rng_state(kept)
            found.append(weights)
        for name, weight in found[0].items():
            if not torch.equal(weight, found[1][name]):
                raise Broken(f"the same {name} of the same changes", "another", "draw nothing from global streams")

    def test_leaves_the_change(self) -> None:
        """A change is read, never written, and a change of 0 on fresh weights without decay leaves no NaN."""
        made, weights = self._made()
        changes = _changes(0)
        before = {name: change.clone() for name, change in changes.items()}
        _step(made, weights, changes)
        for name, change in changes.items():
            if not torch.equal(change, before[name]):
                raise Broken(f"the change of {name} as it was", "another", "work on a copy")
        _step(made, weights, {name: torch.zeros_like(change) for name, change in changes.items()})
        for name, weight in weights.items():
            if not bool(weight.isfinite().all()):
                raise Broken(f"{name} finite after a change of 0", "others", "divide by nothing that may be 0")

    def _made(self, factors: Mapping[str, float] | None = None) -> tuple[Optimiser, dict[str, Tensor]]:
        made = self.make(learning_rate=RATE, factors=factors or {})
        g = torch.Generator().manual_seed(0)
        weights = {name: torch.randn(shape, generator=g) for name, shape in SHAPES.items()}
        for name, weight in weights.items():
            made.register(name, weight)
        return made, weights


def _changes(number: int) -> dict[str, Tensor]:
    g = torch.Generator().manual_seed(10 + number)
    return {name: torch.randn(shape, generator=g) for name, shape in SHAPES.items()}


@torch.no_grad()
def _step(made: Optimiser, weights: Mapping[str, Tensor], changes: Mapping[str, Tensor]) -> None:
    made.advance()
    for name, weight in weights.items():
        made.apply(name, weight, changes[name])


def check_optimiser(make: Make, *, in_parts: bool = True) -> list[Finding]:
    """Run the battery on an optimiser, without a test runner.

    >>> from apical.models import AdamW
    >>> from apical.testing import check_optimiser
    >>> check_optimiser(lambda **given: AdamW(weight_decay=0.01, **given))
    []

    Args:
        make: gives a new one at every call, from `learning_rate` and `factors`.
        in_parts: see `OptimiserTests`.

    Returns:
        What is broken: name of the check, what was expected, what was got, remedy; empty where nothing is.
    """
    given: dict[str, Any] = {"make": lambda self, **words: make(**words), "in_parts": in_parts}
    return run(type("Asked", (OptimiserTests,), given), FOUNDATIONS)
