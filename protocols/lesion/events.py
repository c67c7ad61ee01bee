"""The vocabulary of protocols: what can happen in an experiment, one word and a few numbers each.

A condition is a list of events in the order in which they happen. `gamma`, `apical`, `contingency` and `saccade` set how things are from there
on; `fixation` lets time pass (in the network a stretch of the stream of fixations and saccades, in a circuit one glance), `pairing` makes
a synapse's two sides fire, and `probe` measures.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from ..complaints import Contradiction
from ..settings import Settings

Scale = Annotated[float, Field(ge=0, le=1e3)]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0, le=1e3)]


def _tuple(least: int = 1) -> Any:
    return Field(strict=False, min_length=least, max_length=100)


class Event(Settings):
    """One event.

    Attributes:
        plain: field that a bare value stands for, `probe: before` for `probe: {name: before}`; empty where there is none.
        where: stages on which it has a meaning.
    """

    plain: ClassVar[str] = ""
    where: ClassVar[tuple[str, ...]] = ("network",)


class Fixation(Event):
    """The eye looks: a stretch of the stream in which every object is looked at twice and then left by a saccade."""

    where = ("network", "circuit")
    plain = "share"
    share: Share = Field(default=1.0, description="of the protocol's steps (network)")
    optimiser: Literal["adaptive", "held"] | None = Field(
        default=None, description="adaptive: AdamW; held: its step sizes as they stand; null = held where it has some"
    )
    rate: Scale = Field(default=1.0, description="factor on the protocol's learning rate (network)")
    duration: float | None = Field(default=None, ge=10, le=5000, description="of the glance in ms (circuit)")


class Saccade(Event):
    """Where the eye jumps to when it leaves an object."""

    plain = "to"
    to: Literal["next", "random"] = Field(default="next", description="next: the next row's object; random: any other")


class Gamma(Event):
    """The neuromodulator: what the rule says (the default), or what is done to it."""

    where = ("network", "circuit")
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
    def _slower(self) -> "Gamma":
        if self.kernel == "rise-decay" and not self.rise < self.tau:
            raise Contradiction(f"expected a rise below the decay tau {self.tau:g}, got {self.rise:g}; lower rise")
        return self


class Apical(Event):
    """The apical dendrites: input scaled, blocked (back with `scale: 1`) or cut (for good)."""

    where = ("network", "synapse")
    plain = "scale"
    scale: Scale = Field(default=1.0, description="factor on the apical input; block is 0")
    source: Literal["all", "top", "lateral"] = Field(
        default="all", description="top: feedback to populations below the top; lateral: input from the own population"
    )
    lesion: Literal["all", "top", "lateral"] | None = Field(default=None, description="source that is cut for good")
    clamp: float | None = Field(default=None, ge=-100, le=100, description="apical deviation in mV (synapse)")


class Contingency(Event):
    """Which glance follows which within a fixation."""

    plain = "follows"
    follows: Literal["same", "swapped", "random", "sequence"] = Field(
        default="same", description="same object, the other of its pair, any object, or the next of a sequence"
    )
    share: Share = Field(default=1.0, description="of the rows that depart (random), or of substitutions (sequence)")
    view: Literal["swap", "nonswap"] = Field(default="swap", description="view at which pairs are swapped")
    length: int = Field(default=4, ge=2, le=100, description="objects of a sequence")


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


EVENTS: dict[str, type[Event]] = {
    "fixation": Fixation,
    "saccade": Saccade,
    "gamma": Gamma,
    "apical": Apical,
    "contingency": Contingency,
    "pairing": Pairing,
    "probe": Probe,
}
