"""Local change against backprop gradient, population by population, on the same batch.

    local     dW_l = -dL_l/dW_l          L_l: the local objective of population l, from one step of `LocalEngine`
    backprop  dW_l = -dL_top/dW_l        L_top: the objective of the top population, from one step of `BackpropEngine`

Same images, same glances, same fixations and saccades, same weights; a `Collector` takes the changes, so that no weight moves.
Compared are the basal weights W, without the bias; of a residual block those of all its convolutions and of its shortcut together.
L_top is described in `top_objective.py`; where it is the rule's own, at the top the two changes are equal by construction, and cosine and norm
ratio are 1. What a rule keeps from step to step, and the running statistics of relays, are the same before and after.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor

from ...models import Collector, Network
from ...models.engine import BackpropEngine, FeedbackEngine, LocalEngine
from ...models.engine.kept import kept
from ...models.optimisers.selected import Selected
from ...models.populations.residual import kernels
from ...plasticity import Backprop, BPClassifier, FeedbackRule, LocalRule, Rule
from ..offers import objective_of
from ..runs.batches import Batch
from .gates import Gate, GateWatch, held_rule
from .top_objective import ReadOut, gradient, has_twin, top_network

BASAL, APICAL = ".weight", ".apical"


@dataclass(slots=True)
class Alignment:
    """What was measured on every batch.

    Attributes:
        cosine: cosine between the two changes, (batches, populations); NaN where one of them is zero.
        norm_ratio: norm of the local change over that of the gradient, (batches, populations); NaN where the gradient is zero.
        loss: local objective, (batches, populations).
        gates: neuromodulators of each batch.
    """

    cosine: list[list[float]] = field(default_factory=list)
    norm_ratio: list[list[float]] = field(default_factory=list)
    loss: list[list[float]] = field(default_factory=list)
    gates: list[list[Gate]] = field(default_factory=list)


def local_change(
    network: Network, rule: Rule, batch: Batch, watch: GateWatch | None = None
) -> tuple[dict[str, Tensor], Tensor]:
    """Change of every W by the local rule, by name, and the local objectives (populations,); of a rule with one loss at the output, that."""
    collector = Collector()
    selected = Selected(collector, BASAL)
    with kept(network):
        if rule.needs.engine == "feedback":
            engine = FeedbackEngine(network, cast(FeedbackRule, rule), selected)
            losses = engine.step(batch.images, batch.pairing, label=batch.label).expand(len(network.populations))
        else:
            label = batch.label if rule.needs.supervised else None
            losses = LocalEngine(network, cast(LocalRule, rule), selected).step(
                batch.images, batch.pairing, watch, label=label
            )
    return collector.changes, losses


def backprop_change(network: Network, rule: Rule, batch: Batch, read_out: ReadOut | None = None) -> dict[str, Tensor]:
    """Change of every W that descends the objective at the top, by name.

    Args:
        network: the network; not changed.
        rule: says which objective, see `objective_of`.
        batch: what is seen.
        read_out: of a rule without an objective.
    """
    objective = objective_of(rule)
    if objective == "read-out" or (objective == "own" and not has_twin(rule)):
        with kept(network):
            return gradient(network, rule, batch, read_out)
    collector = Collector()
    twin = BPClassifier() if objective == "head" else Backprop(cast(LocalRule, rule))
    with kept(network):
        engine = BackpropEngine(top_network(network, rule), twin, Selected(collector, BASAL))
        engine.step(batch.images, batch.pairing, label=batch.label)
    return collector.changes


def compare(change: Tensor, gradient: Tensor) -> tuple[float, float]:
    """Cosine of the angle between two changes, and the norm of the first over that of the second; NaN where undefined."""
    one, two = change.double(), gradient.double()
    sizes = torch.linalg.vector_norm(one), torch.linalg.vector_norm(two)
    inner = (one * two).sum()
    return float(inner / (sizes[0] * sizes[1])), float(sizes[0] / sizes[1] if sizes[1] > 0 else torch.nan)


def _together(changes: Mapping[str, Tensor], names: list[str]) -> Tensor:
    """Changes of the basal weights of one population as one, flat where they are several."""
    if len(names) == 1:
        return changes[names[0]]
    return torch.cat([changes[name].flatten() for name in names])


def measure(
    network: Network, rule: Rule, batches: Iterable[Batch], held: Iterable[list[Gate]] | None = None, read_out: ReadOut | None = None
) -> Alignment:  # fmt: skip
    """Compare the two changes on every batch.

    Args:
        network: the network, wired for the rule; its dtype is that of the sweeps. Not changed.
        rule: the local rule.
        batches: what is seen.
        held: neuromodulators of every batch, to be used in place of those that B would give; None for the rule's own.
        read_out: what a rule without an objective is compared with.
    """
    found = Alignment()
    gates = None if held is None else iter(held)
    for batch in batches:
        watch = GateWatch()
        local = rule if gates is None else held_rule(cast(LocalRule, rule), next(gates))
        changes, losses = local_change(network, local, batch, watch)
        gradients = backprop_change(network, rule, batch, read_out)
        pairs = [compare(*(_together(of, kernels(p)) for of in (changes, gradients))) for p in network.populations]
        found.cosine.append([cosine for cosine, _ in pairs])
        found.norm_ratio.append([ratio for _, ratio in pairs])
        found.loss.append(losses.tolist())
        found.gates.append(watch.gates)
    return found
