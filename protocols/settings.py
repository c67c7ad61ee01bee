"""Settings of one run: what may be set, within which bounds, and which settings contradict each other.

They are frozen and checked as a whole: a run that starts has no setting that is misspelt, and none of network, rule or optimiser that
nothing reads. Settings of the recording and of read-outs stand ready for when they are asked for.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from . import rules
from .complaints import Contradiction
from .errors import nearest
from .stimuli.names import KNOWN, NAMED, WORDS

POPULATIONS = {"vgg6": 6, "vgg11": 8, "softhebb": 3, "scff": 3}
EXAMPLES = {3: [8, 4, 2], 6: [8, 4, 4, 4, 2, 2]}
RADIUS = 25.0
ROUTING = 8
# optimisers that read a setting; all read those that are not listed
READ_BY = {
    "weight_decay": ("adamw", "sgd", "lars"),
    "beta1": ("adamw",),
    "beta2": ("adamw",),
    "eps": ("adamw",),
    "momentum": ("sgd", "lars"),
    "exponent": ("softhebb",),
    "trust": ("lars",),
}

Count = Annotated[int, Field(ge=1, le=10**9)]
Grid = Annotated[int, Field(ge=1, le=1024)]
Size = Annotated[int, Field(ge=1, le=65536)]
Factor = Annotated[float, Field(ge=0, le=1e6)]
Option = bool | int | float | str
Share = Annotated[float, Field(gt=0, le=1)]
Penalty = Annotated[float, Field(gt=0, le=1e6)]


def _list(minimum: int, maximum: int) -> Any:
    # a YAML list becomes a tuple; its entries stay strict
    return Field(strict=False, min_length=minimum, max_length=maximum)


class Settings(BaseModel):
    """A frozen group of settings that takes no unknown name and converts no type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class StimulusConfig(Settings):
    """What is seen."""

    name: str = Field(default="shapes", description=WORDS)
    image_size: int | None = Field(default=None, ge=8, le=512, description="side in pixels; null = the data's own")
    n_train: int | None = Field(default=None, ge=2, le=10**9, description="training images; null = all")
    n_test: int | None = Field(default=None, ge=1, le=10**9, description="test images; null = all")
    crop_scale: Annotated[tuple[Share, Share], Field(strict=False)] | None = Field(
        default=None, description="smallest and largest share of the image in one view; null = the stimulus's own"
    )

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        kind, colon, path = name.partition(":")
        if name in NAMED or (kind in ("folder", "npz") and path):
            return name
        remedy = f"; write {kind}:PATH" if kind in ("folder", "npz") else nearest(kind if colon else name, KNOWN)
        raise Contradiction(f"expected one of {', '.join(KNOWN)}, got {name!r}{remedy}")

    @field_validator("crop_scale")
    @classmethod
    def _ordered(cls, scale: tuple[float, float] | None) -> tuple[float, float] | None:
        if scale is not None and scale[0] > scale[1]:
            raise Contradiction(f"expected the smaller share first, got {list(scale)}; exchange the two")
        return scale


class NetworkConfig(Settings):
    """What is wired."""

    builder: Literal["vgg6", "vgg11", "softhebb", "scff", "mlp", "resnet18", "resnet50"] = Field(
        default="vgg6", description="network architecture; the resnets are for rules in blocks"
    )
    width: float = Field(default=1.0, gt=0, le=4, description="factor on the channels of all but mlp")
    hidden: Annotated[tuple[Size, ...], _list(0, 1024)] = Field(default=(), description="units per population of mlp")
    areas: int = Field(default=0, ge=0, le=4096, description="areas per population of mlp, for sal; 0 = undivided")
    routing: int = Field(default=ROUTING, ge=1, le=4096, description="dimensions of the routing space of areas")
    stem: Literal["3x3", "7x7"] = Field(
        default="3x3", description="of the resnets; 7x7 with stride 2 and max-pool is for large images"
    )
    zero_init: bool = Field(default=True, description="of the resnets: residual branches start silent")
    radius: float = Field(default=RADIUS, gt=0, le=1e4, description="of softhebb: length of the initial kernels")


class RuleConfig(Settings):
    """How synapses change."""

    name: str = Field(default="clapp++", description="a rule of plasticity's table; bp-: baselines by backpropagation")
    context: Literal["lateral", "dfb", "both"] = Field(
        default="lateral", description="activity an apical dendrite receives"
    )
    contrast: Literal["hinge", "softplus", "logistic", "linear"] = Field(
        default="hinge", description="objective on the score"
    )
    grids: Annotated[tuple[Grid, ...], _list(0, 64)] = Field(
        default=(8, 4, 4, 4, 2, 2), description="side after block pooling, per population of all but mlp"
    )
    negatives: Literal["next", "random"] = Field(default="next", description="which other object a saccade goes to")
    phases: Literal["both", "either"] = Field(
        default="both", description="fixation and saccade in one step, or one of them"
    )
    temperature: float | None = Field(default=None, gt=0, le=100, description="of rules that have one, and only there")
    options: dict[str, Option | list[Option]] = Field(default={}, description="the rule's other hyperparameters")


class OptimiserConfig(Settings):
    """How changes become weights."""

    name: Literal["adamw", "sgd", "lars", "softhebb"] = "adamw"
    learning_rate: float = Field(default=2e-4, gt=0, le=10)
    factors: Annotated[tuple[Factor, ...], _list(0, 1024)] = Field(
        default=(), description="factor on the learning rate per population, or one for all; empty = 1"
    )
    schedule: Literal["constant", "cosine", "cooldown", "exponential"] = Field(
        default="constant", description="of the learning rate; cooldown: linear to 0 over the second half"
    )
    warmup_epochs: int = Field(default=0, ge=0, le=100_000, description="linear rise from 0 at the start")
    decay: float = Field(default=1.0, gt=0, le=1, description="factor per epoch of the exponential schedule")
    weight_decay: float = Field(default=0.01, ge=0, le=10)
    beta1: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.999, ge=0, lt=1)
    eps: float = Field(default=1e-8, gt=0, le=1)
    momentum: float = Field(default=0.9, ge=0, lt=1, description="of sgd and lars")
    exponent: float = Field(
        default=0.5, ge=0, le=10, description="of softhebb: q, how fast steps shrink as kernels reach unit length"
    )
    trust: float = Field(default=1e-3, ge=0, le=1, description="of lars: size of a step in units of the weight's")


class TrainingConfig(Settings):
    """How long, in what pieces and on what."""

    epochs: int = Field(default=10, ge=1, le=100_000)
    batch: int = Field(default=32, ge=2, le=65536, description="images per step; each gives two glances")
    precision: Literal["auto", "float32", "bf16"] = Field(
        default="auto", description="auto = the faster on this machine, measured once and kept; a run stays with it"
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int | None = Field(default=None, ge=1, le=1024, description="CPU threads; null = torch's choice")
    checkpoint_every: Count | None = Field(default=None, description="steps between checkpoints; null = once per epoch")
    max_seconds: float | None = Field(
        default=None, gt=0, le=1e9, description="stop, resumable, after this many seconds"
    )
    keep_checkpoints: int = Field(default=2, ge=1, le=100_000, description="newest checkpoints that are kept")


class RecordingConfig(Settings):
    """What is kept of the dendritic signals."""

    enabled: bool = True
    every: Count = Field(default=100, description="steps between recorded steps")
    rows: Size = Field(default=16, description="rows of the batch recorded at such a step")
    units: Size = Field(default=64, description="units recorded per population")
    unit_seed: int = Field(default=0, ge=0, lt=2**32, description="seed of the choice of units")
    populations: Annotated[tuple[str, ...], _list(1, 64)] | None = Field(default=None, description="names; null = all")
    dtype: Literal["float32", "float16"] = "float32"


class ProbeConfig(Settings):
    """How frozen rates are read out."""

    read_out: Literal["linear", "knn"] = "linear"
    solver: Literal["ridge", "logistic"] = Field(default="ridge", description="of the linear read-out")
    penalties: Annotated[tuple[Penalty, ...], _list(1, 32)] = Field(
        default=(1e-4, 1e-3, 1e-2, 1e-1, 1.0), description="ridge penalties to choose from on held-out training images"
    )
    epochs: int = Field(default=50, ge=1, le=10_000, description="of the logistic read-out")
    batch: Size = Field(default=512, description="of the logistic read-out")
    learning_rate: float = Field(default=1e-3, gt=0, le=10, description="of the logistic read-out")
    neighbours: int = Field(default=20, ge=1, le=10_000, description="k of the knn read-out")
    temperature: float = Field(default=0.07, gt=0, le=100, description="of the knn vote")
    n_train: int | None = Field(
        default=None, ge=2, le=10**9, description="images the read-out is fitted on; null = all"
    )


class RunConfig(Settings):
    """Everything that decides what a run computes."""

    name: str = Field(
        default="run", pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$", description="first part of the run folder"
    )
    seed: int = Field(default=0, ge=0, lt=2**32)
    stimulus: StimulusConfig = StimulusConfig()
    network: NetworkConfig = NetworkConfig()
    rule: RuleConfig = RuleConfig()
    optimiser: OptimiserConfig = OptimiserConfig()
    training: TrainingConfig = TrainingConfig()
    recording: RecordingConfig = RecordingConfig()
    probe: ProbeConfig = ProbeConfig()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        complaints = chain(
            _network_complaints(self),
            rules.complaints(self.rule),
            _optimiser_complaints(self.optimiser),
            _size_complaints(self),
        )
        if complaint := next(complaints, None):
            raise Contradiction(complaint)
        return self


def _network_complaints(config: RunConfig) -> Iterator[str]:
    network, grids = config.network, config.rule.grids
    blocks, resnet = rules.in_blocks(config.rule.name), network.builder.startswith("resnet")
    if blocks is not None and blocks != resnet:
        expected = "resnet18 or resnet50" if blocks else "a network of populations"
        yield f"network.builder: expected {expected} for {config.rule.name}, got {network.builder!r}; change one of the two"
    if not resnet and (network.stem, network.zero_init) != ("3x3", True):
        yield f"network.stem, network.zero_init: expected 3x3, true for {network.builder}, got others; remove them"
    if network.builder != "softhebb" and network.radius != RADIUS:
        yield f"network.radius: expected {RADIUS} for {network.builder}, which does not read it, got {network.radius}; remove it"
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


def _optimiser_complaints(optimiser: OptimiserConfig) -> Iterator[str]:
    unread: dict[str, str] = {
        name: optimiser.name for name, readers in READ_BY.items() if optimiser.name not in readers
    }
    if optimiser.schedule != "exponential":
        unread["decay"] = f"the {optimiser.schedule} schedule"
    for name, reader in unread.items():
        default, value = OptimiserConfig.model_fields[name].default, getattr(optimiser, name)
        if value != default:
            yield f"optimiser.{name}: expected {default} for {reader}, which does not read it, got {value}; remove it"


def _size_complaints(config: RunConfig) -> Iterator[str]:
    batch, n_train, rows = config.training.batch, config.stimulus.n_train, config.recording.rows
    if n_train is not None and batch > n_train:
        yield f"training.batch: expected at most stimulus.n_train = {n_train}, got {batch}; lower it"
    if config.recording.enabled and rows > batch:
        yield f"recording.rows: expected at most training.batch = {batch}, got {rows}; lower it"
