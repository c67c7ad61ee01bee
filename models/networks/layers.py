"""A network of one's own, layer by layer: convolutions, then dense populations on the flattened map."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch

from ..errors import ModelError
from ..populations.conv import ConvPopulation, DensePopulation, Population
from ..populations.patches import Padding
from ..populations.pooling import Pooling
from ..populations.relay import RELAYS
from .initial import drawn
from .layer import USUAL_GRID, Layer, layer_of
from .network import Network
from .transfers import transfer

# what a population calls a number of which a layer has another name
_RENAMED = {"padding_mode": "rim", "inputs": "pool", "Pooling": "pool"}


def layers(
    shape: tuple[int, int, int], layers: Sequence[Layer | Mapping[str, Any]], *, generator: torch.Generator
) -> Network:
    """A column of populations conv1, conv2, ..., dense1, dense2, ...

    Weights and biases are uniform within 1/sqrt(fan-in), drawn from the bottom up: the same layers as those of `vgg6` or `mlp` begin
    with the same weights, bit for bit. A layer may ask for normal kernels of another length, and for no biases.

    Args:
        shape: input shape (channels, height, width).
        layers: from the bottom up, each a `Layer` or a mapping such as `{"conv": 64, "kernel": 3, "pool": 2}`.
        generator: CPU generator of the initial weights.

    Raises:
        ModelError: no layer, a convolution above a dense layer, or numbers that the map does not fit; `network.layers[i].name` is named.
    """
    if not layers:
        raise ModelError(
            "network.layers: expected at least one layer, got none; for example [{conv: 64, kernel: 3, pool: 2}, {dense: 100}]"
        )
    populations: list[Population] = []
    inputs: tuple[int, ...] = shape
    counts = {"conv": 0, "dense": 0}
    for i, written in enumerate(layers):
        where = f"network.layers[{i}]"
        layer = layer_of(written, where)
        population: Population
        counts["conv" if layer.conv else "dense"] += 1
        if layer.dense:
            population = _dense(f"dense{counts['dense']}", inputs, layer, where, generator)
        elif len(inputs) == 3:
            population = _conv(f"conv{counts['conv']}", (inputs[0], inputs[1], inputs[2]), layer, where, generator)
        else:
            raise ModelError(
                f"{where}.conv: expected dense above a dense layer, which has no map, got conv; move it below the dense layers"
            )
        population.biased = layer.bias
        population.relay = RELAYS[layer.relay](i, inputs)
        populations.append(population)
        inputs = population.shape
    return Network(shape, populations)


def _dense(name: str, inputs: Sequence[int], layer: Layer, where: str, generator: torch.Generator) -> DensePopulation:
    fan_in = math.prod(inputs)
    weight, bias = drawn((layer.dense, fan_in), generator, radius=layer.radius, bias=layer.bias)
    return DensePopulation(name, layer.dense, weight=weight, bias=bias, transfer=transfer(layer.transfer, where))


def _conv(
    name: str, inputs: tuple[int, int, int], layer: Layer, where: str, generator: torch.Generator
) -> ConvPopulation:
    shape = layer.conv, inputs[0], layer.kernel, layer.kernel
    weight, bias = drawn(shape, generator, radius=layer.radius, bias=layer.bias)
    words: dict[str, Any] = {
        "weight": weight, "bias": bias, "transfer": transfer(layer.transfer, where), "padding": layer.padding, "padding_mode": cast(Padding, layer.rim), "stride": layer.stride,
    }  # fmt: skip
    try:
        words["pool"] = _pool(layer)
        height, width = ConvPopulation(name, inputs, layer.conv, grid=1, **words).shape[1:]
    except ModelError as error:
        raise ModelError(_of_the_layer(str(error), name, where)) from error
    side = math.gcd(height, width)
    grid = layer.grid or next(n for n in range(min(USUAL_GRID, side), 0, -1) if side % n == 0)
    if side % grid:
        fitting = ", ".join(str(n) for n in range(1, side + 1) if side % n == 0)
        raise ModelError(
            f"{where}.grid: expected a divisor of its {height} x {width} map, got {grid}; choose one of {fitting}, or leave it out"
        )
    return ConvPopulation(name, inputs, layer.conv, grid=grid, **words)


def _pool(layer: Layer) -> Pooling | bool:
    if layer.pool < 2:
        return False
    kind: Any = {"mean": "avg"}.get(layer.pool_kind, layer.pool_kind)
    return Pooling(kind, layer.pool, layer.pool_stride or layer.pool, layer.pool_padding)


def _of_the_layer(message: str, name: str, where: str) -> str:
    """The complaint of a population in the names that its layer is written with."""
    field, _, rest = message.removeprefix(f"{name}.").removeprefix("Pooling.").partition(":")
    if message.startswith("Pooling."):
        field = f"pool_{field}"
    rest = rest.replace("change image_size", "change image_size or the layers below")
    return f"{where}.{_RENAMED.get(field, field)}:{rest}"
