"""A rule in a network: outer products, precision, resuming, recording; by the engine that every training uses."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
import zarr
from torch import Tensor

from ...models import Activity, BlockNetwork, Collector, ModelError, Moment, Network, Population, Recorder, RecorderSpec
from ...models.engine import Architecture, BlockEngine, Engine, build_blocks, build_engine, build_network, checkpoint
from ...models.outside import short
from ...plasticity import Blockwise, Factors, Pairing, Rule, RuleError, Signals, pair, underneath
from ...recordings import Writer
from ...recordings import open as open_recording
from ..stimuli.presentations.table import presentation
from .findings import Broken, unasked
from .outputs import distance
from .problem import CLASSES

OBJECTS, STEPS = 4, 5
ALIKE = 0.8  # of changes by rates with 8 bits of precision; what is lost more than that is lost by the rule
DENSE, MAPS = (2, 4, 4), (3, 16, 16)


def architectures(rule: Rule) -> list[Architecture]:
    """A small network of dense populations, and one of maps, for which the rule's hyperparameters have the right number."""
    needs = rule.needs
    if needs.engine == "block":
        return [Architecture("resnet18", MAPS, width=1 / 16)]
    if needs.routed:
        return [Architecture("mlp", DENSE, hidden=(8, 6), areas=3)]
    inner: Any = underneath(rule)
    counts = {len(v) for n in needs.per_population if isinstance(v := getattr(inner, n), tuple)}
    if counts:
        count = counts.pop()
        return [Architecture("mlp", DENSE, hidden=(8, 6, 5, 4, 7, 9, 3, 8)[:count])]
    return [
        Architecture("mlp", DENSE, hidden=(8, 6)),
        Architecture("vgg6", MAPS, width=1 / 32, grids=(4, 2, 2, 2, 1, 1)),
    ]


def built(rule: Rule, architecture: Architecture, *, seed: int = 1) -> Network | BlockNetwork:
    """A network wired for the rule, in float32.

    Raises:
        Broken: none can be built for what it needs.
    """
    try:
        if isinstance(rule, Blockwise):
            return build_blocks(architecture, rule, seed=seed)
        return build_network(architecture, rule, seed=seed, classes=CLASSES)
    except (ModelError, RuleError) as error:
        raise Broken("a network that can be wired for its needs", str(error), "correct its needs, or name other `architectures`") from error  # fmt: skip


def engine_of(rule: Rule, network: Network | BlockNetwork, *, half: bool = False) -> Engine:
    """An engine with AdamW."""
    return build_engine(network, rule, learning_rate=1e-2, half=half, steps=2 * STEPS)


@dataclass(frozen=True, slots=True)
class Shown:
    """What one step takes."""

    images: Tensor
    pairing: Pairing | None
    label: Tensor


def shown(rule: Rule, shape: tuple[int, int, int], step: int, dtype: torch.dtype = torch.float32) -> Shown:
    """Random images, pairing and classes of one step."""
    needs, how = rule.needs, presentation(rule.needs.presentation)
    g = torch.Generator().manual_seed(100 + step)
    images = torch.randn(how.rows * OBJECTS, *shape, generator=g, dtype=torch.float64).to(dtype)
    pairing = None
    if how.paired:
        pairing = pair(OBJECTS, negatives=needs.negatives, phases=needs.phases, others=needs.others, generator=g)
    return Shown(images, pairing, torch.arange(OBJECTS).remainder(CLASSES).repeat(how.rows))


def advance(rule: Rule, engine: Engine, first: int, last: int, observer: Any = None) -> Tensor:
    """Steps of a training; the losses of the last."""
    losses = torch.zeros(0)
    names = engine.losses if isinstance(engine, BlockEngine) else []
    for step in range(first, last):
        batch = shown(rule, engine.network.shape, step)
        losses = engine.step(
            batch.images, batch.pairing, observer, label=batch.label if rule.needs.supervised else None
        )
    if isinstance(engine, BlockEngine):  # blocks that rest have none
        losses = losses[[names.index(name) for name in engine.learning]]
    return losses


@dataclass(slots=True)
class Kept:
    """Observer that keeps what one step told each population."""

    found: dict[str, tuple[Activity, Signals, Factors]] = field(default_factory=dict)

    def local(self, population: Population, activity: Activity, signals: Signals, factors: Factors, moves: Any) -> None:
        """See `Observer`."""
        self.found[population.name] = (activity, signals, factors)

    def backprop(self, population: Population, activity: Activity, moves: Any) -> None:
        """Not of a local rule."""

    def block(self, name: str, move: Any, norm: Tensor) -> None:
        """Not of a local rule."""


def check_outer_products(rule: Rule, architecture: Architecture) -> None:
    """Changes of a step against sums of outer products of the factors, formed by definition."""
    if rule.needs.engine != "local" or architecture.builder != "mlp":
        raise unasked("asked of local rules on dense populations")
    network = cast(Network, built(rule, architecture)).to(torch.device("cpu"), torch.float64)
    before = {name: weight.clone() for name, weight in network.weights().items()}
    engine, kept, caught = engine_of(rule, network), Kept(), Collector()
    engine.optimiser = caught
    batch = shown(rule, network.shape, 0, torch.float64)
    engine.step(batch.images, batch.pairing, kept, label=batch.label if rule.needs.supervised else None)
    for population in network.populations:
        activity, signals, factors = kept.found[population.name]
        factor = factors.drive
        if rule.needs.site == "unit":
            factor = population.transfer.gate(factor.clone(), activity.rate)
        change = factor.flatten(1).T @ activity.pre.flatten(1)
        if factors.decay is not None:
            change = change - factors.decay[:, None] * before[f"{population.name}.weight"]
        _same(caught.changes[f"{population.name}.weight"], change, f"dW of {population.name} = sum of drive rho'(a) z")
        for source in rule.needs.sources:
            context = signals.apical[source].context
            change = factors.prediction[source].T @ context
            _same(
                caught.changes[f"{population.name}.{short(source)}.apical"],
                change,
                f"dB of {population.name} from {source} = prediction^T c",
            )


def _same(found: Tensor, wanted: Tensor, what: str) -> None:
    gap = distance(found, wanted)
    if not gap <= 1e-9:
        raise Broken(what, f"a relative distance of {gap:.3g}", "give factors that are finite and of one value whenever they are asked for")  # fmt: skip


def check_half(rule: Rule, architecture: Architecture) -> None:
    """The changes of a step in bfloat16 beside those of the same step in float32."""
    changes: list[dict[str, Tensor]] = []
    for half in (False, True):
        network = built(rule, architecture)
        engine, caught = engine_of(rule, network, half=half), Collector()
        engine.optimiser = caught
        losses = advance(rule, engine, 0, 1)
        if not bool(losses.isfinite().all()):
            word = "bfloat16" if half else "float32"
            raise Broken(f"finite losses in {word}", f"{losses.tolist()}", "keep sums in the dtype of the signals")
        changes.append(caught.changes)
    for name, full in changes[0].items():
        halved = changes[1][name]
        if not bool(halved.isfinite().all()):
            raise Broken(f"a finite change of {name} in bfloat16", "another", "divide by nothing that it rounds to 0")
        if name.endswith("bias") or not bool(full.any()):
            continue  # a sum over rows and places that nearly cancels
        cosine = float(torch.cosine_similarity(full.flatten().double(), halved.flatten().double(), dim=0))
        if cosine < ALIKE:
            raise Broken(
                f"a change of {name} in bfloat16 along that in float32, a cosine of at least {ALIKE}",
                f"{cosine:.3g}", "take no differences of large numbers",
            )  # fmt: skip


def check_resumes(rule: Rule, architecture: Architecture) -> None:
    """Steps in a row beside steps with a checkpoint between them."""
    straight = engine_of(rule, built(rule, architecture))
    begun = {name: weight.clone() for name, weight in straight.network.weights().items()}
    losses = advance(rule, straight, 0, STEPS)
    if not bool(losses.isfinite().all()):
        raise Broken(f"finite losses after {STEPS} steps", f"{losses.tolist()}", "look at the size of the drive")
    if all(torch.equal(weight, begun[name]) for name, weight in straight.network.weights().items()):
        raise Broken(f"weights that moved in {STEPS} steps", "the same weights", "give a drive that is not 0")
    first = engine_of(rule, built(rule, architecture))
    advance(rule, first, 0, STEPS - 2)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint.save(Path(folder), first, checkpoint.State(STEPS - 2, 0.0, {}, ""), keep=1)
        second = engine_of(rule, built(rule, architecture, seed=9))
        checkpoint.load(checkpoint.found(Path(folder))[-1], second)
    advance(rule, second, STEPS - 2, STEPS)
    one, two = ({**e.network.weights(), **e.network.buffers} for e in (straight, second))
    for name, value in one.items():
        if not torch.equal(value, two[name]):
            raise Broken(f"{name} of a resumed training equal bit for bit to that of an uninterrupted one", f"a relative distance of {distance(value, two[name]):.3g}", "keep everything that a later step needs in start() and Factors.state")  # fmt: skip


def check_recording(rule: Rule, architecture: Architecture) -> None:
    """A recording in memory, opened again: every signal that the needs let one record is there, for every population."""
    network = built(rule, architecture)
    engine = engine_of(rule, network)
    needs, how = rule.needs, presentation(rule.needs.presentation)
    losses = network.names if needs.engine == "local" else [network.names[-1]]
    if isinstance(engine, BlockEngine):
        losses = engine.losses
    # of more than two populations the ends: what lies between them is recorded in the same way
    asked = None if isinstance(network, BlockNetwork) else tuple(dict.fromkeys((network.names[0], network.names[-1])))
    recorder = Recorder(
        network, RecorderSpec(every=1, rows=2, units=4, populations=asked), sources=needs.sources, losses=losses, batch_rows=how.rows * OBJECTS,
        modulated="neuromodulator" in needs.records, paired=how.paired, words=needs.told, engine=needs.engine,
    )  # fmt: skip
    store = zarr.storage.MemoryStore()
    try:
        with Writer.create(store, recorder.tables(2), attributes={"config": {}}) as recorder.writer:
            for step in range(2):
                batch = shown(rule, network.shape, step)
                rows = torch.arange(OBJECTS).repeat(how.rows)
                recorder.begin(Moment(step, 0.0, OBJECTS, 1e-2, rows, batch.label, batch.pairing))
                told = batch.label if needs.supervised else None
                recorder.end(engine.step(batch.images, batch.pairing, recorder, label=told))
    except KeyError as error:
        raise Broken("phases and predictions under the name of every source that is recorded", f"none of {error}", "name phases by source, or 'basal' without apical dendrites") from error  # fmt: skip
    recording = open_recording(store)
    for name in asked or ():
        table = recording[f"activity/{name}"].to_dataset()
        for signal in needs.records:
            columns = [str(n) for n in table.data_vars if n == signal or str(n).startswith(f"{signal}_")]
            if not columns:
                raise Broken(f"{signal} in activity/{name} of the recording", ", ".join(map(str, table.data_vars)), "declare in needs.records what there is")  # fmt: skip
            for column in columns:
                if not bool(table[column].notnull().all()):
                    raise Broken(
                        f"{column} of {name} without gaps", "values that are no numbers", "give finite signals"
                    )
