"""What a trained network answers to images of one's own: checked, normalised as in training, and named along every axis."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ...models import BlockNetwork, Network
from ...models.engine import rates
from ...models.engine.sweep import activities
from ...models.populations.geometry import map_of
from ...plasticity import Rule
from ..errors import ConfigError, nearest
from ..readouts.pooling import maps_of
from ..stimuli.images import ImageSet
from .trained import Trained

if TYPE_CHECKING:
    import xarray as xr

CHUNK = 256


def pictures(images: Any, shape: tuple[int, int, int], *, resize: bool = False) -> Tensor:
    """Pictures as a network sees them, before they are normalised: uint8 (n, channels, height, width).

    Args:
        images: uint8 array or tensor (n, channels, height, width), (n, height, width, channels), or grey (n, height, width). A grey picture is
            shown in every colour.
        shape: (channels, height, width) of the network's input.
        resize: bring the shorter side to the network's and cut out the centre square, in place of refusing another size.

    Raises:
        ConfigError: another type, size or number of channels, or axes of which it is not clear which is that of the channels.
    """
    values = images.detach().cpu() if isinstance(images, Tensor) else torch.from_numpy(np.array(images))
    channels, height, width = shape
    wanted = f"uint8 images (n, {channels}, {height}, {width}) or (n, {height}, {width}, {channels})"
    if values.dtype != torch.uint8:
        raise ConfigError(
            f"images: expected {wanted}, got {values.dtype}; pass the pixels as bytes from 0 to 255: the run normalises them itself"
        )
    if values.dim() == 3 and (values.shape[0] == channels > 1 or values.shape[2] in (1, channels)):
        raise ConfigError(
            f"images: expected {wanted}, got the shape {tuple(values.shape)}; write images[None] for one image, images[:, None] for grey ones"
        )
    if values.dim() == 3:
        values = values[:, None]
    if values.dim() != 4 or not len(values):
        raise ConfigError(f"images: expected {wanted}, got the shape {tuple(values.shape)}; reshape them")
    first, last = (values.shape[axis] in (1, channels) for axis in (1, 3))
    if first and last:
        raise ConfigError(
            f"images: expected one axis of {channels} or 1 channels, got the shape {tuple(values.shape)} with two; put the channels second, and "
            "pad or cut the images"
        )
    if not (first or last):
        grey = "; convert them to grey" if channels == 1 else ""
        raise ConfigError(f"images: expected {wanted}, got the shape {tuple(values.shape)}{grey or '; reshape them'}")
    values = values if first else values.permute(0, 3, 1, 2)
    if tuple(values.shape[2:]) != (height, width):
        if not resize or height != width:
            remedy = "resize=True brings them to it" if height == width else "resize them"
            raise ConfigError(
                f"images: expected {width} x {height} pixels, as the network sees, got {values.shape[3]} x {values.shape[2]}; {remedy}"
            )
        none = torch.full((len(values),), -1)
        values = ImageSet("images", values.contiguous(), none, (), "").resized(height).whole()
    return values.expand(-1, channels, -1, -1).contiguous()


@torch.no_grad()
def rates_of(run: Trained[Rule], images: Any, population: str | None = None, *, resize: bool = False) -> "xr.DataArray":
    """Rate z of every neuron of a population (of a block: its output), (trial, unit), as it leaves the pool.

    Args:
        run: opened with or without its images.
        images: see `pictures`.
        population: name; None for the topmost.
        resize: see `pictures`.

    Raises:
        ConfigError: images that do not fit, or an unknown population.
    """
    network = run.network()
    name = network.names[-1] if population is None else population
    place = _known([name], network.names)[0]
    found = []
    for shown in _shown(run, network, images, resize):
        sweep = activities(network, shown)
        found.append(next(activity.rate for i, activity in enumerate(sweep) if i == place).cpu())
    rate = torch.cat(found)
    return _named(rate.flatten(1), {name: map_of(rate.shape[1:])}, "rate", f"rate of {name}")


@torch.no_grad()
def features_of(
    run: Trained[Rule], images: Any, population: str | Sequence[str] | None = None, *, resize: bool = False
) -> "xr.DataArray":
    """What read-outs of the run see, (trial, unit): maps pooled as `apical probe` pools them; of several populations side by side.

    Arguments as in `rates_of`; a population, several, or None for those that the run reads out together.

    Raises:
        ConfigError: as `rates_of`.
    """
    network, maps = run.network(), maps_of(run.config.network.builder)
    names = [population] if isinstance(population, str) else list(population or maps.together(network.names))
    kept = _known(names, network.names)
    parts: dict[str, list[Tensor]] = {name: [] for name in names}
    shapes: dict[str, tuple[int, int, int]] = {}
    for shown in _shown(run, network, images, resize):
        found = rates(network, shown)
        for name, i in zip(names, kept, strict=True):
            seen = maps.features(found[i], i).cpu()
            parts[name].append(seen)
            channels = found[i].shape[1]
            side = round((seen.shape[1] / channels) ** 0.5)
            square = channels * side * side == seen.shape[1]
            shapes[name] = (channels, side, side) if square else (seen.shape[1], 1, 1)
    matrix = torch.cat([torch.cat(parts[name]) for name in names], 1)
    return _named(matrix, shapes, "features", f"pooled rates of {', '.join(names)}")


def _shown(run: Trained[Rule], network: Network | BlockNetwork, images: Any, resize: bool) -> list[Tensor]:
    """Normalised images in parts."""
    seen = pictures(images, run.stimulus.shape, resize=resize)
    return [
        run.presentation.still(run.stimulus, part.to(run.device)).contiguous(memory_format=torch.channels_last)
        for part in seen.split(CHUNK)
    ]


def _known(wanted: Sequence[str], names: list[str]) -> list[int]:
    for name in wanted:
        if name not in names:
            raise ConfigError(
                f"population: expected one of {', '.join(names)}, got {name!r}{nearest(str(name), names)}"
            )
    return [names.index(name) for name in wanted]


def _named(values: Tensor, shapes: dict[str, tuple[int, int, int]], name: str, said: str) -> "xr.DataArray":
    """A DataArray (trial, unit) with population, channel, row and column of every unit."""
    import xarray as xr

    places = [np.indices(shape).reshape(3, -1) for shape in shapes.values()]
    channel, row, col = np.concatenate(places, axis=1)
    population = np.repeat(list(shapes), [part.shape[1] for part in places])
    columns = {"population": population, "channel": channel, "row": row, "col": col}
    coords: dict[str, Any] = {
        "trial": np.arange(len(values)), "unit": np.arange(values.shape[1]),
        **{word: ("unit", column) for word, column in columns.items()},
    }  # fmt: skip
    return xr.DataArray(
        values.numpy(), coords, ("trial", "unit"), name, {"units": "1", "long_name": said, "symbol": "z"}
    )
