"""Stimuli that are drawn and not looked up: the textures of two corridors, and sequences of Gabor patches.

A texture is a sum of plane waves on a torus: some that both textures have, and some of its own about an orientation of its own. A glance sees a window of
it at a random place, which is the place in the corridor, at a contrast of 0.8 to 1.2.

A sequence is A-B-C-D: every frame has patches at places of its own and one mean orientation, which is that of the whole sequence. U stands where D is
expected: other places, and orientations turned by 90 degrees.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

GREY, CONTRAST = 128.0, 40.0  # mean and standard deviation of a pixel, of 255
COMMON, OWN = 6, 6  # waves
SIDE = 96  # of the torus, pixels
CYCLES = (6, 14)  # of a wave, on the torus
TURN, JITTER = (
    math.radians(60),
    math.radians(15),
)  # between the textures' orientations, and of a texture's waves about its own
PATCHES = 10
FRAMES = "ABCDU"
LENGTH = 4  # of a sequence
ORIENTATIONS = 4  # mean orientations of sequences, from 0 in equal steps
SPREAD = math.radians(12)  # standard deviation of a patch's orientation


@lru_cache(maxsize=8)
def textures(seed: int) -> Tensor:
    """Two textures of mean 0 and variance 1, (2, side, side)."""
    draws = torch.Generator().manual_seed(seed)
    about = math.pi * torch.rand(1, generator=draws)
    turned = [math.pi * torch.rand(COMMON, generator=draws)]
    turned += [about + k * TURN + JITTER * torch.randn(OWN, generator=draws) for k in (0, 1)]
    cycles = CYCLES[0] + (CYCLES[1] - CYCLES[0]) * torch.rand(COMMON + 2 * OWN, generator=draws)
    waves = (cycles * torch.stack([torch.cos(torch.cat(turned)), torch.sin(torch.cat(turned))])).round().T
    phases = 2 * math.pi * torch.rand(len(waves), generator=draws)
    place = torch.arange(SIDE).float() / SIDE
    angle = waves[:, 0, None, None] * place[:, None] + waves[:, 1, None, None] * place
    each = torch.cos(2 * math.pi * angle + phases[:, None, None])
    common, first, second = each.split([COMMON, OWN, OWN])
    found = torch.stack([(common.sum(0) + own.sum(0)) for own in (first, second)])
    found = found - found.mean((1, 2), keepdim=True)
    return found / found.std((1, 2), keepdim=True)


def corridor(seed: int, which: Tensor, shape: tuple[int, int, int], draws: torch.Generator) -> Tensor:
    """Windows of the textures, uint8 (windows, channels, height, width).

    Args:
        seed: of the textures.
        which: texture of every window, 0 or 1, int64 (windows,).
        shape: channels, height and width.
        draws: of places and contrasts.
    """
    channels, height, width = shape
    top, left = torch.randint(0, SIDE, (2, len(which), 1), generator=draws)
    rows, columns = (top + torch.arange(height)) % SIDE, (left + torch.arange(width)) % SIDE
    seen = textures(seed)[which[:, None, None], rows[:, :, None], columns[:, None, :]]
    contrast = 0.8 + 0.4 * torch.rand(len(which), 1, 1, generator=draws)
    return _pixels(seen * contrast, channels)


def gabors(seed: int, frame: Tensor, sequence: Tensor, shape: tuple[int, int, int], draws: torch.Generator) -> Tensor:
    """Frames of sequences, uint8 (frames, channels, height, width).

    Args:
        seed: of the places of the patches.
        frame: 0 to 4 for A, B, C, D, U, int64 (frames,).
        sequence: number of the sequence, which has a mean orientation, int64 (frames,).
        shape: channels, height and width.
        draws: of the orientations of the patches.
    """
    channels, height, width = shape
    fixed = torch.Generator().manual_seed(seed)
    place = torch.rand(len(FRAMES), PATCHES, 2, generator=fixed) * torch.tensor([height, width])
    size = min(height, width) * (0.08 + 0.06 * torch.rand(len(FRAMES), PATCHES, generator=fixed))
    mean = math.pi * (sequence % ORIENTATIONS) / ORIENTATIONS + math.pi / 2 * (frame == len(FRAMES) - 1)
    angle = mean[:, None] + SPREAD * torch.randn(len(frame), PATCHES, generator=draws)
    y = torch.arange(height)[:, None] - place[frame, :, 0, None, None]
    x = torch.arange(width) - place[frame, :, 1, None, None]
    scale = size[frame, :, None, None]
    along = x * torch.cos(angle)[..., None, None] + y * torch.sin(angle)[..., None, None]
    patches = torch.exp(-(x.square() + y.square()) / (2 * scale.square())) * torch.cos(math.pi * along / scale)
    return _pixels(1.5 * patches.sum(1), channels)


def _pixels(values: Tensor, channels: int) -> Tensor:
    grey = (GREY + CONTRAST * values).round().clamp(0, 255).to(torch.uint8)
    return grey[:, None].expand(-1, channels, -1, -1).contiguous()
