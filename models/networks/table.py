"""Networks by word: one row a builder, and the settings they read. Read without torch: a builder's own file is imported when it is called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from ..imported import Unfit, asked
from ..keywords import Takes, takes
from ..outside import Open, OutsideError
from ..setting import setting, settings_of
from .layer import WRITTEN, Layer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Architecture:
    """What fixes a network: builder, input shape and the builder's own numbers.

    Attributes:
        builder: a word of `BUILDERS`.
        shape: input shape (channels, height, width).
        width: channel factor.
        hidden: neurons per population of mlp.
        grids: side of the block-pooled map per population, of builders with maps.
        areas: areas of each population of mlp, for a routed rule; 0 for undivided populations.
        routing: dimensions of the routing space of the areas.
        stem, zero_init: of the resnets, see `resnet` and `residual`.
        norm, stop: of the resnets with compartments, see `ResidualBlock`.
        start, radius, bias, transfer: of vgg6 and vgg11, see `vgg6`; radius is also that of softhebb.
        options: further arguments of a builder from outside.
        layers: of a network of one's own, from the bottom up.
    """

    builder: str
    shape: tuple[int, int, int]
    width: float = setting(1.0, above=0, at_most=4, said="factor on the channels of all but mlp")
    hidden: tuple[int, ...] = setting(
        (), at_least=1, at_most=65536, entries=1024, example=(256, 128), said="units per population of mlp"
    )
    grids: tuple[int, ...] = ()
    areas: int = setting(0, at_least=0, at_most=4096, said="areas per population of mlp, for sal; 0 = undivided")
    routing: int = setting(8, at_least=1, at_most=4096, said="dimensions of the routing space of areas")
    stem: str = setting(
        "3x3", words=("3x3", "7x7"), said="of the resnets; 7x7 with stride 2 and max-pool is for large images"
    )
    zero_init: bool = setting(True, said="of the resnets: residual branches start silent")
    norm: str = setting(
        "input",
        words=("input", "inside", "none"),
        said="of the resnets with compartments: where batches are normalised, before a branch, between its convolutions too, or nowhere",
    )
    stop: str = setting(
        "both",
        words=("both", "branch"),
        said="of the resnets with compartments: where learning stops, at branch and shortcut of every block, or at the branch alone",
    )
    start: str = setting(
        "uniform", words=("uniform", "normal"),
        said="of vgg6 and vgg11: initial weights within 1/sqrt(inputs), or normal kernels of length radius",
    )  # fmt: skip
    radius: float = setting(
        25.0, above=0, at_most=1e4, said="of softhebb and a normal start: length of the initial kernels"
    )
    bias: bool = setting(True, said="of vgg6 and vgg11: whether neurons have one that learns; without, it is zero")
    transfer: str = setting("relu", said=f"of vgg6 and vgg11: {WRITTEN}")
    options: Mapping[str, Any] = field(default_factory=dict)
    layers: tuple[Layer, ...] = ()


# `grids` belongs to the rule's settings: they say where apical dendrites end
SETTINGS = settings_of(Architecture)


@dataclass(frozen=True, slots=True)
class ReadOut:
    """How a read-out sees maps of a network.

    Attributes:
        grids: side to which the map of each population is pooled, bottom first; 2 above the last entry.
        top: whether the read-out of all populations together reads the top one alone.
        level: whether the pooled map of each row and population is standardised.
    """

    grids: tuple[int, ...]
    top: bool = False
    level: bool = False


# The paper's read-out of VGG-6: 32,768 features in all; the same for every rule, whatever its own grids.
VGG = ReadOut((8, 4, 4, 4, 2, 2))


@dataclass(frozen=True, slots=True)
class Builder:
    """One builder.

    Attributes:
        home: `module:function` beside this table, or the function itself. It takes the input shape, a `generator`, and what it reads by
            name; it returns a `Network`, or the blocks and the channels that leave each.
        reads: fields of `Architecture`.
        example: `grids` of a network of usual width; as many as it has populations, for builders that read them.
        blocks: whether it is for rules in blocks; None where only what it returns tells.
        any_size: whether a network for a part of an image can be read out on the whole.
        read_out: how its maps are read out.
        takes: its keyword arguments, where it is from outside; those that are no fields of `Architecture` are `options`.
        populations: the row for rules of populations, where this one is for rules in blocks and both kinds have the network.
    """

    home: str | Callable[..., Any]
    reads: tuple[str, ...]
    example: tuple[int, ...] = ()
    blocks: bool | None = False
    any_size: bool = True
    read_out: ReadOut = VGG
    takes: Takes | None = None
    populations: "Builder | None" = None

    def learning(self, blocks: bool) -> "Builder":
        """The row for rules in blocks, or for the others."""
        return self if blocks or self.populations is None else self.populations

    def needs(self, word: str) -> bool:
        """Whether it reads a setting and has no default of its own for it."""
        return word in self.reads and (self.takes is None or word in self.takes.required)

    def function(self) -> Callable[..., Any]:
        """The builder itself, imported."""
        if not isinstance(self.home, str):
            return self.home
        module, _, name = self.home.partition(":")
        found: Callable[..., Any] = getattr(import_module(f".{module}", __package__), name)
        return found


def _adopted(thing: Any, word: str) -> Builder:
    """The row of a builder from outside: a row as it is, or a function of shape, `generator` and keyword arguments.

    Raises:
        Unfit: something else.
    """
    if isinstance(thing, Builder):
        if isinstance(thing.home, str):
            raise Unfit(
                f"expected a Builder whose home is the function itself, got {thing.home!r} from {word}; put the function there"
            )
        return replace(thing, takes=takes(thing.home, 1))
    if not callable(thing):
        raise Unfit(
            f"expected a builder, a function of (shape, *, generator), got {type(thing).__name__}; see `apical new builder NAME`"
        )
    told = takes(thing, 1)
    if "generator" not in told.names and not told.any:
        raise Unfit(f"expected a builder that takes `generator`, got {word} without; draw every initial weight from it")
    return Builder(thing, tuple(name for name in told.names if name in READ), blocks=None, takes=told)


# what a builder may read of an `Architecture`
READ = (*SETTINGS, "grids")

KERNELS = ("start", "radius", "bias", "transfer")
OWN: dict[str, Builder] = {
    "vgg6": Builder("columns:vgg6", ("width", "grids", *KERNELS), (8, 4, 4, 4, 2, 2)),
    "vgg8": Builder(
        "columns:vgg8", ("width", "grids", *KERNELS), (8, 4, 4, 4, 2, 2, 2, 1),
        # the paper's 35,840 features of 224 px
        read_out=ReadOut((8, 4, 2, 4, 2, 2, 2, 1)),
    ),
    "vgg11": Builder("columns:vgg11", ("width", "grids", *KERNELS), (1,) * 8),
    "softhebb": Builder(
        "three_blocks:softhebb", ("width", "radius", "grids"), (8, 4, 2),
        # the published read-out is the flattened last block, 24,576 features; the lower ones are pooled to 6,144
        read_out=ReadOut((8, 4, 4), top=True),
    ),
    "scff": Builder(
        "three_blocks:scff", ("width", "grids"), (8, 4, 2),
        # 2x2 means of every block, 18,432 features in all
        read_out=ReadOut((8, 4, 2), level=True),
    ),
    "mlp": Builder("areas:fully_connected", ("hidden", "areas", "routing"), any_size=False),
    # a network with dense layers is for one size of images, see `reads_any_size`
    "layers": Builder("layers:layers", ("layers",)),
    "resnet18": Builder("resnet:resnet18", ("width", "stem", "zero_init"), blocks=True, populations=Builder(
        "residual:resnet18", ("width", "stem", "zero_init", "norm", "stop", "grids"), (8, 8, 8, 4, 4, 4, 4, 2, 2),
        read_out=ReadOut((8, 8, 8, 4, 4, 4, 4, 2, 2)),
    )),
    "resnet50": Builder("resnet:resnet50", ("width", "stem", "zero_init"), blocks=True, populations=Builder(
        "residual:resnet50", ("width", "stem", "zero_init", "norm", "stop", "grids"), (8, *(4,) * 3, *(2,) * 10, *(1,) * 3),
        read_out=ReadOut((8, *(4,) * 3)),
    )),
}  # fmt: skip
BUILDERS = Open(OWN, group="apical.builders", field="network.builder", adopt=_adopted)


def reads_any_size(architecture: Architecture) -> bool:
    """Whether the network, built for a part of an image, can be read out on the whole: not where it ends in dense layers."""
    return BUILDERS[architecture.builder].any_size and not any(layer.dense for layer in architecture.layers)


def build(architecture: Architecture, generator: "torch.Generator", *, blocks: bool = False) -> Any:
    """What the builder of an architecture makes.

    Args:
        architecture: what fixes the network.
        generator: CPU generator of the initial weights.
        blocks: whether a network in blocks is wanted.

    Raises:
        ModelError: an unknown builder, one of the other kind, or numbers that do not fit.
    """
    row = BUILDERS.get(architecture.builder)
    row = None if row is None else row.learning(blocks)
    if row is None or (row.blocks is not None and row.blocks != blocks):
        known = [name for name, own in BUILDERS.items() if own.learning(blocks).blocks == blocks]
        raise ModelError(
            f"network.builder: expected one of {', '.join(known)}, got {architecture.builder!r}; correct it"
        )
    # an empty list is none given: a builder of the user's own has a default of its own then
    words = {n: v for n in row.reads if (v := getattr(architecture, n)) != () or row.needs(n)}
    if row.takes is None:
        return row.function()(architecture.shape, generator=generator, **words)
    return _checked(row, architecture, {"generator": generator, **words}, blocks)


def _checked(row: Builder, architecture: Architecture, words: Mapping[str, Any], blocks: bool) -> Any:
    """What a builder from outside makes, if it is what is wanted."""
    from .network import Network

    where = architecture.builder
    options = {n: tuple(v) if isinstance(v, list) else v for n, v in architecture.options.items()}
    home = row.function()
    refuse = partial(OutsideError, BUILDERS.field)
    made = asked(where, lambda: home(architecture.shape, **words, **options), "built", refuse)
    pair = isinstance(made, tuple) and len(made) == 2
    if not (pair if blocks else isinstance(made, Network)):
        wanted = "the blocks and the channels that leave each" if blocks else "a Network of populations"
        got = "blocks" if pair else type(made).__name__
        raise OutsideError(
            BUILDERS.field,
            f"expected a builder of {wanted} for this rule, got one of {got} from {where}; change one of the two",
        )
    return made
