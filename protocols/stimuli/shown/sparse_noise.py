"""Sparse noise: one square on grey at a time, lighter or darker, at every place; what receptive fields are mapped with.

Numbers are those of the normalised input: grey is 0, the mean of the training images, and a square of contrast 1 is two of their
standard deviations away from it. The average of the rate over places, lighter minus darker, is the receptive field to first order.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from .gratings import AMPLITUDE
from .sequence import Eye, Parameter, Pattern, Shown, crossed, each, numbers, rows, unlabelled, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseNoise:
    """Settings of sparse noise.

    Args:
        side: of a square, pixels.
        step: pixels between squares; 0 for their side.
        contrasts: each is shown in both polarities.
    """

    side: int = 2
    step: int = 0
    contrasts: tuple[float, ...] = (1.0,)

    def show(self, eye: Eye) -> Shown:
        """The stimuli: places row by row, each lighter and then darker.

        Raises:
            StimulusError: a setting outside its range.
        """
        _, height, width = eye.shape
        side = whole("sparse-noise.side", self.side, 1, min(height, width))
        step = whole("sparse-noise.step", self.step, 0, min(height, width)) or side
        table = crossed(
            contrast=numbers("sparse-noise.contrasts", self.contrasts, 0, 100),
            square_row=np.arange(0, height - side + 1, step),
            square_col=np.arange(0, width - side + 1, step),
            polarity=np.array([1, -1]),
        )

        def values(index: Tensor) -> Tensor:
            shown = torch.zeros(len(index), height, width)
            for image, i in zip(shown, rows(index), strict=True):
                row, col = int(table["square_row"][i]), int(table["square_col"][i])
                level = AMPLITUDE * table["contrast"][i] * table["polarity"][i]
                image[row : row + side, col : col + side] = float(level)
            return shown

        count = len(table["polarity"])
        parameters = {
            "square_row": Parameter(table["square_row"], "first row of the square", "pixel"),
            "square_col": Parameter(table["square_col"], "first column of the square", "pixel"),
            "polarity": Parameter(table["polarity"].astype(np.int8), "polarity of the square (1 lighter, -1 darker)"),
            "contrast": Parameter(table["contrast"], "contrast (1: two standard deviations of the training images)"),
        }
        about = {"kind": "sparse-noise", **asdict(self), "side": side, "step": step}
        return Shown(Pattern(eye, values), unlabelled(count), each(count), parameters, about)
