"""A protocol as a file: what is done, to whom, what is measured, and what is expected.

title: one line
source: the experiment it follows
stage: network (the rate network learns on), circuit (replayed with spikes), synapse (one eligibility trace), adaptation (the rate network looks, does
    not learn, and adapts) or bci (units of it are read out, and their tufts are told the error)
steps: plasticity steps of every condition
measures: [names, or references to measures of your own]
conditions:
  LABEL:
    control: true                 optional
    wiring: dfb                   optional: own or a word of rule.context
    events: [{probe: before}, {apical: block}, {fixation: 1.0}, {probe: after}]
expect: [statements]
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from ...models.outside import Open, OutsideError, placed
from ..errors import ConfigError, nearest
from ..settings.groups import Settings
from ..settings.wording import Contradiction, validated
from ..settings.words import OneOf, check_outside, contexts, here
from ..settings.yaml import parse_file
from . import quantities
from .events import EVENTS, FOLLOWS, Act, Contingency, Event, Fixation, Probe
from .expectations import Expectation, check_names, parse
from .foreign import function, named
from .quantities import DERIVED, MEASURES, Measure

SPECS = Path(__file__).parent / "specs"
SEE = "the protocols that come with Apical"
# of the head, by the stages that do not read it
UNREAD = {
    "circuit": ("steps", "learning_rate"), "synapse": ("start", "steps", "learning_rate", "stimuli"),
    "adaptation": ("steps", "learning_rate", "stimuli"), "bci": ("steps", "learning_rate", "stimuli"),
}  # fmt: skip


# own words are known to `Looking`; the others are functions
OBJECT_KINDS: Open[Any] = Open(
    dict.fromkeys(("stream", "familiar", "pairs", "textures", "gabors")), group="apical.objects", field="stimuli.objects",
    adopt=function("objects", 1, "shape", "generator"),
)  # fmt: skip


class View(Settings):
    """How an object of a pair is seen: shifted and scaled about the middle of the image."""

    shift: float = Field(default=0.0, ge=-1, le=1, description="to the right, in widths of the image")
    size: float = Field(default=1.0, gt=0.1, le=4, description="factor on its size")
    turn: float = Field(default=0.0, ge=-360, le=360, description="anticlockwise, in degrees")


class Stimuli(Settings):
    """What is looked at."""

    objects: Annotated[str, OneOf(lambda: OBJECT_KINDS, lambda: OBJECT_KINDS)] = Field(
        default="stream",
        description="the training images in random order, a fixed set of them, pairs of objects; or drawn: windows of two textures in turn, "
        "frames of sequences of Gabor patches, or images of a function of your own",
    )
    count: int = Field(default=16, ge=2, le=4096, description="familiar objects, pairs, windows or frames of a step")
    views: dict[Literal["fovea", "swap", "nonswap"], View] = Field(default_factory=dict)


class Head(Settings):
    """All of a protocol but its conditions."""

    title: str = "untitled"
    source: str = "not stated"
    stage: Literal["network", "circuit", "synapse", "adaptation", "bci"] = "network"
    start: Literal["checkpoint", "initial"] = "checkpoint"
    steps: int = Field(default=60, ge=1, le=10**6)
    learning_rate: float = Field(default=1.0, gt=0, le=1e3, description="times that of the run")
    stimuli: Stimuli = Field(default_factory=Stimuli)
    measures: list[str] = Field(min_length=1)
    expect: list[str] = Field(default_factory=list)
    published: dict[str, Annotated[tuple[float, float], Field(strict=False)]] = Field(
        default_factory=dict, description="range of a measure in the source, drawn behind what was found"
    )
    note: str = ""

    @field_validator("published")
    @classmethod
    def _ranges(cls, ranges: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        for name, (low, high) in ranges.items():
            if not low <= high:
                raise Contradiction(
                    f"expected a measure and its range from low to high, got {name}: [{low:g}, {high:g}]"
                )
        return ranges

    @field_validator("measures")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        found = [name if name in quantities.OWN else here(name) for name in names]
        for name in found:
            if name not in MEASURES:
                raise Contradiction(
                    f"expected names among {', '.join(MEASURES.words())}, got {name!r}{nearest(name, MEASURES.words())}"
                )
            check_outside(MEASURES, name)
        return found


class ConditionSettings(Settings):
    """What a condition says besides its events."""

    control: bool = False
    wiring: Annotated[str, OneOf(lambda: ("own", *contexts()))] = "own"


@dataclass(frozen=True, slots=True)
class Condition:
    """One arm of a protocol.

    Attributes:
        label: its name.
        events: what happens, in order.
        control: whether the others are compared with it.
        wiring: context of the network; `own` is the run's.
    """

    label: str
    events: tuple[Event, ...]
    control: bool = False
    wiring: str = "own"

    @property
    def probes(self) -> list[str]:
        """Names of its probes, in order."""
        return [event.name for event in self.events if isinstance(event, Probe)]


@dataclass(frozen=True, slots=True)
class Protocol:
    """A whole protocol.

    Attributes:
        name: of the file.
        head: what holds for all conditions.
        conditions: arms, in order.
        expectations: statements about their measures.
        measured: what is measured, by the name that results and statements call it; the keys of `head.measures`.
        outside: words from outside with their groups.
    """

    name: str
    head: Head
    conditions: tuple[Condition, ...]
    expectations: tuple[Expectation, ...]
    measured: Mapping[str, Measure]
    outside: tuple[tuple[str, str], ...] = ()


def known() -> list[str]:
    """Names of the protocols that come with Apical."""
    return sorted(path.stem for path in SPECS.glob("*.yaml"))


def overview() -> list[dict[str, Any]]:
    """Name, title, stage and file of every protocol that comes with Apical."""
    found = [(path, load(path.stem).head) for path in sorted(SPECS.glob("*.yaml"))]
    return [{"name": path.stem, "title": h.title, "stage": h.stage, "file": str(path)} for path, h in found]


def load(name_or_path: str) -> Protocol:
    """A protocol by its name, or from a YAML file.

    Raises:
        ConfigError: no such protocol, a word that is not in the vocabulary, or a statement about what is not measured.
    """
    path = SPECS / f"{name_or_path}.yaml" if name_or_path in known() else Path(name_or_path)
    if not path.is_file():
        raise ConfigError(
            f"--protocol: expected one of {', '.join(known())} or a YAML file, got {name_or_path!r}"
            + nearest(name_or_path, known())
        )
    document = parse_file(path)
    try:
        return build(path.stem, document, path.parent)
    except ConfigError as error:
        raise ConfigError(f"{path.name}: {error}") from error


def build(name: str, document: Any, folder: Path | None = None) -> Protocol:
    """A protocol from plain mappings; relative paths of events begin in the folder, else in the current one.

    Raises:
        ConfigError: see `load`.
    """
    if not isinstance(document, dict) or not isinstance(document.get("conditions"), dict) or not document["conditions"]:
        raise ConfigError("conditions: expected a mapping of conditions, got none; see `apical lesion --list`")
    head = validated(Head, {key: value for key, value in document.items() if key != "conditions"}, "", SEE)
    for unread in UNREAD.get(head.stage, ()):
        if unread in head.model_fields_set:
            raise ConfigError(
                f"{unread}: expected none at stage {head.stage}, which does not read it, got one; remove it"
            )
    words: list[tuple[str, Open[Any]]] = [(word, MEASURES) for word in head.measures]
    measured = _rows(head)
    head = head.model_copy(update={"measures": list(measured)})
    conditions = tuple(
        _condition(str(label), body, head.stage, folder or Path.cwd()) for label, body in document["conditions"].items()
    )
    expectations = tuple(parse(text) for text in head.expect)
    probes, measures = {c.label: c.probes for c in conditions}, _measured(measured)
    for expectation in expectations:
        check_names(expectation, probes, measures)
    lived = [event for condition in conditions for event in condition.events]
    words += [(event._word, EVENTS) for event in lived if isinstance(event, Act)]
    words += [(event.follows, FOLLOWS) for event in lived if isinstance(event, Contingency)]
    words.append((head.stimuli.objects, OBJECT_KINDS))
    outside = dict.fromkeys((word, table.group) for word, table in words if word not in [*table])
    return Protocol(name, head, conditions, expectations, measured, tuple(outside))


def _rows(head: Head) -> dict[str, Measure]:
    """What is measured, by name.

    Raises:
        ConfigError: two measures of one name, or a published range of what is not measured.
    """
    rows: dict[str, Measure] = {}
    for word in head.measures:
        name = named(word)
        if name in rows or not name.isidentifier() or (word != name and name in quantities.OWN):
            raise ConfigError(
                f"measures: expected measures of different names, got {word!r} for {name!r} again; rename the function"
            )
        rows[name] = MEASURES[word]
    for name in head.published:
        if name not in rows and name not in quantities.OWN:
            raise ConfigError(
                f"published: expected a measure and its range from low to high, got {name}{nearest(name, rows)}"
            )
    return rows


def _measured(rows: Mapping[str, Measure]) -> list[str]:
    """Measures and what is derived from those with a value per population."""
    return [*rows, *(f"{name}_{end}" for name, row in rows.items() if row.per_population for end in DERIVED)]


def _condition(label: str, body: Any, stage: str, folder: Path) -> Condition:
    path = f"conditions.{label}"
    if not label.isidentifier():
        raise ConfigError(f"{path}: expected letters, digits and _ as its name, got {label!r}; rename it")
    if not isinstance(body, dict) or not isinstance(body.get("events"), list):
        raise ConfigError(f"{path}.events: expected a list of events, got none; for example [{{fixation: 1.0}}, probe]")
    settings = validated(ConditionSettings, {key: v for key, v in body.items() if key != "events"}, f"{path}.", SEE)
    if stage != "network" and settings.wiring != "own":
        raise ConfigError(
            f"{path}.wiring: expected own at stage {stage}, which wires no network anew, got {settings.wiring}; remove it"
        )
    events = tuple(_event(item, f"{path}.events[{i}]", stage, folder) for i, item in enumerate(body["events"]))
    names = [event.name for event in events if isinstance(event, Probe)]
    if not names or len(set(names)) < len(names):
        raise ConfigError(
            f"{path}.events: expected probes of different names, got {', '.join(names) or 'none'}; name them apart"
        )
    share = sum(event.share for event in events if isinstance(event, Fixation))
    if stage == "network" and share > 1 + 1e-9:
        raise ConfigError(f"{path}.events: expected fixations with shares up to 1 in all, got {share:g}; lower them")
    return Condition(label, events, settings.control, settings.wiring)


def _event(item: Any, path: str, stage: str, folder: Path) -> Event:
    found = {item: {}} if isinstance(item, str) else item
    if not isinstance(found, dict) or len(found) != 1:
        raise ConfigError(
            f"{path}: expected one event, a word and its values, got {item!r}; known: {', '.join(EVENTS)}"
        )
    word, values = next(iter(found.items()))
    there = placed(word, folder)
    if there not in EVENTS:
        known = EVENTS.words()
        raise ConfigError(f"{path}: expected one of {', '.join(known)}, got {word!r}{nearest(str(word), known)}")
    try:
        kind = EVENTS[there]
    except OutsideError as error:
        raise ConfigError(f"{path}: {error.sentence}") from error
    if stage not in kind.where:
        raise ConfigError(
            f"{path}: expected an event of stage {stage}, got {word}, which belongs to {', '.join(kind.where)}"
        )
    if word == "apical" and values == "block":
        values = {"scale": 0.0}
    if not isinstance(values, dict):
        if values is not None and not kind.plain:
            raise ConfigError(f"{path}.{word}: expected a mapping of {', '.join(kind.model_fields)}, got {values!r}")
        values = {} if values is None else {kind.plain: values}
    if issubclass(kind, Act):  # YAML has lists alone, and types are not converted
        values = {name: tuple(v) if isinstance(v, list) and kind.tuple_of(name) else v for name, v in values.items()}
    event = validated(kind, values, f"{path}.{word}.", SEE)
    if isinstance(event, Act):
        event._word = there
    for name, stages in event.misplaced(stage):
        raise ConfigError(
            f"{path}.{word}.{name}: expected a setting of stage {stage}, got one of {', '.join(stages)}; remove it"
        )
    return event
