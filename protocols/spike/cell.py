"""One condition with one seed: twin and spikes on the same glances, and what became of both."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.spiking.loop import LoopDivergedError, LoopNetwork, Seen, changes, learn_with_rates, live, start
from ...models.spiking.loop.wiring import Array
from ...recordings import RecordingError
from .glances import Pairs, World, load_world
from .measure import irregularity, with_rates, with_spikes
from .settings import INTACT, SpikeSettings
from .store import LoopStore

POINTS = 15  # of a learning curve
EARLY = 0.2  # of the glances, before margins are met: changes are compared there
EXAMPLES = 500  # glances that set biases and scales at the start


@dataclass(slots=True, eq=False)
class Course:
    """What is gathered while a network learns from spikes.

    Attributes:
        points: glances of a copy, and the objective by rates then.
        sums: of dW over the first glances: from spikes, of the rule, of the rule without its gate; W of all populations in a row.
        trains: spike times of every neuron of the first copy in each glance, ms.
        shown: the last glances, for the raster: the second is a fixation, the third a saccade.
    """

    points: list[tuple[int, list[float]]] = field(default_factory=list)
    sums: list[Array] = field(default_factory=list)
    trains: list[NDArray[np.float64]] = field(default_factory=list)
    shown: list[Seen] = field(default_factory=list)


def run_cell(
    settings: SpikeSettings, condition: str, seed: int, *, data_dir: Path | None, recording: Path | None,
    each: Callable[[], object] = lambda: None, intact: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Any], Course]:  # fmt: skip
    """Learn with spikes, and with rates from the same start on the same glances.

    Args:
        settings: what was asked for.
        condition: a word of `CUTS`.
        seed: of network, stream and noise.
        data_dir: folder of the data sets.
        recording: where spikes, voltages, eligibilities and weights go; None for nowhere.
        each: called after every glance.
        intact: the intact cell of this seed, whose start by spikes is this one's too; None to measure it.

    Returns:
        The cell's numbers, JSON-ready, and what its figures need.
    """
    begun = time.perf_counter()
    world = load_world(settings, seed, data_dir)
    pairs = world.pairs(settings.test_glances)
    network = begin(settings, world, seed)
    loop = settings.loop.but(cut=condition)
    curve: list[tuple[int, list[float]]] = []

    def follow(index: int, now: LoopNetwork) -> None:
        if _point(index, settings.glances):
            curve.append((index + 1, with_rates(now, pairs, seed).objective.tolist()))

    twin = learn_with_rates(
        network, world.look("learn", settings.glances, settings.copies), eta_basal=loop.eta_basal, eta_apical=loop.eta_apical,
        each=follow,
    )  # fmt: skip
    course = Course()
    diverged: int | None = None
    store = LoopStore(recording, network, settings, seed) if recording is not None else None
    watch = _Watch(network, settings, pairs, seed, course, store, each)
    try:
        learnt = live(
            network, world.look("learn", settings.glances, settings.copies), loop, copies=settings.copies,
            glances=settings.glances, seed=seed, chosen=settings.chosen if condition == INTACT else 0, each=watch,
        )  # fmt: skip
    except LoopDivergedError as error:
        if condition == INTACT:  # of a control it is a result: what is left is the network before the glance
            if store is not None:
                store.close("diverged")
            raise
        learnt, diverged = watch.network, error.glance
    except BaseException:
        if store is not None:
            with suppress(RecordingError):  # the error on its way says more
                store.close("interrupted")
        raise
    if store is not None:
        store.close("complete")
    seconds = time.perf_counter() - begun
    found = {
        "condition": condition, "seed": seed, "glances": settings.glances * settings.copies,
        "rates": {
            "start": with_rates(network, pairs, seed).as_dict(), "twin": with_rates(twin, pairs, seed).as_dict(),
            "spikes": with_rates(learnt, pairs, seed).as_dict(),
        },
        "curve": {"twin": curve, "spikes": course.points}, "cosines": _cosines(course), "seconds": seconds, "diverged": diverged,
    }  # fmt: skip
    # what was learnt under a control is judged by intact neurons
    found["spikes"] = {
        "start": intact["spikes"]["start"] if intact else with_spikes(network, pairs, loop, seed).as_dict(),
        "end": with_spikes(learnt, pairs, loop, seed).as_dict(),
    }  # fmt: skip
    if condition == INTACT:
        found["irregularity"] = irregularity(course.trains)
    return found, course


def begin(settings: SpikeSettings, world: World, seed: int) -> LoopNetwork:
    """The network before its first spike: random, or after glances learnt with rates."""
    copies = min(settings.copies, EXAMPLES)
    shown = world.look("examples", -(-EXAMPLES // copies), copies)
    examples = np.concatenate([glance.inputs for glance in shown])
    network = start(world.shape, settings.layers, examples, context=settings.context, margin=settings.margin, seed=seed)
    if not settings.before:
        return network
    stream = world.look("before", settings.before, settings.copies)
    return learn_with_rates(network, stream, eta_basal=settings.loop.eta_basal, eta_apical=settings.loop.eta_apical)


class _Watch:
    """Gathers a course, glance by glance."""

    def __init__(
        self, network: LoopNetwork, settings: SpikeSettings, pairs: Pairs, seed: int, course: Course,
        store: LoopStore | None, each: Callable[[], object],
    ) -> None:  # fmt: skip
        self.network, self.settings, self.pairs, self.seed = network, settings, pairs, seed
        self.course, self.store, self.each = course, store, each
        self.before: list[Array] | None = None
        self.recent: list[Seen] = []

    def __call__(self, seen: Seen) -> None:
        now = self.network.but(seen.W, seen.B)
        z = self.network.rates(seen.glance.inputs)
        if self.before is not None and seen.index <= self.settings.glances * EARLY:
            moved = [new - old for new, old in zip(seen.W, self.network.W, strict=True)]
            rule = changes(self.network, self.before, seen.glance, z)[0]
            free = changes(self.network, self.before, seen.glance, z, gated=False)[0]
            parts = [np.concatenate(part) for part in (moved, rule, free)]
            sums = self.course.sums
            self.course.sums = [a + b for a, b in zip(sums, parts, strict=True)] if sums else parts
        self.network, self.before = now, now.rates(seen.glance.inputs)
        if _point(seen.index, self.settings.glances):
            self.course.points.append((seen.index + 1, with_rates(now, self.pairs, self.seed).objective.tolist()))
        if seen.spike_time.size:
            self._trains(seen)
        self._raster(seen)
        if self.store is not None:
            self.store.append(seen)
        self.each()

    def _trains(self, seen: Seen) -> None:
        key = seen.spike_population * 10**9 + seen.spike_unit
        order = np.lexsort((seen.spike_time, key))
        cuts = np.flatnonzero(np.diff(key[order])) + 1
        self.course.trains += [part for part in np.split(seen.spike_time[order], cuts) if len(part) > 2]

    def _raster(self, seen: Seen) -> None:
        self.recent = [*self.recent[-2:], seen]
        signs = [glance.glance.sign[0] for glance in self.recent]
        if seen.voltage and len(signs) == 3 and signs[1] > 0 > signs[2]:
            self.course.shown = list(self.recent)


def _point(index: int, glances: int) -> bool:
    return (index + 1) % max(1, glances // POINTS) == 0 or index + 1 == glances


def _cosines(course: Course) -> dict[str, float]:
    """Cosine of the summed change from spikes with the rule's, and with that of the rule without its gate."""
    if not course.sums:
        return {"rule": float("nan"), "without gate": float("nan")}
    moved, rule, free = course.sums

    def cosine(a: Array, b: Array) -> float:
        size = float(np.linalg.norm(a) * np.linalg.norm(b))
        return float(a @ b) / size if size else 0.0

    return {"rule": cosine(moved, rule), "without gate": cosine(moved, free)}
