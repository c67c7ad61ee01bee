"""Two fits of B at fixed W: to the population's own objective, and to the backprop gradient.

To its own objective (the condition of the theory, which speaks of B at its optimum): `LocalEngine` goes on, AdamW moves B alone.

To the backprop gradient (an upper bound for what this feedback can do): with the gates gamma held as the run's own B sets them, the drive
of population l is linear in B. In row r it is B g_r, with g the gated contexts; backpropagation brings the error delta_r. At the
basal potentials the two factors are, place by place of a block of k places,

    local  rho' (B g_r) / k        backprop  rho' delta_r

and B minimises the sum of squares of their difference over rows and places, solved as in `solve.py`. What is measured is another
distance, that of the weight changes, where factors meet presynaptic rates; so in the end the least-squares B and the run's own are
blended, B = x B_own + y B_fit, with the x and y that bring the weight changes of other batches nearest to the gradients. On these
batches together the fit is therefore never worse than the run's own B. B of the top population stays: it defines the objective.
"""

from collections.abc import Iterable
from itertools import islice
from math import prod

import torch
from torch import Tensor

from ...models import AdamW, Network
from ...models.engine import LocalEngine
from ...models.engine.sweep import forward
from ...models.optimisers.selected import Selected
from ...models.populations.residual import conducts
from ...plasticity import Backprop, LocalRule
from ..errors import ConfigError
from ..runs.batches import Batch
from .gates import GateWatch
from .least_squares import Rows, solve
from .measure import APICAL, local_change
from .mixture import apical_weights, blend, set_apical
from .top_objective import top_network


def fit_to_objective(
    network: Network,
    rule: LocalRule,
    batches: Iterable[Batch],
    *,
    steps: int,
    learning_rate: float,
    weight_decay: float,
) -> None:
    """Train B alone, one AdamW step per batch, its rate falling linearly to zero. Changes every B of the network in place.

    Args:
        network: the network; W stays.
        rule: the local rule.
        batches: what is seen.
        steps: number of batches.
        learning_rate: of the first step.
        weight_decay: decoupled decay of B, of the fit's own: it makes the optimum unique, which the run's need not.
    """
    optimiser = AdamW(learning_rate=learning_rate, weight_decay=weight_decay)
    engine = LocalEngine(network, rule, Selected(optimiser, APICAL))
    for step, batch in enumerate(batches):
        optimiser.learning_rate = learning_rate * (1 - step / steps)
        engine.step(batch.images, batch.pairing)


def fit_to_backprop(network: Network, rule: LocalRule, batches: Iterable[Batch], *, count: int) -> None:
    """Fit B of every population but the top to the backprop gradient. Changes these B in place.

    Args:
        network: the network; W and the top's B stay.
        rule: the local rule.
        batches: what is seen, at least two; the second half decides when to stop and how to blend.
        count: number of batches.

    Raises:
        ConfigError: shortcuts conduct, so that the change of a block is not linear in its own B.
    """
    if any(conducts(population) for population in network.populations):
        raise ConfigError(
            "network.stop: expected both where B is fitted to gradients, got branch, with which a block learns from the B of those above "
            "as well; leave the fit out"
        )
    batches = iter(batches)
    seen = collect(network, rule, islice(batches, count // 2))
    others = list(batches)
    unseen = collect(network, rule, others)
    own = apical_weights(network, rule)
    # each population takes its rows out of memory when it is done
    fitted = [solve(apical, seen.pop(0), unseen.pop(0))[0] for apical in own]
    shares = blend(network, rule, others, own, fitted)
    for apical, fit, (x, y) in zip(own, fitted, shares, strict=True):
        apical.mul_(x).add_(fit, alpha=y)
    set_apical(network, rule, own)


def check_slopes(network: Network) -> None:
    """Refuse a fit to backprop where rho' of a population cannot be read off its pooled rates.

    Raises:
        ConfigError: a transfer function such as triangle, gelu or abs.
    """
    for population in network.populations:
        if not population.transfer.monotone:
            raise ConfigError(
                f"align.fit_b: expected none or objective, as rates of {population.name} do not tell the slope of "
                f"{population.transfer.name}, got backprop; leave it out"
            )


def collect(network: Network, rule: LocalRule, batches: Iterable[Batch]) -> list[Rows]:
    """The rows of the least-squares problem of every population but the top."""
    parts: list[list[Rows]] = [[] for _ in network.names[:-1]]
    for batch in batches:
        watch = GateWatch(rule)
        local_change(network, rule, batch, watch)
        found = targets(network, rule, batch)
        for part, gated, (weight, target) in zip(parts, watch.gated[:-1], found, strict=True):
            part.append(Rows(gated, weight, target))
    return [
        Rows(*(torch.cat([getattr(rows, name) for rows in part]) for name in ("gated", "weight", "target")))
        for part in parts
    ]


def targets(network: Network, rule: LocalRule, batch: Batch) -> list[tuple[Tensor, Tensor]]:
    """Weights w and weighted targets w t of every population but the top, each (rows, units).

    Of a block of k places, w is the mean of rho'^2 and w t is k times the mean of rho'^2 delta. The squared difference of the factors is
    then w (t - B g)^2 / k plus what a drive that is constant over the block cannot follow.
    """
    dtype = network.populations[0].weight.dtype
    pairing = None if batch.pairing is None else batch.pairing.to(batch.images.device, dtype)
    pre = batch.images.to(dtype).contiguous(memory_format=torch.channels_last)
    rates: list[Tensor] = []
    with torch.enable_grad():
        for population in network.populations:
            pre = forward(population, pre, keep_basal=False).rate
            if not rates:
                pre.requires_grad_()
            rates.append(pre)
        top = network.populations[-1].pooled(pre)
        loss = Backprop(rule).objective(top, top_network(network, rule).head, pairing)
        # torch types the gradients loosely
        errors: tuple[Tensor, ...] = torch.autograd.grad(loss, rates[:-1])
    found = []
    for population, rate, error in zip(network.populations, rates[:-1], errors, strict=False):
        rate = rate.detach()
        places = prod(population.shape) // population.units
        gate = population.transfer.gate
        weight = population.pooled(gate(gate(torch.ones_like(rate), rate), rate))
        target = population.pooled(gate(gate(error.neg(), rate), rate)) * places
        found.append((weight, target))
    return found
