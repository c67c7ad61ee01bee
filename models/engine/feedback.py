"""The rate engine for supervised rules with fixed feedback: one forward sweep, one error sweep, no autograd, no transposed weights.

    forward sweep -> output V z_top -> output error E
    error sweep   -> apical potential e of every population, from E (path `direct`) or from the population above (path `chain`)
                  -> rule: drive -> rho', winners of the max-pool -> outer products -> optimiser -> W, b

The feedback matrices stand in the network's buffers as `<population>.feedback`: drawn once, stored in checkpoints, known to no optimiser.
"""

import math
from typing import cast

import torch
from torch import Tensor

from ...plasticity import Apical, FeedbackRule, Pairing, RoutedRule, Signals, product
from ..errors import ModelError
from ..networks.network import Network
from ..optimisers.base import Gated, Optimiser, Taking, together
from ..optimisers.measured import Measured
from ..populations.areas import AreaPopulation
from ..populations.conv import Activity, ConvPopulation, Population
from ..populations.residual import inner_changes, kernels
from ..ranks.ranks import ALONE
from .observer import Observer
from .sweep import forward
from .waiting import whole

HEAD = "head.feedback"


def draw_feedback(network: Network, rule: FeedbackRule, classes: int, *, generator: torch.Generator) -> None:
    """Draw the fixed matrices of a rule into the network's buffers, uniform and of a size that keeps the error's size.

    Path `direct`: B of every population, (units, classes), within sqrt(3 / classes); with areas, the same for all areas and all
    populations of one size. Path `chain`: of every population but the lowest, in the shape of its W, within sqrt(6 / outputs); and of
    the head, (classes, units).

    Args:
        network: with its head; changed in place.
        rule: says the path.
        classes: number of classes.
        generator: CPU generator.
    """

    def uniform(shape: tuple[int, ...], bound: float) -> Tensor:
        return torch.empty(shape).uniform_(-bound, bound, generator=generator)

    direct = math.sqrt(3 / classes)
    if rule.needs.path == "direct":
        shared: dict[int, Tensor] = {}
        for population in network.populations:
            matrix = shared.get(population.units)
            matrix = uniform((population.units, classes), direct) if matrix is None else matrix.clone()
            network.buffers[f"{population.name}.feedback"] = matrix
            if rule.needs.routed:
                shared[population.units] = matrix
        return
    for population in network.populations[1:]:
        outputs = population.weight[:, 0].numel()  # neurons that one input reaches: channels times places of the kernel
        shape = tuple(population.weight.shape)
        network.buffers[f"{population.name}.feedback"] = uniform(shape, math.sqrt(6 / outputs))
    network.buffers[HEAD] = uniform((classes, network.populations[-1].units), direct)


class FeedbackEngine:
    """Trains a network with a supervised rule through fixed feedback.

    Args:
        network: populations, a head (classes, units) and the feedback matrices of the rule.
        rule: the rule.
        optimiser: usually AdamW; a `Collector` keeps the changes instead. The engine registers its weights.
        half: sweeps and outer products in bfloat16 around float32 master weights.

    Raises:
        ModelError: the network lacks head or matrices, or has populations that the rule cannot teach.
    """

    ranks = ALONE

    def __init__(self, network: Network, rule: FeedbackRule, optimiser: Optimiser, *, half: bool = False) -> None:
        _check(network, rule)
        self.network, self.rule, self.optimiser = network, rule, optimiser
        self.dtype = torch.bfloat16 if half else network.populations[0].weight.dtype
        for name, weight in network.weights().items():
            optimiser.register(name, weight)

    def refresh(self) -> None:
        """Nothing is derived from the master weights here."""

    @torch.no_grad()
    def step(
        self,
        images: Tensor,
        pairing: Pairing | None,
        observer: Observer | None = None,
        *,
        label: Tensor | None = None,
    ) -> Tensor:
        """One step; arguments as in `LocalEngine.step`, the labels required. Returns the cross-entropy, shape (1,)."""
        network, head = self.network, self.network.head
        assert head is not None
        pre = images.to(self.dtype).contiguous(memory_format=torch.channels_last)
        activities = []
        for population in network.populations:
            activity = forward(
                population, pre, keep_basal=observer is not None, plastic=True, learning=True, pairing=pairing
            )
            pre = activity.rate
            if isinstance(population, ConvPopulation):
                population.pack(activity)
            activities.append(activity)
        top = network.populations[-1].pooled(pre).to(head.dtype)
        loss, error = self.rule.error(product(top, head), label)
        self.optimiser.advance()
        above = error
        for i in reversed(range(len(activities))):
            activity = activities.pop()
            above = self._plasticity(i, activity, error if self.rule.needs.path == "direct" else above, observer)
        self.optimiser.apply("head", head, -(error.T @ top))
        return loss[None]

    def _plasticity(self, i: int, activity: Activity, error: Tensor, observer: Observer | None) -> Tensor:
        """Change one population, given the error that reaches it; returns the error of its neurons."""
        population = self.network.populations[i]
        potential = self._potential(i, error, activity)
        signals = Signals(population.pooled(activity.rate).to(population.weight.dtype), {
            "error": Apical(error.flatten(1), potential.flatten(1))
        }, position=i)  # fmt: skip
        factors = self.rule.factors(signals)
        drive = factors.drive.view(potential.shape).to(activity.rate.dtype)
        pooled = potential.shape == signals.rate.shape
        factor = population.factor(drive, activity) if pooled else population.gated(drive, activity)
        optimiser = self.optimiser if observer is None else Measured(self.optimiser)
        self._apply(population, factor, activity, optimiser)
        if isinstance(population, AreaPopulation):
            self._route(population, activity)
        if isinstance(optimiser, Measured) and observer is not None:
            moves = {"basal": optimiser.move(*kernels(population))}
            observer.local(population, whole(population, [activity]), signals, factors, moves)
        return factor.neg()

    def _potential(self, i: int, error: Tensor, activity: Activity) -> Tensor:
        """Apical potential e: (rows, units) where it ends at the block-pooled rate, else in the shape of the rate."""
        network, buffers = self.network, self.network.buffers
        if self.rule.needs.path == "chain":
            if i == len(network.populations) - 1:
                return error @ buffers[HEAD]
            above = network.populations[i + 1]
            matrix = buffers[f"{above.name}.feedback"].to(error.dtype)
            return above.carried(error, matrix).view(activity.rate.shape)
        return error @ buffers[f"{network.populations[i].name}.feedback"].T

    def _apply(self, population: Population, factor: Tensor, activity: Activity, optimiser: Taking) -> None:
        """Hand the changes to the optimiser, those of an area to its own weights alone."""
        names = f"{population.name}.weight", f"{population.name}.bias"
        dtype = population.weight.dtype
        if not isinstance(population, AreaPopulation):
            inner = inner_changes(population, factor, activity)
            change, bias_change = (found.to(dtype) for found in population.change(factor, activity))
            with together(optimiser):
                optimiser.apply(names[0], population.weight, change)
                if population.biased:
                    optimiser.apply(names[1], population.bias, bias_change)
                for name, weight, moved in inner:
                    optimiser.apply(name, weight, moved)
            return
        if factor.device.type != "cpu" and isinstance(optimiser, Gated):
            changes, bias_changes, resting = population.change_of_all(factor, activity)
            for area in range(population.areas):
                block = slice(area, area + 1)
                optimiser.apply_unless(resting[area], names[0], population.weight, changes[block].to(dtype), block)
                optimiser.apply_unless(resting[area], names[1], population.bias, bias_changes[block].to(dtype), block)
            return
        for block, change, bias_change in population.area_changes(factor, activity):
            optimiser.apply(names[0], population.weight, change.to(dtype), block)
            optimiser.apply(names[1], population.bias, bias_change.to(dtype), block)

    def _route(self, population: AreaPopulation, activity: Activity) -> None:
        pre = activity.pre.to(population.weight.dtype)
        for name, value in cast(RoutedRule, self.rule).routing(pre, population.routing).items():
            population.routing[name].copy_(value)


def _check(network: Network, rule: FeedbackRule) -> None:
    if network.head is None:
        raise ModelError("network.head: expected a projection (classes, units), got None; use build_network")
    lacking = network.names[1:] if rule.needs.path == "chain" else network.names
    missing = [name for name in lacking if f"{name}.feedback" not in network.buffers]
    if missing or (rule.needs.path == "chain" and HEAD not in network.buffers):
        raise ModelError(
            f"network.buffers: expected fixed feedback matrices, got none for {(missing or ['head'])[0]}; use build_network"
        )
    divided = [p.name for p in network.populations if isinstance(p, AreaPopulation)]
    if rule.needs.routed and len(divided) != len(network.populations):
        raise ModelError("network.areas: expected populations divided into areas, got undivided ones; use area_network")
    if divided and not rule.needs.routed:
        raise ModelError(f"network.areas: expected undivided populations, got areas in {divided[0]}; use mlp")
    for population in network.populations:
        if rule.needs.path == "chain" and population.relay is not None:
            raise ModelError(
                f"{population.name}.relay: expected none where the error comes down population by population, got one; "
                "use a rule with a path `direct`"
            )
