"""The battery for builders of networks: populations that engine, recorder, read-outs and checkpoints can use."""

import random
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ...models import Collector, Network, wire
from ...models.engine import LocalEngine, rates
from ...models.engine.sweep import forward
from ...plasticity import Apical, ClappPP, Signals, pair
from .findings import Broken, Finding, run
from .outputs import distance

Build = Callable[..., Network]
FOUNDATIONS = ("test_is_a_network",)
OBJECTS = 3


class BuilderTests:
    """What Apical asks of a builder, a function of (shape, *, generator) that returns a `Network`. Subclass it in a test file of your own:

    >>> from functools import partial
    >>> from apical.models import mlp
    >>> from apical.testing import BuilderTests
    >>> class TestMine(BuilderTests):
    ...     shape = (1, 4, 4)
    ...
    ...     def build(self, shape, *, generator):
    ...         return mlp(shape, (6, 5), generator=generator)

    Attributes:
        shape: of an image that it is built for.
    """

    shape: ClassVar[tuple[int, int, int]] = (3, 16, 16)

    def build(self, shape: tuple[int, int, int], *, generator: torch.Generator) -> Network:
        """A new network."""
        raise NotImplementedError("BuilderTests.build: expected a method that returns a Network; write it")

    def test_is_a_network(self) -> None:
        """A `Network` of populations with different names, built for the shape that was asked for."""
        network = self._built()
        if not isinstance(network, Network) or not network.populations:
            raise Broken("a Network with populations", type(network).__name__, "return apical.models.Network(shape, populations)")  # fmt: skip
        if network.shape != self.shape:
            raise Broken(f"a network for {self.shape}", f"{network.shape}", "hand the shape on")
        names = network.names
        odd = [n for n in names if names.count(n) > 1 or not n.isidentifier()]
        if odd:
            raise Broken("populations of different names of letters, digits and _", repr(odd[0]), "rename it: recordings and checkpoints name weights by it")  # fmt: skip

    def test_weights_follow_the_generator(self) -> None:
        """Equal seeds give equal weights and others give others, and no global random stream is read."""
        kept = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # type: ignore[index]
        first, again, other = self._built(0), self._built(0), self._built(1)
        if not torch.equal(torch.get_rng_state(), kept[0]) or random.getstate() != kept[2]:
            raise Broken("global random streams left alone", "a draw", "draw every weight from the generator")
        if not np.array_equal(np.random.get_state()[1], kept[1]):  # type: ignore[index]
            raise Broken("global random streams left alone", "a draw of numpy", "draw every weight from the generator")
        for name, weight in first.weights().items():
            if not torch.equal(weight, again.weights()[name]):
                raise Broken(f"{name} of the same seed twice", "another", "draw every weight from the generator")
        if all(torch.equal(weight, other.weights()[name]) for name, weight in first.weights().items()):
            raise Broken("other weights of another seed", "the same", "draw the weights from the generator")

    def test_rates_have_the_shapes_that_are_told(self) -> None:
        """Every population gives the rates, potentials and pooled units that it tells, finite and not all silent."""
        network = self._built()
        pre = self._images()
        for population in network.populations:
            activity = forward(population, pre, keep_basal=True, keep_potential=True)
            pre = activity.rate
            found = {"shape": tuple(pre.shape[1:]), "units": population.pooled(pre).shape[1]}
            wanted = {"shape": tuple(population.shape), "units": population.units}
            if found != wanted:
                raise Broken(f"rates of {population.name} with {wanted}", f"{found}", "tell what the sweep gives")
            if not bool(pre.isfinite().all()) or not bool(pre.any()):
                got = "others" if not bool(pre.isfinite().all()) else "silence"
                raise Broken(f"finite rates of {population.name} that are not all 0", got, "scale the initial weights")

    def test_a_row_stands_alone(self) -> None:
        """Rates of an image do not depend on the others of its batch, as read-outs and replays take for granted."""
        network, images = self._built(), self._images()
        together, alone = rates(network, images), rates(network, images[:1])
        for name, one, other in zip(network.names, together, alone, strict=True):
            if distance(one[:1], other) > 1e-9:
                raise Broken(f"rates of {name} that one image alone has too", "others in a batch", "take no statistics of the batch; a relay keeps running ones")  # fmt: skip

    def test_changes_equal_autograd(self) -> None:
        """The engine's explicit changes on it equal autograd of every population's own objective."""
        network, rule = self._built(), ClappPP()
        wire(network, rule.needs.sources, generator=torch.Generator().manual_seed(3)).to(
            torch.device("cpu"), torch.float64
        )
        images, pairing = self._images(2 * OBJECTS), pair(OBJECTS)
        caught = Collector()
        LocalEngine(network, rule, caught).step(images, pairing)
        for name, gradient in _autograd(network, rule, images).items():
            found = caught.changes.get(name, torch.zeros_like(gradient))
            if distance(found, -gradient) > 1e-6 and float(gradient.norm()) > 1e-12:
                raise Broken(f"the change of {name} equal to autograd", f"a relative distance of {distance(found, -gradient):.3g}", "compose populations of apical.models, or give yours `factor` and `change` that fit its `forward`")  # fmt: skip

    def _built(self, seed: int = 0) -> Network:
        made = self.build(self.shape, generator=torch.Generator().manual_seed(seed))
        return made.to(torch.device("cpu"), torch.float64) if isinstance(made, Network) else made

    def _images(self, rows: int = 4) -> Tensor:
        return torch.randn(rows, *self.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def _autograd(network: Network, rule: ClappPP, images: Tensor) -> dict[str, Tensor]:
    """Gradients of the summed local objectives, every population's input and context detached."""
    weights = network.weights()
    for weight in weights.values():
        weight.requires_grad_(True)
    try:
        losses: list[Tensor] = []
        pre, pairing = images, pair(OBJECTS).to(images.device, images.dtype)
        for i, population in enumerate(network.populations):
            rate = forward(population, pre.detach(), keep_basal=False).rate
            pooled, pre = population.pooled(rate), rate
            context = pooled.detach()
            apical = {"lateral": Apical(context, context @ network.apical["lateral"][i].weight.T)}
            losses.append(rule.objective(Signals(pooled, apical, pairing, position=i)))
        found = torch.autograd.grad(torch.stack(losses).sum(), list(weights.values()), allow_unused=True)
    finally:
        for weight in weights.values():
            weight.requires_grad_(False)
    return {name: torch.zeros_like(weights[name]) if g is None else g for name, g in zip(weights, found, strict=True)}


def check_builder(build: Build, shapes: Sequence[tuple[int, int, int]] = ((3, 16, 16),)) -> list[Finding]:
    """Run the battery on a builder, without a test runner.

    >>> from apical.models import mlp
    >>> from apical.testing import check_builder
    >>> check_builder(lambda shape, *, generator: mlp(shape, (6, 5), generator=generator), [(1, 4, 4)])
    []

    Args:
        build: the builder.
        shapes: of images that it is asked for.

    Returns:
        What is broken with any of them: name of the check, what was expected, what was got, remedy; empty where nothing is.
    """
    found: list[Finding] = []
    for shape in shapes:
        given: dict[str, Any] = {
            "shape": shape,
            "build": lambda self, shape, *, generator: build(shape, generator=generator),
        }
        found += run(type("Asked", (BuilderTests,), given), FOUNDATIONS)
    return found
