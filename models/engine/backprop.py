"""The rate engine for end-to-end baselines: same network, stimuli and optimiser; the gradient by autograd."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from ...plasticity import EndToEndRule, Pairing
from ..errors import ModelError
from ..networks.network import Network
from ..optimisers.base import Optimiser, together
from ..optimisers.measured import Measured
from ..populations.conv import Activity
from ..populations.residual import kernels
from ..ranks.ranks import ALONE, CHANGES, RATES, Ranks
from .observer import Observer
from .sweep import forward


class BackpropEngine:
    """Trains a network end to end.

    Args:
        network: populations and a `head` (units, units) for the objective at the top.
        rule: an end-to-end rule.
        optimiser: usually AdamW; a `Collector` keeps the changes instead. The engine registers its weights.
        half: bfloat16 sweeps around float32 master weights.
        ranks: processes that train it together; each is shown its own rows of the batch.

    Raises:
        ModelError: the network has no head.
    """

    def __init__(
        self, network: Network, rule: EndToEndRule, optimiser: Optimiser, *, half: bool = False, ranks: Ranks = ALONE
    ) -> None:
        if network.head is None and rule.needs.head != "none":
            raise ModelError("network.head: expected a projection for an end-to-end rule, got None; use build_network")
        self.network, self.rule, self.optimiser, self.ranks = network, rule, optimiser, ranks
        self.dtype = torch.bfloat16 if half else network.populations[0].weight.dtype
        for name, weight in network.weights().items():
            optimiser.register(name, weight)

    def refresh(self) -> None:
        """Nothing is derived from the master weights here."""

    def step(
        self,
        images: Tensor,
        pairing: Pairing | None,
        observer: Observer | None = None,
        *,
        label: Tensor | None = None,
    ) -> Tensor:
        """One step; arguments as in `LocalEngine.step`. Returns the objective at the top, shape (1,)."""
        network = self.network
        weights = network.weights()
        for weight in weights.values():
            weight.requires_grad_(True)
        try:
            loss, activities = self._objective(images, pairing, label, observer is not None)
            # torch types the gradients loosely
            gradients: tuple[Tensor, ...] = torch.autograd.grad(loss, list(weights.values()))
        finally:
            for weight in weights.values():
                weight.requires_grad_(False)
        changes = self._summed(weights, gradients)
        self.optimiser.advance()
        optimiser = self.optimiser if observer is None else Measured(self.optimiser)
        with torch.no_grad(), together(optimiser):
            for name, weight in weights.items():
                optimiser.apply(name, weight, changes[name]())
        with torch.no_grad():
            if isinstance(optimiser, Measured) and observer is not None:
                for population, activity in zip(network.populations, activities, strict=True):
                    observer.backprop(population, activity, {"basal": optimiser.move(*kernels(population))})
        return loss.detach()[None]

    @torch.no_grad()
    def _summed(self, weights: Mapping[str, Tensor], gradients: Sequence[Tensor]) -> dict[str, Callable[[], Tensor]]:
        """The change of every weight, -gradient, of all ranks. Each has that of the head whole: its objective sees all rows."""
        found: dict[str, Callable[[], Tensor]] = {}
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True):
            if name == "head" or self.ranks.size == 1:
                found[name] = gradient.neg
                continue
            summed = self.ranks.sum([gradient.neg()], [weight], CHANGES)
            found[name] = partial(_first, summed)
        return found

    def _all_rows(self, own: Tensor) -> Tensor:
        """The top population's rates of all rows, of which the own ones carry a gradient."""
        if self.ranks.size == 1:
            return own
        count = len(own) * self.ranks.size
        rows, whole = self.ranks.own(count), self.ranks.whole(own.detach(), count, RATES)
        return torch.cat([whole[: rows.start], own, whole[rows.stop :]])

    def _objective(
        self, images: Tensor, pairing: Pairing | None, label: Tensor | None, keep: bool
    ) -> tuple[Tensor, list[Activity]]:
        network = self.network
        master = network.populations[0].weight.dtype
        if pairing is not None:
            pairing = pairing.to(images.device, master)
        pre = images.to(self.dtype).contiguous(memory_format=torch.channels_last)
        activities = []
        for population in network.populations:
            activity = forward(population, pre, keep_basal=keep, learning=True, pairing=pairing)
            pre = activity.rate
            if keep:
                rate, basal = pre.detach(), activity.basal
                activities.append(Activity(rate, rate, None, None if basal is None else basal.detach()))
        top = self._all_rows(network.populations[-1].pooled(pre).to(master))
        return self.rule.objective(top, network.head, pairing, label), activities


def _first(summed: Callable[[], list[Tensor]]) -> Tensor:
    return summed()[0]
