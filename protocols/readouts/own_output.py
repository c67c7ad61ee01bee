"""What a supervised network says itself: the accuracy of its own output."""

import torch

from ...models import BlockNetwork, Network
from ...models.engine import rates
from ...plasticity import Rule
from ..stimuli import ImageSet, Stimulus
from ..stimuli.presentations.table import Presentation, presentation

CHUNK = 500


def own_output(network: Network | BlockNetwork, rule: Rule, stimulus: Stimulus, images: ImageSet) -> dict[str, float]:
    """Accuracy of the output of a network that was trained to classify, as `accuracy_head`; empty for any other."""
    if not isinstance(network, Network) or network.head is None or rule.needs.head != "classes":
        return {}
    return {"accuracy_head": head_accuracy(network, presentation(rule.needs.presentation), stimulus, images)}


@torch.no_grad()
def head_accuracy(network: Network, presentation: Presentation, stimulus: Stimulus, images: ImageSet) -> float:
    """Per cent of labelled images that the output, V z_top, classifies rightly; nothing is fitted.

    Args:
        network: trained, with a head (classes, units).
        presentation: how the network is shown images.
        stimulus: normalises them.
        images: labelled.
    """
    assert network.head is not None
    top, right = network.populations[-1], 0
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        shown = presentation.still(stimulus, images.images[part].to(network.device))
        pooled = top.pooled(rates(network, shown.contiguous(memory_format=torch.channels_last))[-1])
        answer = (pooled @ network.head.T).argmax(1)
        right += int((answer == images.labels[part].to(answer.device)).sum())
    return 100 * right / len(images)
