"""The rate engine for local rules: one step = forward sweep, apical sweep, plasticity of every population.

A population learns as soon as the rates that its contexts bring are there. With lateral context it is finished before the next one starts,
and its activity is freed: memory grows with the largest population, not with depth. With direct feedback all wait for the top; where the
shortcuts of residual blocks conduct what a block is told to the blocks below, all learn from the top down.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from ...plasticity import Factors, LocalRule, Pairing
from ..errors import ModelError
from ..networks.contexts import awaited, whose
from ..networks.network import Network
from ..optimisers.base import Optimiser, Taking, together
from ..optimisers.measured import Measured
from ..populations.apical import ApicalProjection
from ..populations.conv import Activity, Population
from ..populations.residual import ResidualBlock, conducts, inner_changes, kernels
from ..ranks.parted import parted_factors
from ..ranks.ranks import ALONE, CHANGES, RATES, Ranks
from .awake import awake, gathered
from .observer import Observer
from .sweep import forward, local_factors


class LocalEngine:
    """Trains a network with a local rule, from explicit factors; no autograd anywhere.

    Args:
        network: populations with the apical projections that the rule's context needs.
        rule: the rule.
        optimiser: usually AdamW; a `Collector` keeps the changes instead. The engine registers its weights.
        half: run sweeps and outer products in bfloat16 around float32 master weights.
        ranks: processes that train it together; each is shown its own rows of the batch.

    Raises:
        ModelError: the network is not wired for the rule, or the rule names an unknown context source.
    """

    def __init__(
        self, network: Network, rule: LocalRule, optimiser: Optimiser, *, half: bool = False, ranks: Ranks = ALONE
    ) -> None:
        count = len(network.populations)
        self.sent = [{s: whose(s, i, count) for s in rule.needs.sources} for i in range(count)]
        self.conducts = any(conducts(population) for population in network.populations)
        self.awaited = [count if self.conducts else awaited(rule.needs.sources, i, count) for i in range(count)]
        missing = [s for s in rule.needs.sources if s not in network.apical]
        if missing:
            raise ModelError(
                f"network.apical: expected projections for {', '.join(rule.needs.sources)}, got none for {missing[0]}; call wire()"
            )
        self.network, self.rule, self.optimiser, self.ranks = network, rule, optimiser, ranks
        self._owed: Callable[[], None] | None = None  # the change of the population before, while ranks add it up
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
            images: what is shown, (rows, channels, height, width); for a pairing both glances of every object. Of several ranks the own
                rows of them; pairing and label are those of all rows.
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
        losses: list[Tensor] = []
        self._owed = None  # of a step that broke off
        waiting: deque[Activity] = deque()
        shared: dict[int, Tensor] = {}  # block-pooled rates that others receive, by position
        abroad = {j for i, sent in enumerate(self.sent) for j in sent.values() if j != i}
        for i in range(len(self.network.populations)):
            waiting.append(self._forward(i, pre, pairing, observer))
            pre = waiting[-1].rate
            if i in abroad:
                shared[i] = self._pooled(i, waiting[-1])
            while waiting and self.awaited[len(losses)] <= i:
                losses.append(self._plasticity(len(losses), waiting.popleft(), shared, pairing, label, observer)[0])
                shared = {
                    j: rate for j, rate in shared.items() if any(j in s.values() for s in self.sent[len(losses) :])
                }
        above: Tensor | None = None
        while waiting:  # from the top down, where shortcuts conduct
            activity = waiting.pop()
            below = waiting[-1].rate if waiting else None
            loss, above = self._plasticity(len(waiting), activity, shared, pairing, label, observer, above, below)
            losses.insert(0, loss)
        self._settle()
        return torch.stack(losses)

    def _pooled(self, i: int, activity: Activity) -> Tensor:
        """Block-pooled rates of all rows of the batch, (rows, units)."""
        population = self.network.populations[i]
        own = population.pooled(activity.rate)
        return self.ranks.whole(own, len(own) * self.ranks.size, RATES).to(population.weight.dtype)

    def _forward(self, i: int, pre: Tensor, pairing: Pairing | None, observer: Observer | None) -> Activity:
        population, neurons = self.network.populations[i], self.rule.needs.site == "neuron"
        return forward(
            population, pre, keep_basal=observer is not None, plastic=True, learning=True, keep_potential=neurons,
            pairing=pairing,
        )  # fmt: skip

    def _plasticity(
        self,
        i: int,
        activity: Activity,
        shared: dict[int, Tensor],
        pairing: Pairing | None,
        label: Tensor | None,
        observer: Observer | None,
        above: Tensor | None = None,
        below: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Loss of a population, and what its shortcut conducts to the one below: its factor, and with it what came from `above`."""
        population, neurons = self.network.populations[i], self.rule.needs.site == "neuron"
        projections = {source: self.network.apical[source][i] for source in self.rule.needs.sources}
        parted = observer is None and self.ranks.size > 1 and self.rule.needs.parted
        if i not in shared and (not parted or i in self.sent[i].values()):
            shared[i] = self._pooled(i, activity)
        contexts = {source: shared[j] for source, j in self.sent[i].items()}
        basal = None
        if neurons and activity.potential is not None:
            basal = activity.potential.to(population.weight.dtype)
        state = self.network.state(population.name)
        optimiser = self.optimiser if observer is None else Measured(self.optimiser)
        if parted:
            rate = population.pooled(activity.rate)
            signals, factors = parted_factors(
                self.ranks, self.rule, projections, rate, shared.get(i), contexts, pairing, label=label, position=i
            )
        else:
            signals, factors = local_factors(
                self.rule, projections, shared[i], contexts, pairing, label=label, basal=basal, state=state, position=i
            )
        for name, value in factors.state.items():
            state[name].copy_(value)
        with together(optimiser):
            handed = self._learn(population, projections, contexts, activity, factors, optimiser, above, below)
        for projection in projections.values():
            projection.renew()
        if isinstance(optimiser, Measured) and observer is not None:
            moves = {source: p.moved(optimiser.move(f"{p.name}.apical")) for source, p in projections.items()}
            moves["basal"] = optimiser.move(*kernels(population))
            observer.local(population, activity, signals, factors, moves)
        return factors.loss, handed

    def _learn(
        self,
        population: Population,
        projections: Mapping[str, ApicalProjection],
        contexts: Mapping[str, Tensor],
        activity: Activity,
        factors: Factors,
        optimiser: Taking,
        above: Tensor | None,
        below: Tensor | None,
    ) -> Tensor | None:
        """Hand the changes of one population to the optimiser; what it conducts down, see `_plasticity`."""
        neurons = self.rule.needs.site == "neuron"
        for source, projection in projections.items():
            prediction, context = factors.prediction[source], contexts[source]
            if (rows := awake(prediction)) is not None:
                prediction, context = prediction[rows], context[rows]
            projection.descend(prediction, context, optimiser)
        drive = factors.drive
        if len(drive) > len(activity.rate):
            drive = drive[self.ranks.own(len(drive))]
        factor = drive.to(activity.pre.dtype) if neurons else population.factor(drive, activity)
        if above is not None:
            factor = factor + population.gated(above.to(factor.dtype), activity)
        block = population if isinstance(population, ResidualBlock) else None
        handed = None if block is None or below is None else block.handed_down(factor, below)
        whole = neurons or above is not None or (block is not None and not block.rowwise)
        rows = None if whole else awake(drive)
        seen = (factor, activity) if rows is None else gathered(rows, factor, activity)
        change, bias_change = population.change(*seen)
        inner = inner_changes(population, *seen)
        weights = [population.weight, population.bias, *(weight for _, weight, _ in inner)]
        given = [change, bias_change, *(moved for _, _, moved in inner)]
        told = [each.to(weight.dtype) for each, weight in zip(given, weights, strict=True)]
        summed = self.ranks.sum(told, weights, CHANGES)
        self._settle()  # of the population before: its sum had this one's sweep to travel
        self._owed = partial(self._apply, population, [name for name, _, _ in inner], summed, factors.decay, optimiser)
        if self.ranks.size == 1 or isinstance(optimiser, Measured):
            self._settle()
        return handed

    def _settle(self) -> None:
        """Apply the change that is owed, if there is one."""
        owed, self._owed = self._owed, None
        if owed is not None:
            owed()

    def _apply(
        self,
        population: Population,
        inner: Sequence[str],
        summed: Callable[[], list[Tensor]],
        decay: Tensor | None,
        optimiser: Taking,
    ) -> None:
        """Hand the changes of a population to the optimiser; `inner` names those of a block's other weights."""
        change, bias_change, *moved = summed()
        if decay is not None:
            change = change - decay.view(-1, *(1,) * (change.dim() - 1)) * population.weight
        optimiser.apply(f"{population.name}.weight", population.weight, change)
        # a bias would grow without the bound that forgetting sets to the weights
        if decay is None and population.biased:
            optimiser.apply(f"{population.name}.bias", population.bias, bias_change)
        if isinstance(population, ResidualBlock):
            for name, each in zip(inner, moved, strict=True):
                optimiser.apply(name, population.inner[name.removeprefix(f"{population.name}.")], each)
