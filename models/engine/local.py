"""The rate engine for local rules: one step = forward sweep, apical sweep, plasticity of every population.

A population learns as soon as the rates that its contexts bring are there. With lateral context it is finished before the next one starts,
and its activity is freed: memory grows with the largest population, not with depth; a very large map is swept again rather than held. With direct feedback all wait for the top, and hold what their
change will need; or, with `recompute`, the whole network is swept once for the rates that the contexts bring, and then again, population by population.
Where the shortcuts of residual blocks conduct what a block is told to the blocks below, all learn from the top down.
Large maps are taken in chunks of rows (`rows.py`).
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from ...plasticity import Factors, LocalRule, Pairing, underneath
from ..errors import ModelError
from ..networks.contexts import awaited, whose
from ..networks.network import Network
from ..optimisers.base import Optimiser, Taking, together
from ..optimisers.measured import Measured
from ..parted.factors import parted_factors
from ..populations.apical import ApicalProjection
from ..populations.conv import Activity, Population
from ..populations.residual import ResidualBlock, conducts, inner_changes, kernels
from ..ranks.ranks import ALONE, CHANGES, RATES, Ranks
from .awake import awake, gathered
from .kept import relays_kept
from .observer import Observer
from .rows import Blocks, check_held, chunk_rows, swept_again
from .sweep import cast, local_factors
from .waiting import Waiting, again, glanced, held, whole


class LocalEngine:
    """Trains a network with a local rule, from explicit factors; no autograd anywhere.

    Args:
        network: populations with the apical projections that the rule's context needs.
        rule: the rule.
        optimiser: usually AdamW; a `Collector` keeps the changes instead. The engine registers its weights.
        half: run sweeps and outer products in bfloat16 around float32 master weights.
        recompute: sweep twice and hold no map until its change: memory is that of the two largest populations, for the time of a forward sweep. What is
            computed is the same bit for bit.
        chunk: rows that a convolution takes at a time, 0 for all; None for what `chunk_rows` makes of its map.
        ranks: processes that train it together; each is shown its own rows of the batch.

    Raises:
        ModelError: the network is not wired for the rule, the rule names an unknown context source, or one that sees single neurons, and thus whole maps,
            is to be recomputed or chunked.
    """

    def __init__(
        self,
        network: Network,
        rule: LocalRule,
        optimiser: Optimiser,
        *,
        half: bool = False,
        recompute: bool = False,
        chunk: int | None = None,
        ranks: Ranks = ALONE,
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
        self.neurons = rule.needs.site == "neuron"
        check_held(
            recompute,
            chunk,
            rule=type(underneath(rule)).__name__,
            neurons=self.neurons,
            conducts=self.conducts,
            ranks=ranks.size,
        )
        self.recompute, self.chunk = recompute, 0 if self.neurons or self.conducts else chunk
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
        waiting: deque[Waiting] = deque()
        abroad = {j for i, sent in enumerate(self.sent) for j in sent.values() if j != i}
        foreseen = self._foresee(pre, abroad, pairing) if self.recompute else {}
        reach = max(foreseen, default=-1)
        shared = {j: rate for j, rate in foreseen.items() if j in abroad}  # block-pooled rates that others receive
        rates = Blocks.of(pre)
        del pre
        for i in range(len(self.network.populations)):
            waiting.append(self._forward(i, rates, foreseen.pop(i, None), pairing, observer))
            rates = waiting[-1].rates
            if i in abroad:
                shared[i] = self._gathered(waiting[-1].pooled)
            while waiting and self.awaited[len(losses)] <= max(i, reach):
                losses.append(self._plasticity(len(losses), waiting.popleft(), shared, pairing, label, observer)[0])
                shared = {
                    j: rate for j, rate in shared.items() if any(j in s.values() for s in self.sent[len(losses) :])
                }
        above: Tensor | None = None
        while waiting:  # from the top down, where shortcuts conduct
            last = waiting.pop()
            below = waiting[-1].rates.whole() if waiting else None
            loss, above = self._plasticity(len(waiting), last, shared, pairing, label, observer, above, below)
            losses.insert(0, loss)
        self._settle()
        return torch.stack(losses)

    def _gathered(self, own: Tensor) -> Tensor:
        """Block-pooled rates of all rows of the batch, (rows, units), from those of own rows; they travel in the precision of the sweep."""
        if self.ranks.size == 1:
            return own
        return self.ranks.whole(own.to(self.dtype), len(own) * self.ranks.size, RATES).to(own.dtype)

    def _foresee(self, images: Tensor, abroad: set[int], pairing: Pairing | None) -> dict[int, Tensor]:
        """Block-pooled rates by position, from a sweep that holds no map: those that populations below wait for, and those that are swept in chunks."""
        found: dict[int, Tensor] = {}
        last = max(self.awaited)
        if all(upto <= i for i, upto in enumerate(self.awaited)):
            return found
        rates, rows = Blocks.of(images), len(images)
        with relays_kept(self.network):
            for i in range(last + 1):
                population = self.network.populations[i]
                size, out = self._laid(i, rows)
                pooled = glanced(
                    population, self._entering(i, rates, pairing), self._sweep(population, None), size, out
                )
                if i in abroad or size < rows:
                    found[i] = pooled
                rates = out
        return found

    def _laid(self, i: int, rows: int) -> tuple[int, Blocks]:
        """Rows of a chunk of a population, and empty room for its rates, which the next one takes in chunks of its own."""
        sizes = [chunk_rows(population, rows, self.chunk) for population in self.network.populations[i : i + 2]]
        return sizes[0], Blocks(rows, max(sizes))

    def _entering(self, i: int, rates: Blocks, pairing: Pairing | None) -> Blocks:
        """What a population sees of the rates below: a relay sees them all at once."""
        relay = self.network.populations[i].relay
        return rates if relay is None else Blocks.of(relay(rates.whole(), pairing, learning=True))

    def _sweep(self, population: Population, observer: Observer | None) -> Callable[[Tensor], Activity]:
        """From what comes in to the activity of a population."""
        weight, bias = cast(population, self.dtype)

        def sweep(pre: Tensor) -> Activity:
            if isinstance(population, ResidualBlock):  # the only one that normalises inside
                return population.forward(
                    pre,
                    weight,
                    bias,
                    keep_basal=observer is not None,
                    plastic=True,
                    keep_potential=self.neurons,
                    learning=True,
                )
            return population.forward(
                pre, weight, bias, keep_basal=observer is not None, plastic=True, keep_potential=self.neurons
            )

        return sweep

    def _forward(
        self, i: int, rates: Blocks, pooled: Tensor | None, pairing: Pairing | None, observer: Observer | None
    ) -> Waiting:
        population, rows = self.network.populations[i], rates.rows
        size, out = self._laid(i, rows)
        pre, sweep = self._entering(i, rates, pairing), self._sweep(population, observer)
        waits = not self.recompute and any(
            upto > i or (j < i and upto == i) for j, upto in enumerate(self.awaited[: i + 1])
        )
        if size < rows and (self.recompute or (not waits and swept_again(population, self.chunk))):
            return again(population, pre, sweep, out, size, pooled)
        return held(population, pre, sweep, out, size, lean=size < rows or waits)

    def _plasticity(
        self,
        i: int,
        waiting: Waiting,
        shared: dict[int, Tensor],
        pairing: Pairing | None,
        label: Tensor | None,
        observer: Observer | None,
        above: Tensor | None = None,
        below: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Loss of a population, and what its shortcut conducts to the one below: its factor, and with it what came from `above`."""
        population = self.network.populations[i]
        projections = {source: self.network.apical[source][i] for source in self.rule.needs.sources}
        parted = observer is None and self.ranks.size > 1 and self.rule.needs.parted
        if i not in shared and (not parted or i in self.sent[i].values()):
            shared[i] = self._gathered(waiting.pooled)
        contexts = {source: shared[j] for source, j in self.sent[i].items()}
        basal = None
        if waiting.potential is not None:
            basal = waiting.potential.to(population.weight.dtype)
        state = self.network.state(population.name)
        optimiser = self.optimiser if observer is None else Measured(self.optimiser)
        if parted:
            rate = waiting.pooled.to(self.dtype)
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
            handed, seen = self._learn(
                population, projections, contexts, waiting, factors, optimiser, observer, above, below
            )
        for projection in projections.values():
            projection.renew()
        if isinstance(optimiser, Measured) and observer is not None:
            moves = {source: p.moved(optimiser.move(f"{p.name}.apical")) for source, p in projections.items()}
            moves["basal"] = optimiser.move(*kernels(population))
            observer.local(population, whole(population, seen), signals, factors, moves)
        return factors.loss, handed

    def _learn(
        self,
        population: Population,
        projections: Mapping[str, ApicalProjection],
        contexts: Mapping[str, Tensor],
        waiting: Waiting,
        factors: Factors,
        optimiser: Taking,
        observer: Observer | None,
        above: Tensor | None,
        below: Tensor | None,
    ) -> tuple[Tensor | None, list[Activity]]:
        """Hand the changes of one population to the optimiser; what it conducts down, see `_plasticity`, and its activities where somebody watches."""
        for source, projection in projections.items():
            prediction, context = factors.prediction[source], contexts[source]
            if (rows := awake(prediction)) is not None:
                prediction, context = prediction[rows], context[rows]
            projection.descend(prediction, context, optimiser)
        drives = factors.drive
        if len(drives) > len(waiting.pooled):  # of all ranks' rows
            drives = drives[self.ranks.own(len(drives))]
        changes: list[Tensor] = []
        inner: list[tuple[str, Tensor, Tensor]] = []
        seen: list[Activity] = []
        handed: Tensor | None = None
        start = 0
        for activity in waiting.activities:
            drive = drives[start : start + len(activity.rate)]
            start += len(drive)
            factor = self._factor(population, drive, activity, above)
            if isinstance(population, ResidualBlock) and below is not None:
                handed = population.handed_down(factor, below)
            rows = awake(drive) if above is None and self._rowwise(population) else None
            told = (factor, activity) if rows is None else gathered(rows, factor, activity)
            found = [part.to(population.weight.dtype) for part in population.change(*told)]
            changes = [total.add_(part) for total, part in zip(changes, found, strict=True)] if changes else found
            inner = inner_changes(population, *told)  # a block takes all rows at once
            if observer is not None:
                seen.append(activity)
            del activity, factor, told, found  # before the next chunk is there
        weights = [population.weight, population.bias, *(weight for _, weight, _ in inner)]
        given = [*changes, *(moved for _, _, moved in inner)]
        moves = [each.to(weight.dtype) for each, weight in zip(given, weights, strict=True)]
        summed = self.ranks.sum(moves, weights, CHANGES)
        self._settle()  # of the population before: its sum had this one's sweep to travel
        self._owed = partial(self._apply, population, [name for name, _, _ in inner], summed, factors.decay, optimiser)
        if self.ranks.size == 1 or isinstance(optimiser, Measured):
            self._settle()
        return handed, seen

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

    def _factor(self, population: Population, drive: Tensor, activity: Activity, above: Tensor | None) -> Tensor:
        factor = drive.to(activity.pre.dtype) if self.neurons else population.factor(drive, activity)
        return factor if above is None else factor + population.gated(above.to(factor.dtype), activity)

    def _rowwise(self, population: Population) -> bool:
        """Whether rows without a neuromodulator can be left out of the change."""
        return not self.neurons and (not isinstance(population, ResidualBlock) or population.rowwise)
