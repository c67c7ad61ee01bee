"""Settings of the network, those of the models' table, and which of them contradict the rule."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ...models.errors import ModelError
from ...models.networks.layer import OF_DENSE, transfer_of
from ...models.networks.table import BUILDERS, SETTINGS, Builder
from . import rule as rules
from .from_table import group
from .groups import Option, Settings, list_of
from .laid import BUILDER
from .layers import EXAMPLE, LayerConfig, layer_complaints
from .options import option_complaints
from .words import OneOf

if TYPE_CHECKING:
    from ...plasticity import Needs
    from .whole import RunConfig

# of these a rule with areas decides
AREAS = ("areas", "routing")
# what sets the size where the other does not
SIZE = {"hidden": "width", "width": "hidden"}


class Chosen(Settings):
    """What is wired."""

    builder: Annotated[str, OneOf(lambda: BUILDERS, lambda: BUILDERS)] = Field(
        default="vgg6", description="network architecture"
    )
    options: dict[str, Option | list[Option]] = Field(
        default={}, description="of a builder of your own: its other arguments"
    )
    layers: Annotated[tuple[LayerConfig, ...], list_of(0, 64)] = Field(
        default=(), description=f"a network of one's own from the bottom up, such as {EXAMPLE}; in place of a builder"
    )

    if TYPE_CHECKING:  # the table's settings

        def __getattr__(self, word: str) -> Any: ...


if TYPE_CHECKING:

    class NetworkConfig(Chosen):
        """What is wired."""
else:
    NetworkConfig = group("NetworkConfig", Chosen, SETTINGS, {word: told.said for word, told in SETTINGS.items()})


def networks_by_kind() -> dict[str, list[str]]:
    """Builders by what learns with them, and what a layer of one's own may say."""
    groups = {
        "of populations": [word for word, row in BUILDERS.items() if not row.learning(False).blocks],
        "in blocks": [word for word, row in BUILDERS.items() if row.blocks],
        "installed": [word for word in BUILDERS.words() if word not in list(BUILDERS)],
        "network.layers, conv": [name for name in LayerConfig.model_fields if name != "dense"],
        "network.layers, dense": list(OF_DENSE),
    }
    return {kind: words for kind, words in groups.items() if words}


def network_complaints(config: "RunConfig") -> Iterator[str]:
    """What is wrong with the settings of the network, one sentence each."""
    needs = rules.needs_of(config.rule)
    if needs is None:  # the rule's settings make no rule, and complain themselves
        return
    yield from _of_the_rule(config, needs)
    yield from _of_the_layers(config.network)
    yield from _of_the_builder(config.network, BUILDERS[config.network.builder].learning(needs.engine == "block"))
    yield from _of_the_grids(config, BUILDERS[config.network.builder].learning(needs.engine == "block"))


def _of_the_rule(config: "RunConfig", needs: "Needs") -> Iterator[str]:
    network, name = config.network, config.rule.name
    blocks = needs.engine == "block"
    row = BUILDERS[network.builder].learning(blocks)
    if row.blocks is not None and blocks != row.blocks:
        able = " or ".join(word for word, other in BUILDERS.items() if other.blocks)
        expected = able if blocks else "a network of populations"
        yield f"network.builder: expected {expected} for {name}, got {network.builder!r}; change one of the two"
    if needs.routed and "areas" not in row.reads:
        able = " or ".join(word for word, other in BUILDERS.items() if "areas" in other.reads)
        yield f"network.builder: expected {able} for {name}, whose areas are dense, got {network.builder!r}; set network.hidden"
    elif needs.routed and not network.areas:
        yield f"network.areas: expected at least 1 for {name}, got 0; for example network.areas=16"
    usual = tuple(SETTINGS[word].default for word in AREAS)
    if needs.engine != "local" and "stop" in row.reads and network.stop != SETTINGS["stop"].default:
        yield (
            f"network.stop: expected {SETTINGS['stop'].default} for {name}, whose blocks have no local signal that a shortcut could conduct, "
            f"got {network.stop!r}; change one of the two"
        )
    if not needs.routed and tuple(getattr(network, word) for word in AREAS) != usual:
        expected = ", ".join(map(str, usual))
        yield f"network.areas, network.routing: expected {expected} for {name}, which has no areas, got others; remove them"


def _of_the_layers(network: NetworkConfig) -> Iterator[str]:
    reads, count = "layers" in BUILDERS[network.builder].reads, len(network.layers)
    if count and not reads:
        yield (
            f"network.builder: expected none beside network.layers, got {network.builder!r}; remove network.builder, or set network.layers=[]"
        )
    if reads and not count:
        yield f"network.layers: expected 1 to 64 layers for {network.builder}, got none; for example {EXAMPLE}"
    yield from layer_complaints(network.layers)


def _of_the_builder(network: NetworkConfig, row: Builder) -> Iterator[str]:
    for word in row.reads:
        told = SETTINGS.get(word)
        if told is not None and told.example and not getattr(network, word) and row.needs(word):
            yield (
                f"network.{word}: expected 1 to {told.entries} sizes for {network.builder}, got none; for example {list(told.example)}"
            )
    for word, told in SETTINGS.items():
        value = getattr(network, word)
        if word in row.reads or word in AREAS or value == told.default:
            continue
        yield (
            f"network.{word}: expected none, since {network.builder} reads no {word}, got {_as_written(value)}; "
            f"{_remedy(word, row.reads)}"
        )
    if "transfer" in row.reads and row.takes is None:
        yield from _of_the_kernels(network)
    settings = {word: f"network.{word}" for word in SETTINGS} | {"grids": "rule.grids", "generator": "seed"}
    yield from option_complaints("network.options", network.builder, row.takes, network.options, settings)


def _of_the_kernels(network: NetworkConfig) -> Iterator[str]:
    try:
        transfer_of(network.transfer, "network")
    except ModelError as error:
        yield str(error)
    if network.start == "uniform" and network.radius != SETTINGS["radius"].default:
        yield f"network.radius: expected none beside network.start=uniform, got {network.radius}; set network.start=normal"


def _as_written(value: Any) -> str:
    """A value as a settings file has it."""
    if isinstance(value, tuple):
        return str(list(value)) if value else "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _default(word: str) -> str:
    """A setting's default as a settings file has it: a preset may have set another, which nobody can remove from there."""
    default = SETTINGS[word].default
    return "[]" if default == () else _as_written(default)


def _remedy(word: str, reads: tuple[str, ...]) -> str:
    """What to do with a setting that the builder does not read."""
    other = SIZE.get(word)
    emptied = f"set network.{word}={_default(word)}"
    return f"set network.{other} instead" if other in reads else emptied


def _of_the_grids(config: "RunConfig", row: Builder) -> Iterator[str]:
    builder, grids = config.network.builder, config.rule.grids
    if row.takes is not None and not row.example:  # one of the user's own knows itself how many populations it has
        return
    if "grids" not in row.reads:
        if grids:
            instead = ", and give grid in network.layers" if builder == BUILDER else ""
            yield f"rule.grids: expected none for {builder}, got {list(grids)}; set rule.grids=[]{instead}"
    elif len(grids) != len(row.example):
        yield (
            f"rule.grids: expected {len(row.example)} entries for {builder}, one per population, got {len(grids)}; "
            f"for example {list(row.example)}"
        )
