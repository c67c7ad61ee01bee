"""The vocabulary of protocols: what can happen in an experiment, one word and a few numbers each.

A condition is a list of events in the order in which they happen. `gamma`, `apical`, `contingency` and `saccade` set how things are from there
on; `fixation` lets time pass (in the network a stretch of the stream of fixations and saccades, in a circuit one glance), `pairing` makes
a synapse's two sides fire, and `probe` measures.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, get_origin

from pydantic import Field, PrivateAttr, field_validator, model_validator

from ...models.outside import Open
from ..settings.groups import Settings
from ..settings.wording import Contradiction
from ..settings.words import OneOf
from .expectations import CHANGE

Scale = Annotated[float, Field(ge=0, le=1e3)]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0, le=1e3)]
NETWORK, CIRCUIT, SYNAPSE = ("network",), ("circuit",), ("synapse",)
ORDERED = ("two_traces", "one_trace")  # forms of a pairing without a tuft


Populations = Annotated[tuple[str, ...], Field(strict=False, min_length=1, max_length=1000)] | None


def _tuple(least: int = 1) -> Any:
    return Field(strict=False, min_length=least, max_length=100)


class Event(Settings):
    """One event.

    Attributes:
        plain: field that a bare value stands for, `probe: before` for `probe: {name: before}`; empty where there is none.
        where: stages on which it has a meaning.
        only: stages of its fields that have none on all of those.
    """

    plain: ClassVar[str] = ""
    where: ClassVar[tuple[str, ...]] = ("network",)
    only: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def misplaced(self, stage: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Fields that were set and that this stage does not read, and the stages that do."""
        for name, stages in self.only.items():
            if name in self.model_fields_set and stage not in stages:
                yield name, stages


class Act(Event):
    """An event from outside: something that is done to the subject at its moment.

    A protocol names its class by `path/to/file.py:Name`, `package.module:Name` or an entry point of `apical.events`; its fields are the settings. What
    it draws it draws from a generator of a seed: conditions that begin alike live it once, or again.
    """

    _word: str = PrivateAttr(default="")  # that named it

    @classmethod
    def tuple_of(cls, name: str) -> bool:
        """Whether a field is a tuple."""
        return name in cls.model_fields and get_origin(cls.model_fields[name].annotation) is tuple

    def act(self, subject: Any) -> None:
        """Change the subject: its weights, its events of the moment (`subject.set`), anything but what it is shown."""


class Fixation(Event):
    """The eye looks: a stretch of the stream in which every object is looked at twice and then left by a saccade."""

    where = ("network", "circuit")
    only: ClassVar = dict.fromkeys(("share", "optimiser", "rate", "until"), NETWORK) | {"duration": CIRCUIT}
    plain = "share"
    share: Share = Field(default=1.0, description="of the protocol's steps (network)")
    optimiser: Literal["adaptive", "held"] | None = Field(
        default=None,
        description="adaptive: AdamW; held: its step sizes as they stand; null = held where the subject began with some",
    )
    rate: Scale = Field(default=1.0, description="factor on the protocol's learning rate (network)")
    until: float | None = Field(
        default=None,
        ge=-100,
        le=100,
        description="score u of the pairs, mean over populations and the last steps, at which it ends before its share (network)",
    )
    duration: float | None = Field(default=None, ge=10, le=5000, description="of the glance in ms (circuit)")


class Saccade(Event):
    """Where the eye jumps to when it leaves an object."""

    plain = "to"
    to: Literal["next", "random"] = Field(
        default="next",
        description="next: the next row's object, in a sequence one of a third sequence; random: any other",
    )


class Gamma(Event):
    """The neuromodulator: what the rule says (the default), or what is done to it."""

    where = ("network", "circuit", "synapse")
    only: ClassVar = (
        dict.fromkeys(("scale", "clamp"), NETWORK + CIRCUIT)
        | dict.fromkeys(("sign", "magnitude", "trials", "others", "populations"), NETWORK)
        | dict.fromkeys(("onset", "kernel", "tau", "rise"), CIRCUIT)
        | {"modulator": SYNAPSE}
    )
    plain = "scale"
    scale: Scale = Field(default=1.0, description="factor on it")
    clamp: Scale | None = Field(default=None, description="magnitude that replaces the rule's; 0 silences it")
    sign: Literal["rule", "positive", "fixation", "random"] = Field(
        default="rule",
        description="positive: saccades count as fixations; fixation: saccades do not count; random: a coin per row",
    )
    magnitude: Literal["rule", "surprise"] = Field(
        default="rule", description="surprise: the rule's, times the distance |1 -+ u| of the score from its margin"
    )
    populations: Populations = Field(default=None, description="that it reaches; null = all (network)")
    trials: Literal["all", "predicted", "substituted", "rewarded"] = Field(
        default="all", description="trials that this applies to; rewarded: glances at the first texture"
    )
    others: Literal["rule", "silent"] = Field(
        default="rule", description="the modulator of all other trials: the rule's, or none"
    )
    modulator: Literal["plus", "minus", "both", "none"] = Field(
        default="both",
        description="which comes: plus converts traces of potentiation, as noradrenaline, minus those of depression, as serotonin (synapse)",
    )
    onset: Annotated[tuple[float, ...], _tuple()] | None = Field(
        default=None, description="of a brief pulse, in s from the end of the fixation (circuit)"
    )
    kernel: Literal["exponential", "rise-decay"] = Field(default="exponential", description="of the eligibility trace")
    tau: Seconds = Field(default=1.0, description="decay of the trace in s (circuit)")
    rise: Seconds = Field(default=0.3, description="rise of the trace in s, for rise-decay (circuit)")

    @model_validator(mode="after")
    def _slower(self) -> Self:
        if self.kernel == "exponential" and "rise" in self.model_fields_set:
            raise Contradiction(f"expected no rise of an exponential kernel, got {self.rise:g}; set kernel: rise-decay")
        if self.kernel == "rise-decay" and not self.rise < self.tau:
            raise Contradiction(f"expected a rise below the decay tau {self.tau:g}, got {self.rise:g}; lower rise")
        return self


class Apical(Event):
    """The apical dendrites: input scaled, blocked (back with `scale: 1` of the same source) or cut (for good)."""

    where = ("network", "synapse")
    only: ClassVar = dict.fromkeys(("source", "lesion", "populations"), NETWORK) | {"clamp": SYNAPSE}
    plain = "scale"
    scale: Scale = Field(default=1.0, description="factor on the apical input; block is 0")
    source: Literal["all", "top", "lateral"] = Field(
        default="all", description="top: feedback to populations below the top; lateral: input from the own population"
    )
    lesion: Literal["all", "top", "lateral"] | None = Field(default=None, description="source that is cut for good")
    populations: Populations = Field(default=None, description="whose dendrites; null = those of all (network)")
    clamp: float | None = Field(default=None, ge=-100, le=100, description="apical deviation in mV (synapse)")

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = self.model_fields_set
        ways = [name for name in ("lesion", "clamp", "scale") if getattr(self, name) is not None and name in given]
        if len(ways) > 1 or (ways and "source" in given and ways != ["scale"]):
            others = ", ".join([*ways[1:], *(["source"] if "source" in given else [])])
            raise Contradiction(f"expected {ways[0]} alone, got {others} beside it; make it two events")
        return self


class Contingency(Event):
    """Which glance follows which within a fixation."""

    plain = "follows"
    follows: Annotated[str, OneOf(lambda: FOLLOWS, lambda: FOLLOWS)] = Field(
        default="same",
        description="same object, the other of its pair, any object, the next of a sequence, or one that a function says",
    )
    share: Share = Field(default=1.0, description="of the rows that depart (random), or of substitutions (sequence)")
    view: Literal["swap", "nonswap"] = Field(default="swap", description="view at which pairs are swapped")
    length: int = Field(default=4, ge=2, le=100, description="objects of a sequence")

    @model_validator(mode="after")
    def _read(self) -> Self:
        readers = {"share": ("random", "sequence"), "view": ("swapped",), "length": ("sequence",)}
        for name, follows in readers.items():
            if name in self.model_fields_set and self.follows not in follows:
                raise Contradiction(
                    f"expected no {name} of follows {self.follows}, which does not read it, got {getattr(self, name)}; "
                    f"remove it or set follows: {follows[0]}"
                )
        return self


class Pairing(Event):
    """Pre- and post-synaptic spikes at a fixed lag."""

    where = ("synapse",)
    lag: Annotated[tuple[float, ...], _tuple()] = Field(description="post after pre in ms; negative: before")
    rate: float = Field(default=10.0, gt=0, le=100, description="pairs a second")
    pairs: int = Field(default=60, ge=1, le=1000, description="number of pairs")
    form: Literal["pre", "post", "product", "two_traces", "one_trace"] = Field(
        default="pre",
        description="what writes the trace: a pre-synaptic spike (Form A), a post-synaptic one (B), or both (C); without a tuft, by the order "
        "of the spikes: one trace of each sign, or one of both signs",
    )
    spikes: Literal["given", "evoked"] = Field(
        default="given",
        description="given: at their times; evoked: the post-synaptic ones by a pulse in the neuron of a replay",
    )

    @model_validator(mode="after")
    def _with_a_tuft(self) -> Self:
        if self.spikes == "evoked" and self.form in ORDERED:
            raise Contradiction(
                f"expected given spikes with form {self.form}, got evoked; take form pre, post or product"
            )
        return self


class Adaptation(Event):
    """How neurons adapt."""

    where = ("adaptation",)
    site: Literal["output", "input"] = Field(
        default="output", description="output: after their own rate, as w_s; input: every input for itself"
    )
    tau: Seconds = Field(default=0.03, description="time constant in s; 0.03 is that of w_s in the neuron of a replay")
    strength: Scale = Field(default=1.0, description="subtracted per unit of adaptation; 0 is none")


class Stream(Event):
    """Images one after the other."""

    where = ("adaptation",)
    plain = "kind"
    kind: Literal["familiar", "oddball"] = Field(
        default="familiar", description="familiar: a set, and a novel image; oddball: a standard and a deviant"
    )
    images: int = Field(
        default=3, ge=2, le=100, description="of the set; of an oddball's control, where one is rare as 1 in so many"
    )
    frame: Seconds = Field(default=0.3, description="of an image, s")
    gap: float | None = Field(
        default=None, ge=0.01, le=100, description="grey between frames of an oddball, s; null = a frame"
    )
    frames: int = Field(default=200, ge=20, le=10_000, description="of an oddball")


class Interface(Event):
    """A brain-computer interface: days of trials in which a read-out of two groups is to reach a target."""

    where = ("bci",)
    plain = "feedback"
    feedback: Literal["causal", "learned", "global"] = Field(
        default="causal",
        description="apical weights of the error: each unit's causal sign, learnt on the first day, or the same for all",
    )
    scrambled: bool = Field(
        default=False, description="what reaches the tufts is exchanged between neurons, anew in every trial"
    )
    days: int = Field(default=6, ge=2, le=100, description="with plasticity, after one without")
    trials: int = Field(default=120, ge=10, le=10_000, description="of a day")


class Probe(Event):
    """Measure; nothing is changed by it."""

    where = ("network", "circuit", "synapse", "adaptation", "bci")
    plain = "name"
    name: str = Field(default="after", pattern=r"^[a-z][a-z0-9_]*$", description="how expectations call this moment")

    @field_validator("name")
    @classmethod
    def _free(cls, name: str) -> str:
        if name == CHANGE:
            raise Contradiction(
                f"expected another word than {CHANGE!r}, the last probe minus the first, got it; rename it"
            )
        return name


OWN: dict[str, type[Event]] = {
    "fixation": Fixation,
    "saccade": Saccade,
    "gamma": Gamma,
    "apical": Apical,
    "contingency": Contingency,
    "pairing": Pairing,
    "adaptation": Adaptation,
    "stream": Stream,
    "interface": Interface,
    "probe": Probe,
}


def _event(thing: Any, word: str) -> type[Event]:
    from .foreign import event

    return event(thing, word)


def _follows(thing: Any, word: str) -> Any:
    from .foreign import function

    return function("a contingency", 1, "generator")(thing, word)


EVENTS = Open(OWN, group="apical.events", field="events", adopt=_event)
# own words are known to `glances.follow`; the others are functions
FOLLOWS: Open[Any] = Open(
    dict.fromkeys(("same", "swapped", "random", "sequence")), group="apical.contingencies", field="contingency.follows",
    adopt=_follows,
)  # fmt: skip
