"""What a recording of a frozen network is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...models.recorder.spec import FACTORS, REDUCTIONS, USUAL
from ...recordings import RecordingError
from ...recordings.places import new_place
from ..errors import ConfigError, nearest
from ..stimuli.shown.table import KINDS, told

# what the words of `context` mean, but for the number of a stimulus
CONTEXTS = {
    "before": "the glance before",
    "same": "the glance itself",
    "none": "none: no apical potentials",
}
VARIABLES = (*USUAL, *FACTORS)
DTYPES = ("float32", "float16", "float64")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSettings:
    """Settings of `record`.

    Args:
        stimulus: `own` for the run's images, a data set, `folder:PATH`, `npz:PATH`, or a kind of `protocols/stimuli/shown`.
        stimulus_settings: of that stimulus, by name.
        name: of the recording; empty for that of the stimulus.
        units: words of `models/recorder/units.py`, for all populations or NAME=WORD; empty for the units of the training's recording.
        populations: names; empty for all, or those that `units` names.
        variables: some of `VARIABLES`; empty for the potentials, rates, scores and neuromodulators that the rule has.
        reductions: some of `REDUCTIONS`, over all neurons of a population.
        synapses: of each unit, whose eligibility is recorded where it is asked for.
        context: a word of `CONTEXTS`, or the number of a stimulus that every glance follows.
        repeats: how often all stimuli are shown.
        shuffle: whether each time in another random order.
        seed: of orders, views and draws of units and noise; None for the run's.
        images: whether the shown images are kept as well.
        dtype: of potentials and rates.
        batch: glances at a time; 0 for as many as fit into a few hundred megabytes.
        checkpoint: file name of a checkpoint; empty for the newest; `initial` for the network before its first step.

    Raises:
        ConfigError: an unknown word, a number out of range, or a name that no recording can have.
    """

    stimulus: str = "own"
    stimulus_settings: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    units: tuple[str, ...] = ()
    populations: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    reductions: tuple[str, ...] = ()
    synapses: int = 8
    context: str = "before"
    repeats: int = 1
    shuffle: bool = False
    seed: int | None = None
    images: bool = False
    dtype: str = "float32"
    batch: int = 0
    checkpoint: str = ""

    def __post_init__(self) -> None:
        for name, known in (("variables", VARIABLES), ("reductions", REDUCTIONS), ("dtype", DTYPES)):
            given = getattr(self, name)
            for word in given if isinstance(given, tuple) else (given,):
                if word not in known:
                    raise ConfigError(
                        f"record.{name}: expected {'some' if isinstance(given, tuple) else 'one'} of {', '.join(known)}, got {word!r}{nearest(word, known)}"
                    )
        if self.context not in CONTEXTS and not self.context.isdecimal():
            raise ConfigError(
                f"record.context: expected {', '.join(CONTEXTS)} or the number of a stimulus, got {self.context!r}{nearest(self.context, CONTEXTS)}"
            )
        for name, least in (("repeats", 1), ("synapses", 1), ("batch", 0), ("seed", 0)):
            value = getattr(self, name)
            if value is not None and not least <= value < 2**32:
                raise ConfigError(f"record.{name}: expected a whole number from {least}, got {value}; correct it")
        try:
            new_place("", self.name or default_name(self.stimulus))
        except RecordingError as error:
            raise ConfigError(str(error)) from error


def default_name(stimulus: str) -> str:
    """Name of a recording of a stimulus.

    >>> default_name("white-noise"), default_name("movie:clips/walk")
    ('white-noise', 'movie')
    """
    return stimulus.partition(":")[0]


def listed() -> dict[str, Any]:
    """Kinds of stimuli with their settings, words of contexts, variables and units."""
    kinds = {
        name + (":PATH" if kind.own else ""): {"shows": kind.description, **{k: v for k, v in told(kind).items() if k != kind.own}}
        for name, kind in KINDS.items()
    }  # fmt: skip
    return {"stimuli": kinds, "contexts": CONTEXTS, "variables": list(VARIABLES), "reductions": list(REDUCTIONS)}
