"""Replays that are wrong in one way, each of which a check must reject: what a check cannot tell from them it does not show.

A check rejects a mutant if it holds for the intact replay and fails for the mutant's, judged as always: every seed must meet the criterion.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.spiking import Neuron, Population, Replay
from ..check import Check
from .altered import INTACT, Alteration, altered, of_synapses, of_trials
from .asked import OF_MUTANTS, missing
from .recomputed import Stored, change
from .workbench import Bench, World

Array = NDArray[np.float64]
Measure = Callable[[Bench], list[Check]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One way to be wrong.

    Attributes:
        name: as it stands in results.
        what: what is wrong.
        alteration: what is done to every replay.
        world: another circuit in place of the intact one, a word of `worlds`; empty for none.
        compared: whether that circuit is also what the replay is compared with: a network of its own, replayed faithfully.
        measures: the only checks that it is shown to, by function; all those of the circuit's own replays where empty.
    """

    name: str
    what: str
    alteration: Alteration = INTACT
    world: str = ""
    compared: bool = False
    measures: tuple[str, ...] = ()

    @property
    def simulated(self) -> bool:
        """Whether replays of its own are needed; otherwise the intact ones are changed."""
        return bool(self.world) or self.alteration.neuron is not INTACT.neuron


def _silent(neuron: Neuron) -> Neuron:
    # the linear cell by its holding current; that of the calcium spike has no such current where single cells are tested
    return neuron.but(V_th=neuron.V_th + 1e4) if neuron.bac else neuron.but(I_trim=-1e5)


def _open(neuron: Neuron) -> Neuron:
    return neuron.but(theta_b=-1e3, tau_gate=1e9)


def _bent(neuron: Neuron) -> Neuron:
    return neuron.but(E_exc=-55.0, E_inh=-68.0)


def _late(neuron: Neuron) -> Neuron:
    return neuron.but(delay_context=20 * neuron.delay_context)


def _draws(seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, 1])


def _derangement(count: int, seed: int) -> NDArray[np.int64]:
    """A permutation that leaves nothing in its place: each goes to where the next one of a random round stood."""
    around = _draws(seed).permutation(count)
    order = np.empty(count, dtype=np.int64)
    order[around] = np.roll(around, 1)
    return order


def _random(found: Replay, seed: int) -> Replay:
    def drawn(e: Array) -> Array:
        noise = _draws(seed).standard_normal(e.shape)
        return noise * float(np.sqrt(np.square(e).mean()))

    return of_synapses(found, drawn)


MUTANTS: tuple[Mutant, ...] = (
    Mutant(name="silent soma", what="a soma that never fires", alteration=Alteration(neuron=_silent)),
    Mutant(
        name="shuffled gamma", what="every trial gets the neuromodulator of another",
        alteration=Alteration(gamma=lambda gamma, seed: gamma[_derangement(len(gamma), seed)]),
    ),
    Mutant(
        name="shuffled trials", what="spikes, potentials and traces are those of another trial",
        alteration=Alteration(result=lambda found, seed: of_trials(found, _derangement(len(found.rate), seed))),
    ),
    Mutant(name="current context", what="the context is what the top sees now, in place of the glance before", world="now"),
    Mutant(name="no network", what="random rates and weights, no network behind them", world="random", compared=True),
    Mutant(name="untrained network", what="the network before its first step", world="untrained", compared=True),
    Mutant(name="open gate", what="the gate rho' is always open", alteration=Alteration(neuron=_open)),
    Mutant(
        name="reversed dW", what="every change has the other sign",
        alteration=Alteration(result=lambda found, _: of_synapses(found, lambda e: -e)),
    ),
    Mutant(name="random dW", what="Gaussian noise in place of the traces", alteration=Alteration(result=_random)),
    Mutant(
        name="no dW", what="no change at all", alteration=Alteration(result=lambda found, _: of_synapses(found, lambda e: 0 * e)),
    ),
    Mutant(
        name="bent conductances", what="reversal potentials near the rest of the tuft", alteration=Alteration(neuron=_bent), measures=("dale",),
    ),
    Mutant(
        name="late context", what="delays of the context 20 times as long", alteration=Alteration(neuron=_late),
        measures=("context_delay",),
    ),
    Mutant(
        name="no dW of variants", what="no change at all, in variants of the circuit",
        alteration=Alteration(result=lambda found, _: of_synapses(found, lambda e: 0 * e)), measures=("somatic_leak",),
    ),
)  # fmt: skip


def random_world(like: World, seed: int = 0) -> World:
    """Rates from a gamma distribution and Gaussian weights in the shapes of a circuit and its population; their rule is their own.

    Args:
        like: gives shapes, mean rates, phases and the spread of scores.
        seed: of the draws.
    """
    draws, circuit = np.random.default_rng([seed, 2]), like.circuit

    def rates(values: Array) -> Array:
        return draws.gamma(0.3, float(values.mean()) / 0.3, values.shape)

    def weights(values: Array) -> Array:
        return draws.standard_normal(values.shape) * float(values.std())

    def made(population: Population | None) -> Population:
        assert population is not None  # the mutant is left out where no score is asked
        found = replace(
            population, rate=rates(population.rate), context=rates(population.context), B=weights(population.B)
        )
        return replace(found, B=found.B * (population.score.std() / max(found.score.std(), 1e-12)))

    population = made(like.population)
    z, c, W, own = rates(circuit.z_pre), rates(circuit.context), weights(circuit.W), weights(circuit.B)
    a, none = z @ W.T, np.zeros_like(circuit.basal)
    cut = replace(
        circuit, W=W, B=own, bias=none, apical_bias=none, z_pre=z, context=c, basal=a, rate=np.maximum(a, 0), prediction=c @ own.T,
        gate=(a > 0).astype(np.float64), winner=none + 1, gamma=population.modulators(population.score),
    )  # fmt: skip
    return World(cut, population, made(like.many))


def mutate(bench: Bench, mutant: Mutant, worlds: Callable[[str], World]) -> Bench:
    """The bench of a mutant: what checks would be shown of it.

    Args:
        bench: the intact one, with its base replays.
        mutant: what is wrong.
        worlds: circuit and population of `now`, `untrained` and `random`.
    """
    world = worlds(mutant.world) if mutant.world else bench.world
    shown = world.circuit if mutant.world and not mutant.compared else None
    circuit = bench.circuit if shown is not None else world.circuit
    wrong = Bench(
        bench.loaded, bench.settings, circuit, world.population, world.many, alteration=mutant.alteration, shown=shown, tell=bench.tell
    )  # fmt: skip
    if mutant.measures:
        wrong.base = dict(bench.base)  # wrong in variants of the circuit alone
    for seed in bench.settings.seeds if not mutant.measures else ():
        if not mutant.simulated:
            wrong.base[seed] = altered(bench.base[seed], circuit, mutant.alteration, seed)
            wrong.recomputed = bench.recomputed
            continue
        stored = Stored()
        bench.tell(f"{mutant.name}, seed {seed}")
        words = bench.settings.operating | {"calibration": wrong.calibration, "seed": seed, "sink": stored}
        wrong.base[seed] = wrong.replayed(circuit, words)
        if bench.settings.level:
            wrong.recomputed[seed] = change(stored, wrong.circuit)
    return wrong


def label(check: Check) -> str:
    """How a check is called in the table."""
    return f"{check.name} {check.what}"


def table(
    bench: Bench,
    intact: Sequence[Check],
    measures: Sequence[Measure],
    worlds: Callable[[str], World],
    mutants: Sequence[Mutant] = MUTANTS,
) -> dict[str, Any]:
    """Which checks each mutant fails, and which mutants each check rejects.

    Args:
        bench: the intact bench.
        intact: its checks.
        measures: functions that gave them; a mutant with measures of its own is shown to those of them alone.
        worlds: as in `mutate`.
        mutants: rows of the table.

    Returns:
        JSON-ready dict: `mutants` (name, what, rejected_by, shown, values), `left_out` (mutants that this rule cannot have, with the reason), `checks` (mutants that each rejects, by its name), `held` (whether it
        holds for the intact replay), `unrejected` (mutants that no primary check rejects), `powerless` (primary checks that held and rejected
        none).
    """
    reasons = {mutant.name: missing(bench, OF_MUTANTS.get(mutant.name, ())) for mutant in mutants}
    mutants = [mutant for mutant in mutants if reasons[mutant.name] is None]
    verdicts = {label(check): check.passed for check in intact}
    primary = {label(check) for check in intact if not check.self_test}
    rejects: dict[str, list[str]] = {label(check): list(check.rejects) * check.passed for check in intact}
    rows = []
    for mutant, found in _shown(bench, measures, worlds, mutants):
        failed = [label(check) for check in found if not check.passed and verdicts.get(label(check))]
        for name in failed:
            rejects[name].append(mutant.name)
        by = [name for name in failed if name in primary]
        values = {label(check): check.value for check in found}
        rows.append(
            {"name": mutant.name, "what": mutant.what, "rejected_by": by, "shown": len(found), "values": values}
        )
    return {
        "mutants": rows, "left_out": {name: reason for name, reason in reasons.items() if reason is not None}, "checks": rejects, "held": verdicts,
        "unrejected": [row["name"] for row in rows if not row["rejected_by"]],
        "powerless": [name for name in verdicts if name in primary and verdicts[name] and not rejects[name]],
    }  # fmt: skip


def _shown(
    bench: Bench, measures: Sequence[Measure], worlds: Callable[[str], World], mutants: Sequence[Mutant]
) -> Iterator[tuple[Mutant, list[Check]]]:
    named: Mapping[str, Measure] = {measure.__name__: measure for measure in measures}
    own = {name for mutant in MUTANTS for name in mutant.measures}
    for mutant in mutants:
        cells = mutant.alteration.neuron is not INTACT.neuron
        chosen = mutant.measures or tuple(
            name for name in named if name not in own and name not in LONG and (cells or name not in CELLS)
        )
        if any(name in named for name in chosen):
            wrong = mutate(bench, mutant, worlds)
            yield mutant, [check for name in chosen if name in named for check in named[name](wrong)]


CELLS = ("fi_curve", "bursts")  # ask single cells alone
# replays of variants, of which every row is a self-test
LONG = ("modulator", "apical_block", "dissociation", "pairs", "learning_level")
