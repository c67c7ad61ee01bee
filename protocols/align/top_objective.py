"""The objective at the top that local changes are compared with, and its gradient through the whole network.

    own        the top population's own local objective, `objective` of the rule: the weights of the top change as by the rule, and those below as
               the chain rule says. Without a state and at block-pooled rates it is the engine's twin, `Backprop(rule)`
    head       of a supervised rule with a head: its class loss
    read-out   of a rule without an objective: the squared error of a linear read-out of the classes from the top population, fitted by ridge
               regression to other images: 1/2 mean_rows |V z + v - onehot|^2

In `own` the apical matrices of the top all receive its own rate: the lateral one by definition, the feedback one because the top feeds back to
itself. With several of them the objective is the sum of their terms, each with its own B, scores and gates; one term with the sum
B_dfb + B_lateral as head would be another objective, with one gate for both. So at the top the local change equals the gradient by construction.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from ...models import Network
from ...models.engine.kept import kept
from ...models.engine.sweep import forward
from ...models.populations.residual import kernels
from ...plasticity import Apical, LocalRule, Rule, RuleError, Signals
from ...plasticity.twin import WithObjective
from ..errors import ConfigError
from ..runs.batches import Batch

RIDGE = 0.1  # times the mean variance of a unit


@dataclass(frozen=True, slots=True)
class ReadOut:
    """A linear read-out of the classes from the top population.

    Attributes:
        weight: V, (classes, units).
        bias: v, (classes,).
    """

    weight: Tensor
    bias: Tensor


def top_network(network: Network, rule: Rule) -> Network:
    """The same populations, not copies, with every B of the top population as the head, in the order of the rule's sources."""
    if rule.needs.engine == "feedback" or not rule.needs.sources:
        return network
    heads = [network.apical[source][-1].weight for source in rule.needs.sources]
    return Network(network.shape, network.populations, head=heads[0] if len(heads) == 1 else torch.cat(heads))


def gradient(network: Network, rule: Rule, batch: Batch, read_out: ReadOut | None = None) -> dict[str, Tensor]:
    """Minus the gradient of the objective at the top by every W, by name.

    Args:
        network: wired for the rule; not changed.
        rule: with an objective, where no read-out is given.
        batch: what is seen.
        read_out: whose error is the objective.
    """
    every = network.weights()
    weights = {name: every[name] for population in network.populations for name in kernels(population)}
    for weight in weights.values():
        weight.requires_grad_(True)
    try:
        with torch.enable_grad():
            loss = _objective(network, rule, batch, read_out)
            found: tuple[Tensor, ...] = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
    finally:
        for weight in weights.values():
            weight.requires_grad_(False)
    return {
        name: torch.zeros_like(weights[name]) if slope is None else slope.neg().detach()
        for name, slope in zip(weights, found, strict=True)
    }


def _objective(network: Network, rule: Rule, batch: Batch, read_out: ReadOut | None) -> Tensor:
    dtype = network.populations[0].weight.dtype
    pairing = None if batch.pairing is None else batch.pairing.to(batch.images.device, dtype)
    pre = batch.images.to(dtype).contiguous(memory_format=torch.channels_last)
    neurons, last = rule.needs.site == "neuron", len(network.populations) - 1
    potential: Tensor | None = None
    for i, population in enumerate(network.populations):
        keep = neurons and i == last
        activity = forward(population, pre, keep_basal=False, learning=True, keep_potential=keep, pairing=pairing)
        pre, potential = activity.rate, activity.potential
    top = network.populations[-1]
    rate = top.pooled(pre)
    if read_out is not None:
        wanted = F.one_hot(_labels(batch), len(read_out.weight)).to(rate)
        return (rate @ read_out.weight.T + read_out.bias - wanted).square().sum(1).mean() / 2
    context, apical = rate.detach(), {}
    for source in rule.needs.sources:
        matrix = network.apical[source][-1].weight
        apical[source] = Apical(context, context @ matrix.T, context @ matrix if rule.needs.transport else None)
    label = batch.label if rule.needs.supervised else None
    signals = Signals(rate, apical, pairing, label, potential, network.state(top.name), last)
    return cast(WithObjective, rule).objective(signals)


@torch.no_grad()
def fit_read_out(network: Network, rule: LocalRule, batches: Iterable[Batch], classes: int) -> ReadOut:
    """The linear read-out of the top population by ridge regression.

    Args:
        network: the network; not changed.
        rule: says how the network is shown images.
        batches: what is seen, with labels.
        classes: number of classes.

    Raises:
        ConfigError: images without labels, or of one class alone.
    """
    rates, wanted = [], []
    with kept(network):
        for batch in batches:
            dtype = network.populations[0].weight.dtype
            pairing = None if batch.pairing is None else batch.pairing.to(batch.images.device, dtype)
            pre = batch.images.to(dtype).contiguous(memory_format=torch.channels_last)
            for population in network.populations:
                pre = forward(population, pre, keep_basal=False, learning=True, pairing=pairing).rate
            rates.append(network.populations[-1].pooled(pre))
            wanted.append(_labels(batch))
    rate, label = torch.cat(rates).double(), torch.cat(wanted)
    if classes < 2:
        raise ConfigError(
            f"align.objective: expected images of two classes or more for {type(rule).__name__}, which has no objective, got {classes}; "
            "show labelled ones"
        )
    target = F.one_hot(label, classes).double()
    z, mean = rate - rate.mean(0), target.mean(0)
    power = z.T @ z
    power += torch.eye(len(power), dtype=power.dtype, device=power.device) * (
        RIDGE * power.diagonal().mean()
    ).clamp_min(1e-12)
    weight = torch.linalg.solve(power, z.T @ (target - mean)).T
    dtype = network.populations[0].weight.dtype
    return ReadOut(weight.to(dtype), (mean - weight @ rate.mean(0)).to(dtype))


def _labels(batch: Batch) -> Tensor:
    if batch.label is None or bool((batch.label < 0).any()):
        raise ConfigError(
            "align.objective: expected labelled images for a rule without an objective, whose changes are compared with the error of a read-out of the "
            "classes, got unlabelled ones; show others"
        )
    return batch.label


def has_twin(rule: Rule) -> bool:
    """Whether the engine that backpropagates knows the rule's twin: at block-pooled rates and without a state."""
    try:
        return rule.needs.engine == "local" and rule.needs.site == "unit" and not cast(LocalRule, rule).start((1,))
    except RuleError:
        return False
