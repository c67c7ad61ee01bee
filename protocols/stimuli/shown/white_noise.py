"""White noise: frames of independent numbers, for spike- or rate-triggered averages.

Every frame is a function of the seed and its number, so that a frame can be drawn again by itself. Numbers are those of the normalised
input: mean 0, and the standard deviation of the training images is 1.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..errors import misuse, unknown_name
from .sequence import MOST, Eye, Parameter, Shown, each, rows, unlabelled, whole

DISTRIBUTIONS = ("gaussian", "binary")


@dataclass(frozen=True, slots=True, kw_only=True)
class WhiteNoise:
    """Settings of white noise.

    Args:
        frames: how many, up to 16,777,216.
        side: of a square of one value, pixels; a divisor of the image's sides.
        deviation: standard deviation, in those of the training images.
        distribution: `gaussian` or `binary`.
        colour: whether the channels are independent; else each shows the same.
        seed: of the frames; -1 for the seed of the run.
    """

    frames: int = 4096
    side: int = 1
    deviation: float = 1.0
    distribution: str = "gaussian"
    colour: bool = False
    seed: int = -1

    def show(self, eye: Eye) -> Shown:
        """The stimuli.

        Raises:
            StimulusError: a setting outside its range.
        """
        channels, height, width = eye.shape
        count = whole("white-noise.frames", self.frames, 1, MOST)
        side = whole("white-noise.side", self.side, 1, min(height, width))
        seed = eye.seed if self.seed == -1 else whole("white-noise.seed", self.seed, 0, 2**32 - 1)
        if height % side or width % side:
            raise misuse(f"white-noise.side: expected a divisor of {height} and {width}, got {side}; choose another")
        if not 0 < self.deviation <= 100:
            raise misuse(
                f"white-noise.deviation: expected a number above 0 up to 100, got {self.deviation}; correct it"
            )
        if self.distribution not in DISTRIBUTIONS:
            raise unknown_name("white-noise.distribution", self.distribution, DISTRIBUTIONS)
        shape = (channels if self.colour else 1, height // side, width // side)

        def draw(index: Tensor) -> Tensor:
            frames = torch.stack([frame(seed, int(i), shape, self.distribution) for i in rows(index)])
            if side > 1:
                frames = interpolate(frames, scale_factor=float(side), mode="nearest")
            return (frames * self.deviation).expand(-1, channels, -1, -1)

        parameters = {"frame": Parameter(each(count), "number of the frame")}
        about = {"kind": "white-noise", **asdict(self), "seed": seed}
        return Shown(draw, unlabelled(count), each(count), parameters, about)


def frame(seed: int, number: int, shape: tuple[int, int, int], distribution: str) -> Tensor:
    """One frame, float32 of the shape, of mean 0 and standard deviation 1."""
    words = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)
    generator = torch.Generator().manual_seed(int(words[0]))
    if distribution == "binary":
        return torch.randint(0, 2, shape, generator=generator).mul_(2).sub_(1).float()
    return torch.randn(shape, generator=generator)
