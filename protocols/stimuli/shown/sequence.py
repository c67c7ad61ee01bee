"""What every kind of stimulus makes: stimuli in an order, drawn when they are shown, and all their parameters, known before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import StimulusError, misuse
from ..images import ImageSet
from ..stimulus import Stimulus

MOST = 1 << 24  # stimuli or glances of one recording, whose parameters are held in memory: a few gigabytes


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of all stimuli.

    Attributes:
        values: (stimuli,); not a number where a stimulus has none.
        long_name: what stands on an axis.
        units: of the values.
    """

    values: NDArray[Any]
    long_name: str
    units: str = "1"


@dataclass(frozen=True, slots=True)
class Shown:
    """Stimuli of one kind, in order.

    Attributes:
        draw: stimuli by position, int64 (n,), to what the network is shown, float32 (n, channels, height, width), normalised.
        label: class of each, -1 without one, int64 (stimuli,).
        object: what each shows, int64 (stimuli,): stimuli of one object that follow each other are a fixation.
        parameters: coordinates by name.
        about: the kind and its settings (JSON values).
    """

    draw: Callable[[Tensor], Tensor]
    label: NDArray[np.int64]
    object: NDArray[np.int64]
    parameters: Mapping[str, Parameter]
    about: Mapping[str, Any]

    def __len__(self) -> int:
        """Return the number of stimuli."""
        return len(self.label)


@dataclass(frozen=True, slots=True)
class Eye:
    """For whom stimuli are made: what the network was built for, and how it sees pictures.

    Attributes:
        shape: (channels, height, width) of its input.
        seed: of every draw.
        stimulus: the run's own images.
        still: pictures, uint8 (n, channels, height, width), as a network that is only read is shown them, float32.
        glances: two views each of images of a set, by index, int64 (n,), and number of the draw: float32 (2n, channels, height, width),
            first glances first, and the parameters of every view by name, each (2n,).
        data_dir: folder of the data sets.
    """

    shape: tuple[int, int, int]
    seed: int
    stimulus: Stimulus
    still: Callable[[Tensor], Tensor]
    glances: Callable[[ImageSet, Tensor, int], tuple[Tensor, Mapping[str, Parameter]]]
    data_dir: Path | None = None

    def picture(self, where: str, images: Tensor) -> Tensor:
        """Pictures, uint8 (n, 1 or 3, H, W), in the channels of the network; a grey one is shown in every colour.

        Raises:
            StimulusError: they have another size, or colours that the network does not see.
        """
        if images.shape[2:] != self.shape[1:]:
            raise misuse(
                f"{where}: expected {self.shape[2]} x {self.shape[1]} pixels, as the network sees, got {images.shape[3]} x {images.shape[2]}; "
                "resize them"
            )
        if images.shape[1] == 1:
            return images.expand(-1, self.shape[0], -1, -1)
        if images.shape[1] != self.shape[0]:
            raise misuse(f"{where}: expected {self.shape[0]} channels, got {images.shape[1]}; convert them to grey")
        return images


@dataclass(frozen=True, slots=True)
class Pattern:
    """Helper of kinds whose stimuli are patterns of numbers: the same in every colour channel."""

    eye: Eye
    values: Callable[[Tensor], Tensor] = field(repr=False)

    def __call__(self, index: Tensor) -> Tensor:
        """Patterns by position, (n, channels, height, width), from those of one channel, (n, height, width)."""
        return self.values(index)[:, None].expand(-1, self.eye.shape[0], -1, -1)


def crossed(**axes: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Every combination of the values of some parameters, the last one fastest: a column each."""
    grids = np.meshgrid(*axes.values(), indexing="ij")
    return {name: grid.ravel() for name, grid in zip(axes, grids, strict=True)}


def unlabelled(count: int) -> NDArray[np.int64]:
    """No class."""
    return np.full(count, -1, dtype=np.int64)


def each(count: int) -> NDArray[np.int64]:
    """Every stimulus an object of its own."""
    return np.arange(count, dtype=np.int64)


def numbers(where: str, values: tuple[float, ...], low: float, high: float) -> NDArray[np.float64]:
    """Numbers of a setting, within bounds.

    Raises:
        StimulusError: none, or one outside.
    """
    if not values or not all(low <= value <= high for value in values):
        raise misuse(f"{where}: expected numbers from {low:g} to {high:g}, got {list(values)}; correct them")
    return np.asarray(values, dtype=np.float64)


def whole(where: str, value: int, low: int, high: int) -> int:
    """A whole number of a setting, within bounds.

    Raises:
        StimulusError: it is outside.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise misuse(f"{where}: expected a whole number from {low} to {high}, got {value!r}; correct it")
    return value


def missing(where: str, path: Path, what: str) -> StimulusError:
    """The error of a path without what it should hold."""
    return StimulusError(f"{where}: expected {what} at {path}, got none; check the path")


def rows(index: Tensor) -> NDArray[np.int64]:
    """Positions as an index of numpy."""
    found: NDArray[np.int64] = index.cpu().to(torch.int64).numpy()
    return found
