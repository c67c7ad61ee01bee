"""What a rule needs around it: one frozen record with defaults, so that a rule's file states only what differs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from .errors import RuleError
from .pairing import Negatives, Phases
from .words import Words

Engine = Literal["local", "backprop", "feedback", "block"]
Site = Literal["unit", "neuron"]
Head = Literal["none", "square", "pair", "classes"]
Path = Literal["direct", "chain"]
Second = Literal["apical", "own"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
# what a rule without apical dendrites but with a neuromodulator lets one record, and one with dendrites that learn
MODULATED = ("basal", "rate", "neuromodulator", "score")
PREDICTIVE = ("basal", "rate", "apical", "neuromodulator", "score")
SILENT = Words()  # a rule that says nothing of its own
_WORDS = {
    "engine": Engine,
    "site": Site,
    "head": Head,
    "path": Path,
    "second": Second,
    "negatives": Negatives,
    "phases": Phases,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What engines, protocols and recordings ask of a rule; the defaults are those of a local rule of two glances without apical dendrites.

    Args:
        engine: `local` (explicit factors), `backprop` (objective at the top, autograd), `feedback` (output error through fixed matrices),
            `block` (autograd inside a block of layers).
        presentation: what the network is shown at a step, a word of `PRESENTATIONS`, or a presentation itself.
        supervised: whether labels are needed.
        negatives, phases: how `pair` pairs the rows.
        others: further rows that `pair` draws for each row.
        site: of a local rule. `unit`: it sees the block-pooled rates, where apical dendrites end, and its drive is spread over the block and
            gated by rho'; `neuron`: it sees the potential of every neuron before the max-pool, and its drive is the factor itself.
        sources: context sources, one apical matrix per population for each, words of the models' `CONTEXTS`; `("error",)` of a feedback
            rule, whose matrices are fixed; empty without apical dendrites.
        second: of a local rule with sources, what stands beside neuromodulator, rho' and pre-synaptic rate in its change. `apical`: the apical
            potential itself, gathered at the rows whose rates it meets, so that a change is linear in B; `own`: what the rule makes of
            rates and potentials (a difference of compartments, a burst probability), which its factors alone can tell.
        backwards: sources that predict against the order of trials: the row that gave the context of another one learns from it.
        transport: whether a local rule is given `Apical.back`, what its apical synapses would carry backwards.
        forgets: whether the factors always have a decay, so that kernels come to a length (what the optimiser `softhebb` needs).
        relay: what happens to rates on their way into a population, a word of the models' `RELAYS`; `none` hands them on.
        relayed: hyperparameters that the relay is told, by name.
        transfer: name of the only transfer function that the equations hold for; None for any.
        per_population: hyperparameters that may be a tuple, one entry per population, by name.
        head: `square` for a projection (units, units) at the top, `pair` for two, `classes` for (classes, units), `none` without.
        path: of a feedback rule. `direct`: from the output straight to every population; `chain`: population by population.
        routed: whether populations are divided into areas, of which a row uses one.
        alone: whether a neuromodulator follows from the score of its own pair, contrast aside; not where it takes another pair's as well.
        parted: whether factors at a unit depend on other units through `scores_of` alone, so that processes can share out the units.
        records: signals that the rule lets one record.
        words: what its signals are called and are.

    Raises:
        RuleError: an unknown word.
    """

    engine: Engine = "local"
    presentation: Any = "glances"
    supervised: bool = False
    negatives: Negatives = "next"
    phases: Phases = "both"
    others: int = 0
    site: Site = "unit"
    sources: tuple[str, ...] = ()
    second: Second = "apical"
    backwards: tuple[str, ...] = ()
    transport: bool = False
    forgets: bool = False
    relay: str = "none"
    relayed: tuple[str, ...] = ()
    transfer: str | None = None
    per_population: tuple[str, ...] = ()
    head: Head = "none"
    path: Path = "direct"
    routed: bool = False
    alone: bool = True
    parted: bool = False
    records: tuple[str, ...] = ("basal", "rate")
    words: Words = SILENT

    @property
    def modulated(self) -> bool:
        """Whether the rule has a neuromodulator: one that can be recorded."""
        return "neuromodulator" in self.records

    @property
    def told(self) -> Mapping[str, str]:
        """Its words, with the defaults of its kind."""
        return self.words.told(engine=self.engine, negatives=self.negatives, sources=bool(self.sources))

    def __post_init__(self) -> None:
        for name, words in _WORDS.items():
            known, got = get_args(words), getattr(self, name)
            if got not in known:
                raise RuleError(
                    f"Needs.{name}: expected one of {', '.join(known)}, got {got!r}; correct what the rule declares"
                )
