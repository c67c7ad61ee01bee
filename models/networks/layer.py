"""One layer of a network of one's own, as settings and Python write it. Read without torch."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

from ..errors import ModelError

# transfer functions by word, with the number in brackets where it is left out; None for those that take none
TRANSFERS: dict[str, float | None] = {
    "relu": None, "identity": None, "triangle": 1.0, "leaky": 0.1, "gelu": None, "abs": None,
}  # fmt: skip
WRITTEN = "relu, identity, triangle, triangle(0.7), leaky, leaky(0.2), gelu or abs"
RIMS = ("zeros", "reflect")
POOLS = ("max", "mean")
RELAYED = ("none", "unit", "batchnorm")
# the side of the block-pooled map where none is given: about that of the upper populations of VGG-6
USUAL_GRID = 4
_TRANSFER = re.compile(r"([a-z]+)(?:\(([^()]*)\))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One population, convolutional or dense.

    Attributes:
        conv: channels of a convolution, 0 for a dense layer.
        dense: neurons of a dense layer, 0 for a convolution.
        kernel: side of the kernel k.
        stride: step of the kernel s: a map of side h leaves (h + 2 padding - k) // s + 1 places.
        padding: rim around the incoming map; None for (k - 1) // 2.
        rim: what it holds, `zeros` or `reflect`, the map mirrored at its edge.
        pool: side of the windows that are pooled; 0 or 1 for none.
        pool_kind: `max` or `mean`.
        pool_stride: step from window to window; None for the side, which makes them adjoin.
        pool_padding: rim around the map before it is pooled, at most half a window.
        grid: side of the block-pooled map, where apical dendrites end: each of the channels has grid x grid of them; None for 4, or the largest number
            below that divides the map.
        transfer: rho: `relu`, `identity`, `gelu`, `abs`, `triangle`, `triangle(0.7)`, `leaky`, `leaky(0.2)`.
        relay: what happens to incoming rates, with rules that bring no relay of their own: `none`, `unit` length, or `batchnorm`.
        radius: expected length of an initial kernel, whose weights are then normal; None for uniform ones within 1/sqrt(fan-in).
        bias: whether neurons have one that learns; without, it is zero throughout.
    """

    conv: int = 0
    dense: int = 0
    kernel: int = 3
    stride: int = 1
    padding: int | None = None
    rim: str = "zeros"
    pool: int = 0
    pool_kind: str = "max"
    pool_stride: int | None = None
    pool_padding: int = 0
    grid: int | None = None
    transfer: str = "relu"
    relay: str = "none"
    radius: float | None = None
    bias: bool = True


KINDS = ("conv", "dense")
# what a dense layer reads
OF_DENSE = ("dense", "transfer", "relay", "radius", "bias")
NAMES = tuple(field.name for field in fields(Layer))


def layer_of(written: "Layer | Mapping[str, Any]", where: str) -> Layer:
    """A layer from a mapping such as `{"conv": 64, "kernel": 3}`.

    Args:
        written: a layer or the mapping.
        where: put before a complaint, e.g. `network.layers[0]`.

    Raises:
        ModelError: an unknown name, or not one of conv and dense.
    """
    if isinstance(written, Layer):
        layer, given = written, {name for name in NAMES if getattr(written, name) != getattr(Layer(), name)}
    else:
        for name in written:
            if name not in NAMES:
                close = get_close_matches(str(name), NAMES, n=1, cutoff=0.5)
                meant = f"; did you mean {close[0]}?" if close else ""
                raise ModelError(f"{where}.{name}: expected one of {', '.join(NAMES)}, got an unknown setting{meant}")
        layer, given = Layer(**written), set(written)
    if bool(layer.conv) == bool(layer.dense):
        got = "both" if layer.conv else "neither"
        raise ModelError(
            f"{where}: expected conv or dense, got {got}; for example {{conv: 64, kernel: 3, pool: 2}} or {{dense: 100}}"
        )
    if layer.dense and (odd := sorted(given - {*OF_DENSE, *KINDS})):
        raise ModelError(f"{where}.{odd[0]}: expected none in a dense layer, got {getattr(layer, odd[0])!r}; remove it")
    if layer.radius is not None and not (math.isfinite(layer.radius) and layer.radius > 0):
        raise ModelError(f"{where}.radius: expected a finite number above 0, got {layer.radius!r}; SoftHebb's is 25")
    transfer_of(layer.transfer, where)
    return layer


def transfer_of(word: str, where: str) -> tuple[str, float | None]:
    """Name and number of a transfer function.

    >>> transfer_of("triangle(0.7)", ""), transfer_of("leaky", ""), transfer_of("relu", "")
    (('triangle', 0.7), ('leaky', 0.1), ('relu', None))

    Raises:
        ModelError: an unknown one, or a number that it does not take.
    """
    found = _TRANSFER.fullmatch(word)
    expected = WRITTEN
    if found is None or found[1] not in TRANSFERS:
        close = get_close_matches(word, TRANSFERS, n=1, cutoff=0.5)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise ModelError(f"{where}.transfer: expected {expected}, got {word!r}{meant}")
    name, text = found[1], found[2]
    if text is None:
        return name, TRANSFERS[name]
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    most = 1.0 if name == "leaky" else 10.0
    if TRANSFERS[name] is None or not (0 < number <= most):
        got = f"a number above 0, at most {most:g}" if TRANSFERS[name] is not None else "no number"
        raise ModelError(f"{where}.transfer: expected {got} in the brackets of {name}, got {word!r}; write {expected}")
    return name, number
