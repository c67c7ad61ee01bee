"""Settings of the network, and which of them contradict the rule."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from . import rule as rules
from .groups import Settings, Size, list_of

if TYPE_CHECKING:
    from .whole import RunConfig

POPULATIONS = {"vgg6": 6, "vgg11": 8, "softhebb": 3, "scff": 3}
EXAMPLES = {3: [8, 4, 2], 6: [8, 4, 4, 4, 2, 2]}
RADIUS = 25.0
ROUTING = 8


class NetworkConfig(Settings):
    """What is wired."""

    builder: Literal["vgg6", "vgg11", "softhebb", "scff", "mlp", "resnet18", "resnet50"] = Field(
        default="vgg6", description="network architecture; the resnets are for rules in blocks"
    )
    width: float = Field(default=1.0, gt=0, le=4, description="factor on the channels of all but mlp")
    hidden: Annotated[tuple[Size, ...], list_of(0, 1024)] = Field(default=(), description="units per population of mlp")
    areas: int = Field(default=0, ge=0, le=4096, description="areas per population of mlp, for sal; 0 = undivided")
    routing: int = Field(default=ROUTING, ge=1, le=4096, description="dimensions of the routing space of areas")
    stem: Literal["3x3", "7x7"] = Field(
        default="3x3", description="of the resnets; 7x7 with stride 2 and max-pool is for large images"
    )
    zero_init: bool = Field(default=True, description="of the resnets: residual branches start silent")
    radius: float = Field(default=RADIUS, gt=0, le=1e4, description="of softhebb: length of the initial kernels")


def network_complaints(config: "RunConfig") -> Iterator[str]:
    """What is wrong with the settings of the network, one sentence each."""
    network, grids = config.network, config.rule.grids
    blocks, resnet = rules.in_blocks(config.rule.name), network.builder.startswith("resnet")
    if blocks is not None and blocks != resnet:
        expected = "resnet18 or resnet50" if blocks else "a network of populations"
        yield f"network.builder: expected {expected} for {config.rule.name}, got {network.builder!r}; change one of the two"
    if not resnet and (network.stem, network.zero_init) != ("3x3", True):
        yield f"network.stem, network.zero_init: expected 3x3, true for {network.builder}, got others; remove them"
    if network.builder != "softhebb" and network.radius != RADIUS:
        yield f"network.radius: expected none, since {network.builder} reads no radius, got {network.radius}; remove network.radius"
    if resnet and (network.hidden or grids):
        name = "network.hidden" if network.hidden else "rule.grids"
        yield f"{name}: expected none for {network.builder}, got {list(network.hidden or grids)}; set {name}=[]"
    routed = rules.routed(config.rule.name)
    if routed and (network.builder != "mlp" or not network.areas):
        wrong = f"areas: expected at least 1 for {config.rule.name}, got 0; for example network.areas=16"
        if network.builder != "mlp":
            wrong = f"builder: expected mlp for {config.rule.name}, whose areas are dense, got {network.builder!r}; set network.hidden"
        yield f"network.{wrong}"
    if not routed and (network.areas, network.routing) != (0, ROUTING):
        yield f"network.areas, network.routing: expected 0, {ROUTING} for {config.rule.name}, which has no areas, got others; remove them"
    if resnet:
        return
    if network.builder == "mlp":
        if not network.hidden:
            yield "network.hidden: expected 1 to 1024 sizes for mlp, got none; for example [256, 128]"
        if network.width != 1:
            yield f"network.width: expected 1.0 for mlp, got {network.width}; set network.hidden instead"
        if grids:
            yield f"rule.grids: expected none for mlp, which has no map to pool, got {list(grids)}; set rule.grids=[]"
        return
    if network.hidden:
        yield f"network.hidden: expected none for {network.builder}, got {list(network.hidden)}; set network.width instead"
    populations = POPULATIONS[network.builder]
    if len(grids) != populations:
        yield (
            f"rule.grids: expected {populations} entries for {network.builder}, one per population, got {len(grids)}; "
            f"for example {EXAMPLES.get(populations, [1] * populations)}"
        )
