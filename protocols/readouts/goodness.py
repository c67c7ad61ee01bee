"""Read-out by goodness: every class is claimed in turn, and the claim under which the populations feel best is the answer.

Hinton 2022, arXiv 2212.13345: each label is written into the image, the goodness of all populations but the first is summed, and the
label with the highest sum wins. A rule may sum all (PhyLL). Nothing is fitted; one forward sweep per class.
"""

from typing import Protocol, cast

import torch
from torch import Tensor

from ...models import BlockNetwork, Network
from ...models.engine.sweep import forward
from ...plasticity import LocalRule, Rule, Signals, underneath
from ..errors import ConfigError
from ..stimuli import ImageSet, Stimulus
from ..stimuli.presentations.table import presentation
from .fitted import TOGETHER, ReadOut
from .kinds import OfNetworks
from .table import EITHER

CHUNK = 500


class GoodnessRule(LocalRule, Protocol):
    """A local rule whose populations have a goodness. One with a true `sums_all` counts that of the first population as well."""

    def goodness(self, signals: Signals) -> Tensor:
        """Goodness of every row, (rows,)."""
        ...


def goodness_rule(rule: Rule) -> GoodnessRule:
    """The rule, if it can be read out by goodness.

    Raises:
        ConfigError: it has no goodness, or was not trained with labels in the image.
    """
    if not hasattr(rule, "goodness") or presentation(rule.needs.presentation).claimed is None:
        raise ConfigError(
            f"probe.read_out: expected {EITHER} for {type(rule).__name__} with {rule.needs.presentation}, got goodness; "
            "it needs a rule with a goodness, trained on labels in the image, such as forward-forward with overlay"
        )
    return cast(GoodnessRule, rule)


def summed(names: list[str]) -> list[str]:
    """Populations whose goodness is summed: all but the first; a single one stands for itself."""
    return names[1:] or names


def summed_by(rule: Rule, names: list[str]) -> list[str]:
    """Populations whose goodness a rule sums."""
    return names if getattr(underneath(rule), "sums_all", False) else summed(names)


@torch.no_grad()
def goodness_read_out(
    network: Network | BlockNetwork, rule: Rule, stimulus: Stimulus, images: ImageSet, together: list[str]
) -> dict[str, ReadOut]:
    """Accuracy of the label with the highest goodness, by population and under `all` for the sum.

    Args:
        network: the network, frozen.
        rule: its rule.
        stimulus: normalises the images and names the classes.
        images: labelled images.
        together: populations that are summed.

    Raises:
        ConfigError: the rule has no goodness of classes.
    """
    rule = goodness_rule(rule)
    claimed = presentation(rule.needs.presentation).claimed
    assert claimed is not None and isinstance(network, Network)  # rules in blocks have no goodness
    device = network.populations[0].weight.device
    right = dict.fromkeys([*network.names, TOGETHER], 0)
    for start in range(0, len(images), CHUNK):
        pixels = images.images[start : start + CHUNK].to(device)
        label = images.labels[start : start + CHUNK].to(device)
        claims = [
            goodness_of(network, rule, claimed(stimulus, pixels, torch.full_like(label, k)))
            for k in range(len(stimulus.train.classes))
        ]
        scores = {name: torch.stack([claim[name] for claim in claims], 1) for name in network.names}
        scores[TOGETHER] = torch.stack([scores[name] for name in together]).sum(0)
        for name, score in scores.items():
            right[name] += int((score.argmax(1) == label).sum())
    return {name: ReadOut(100 * count / len(images), None, {}) for name, count in right.items()}


def goodness_of(network: Network, rule: GoodnessRule, images: Tensor) -> dict[str, Tensor]:
    """Goodness of every population and row, {name: (rows,)}. Images (rows, channels, height, width), normalised."""
    found, pre = {}, images.contiguous(memory_format=torch.channels_last)
    for position, population in enumerate(network.populations):
        activity = forward(population, pre, keep_basal=False, keep_potential=rule.needs.site == "neuron")
        pre, state = activity.rate, network.state(population.name)
        signals = Signals(population.pooled(pre), basal=activity.potential, state=state, position=position)
        found[population.name] = rule.goodness(signals)
    return found


GOODNESS = OfNetworks(goodness_read_out, goodness_rule, summed, summed_by)
