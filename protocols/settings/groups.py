"""Groups of settings that stand by themselves, and what all groups share.

They are frozen and checked as a whole: a run that starts has no setting that is misspelt, and none of network, rule or optimiser that
nothing reads. Settings of the recording and of read-outs stand ready for when they are asked for.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ...models.outside import FORMS, OutsideError
from ...models.recorder.spec import REDUCTIONS, VARIABLES
from ..errors import nearest
from ..readouts.table import FITTED, READ_OUTS
from ..stimuli.datasets.table import DATASETS, ROWS
from ..stimuli.names import KNOWN, WORDS, row_of
from .wording import Contradiction
from .words import OneOf, here

Count = Annotated[int, Field(ge=1, le=10**9)]
Grid = Annotated[int, Field(ge=1, le=1024)]
Size = Annotated[int, Field(ge=1, le=65536)]
Factor = Annotated[float, Field(ge=0, le=1e6)]
Option = bool | int | float | str
Share = Annotated[float, Field(gt=0, le=1)]
Penalty = Annotated[float, Field(gt=0, le=1e6)]
if TYPE_CHECKING:  # of a table no checker can read the names
    ReadOut = str
    Recorded = str
    Reduction = str
else:
    ReadOut = Annotated[str, OneOf(lambda: FITTED, lambda: READ_OUTS, fits=lambda row: row.fitted)]
    Recorded = Literal[VARIABLES]
    Reduction = Literal[REDUCTIONS]


def list_of(minimum: int, maximum: int) -> Any:
    """A setting of so many entries: a YAML list becomes a tuple; its entries stay strict."""
    return Field(strict=False, min_length=minimum, max_length=maximum)


class Settings(BaseModel):
    """A frozen group of settings that takes no unknown name and converts no type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class StimulusConfig(Settings):
    """What is seen."""

    name: str = Field(default="shapes", description=f"{WORDS}; of your own: {FORMS}")
    image_size: int | None = Field(default=None, ge=8, le=512, description="side in pixels; null = the data's own")
    n_train: int | None = Field(default=None, ge=2, le=10**9, description="training images; null = all")
    n_test: int | None = Field(default=None, ge=1, le=10**9, description="test images; null = all")
    normalised: bool = Field(default=True, description="false = pixels from 0 to 1, no mean and deviation taken out")
    held_out: int | None = Field(
        default=None,
        ge=1,
        le=10**9,
        description="training images that are tested with in place of the test images, to choose a setting by; null = none",
    )
    unreadable: Literal["refuse", "leave-out"] = Field(
        default="refuse",
        description="of image files: what becomes of those that are no images; what is left out is told in the recording",
    )
    crop_scale: Annotated[tuple[Share, Share], Field(strict=False)] | None = Field(
        default=None, description="smallest and largest share of the image in one view; null = the stimulus's own"
    )
    options: dict[str, Option | list[Option]] = Field(
        default={}, description="of a data set of your own: its other arguments"
    )

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            if row_of(there := here(name)) is not None:
                return there
        except OutsideError as error:
            raise Contradiction(error.sentence) from error
        kind = name.partition(":")[0]
        known = [*KNOWN, *DATASETS.installed()]
        pathless = kind in ROWS and ROWS[kind].own
        remedy = f"; write {kind}:PATH" if pathless else nearest(kind, known)
        raise Contradiction(f"expected one of {', '.join(known)}, got {name!r}{remedy or f'; of your own: {FORMS}'}")

    @field_validator("crop_scale")
    @classmethod
    def _ordered(cls, scale: tuple[float, float] | None) -> tuple[float, float] | None:
        if scale is not None and scale[0] > scale[1]:
            raise Contradiction(f"expected the smaller share first, got {list(scale)}; exchange the two")
        return scale


class TrainingConfig(Settings):
    """How long, in what pieces and on what."""

    epochs: int = Field(default=10, ge=1, le=100_000)
    batch: int = Field(default=32, ge=2, le=65536, description="images per step; each gives two glances")
    repeats: int = Field(
        default=1,
        ge=1,
        le=10_000,
        description="steps in a row on one batch, its views and pairing; an epoch has so many times the steps",
    )
    precision: Literal["auto", "float32", "bf16"] = Field(
        default="auto", description="auto = the faster on this machine, measured once and kept; a run stays with it"
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int | None = Field(default=None, ge=1, le=1024, description="CPU threads; null = torch's choice")
    graph: bool = Field(
        default=False, description="on CUDA: the kernels of a step as one captured graph; no other result, fewer starts"
    )
    tf32: bool = Field(
        default=False, description="on CUDA: float32 products by TensorFloat-32, of 10 bits in place of 23"
    )
    recompute: bool = Field(
        default=False,
        description="sweep twice and hold no map until its change: less memory for more time, the same numbers",
    )
    chunk: int | None = Field(
        default=None,
        ge=0,
        le=65536,
        description="rows of a batch that a convolution takes at a time; null = by the size of its map, very large ones swept twice; 0 = all",
    )
    checkpoint_every: Count | None = Field(default=None, description="steps between checkpoints; null = once per epoch")
    max_seconds: float | None = Field(
        default=None, gt=0, le=1e9, description="stop, resumable, after this many seconds"
    )
    hold: int = Field(
        default=4096,
        ge=0,
        le=10**9,
        description="MiB of decoded image files that are held on the device; more are streamed from the disk, with the same result",
    )
    keep_checkpoints: int = Field(default=2, ge=1, le=100_000, description="newest checkpoints that are kept")
    diverged: float = Field(
        default=1e3,
        gt=1,
        le=1e30,
        description="stop where a loss exceeds this many times its start, or 1 if that is more",
    )
    start: str | None = Field(
        default=None,
        min_length=1,
        max_length=4096,
        description="folder of a run whose weights it begins with; null = random ones",
    )
    start_moments: bool = Field(default=False, description="begin with the moments of that run's optimiser as well")
    extended: Annotated[tuple[Count, ...], list_of(0, 1000)] = Field(
        default=(), description="epochs at which the run had ended before it was extended; written by --resume --epochs"
    )


class RecordingConfig(Settings):
    """What is kept of the dendritic signals."""

    enabled: bool = True
    every: Count = Field(default=100, description="steps between recorded steps")
    rows: Size = Field(default=16, description="rows of the batch recorded at such a step")
    units: Size = Field(default=64, description="units recorded per population")
    unit_seed: int = Field(default=0, ge=0, lt=2**32, description="seed of the choice of units")
    populations: Annotated[tuple[str, ...], list_of(1, 64)] | None = Field(
        default=None, description="names; null = all"
    )
    dtype: Literal["float32", "float16"] = "float32"
    chosen: Annotated[tuple[str, ...], list_of(1, 256)] | None = Field(
        default=None,
        description="units by words in place of their number: all, 64, 3,17,99, selective:32, or one population's as conv1=all",
    )
    variables: Annotated[tuple[Recorded, ...], list_of(1, 64)] | None = Field(
        default=None, description="null = basal, rate, apical, score and neuromodulator, of those that the rule has"
    )
    reductions: Annotated[tuple[Reduction, ...], list_of(1, 64)] | None = Field(
        default=None, description="measures of potentials and rates over all units; null = none"
    )
    synapses: Size = Field(default=8, description="of each unit, drawn, where eligibility is recorded")
    probe: int = Field(
        default=0, ge=0, le=65536, description="test images that are shown throughout, without plasticity"
    )
    probe_every: Count | None = Field(default=None, description="steps between their showings; null = as every")


class ProbeConfig(Settings):
    """How frozen rates are read out."""

    read_out: ReadOut = "linear"
    solver: Literal["ridge", "logistic"] = Field(default="ridge", description="of the linear read-out")
    penalties: Annotated[tuple[Penalty, ...], list_of(1, 32)] = Field(
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
