"""The vocabulary of protocols: what can happen in an experiment, one word and a few numbers each.

A condition is a list of events in the order in which they happen. `gamma`, `apical`, `contingency` and `saccade` set how things are from there
on; `fixation` lets time pass (in the network a stretch of the stream of fixations and saccades, in a circuit one glance), `pairing` makes
a synapse's two sides fire, and `probe` measures.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from ..settings.groups import Settings
from ..settings.wording import Contradiction
from .expectations import CHANGE

Scale = Annotated[float, Field(ge=0, le=1e3)]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0, le=1e3)]
NETWORK, CIRCUIT, SYNAPSE = ("network",), ("circuit",), ("synapse",)


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


class Fixation(Event):
    """The eye looks: a stretch of the stream in which every object is looked at twice and then left by a saccade."""

    where = ("network", "circuit")
    only: ClassVar = {"share": NETWORK, "optimiser": NETWORK, "rate": NETWORK, "duration": CIRCUIT}
    plain = "share"
    share: Share = Field(default=1.0, description="of the protocol's steps (network)")
    optimiser: Literal["adaptive", "held"] | None = Field(
        default=None,
        description="adaptive: AdamW; held: its step sizes as they stand; null = held where the subject began with some",
    )
    rate: Scale = Field(default=1.0, description="factor on the protocol's learning rate (network)")
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

    where = ("network", "circuit")
    only: ClassVar = dict.fromkeys(("sign", "magnitude", "trials"), NETWORK) | dict.fromkeys(
        ("onset", "kernel", "tau", "rise"), CIRCUIT
    )
    plain = "scale"
    scale: Scale = Field(default=1.0, description="factor on it")
    clamp: Scale | None = Field(default=None, description="magnitude that replaces the rule's; 0 silences it")
    sign: Literal["rule", "positive", "random"] = Field(
        default="rule", description="positive: saccades count as fixations; random: a coin per row"
    )
    magnitude: Literal["rule", "surprise"] = Field(
        default="rule", description="surprise: the rule's, times the distance |1 -+ u| of the score from its margin"
    )
    trials: Literal["all", "predicted", "substituted"] = Field(default="all", description="trials that this applies to")
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
    only: ClassVar = {"source": NETWORK, "lesion": NETWORK, "clamp": SYNAPSE}
    plain = "scale"
    scale: Scale = Field(default=1.0, description="factor on the apical input; block is 0")
    source: Literal["all", "top", "lateral"] = Field(
        default="all", description="top: feedback to populations below the top; lateral: input from the own population"
    )
    lesion: Literal["all", "top", "lateral"] | None = Field(default=None, description="source that is cut for good")
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
    follows: Literal["same", "swapped", "random", "sequence"] = Field(
        default="same", description="same object, the other of its pair, any object, or the next of a sequence"
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
    form: Literal["pre", "post", "product"] = Field(
        default="pre", description="what writes the trace: a pre-synaptic spike (Form A), a post-synaptic one, or both"
    )


class Probe(Event):
    """Measure; nothing is changed by it."""

    where = ("network", "circuit", "synapse")
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


EVENTS: dict[str, type[Event]] = {
    "fixation": Fixation,
    "saccade": Saccade,
    "gamma": Gamma,
    "apical": Apical,
    "contingency": Contingency,
    "pairing": Pairing,
    "probe": Probe,
}
