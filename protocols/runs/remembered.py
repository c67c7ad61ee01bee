"""What a checkpoint keeps of the images that a run was trained on: shape, normalisation and classes, so that others can be shown without them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..errors import ConfigError
from ..stimuli import ImageSet, Normalisation, Stimulus


def told_of(stimulus: Stimulus) -> dict[str, Any]:
    """Shape, mean, standard deviation and class names (JSON values); empty for images that are normalised in a way of their own."""
    normalisation = getattr(stimulus, "normalisation", None)
    if not isinstance(normalisation, Normalisation):
        return {}
    return {
        "shape": list(stimulus.shape), "mean": list(normalisation.mean), "std": list(normalisation.std),
        "classes": list(stimulus.train.classes),
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Remembered:
    """A run's stimulus without its images: it normalises others as it did these.

    Attributes:
        name: of the stimulus.
        shape: channels, height and width.
        normalisation: measured or published, as in training.
        train, test: image sets without images; they have the classes, and the fingerprints of those of the training.
    """

    name: str
    shape: tuple[int, int, int]
    normalisation: Normalisation
    train: ImageSet
    test: ImageSet

    @classmethod
    def of(cls, name: str, told: Mapping[str, Any], marks: Mapping[str, str], device: torch.device) -> "Remembered":
        """From what `told_of` gave.

        Args:
            name: of the stimulus.
            told: kept with the checkpoint.
            marks: fingerprints by split.
            device: of the empty image sets.
        """
        channels, height, width = told["shape"]
        none = torch.empty(0, channels, height, width, dtype=torch.uint8, device=device)
        labels = torch.empty(0, dtype=torch.int64, device=device)
        train, test = (
            ImageSet(f"{name}.{part}", none, labels, tuple(told["classes"]), marks.get(part, ""))
            for part in ("train", "test")
        )
        normalisation = Normalisation(tuple(told["mean"]), tuple(told["std"]))
        return cls(name, (channels, height, width), normalisation, train, test)

    def still(self, images: Tensor) -> Tensor:
        """Normalise uint8 images (n, C, H, W): float32 of the same shape."""
        return self.normalisation.apply(images)

    def glances(self, index: Tensor, generator: torch.Generator) -> Tensor:
        """Refuse: there are no images to glance at."""
        raise ConfigError(
            f"stimulus.glances: expected the images of {self.name}, got a run opened without them; open it with them"
        )
