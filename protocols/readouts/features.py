"""What read-outs see: pooled rates of frozen networks, and pixels."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from ...models import BlockNetwork, Network
from ...models.engine import rates
from ..stimuli import ImageSet, Stimulus
from ..stimuli.presentations.table import stored
from .pooling import VGG, Maps

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Features:
    """Features of several populations side by side in one tensor: of 50,000 images they fill gigabytes, which are held once.

    Attributes:
        matrix: (images, all features), float32 on the CPU.
        columns: where each population's lie, bottom first.
    """

    matrix: Tensor
    columns: dict[str, slice]

    def __getitem__(self, name: str) -> Tensor:
        """Those of one population, a view."""
        return self.matrix[:, self.columns[name]]

    def together(self, names: list[str]) -> Tensor:
        """Those of several populations side by side, without a copy if they are all."""
        return self.matrix if names == list(self.columns) else torch.cat([self[name] for name in names], 1)


@torch.no_grad()
def features(
    network: Network | BlockNetwork,
    stimulus: Stimulus,
    images: ImageSet,
    device: torch.device,
    still: Callable[[Stimulus, Tensor], Tensor] = stored,
    maps: Maps = VGG,
    wanted: list[str] | None = None,
) -> Features:
    """Pooled rates of every population for every image.

    Args:
        network: the network, frozen.
        stimulus: normalises the images.
        images: what is shown, without augmentation; at least one.
        device: where the network lives.
        still: what the network is shown, see `Presentation`.
        maps: how its maps are pooled.
        wanted: names of the populations that are kept; None for all.
    """
    kept = [(i, name) for i, name in enumerate(network.names) if wanted is None or name in wanted]
    matrix, columns = torch.empty(0), dict[str, slice]()
    for start in range(0, len(images), CHUNK):
        shown = still(stimulus, images.images[start : start + CHUNK].to(device))
        found = rates(network, shown.contiguous(memory_format=torch.channels_last))
        pooled = {name: maps.features(found[i], i) for i, name in kept}
        if not start:
            ends = list(accumulate(part.shape[1] for part in pooled.values()))
            columns = {name: slice(a, b) for name, a, b in zip(pooled, [0, *ends], ends, strict=False)}
            matrix = torch.empty(len(images), ends[-1])
        for name, part in pooled.items():
            matrix[start : start + CHUNK, columns[name]] = part.cpu()
    return Features(matrix, columns)


def pixel_features(stimulus: Stimulus, images: ImageSet) -> Tensor:
    """The images themselves, (images, pixels)."""
    found = torch.empty(len(images), math.prod(images.shape))
    for start in range(0, len(images), CHUNK):
        found[start : start + CHUNK] = stimulus.still(images.images[start : start + CHUNK]).flatten(1)
    return found
