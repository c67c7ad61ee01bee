"""The rate engine for local rules: one step = forward sweep, apical sweep, plasticity of every population.

With lateral context a population is finished before the next one starts, and its activity is freed: memory grows with the largest
population, not with depth. With direct feedback the activity of all populations waits for the top.
"""

from typing import Protocol

import torch
from torch import Tensor

from ...plasticity import Factors, LocalRule, Pairing, Signals
from ..errors import ModelError
from ..network import Network
from ..optimiser import Optimiser
from ..population import Activity, Population
from .awake import awake, gathered
from .sweep import forward, local_factors


class Observer(Protocol):
    """Who watches a step. Called once per population, before its activity is freed; must not keep tensors alive."""

    def local(
        self, population: Population, activity: Activity, signals: Signals, factors: Factors, squares: dict[str, Tensor]
    ) -> None:
        """Signals, factors and squared norms of the changes (`basal`, and each context source) of one population."""
        ...

    def backprop(self, population: Population, activity: Activity, squares: dict[str, Tensor]) -> None:
        """The same for an end-to-end rule, which has no apical side."""
        ...

    def block(self, name: str, change: Tensor, weight: Tensor) -> None:
        """Squared norms of the change and of the weights of one block, which has no compartments."""
        ...


class LocalEngine:
    """Trains a network with a local rule, from explicit factors; no autograd anywhere.

    Args:
        network: populations with the apical projections that the rule's context needs.
        rule: the rule.
        optimiser: usually AdamW; a `Collector` keeps the changes instead. The engine registers its weights.
        half: run sweeps and outer products in bfloat16 around float32 master weights.

    Raises:
        ModelError: the network is not wired for the rule.
    """

    def __init__(self, network: Network, rule: LocalRule, optimiser: Optimiser, *, half: bool = False) -> None:
        missing = [s for s in rule.sources if s not in network.apical]
        if missing:
            raise ModelError(
                f"network.apical: expected projections for {', '.join(rule.sources)}, got none for {missing[0]}; call wire()"
            )
        self.network, self.rule, self.optimiser = network, rule, optimiser
        self.dtype = torch.bfloat16 if half else network.populations[0].weight.dtype
        for name, weight in network.weights().items():
            optimiser.register(name, weight)
        self.refresh()

    def refresh(self) -> None:
        """Renew what is derived from the master weights; call after weights were loaded from outside."""
        if self.dtype == torch.bfloat16:
            for projections in self.network.apical.values():
                for projection in projections:
                    projection.use_half()

    @torch.no_grad()
    def step(
        self,
        images: Tensor,
        pairing: Pairing | None,
        observer: Observer | None = None,
        *,
        label: Tensor | None = None,
    ) -> Tensor:
        """One plasticity step.

        Args:
            images: what is shown, (rows, channels, height, width); for a pairing both glances of every object.
            pairing: who follows whom; None for a rule that compares no rows.
            observer: sees signals and factors before they are freed.
            label: class of every row for a supervised rule, int64 (rows,).

        Returns:
            Local loss of every population, (populations,), on the device.
        """
        weights = self.network.populations[0].weight
        if pairing is not None:
            pairing = pairing.to(images.device, weights.dtype)
        pre = images.to(self.dtype).contiguous(memory_format=torch.channels_last)
        self.optimiser.advance()
        losses = []
        if "dfb" not in self.rule.sources:
            for i in range(len(self.network.populations)):
                activity = self._forward(i, pre, pairing, observer)
                pre = activity.rate
                losses.append(self._plasticity(i, activity, None, pairing, label, observer))
            return torch.stack(losses)
        waiting: list[Activity | None] = []
        for i in range(len(self.network.populations)):
            activity = self._forward(i, pre, pairing, observer)
            pre = activity.rate
            waiting.append(activity)
        top = self.network.populations[-1].pooled(pre).to(weights.dtype)
        del pre
        for i in range(len(waiting)):
            found, waiting[i] = waiting[i], None
            assert found is not None
            activity = found
            losses.append(self._plasticity(i, activity, top, pairing, label, observer))
        return torch.stack(losses)

    def _forward(self, i: int, pre: Tensor, pairing: Pairing | None, observer: Observer | None) -> Activity:
        population, neurons = self.network.populations[i], self.rule.site == "neuron"
        return forward(
            population, pre, keep_basal=observer is not None, plastic=True, learning=True, keep_potential=neurons,
            pairing=pairing,
        )  # fmt: skip

    def _plasticity(
        self,
        i: int,
        activity: Activity,
        top: Tensor | None,
        pairing: Pairing | None,
        label: Tensor | None,
        observer: Observer | None,
    ) -> Tensor:
        population, neurons = self.network.populations[i], self.rule.site == "neuron"
        projections = {source: self.network.apical[source][i] for source in self.rule.sources}
        pooled = population.pooled(activity.rate).to(population.weight.dtype)
        contexts = {"lateral": pooled, "retro": pooled} | ({} if top is None else {"dfb": top})
        basal = None
        if neurons and activity.potential is not None:
            basal = activity.potential.to(population.weight.dtype)
        state = self.network.state(population.name)
        signals, factors = local_factors(
            self.rule, projections, pooled, contexts, pairing, label=label, basal=basal, state=state, position=i
        )
        for name, value in factors.state.items():
            state[name].copy_(value)
        for source, projection in projections.items():
            prediction, context = factors.prediction[source], contexts[source]
            if (rows := awake(prediction)) is not None:
                prediction, context = prediction[rows], context[rows]
            projection.descend(prediction, context, self.optimiser)
        factor = factors.drive.to(activity.pre.dtype) if neurons else population.factor(factors.drive, activity)
        rows = None if neurons else awake(factors.drive)
        change, bias_change = population.change(
            *((factor, activity) if rows is None else gathered(rows, factor, activity))
        )
        change = change.to(population.weight.dtype)
        if factors.decay is not None:
            change = change - factors.decay.view(-1, *(1,) * (change.dim() - 1)) * population.weight
        self.optimiser.apply(f"{population.name}.weight", population.weight, change)
        if factors.decay is None:  # a bias would grow without the bound that forgetting sets to the weights
            self.optimiser.apply(f"{population.name}.bias", population.bias, bias_change.to(population.bias.dtype))
        if observer is not None:
            squares = {s: p.change_square(factors.prediction[s], contexts[s]) for s, p in projections.items()}
            squares["basal"] = change.double().square().sum()
            observer.local(population, activity, signals, factors, squares)
        return factors.loss
