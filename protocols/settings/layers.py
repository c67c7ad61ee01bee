"""Settings of a network of one's own, layer by layer."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer

from ...models.errors import ModelError
from ...models.networks.layer import KINDS, OF_DENSE, POOLS, RELAYED, RIMS, WRITTEN, transfer_of
from .groups import Grid, Settings, Size
from .wording import Contradiction

if TYPE_CHECKING:  # of a table no checker can read the names
    Rim = str
    PoolKind = str
    Relayed = str
else:
    Rim, PoolKind, Relayed = Literal[RIMS], Literal[POOLS], Literal[RELAYED]

EXAMPLE = "[{conv: 64, kernel: 3, pool: 2}, {dense: 100}]"


class LayerConfig(Settings):
    """One population: `conv` with its channels, or `dense` with its neurons, and what is not as usual."""

    conv: Size | None = Field(default=None, description="channels of a convolution")
    dense: Size | None = Field(default=None, description="neurons of a dense layer")
    kernel: int = Field(default=3, ge=1, le=31, description="side of the kernel")
    stride: int = Field(default=1, ge=1, le=31, description="step of the kernel from place to place")
    padding: int | None = Field(default=None, ge=0, le=31, description="rim around the map; null = half the kernel")
    rim: Rim = Field(default="zeros", description="what the rim holds")
    pool: int = Field(default=0, ge=0, le=64, description="side of the pooled windows; 0 = none")
    pool_kind: PoolKind = Field(default="max", description="the winner of a window, or its mean")
    pool_stride: int | None = Field(default=None, ge=1, le=64, description="step between windows; null = their side")
    pool_padding: int = Field(default=0, ge=0, le=32, description="rim around the map before it is pooled")
    grid: Grid | None = Field(
        default=None, description="side of the map that apical dendrites see; null = 4, or the next lower divisor"
    )
    transfer: str = Field(default="relu", description=WRITTEN)
    relay: Relayed = Field(default="none", description="of incoming rates, where the rule has no relay of its own")
    radius: float | None = Field(
        default=None,
        gt=0,
        le=1e4,
        description="length of the initial kernels, then normal; null = uniform within 1/sqrt(inputs)",
    )
    bias: bool = Field(default=True, description="whether neurons have one that learns; without, it is zero")

    @field_validator("transfer")
    @classmethod
    def _known(cls, word: str) -> str:
        try:
            transfer_of(word, "")
        except ModelError as error:
            raise Contradiction(str(error).partition(": ")[2]) from error
        return word

    @model_serializer(mode="wrap")
    def _of_its_kind(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What it reads alone: the other kind's settings are not there."""
        told: dict[str, Any] = handler(self)
        if self.dense is not None:
            return {name: value for name, value in told.items() if name in OF_DENSE}
        return {name: value for name, value in told.items() if name != "dense"}


def layer_complaints(layers: tuple[LayerConfig, ...]) -> Iterator[str]:
    """What is wrong with layers, one sentence each."""
    above: int | None = None
    for i, layer in enumerate(layers):
        where = f"network.layers[{i}]"
        if (layer.conv is None) == (layer.dense is None):
            got = "neither" if layer.conv is None else "both"
            yield f"{where}: expected conv or dense, got {got}; for example {{conv: 64, kernel: 3, pool: 2}} or {{dense: 100}}"
            continue
        if layer.conv is not None and above is not None:
            yield (
                f"{where}.conv: expected dense above network.layers[{above}], which is dense and has no map, got conv; "
                "move it below the dense layers"
            )
        if layer.dense is not None:
            above = i
            for name in sorted(layer.model_fields_set - {*OF_DENSE, *KINDS}):
                yield f"{where}.{name}: expected none in a dense layer, got {getattr(layer, name)}; remove it"
        if layer.pool < 2:
            for name in ("pool_stride", "pool_padding", "pool_kind"):
                if getattr(layer, name) != type(layer).model_fields[name].default:
                    yield f"{where}.{name}: expected none without a pool, got {getattr(layer, name)}; set pool, or remove it"
        if 2 * layer.pool_padding > max(layer.pool, 1):
            yield f"{where}.pool_padding: expected at most {layer.pool // 2}, half of pool, got {layer.pool_padding}; lower it"
