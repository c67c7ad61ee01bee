"""Sine gratings: orientation, spatial frequency, phase, contrast and size, every combination once.

    I(x, y) = A * contrast * sin(2 pi f (x cos theta + y sin theta) + phi)        within the diameter, grey outside

x runs to the right and y downwards, from the middle of the image; theta is the direction in which the grating varies, so that bars of
theta = 0 stand upright. Numbers are those of the normalised input: 0 is the mean of the training images, and A = 2 of their standard
deviations is nearly all of the range of a photograph.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .sequence import Eye, Parameter, Pattern, Shown, crossed, each, numbers, rows, unlabelled, whole

AMPLITUDE = 2.0  # of contrast 1, in standard deviations of the training images


@dataclass(frozen=True, slots=True, kw_only=True)
class Gratings:
    """Settings of gratings.

    Args:
        orientations: number of orientations, evenly over 180 degrees.
        frequencies: cycles per pixel, up to 0.5.
        phases: number of phases, evenly over 360 degrees.
        contrasts: 1 is two standard deviations of the training images.
        diameters: pixels, of a round patch in the middle; 0 fills the image.
    """

    orientations: int = 12
    frequencies: tuple[float, ...] = (0.0625, 0.125, 0.25)
    phases: int = 8
    contrasts: tuple[float, ...] = (1.0,)
    diameters: tuple[float, ...] = (0.0,)

    def show(self, eye: Eye) -> Shown:
        """The stimuli.

        Raises:
            StimulusError: a setting outside its range.
        """
        orientations = whole("gratings.orientations", self.orientations, 1, 3600)
        phases = whole("gratings.phases", self.phases, 1, 360)
        table = crossed(
            diameter=numbers("gratings.diameters", self.diameters, 0, 1e4),
            contrast=numbers("gratings.contrasts", self.contrasts, 0, 100),
            spatial_frequency=numbers("gratings.frequencies", self.frequencies, 0, 0.5),
            orientation=np.arange(orientations) * 180 / orientations,
            spatial_phase=np.arange(phases) * 360 / phases,
        )
        shape = eye.shape[1:]

        def values(index: Tensor) -> Tensor:
            at = {name: torch.from_numpy(column[rows(index)]) for name, column in table.items()}
            waves = sine(
                shape,
                at["orientation"].deg2rad(),
                at["spatial_frequency"],
                at["spatial_phase"].deg2rad(),
                middle(shape),
            )
            return (waves * at["contrast"][:, None, None] * within(shape, at["diameter"])).float()

        count = len(table["contrast"])
        diameter = np.where(table["diameter"] > 0, table["diameter"], np.nan)
        parameters = {
            "orientation": Parameter(table["orientation"], "direction in which the grating varies, from rightwards on downwards", "degree"),
            "spatial_frequency": Parameter(table["spatial_frequency"], "spatial frequency", "1/pixel"),
            "spatial_phase": Parameter(table["spatial_phase"], "phase of the grating in the middle of the image", "degree"),
            "contrast": Parameter(table["contrast"], "contrast (1: two standard deviations of the training images)"),
            "diameter": Parameter(diameter, "diameter of the patch (not a number: the whole image)", "pixel"),
        }  # fmt: skip
        return Shown(
            Pattern(eye, values), unlabelled(count), each(count), parameters, {"kind": "gratings", **asdict(self)}
        )


def sine(
    shape: tuple[int, int], orientation: Tensor, frequency: Tensor, phase: Tensor, origin: tuple[float, float]
) -> Tensor:
    """Gratings of contrast 1, (n, height, width).

    Args:
        shape: (height, width).
        orientation: direction in which each varies, radians, (n,).
        frequency: cycles per pixel, (n,).
        phase: at the origin, radians, (n,).
        origin: (row, column) of phase 0.
    """
    y, x = (torch.arange(side, dtype=orientation.dtype) - at for side, at in zip(shape, origin, strict=True))
    cosine, sine_ = (part[:, None, None] for part in (torch.cos(orientation), torch.sin(orientation)))
    place = x[None, None, :] * cosine + y[None, :, None] * sine_
    return AMPLITUDE * torch.sin(2 * math.pi * frequency[:, None, None] * place + phase[:, None, None])


def within(shape: tuple[int, int], diameter: Tensor) -> Tensor:
    """Where each patch is, (n, height, width); everywhere for a diameter of 0."""
    row, column = middle(shape)
    y, x = torch.arange(shape[0]) - row, torch.arange(shape[1]) - column
    distance = 2 * torch.sqrt(y[:, None] ** 2 + x[None, :] ** 2)
    return (distance[None] <= diameter[:, None, None]) | (diameter == 0)[:, None, None]


def middle(shape: tuple[int, int]) -> tuple[float, float]:
    """(row, column) of the middle of an image."""
    return (shape[0] - 1) / 2, (shape[1] - 1) / 2


def columns(orientations: int, phases: int, frequencies: tuple[float, ...]) -> dict[str, NDArray[np.float64]]:
    """Every combination, phases fastest, in radians and cycles per pixel."""
    return crossed(
        frequency=np.asarray(frequencies),
        orientation=np.arange(orientations) * math.pi / orientations,
        phase=np.arange(phases) * 2 * math.pi / phases,
    )
