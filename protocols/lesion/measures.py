"""What a probe measures in a rate network; no weight is changed by it."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from ...models import Collector
from ...models.engine import LocalEngine, rates
from ...models.engine.kept import kept
from ...models.optimisers.measured import Move
from ...models.populations.conv import Activity, Population
from ...plasticity import Factors, Pairing, Signals
from ..errors import ConfigError, NotFiniteError
from ..readouts.reading import Reading, read_out
from ..runs.reading import reading_of
from ..runs.streams import stream
from .discrimination import dprime, signals, trials_to_criterion
from .drawn import ORIENTATIONS
from .events import Contingency
from .foreign import value_of
from .glances import Glances
from .gratings import tuning
from .quantities import OWN, Measure
from .subject import Subject

BATCHES = 4  # batches of glances that a probe looks at
IMAGES = 1000  # labelled images that a read-out is fitted on, and tested on
CONTRASTED = 96  # glances of each of two sets that are to be told apart
SELECTED = 0.25  # share of all units of the top population, of every pair those that prefer P most: by them selectivity is measured

Value = float | dict[str, float]


class Watch:
    """Observer of an engine that keeps scores, gates, rates and how far the weights moved, by population."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, list[float]]] = {}

    def local(
        self, population: Population, activity: Activity, signals: Signals, factors: Factors, moves: Mapping[str, Move]
    ) -> None:
        """See `Observer`."""
        phases, name = list(factors.phases.values()), population.name
        found = {"loss": factors.loss, "rate": activity.rate.mean(), "step": moves["basal"].change}
        if phases:  # a rule without a neuromodulator has no score either
            stay = torch.stack([p.gamma_fixation for p in phases]) != 0
            jump = torch.stack([p.gamma_saccade for p in phases]) != 0
            found |= {
                "score_same": torch.stack([p.score_fixation for p in phases]).mean(),
                "score_different": torch.stack([p.score_saccade for p in phases]).mean(),
                "gate": torch.cat([stay, jump]).double().mean(),
            }
        for measure, value in found.items():
            self.values.setdefault(measure, {}).setdefault(name, []).append(float(value))

    def means(self) -> dict[str, dict[str, float]]:
        """Means over the steps watched, by measure and population."""
        return {m: {n: sum(v) / len(v) for n, v in by.items()} for m, by in self.values.items()}

    def backprop(self, population: Population, activity: Activity, moves: Mapping[str, Move]) -> None:
        """Not called by a local engine."""

    def block(self, name: str, move: Move, norm: Tensor) -> None:
        """Not called by a local engine."""


def _finite(value: Value) -> Value:
    """With NaN for infinities, which no statement and no axis can use."""
    if isinstance(value, dict):
        return {name: number if math.isfinite(number) else math.nan for name, number in value.items()}
    return value if math.isfinite(value) else math.nan


class Probing:
    """Measures of one subject.

    Args:
        subject: who is measured.
        names: what.
        cache: of read-outs, kept by the caller: subjects that have not learned yet have the same.
        rows: of the measures by name; those with `find` are from outside.
    """

    def __init__(
        self, subject: Subject, names: Sequence[str], cache: dict[str, float], rows: Mapping[str, Measure] = OWN
    ) -> None:
        self.subject, self.names, self.cache = subject, list(names), cache
        self.foreign = {name: row for name, row in rows.items() if row.find is not None}
        self.first = subject.weights()
        self.selected: Tensor | None = None
        self.begun = False

    @torch.no_grad()
    def measure(self) -> dict[str, Value]:
        """Every measure at this moment, by name; of those per population one number each. What is not finite is NaN."""
        if not self.begun:
            self.first, self.begun = self.subject.weights(), True
        shared: dict[str, Value] = {}
        found: dict[str, Value] = {}
        for name in self.names:
            if name not in shared:
                shared |= self._group(name)
            found[name] = _finite(shared[name])
        return found

    def _group(self, name: str) -> dict[str, Value]:
        """A measure, and those that come with it at no cost."""
        if name in self.foreign:
            return {name: value_of(name, self.foreign[name], self.subject, self.subject.network.names)}
        groups: dict[str, Callable[[], dict[str, Value]]] = {
            "accuracy": self._accuracy, "step": self._stepped, "moved": self._moved, "rank": self._rank, "tolerance": self._tolerance,
            "complex": self._tuning, "orientation": self._tuning, "tuned": self._tuning,
            "dprime": self._textures, "trials": self._textures,
            "violation_rate": self._violation, "violation_apical": self._violation,
            "complex_subsampled": self._subsampled, "modulation_subsampled": self._subsampled,
        }  # fmt: skip
        if name in groups:
            return groups[name]()
        if name.startswith("selectivity"):
            return self._selectivity()
        return self._by_trial() if name.startswith("update_") else self._watched()

    def _plain(self) -> Contingency:
        """What a trial without surprise is: the sequence that is lived, else the same object."""
        now = self.subject.contingency
        return now.model_copy(update={"share": 0.0}) if now.follows == "sequence" else Contingency()

    def _watched(self) -> dict[str, Value]:
        subject, watch, norms = self.subject, Watch(), dict.fromkeys(self.subject.network.names, 0.0)
        for i in range(BATCHES):
            seen = subject.glances("probe", i, self._plain())
            for name, norm in self._changes(seen, seen.pairing, i, watch).items():
                norms[name] += norm / BATCHES
        watch.values.pop("step")  # none was taken
        return {**watch.means(), "update": norms}

    def _stepped(self) -> dict[str, Value]:
        """What a step moves the weights by, with the optimiser as it stands; each is taken back."""
        subject, watch = self.subject, Watch()
        before = subject.copy()
        for i in range(BATCHES):
            seen = subject.glances("probe", i, self._plain())
            subject.engine.rule = subject.manipulated(seen, i)
            subject.engine.step(seen.images, seen.pairing, watch, label=subject.told(seen))
            subject.become(before)
        return {"step": dict(watch.means()["step"])}

    def _changes(
        self, seen: Glances, pairing: Pairing | None, step: int, watch: Watch | None = None
    ) -> dict[str, float]:
        """Norm of the change of every W that one step would make now."""
        collector = Collector()
        rule = self.subject.manipulated(seen, step)
        subject = self.subject
        with kept(subject.network):
            LocalEngine(subject.network, rule, collector).step(seen.images, pairing, watch, label=subject.told(seen))
        return {n: float(collector.changes[f"{n}.weight"].double().norm()) for n in self.subject.network.names}

    def _by_trial(self) -> dict[str, Value]:
        """Change by predicted and by substituted trials, each as the mean over its rows."""
        subject, kinds = self.subject, {"predicted": 0.0, "substituted": 0.0}
        half = subject.contingency.model_copy(update={"share": 0.5})
        if half.follows != "sequence":
            raise ConfigError(
                "measures: expected contingency follows: sequence for update_..., got none; set one before the probe"
            )
        for i in range(BATCHES):
            seen = subject.glances("probe", i, half)
            for kind, rows in (("predicted", ~seen.substituted), ("substituted", seen.substituted)):
                weight = rows.double() / max(int(rows.sum()), 1)
                assert seen.pairing is not None  # `asked` leaves these measures out without one
                only = Pairing(seen.pairing.fixation, seen.pairing.saccade, weight, torch.zeros_like(weight))
                norms = self._changes(seen, only, i)
                kinds[kind] += sum(norms.values()) / len(norms) / BATCHES
        ratio = kinds["substituted"] / kinds["predicted"] if kinds["predicted"] else float("nan")
        return {
            "update_predicted": kinds["predicted"],
            "update_substituted": kinds["substituted"],
            "update_ratio": ratio,
        }

    def _moved(self) -> dict[str, Value]:
        now = self.subject.weights()
        moved = {n: float((now[n] - w).double().norm() / w.double().norm()) for n, w in self.first.items()}
        return {"moved": dict(moved)}

    @cached_property
    def _reading(self) -> Reading:
        """Linear by ridge, whatever the run's own read-out: the measure means one thing."""
        s = self.subject
        return reading_of(
            s.config, s.rule, s.run.stimulus, field="measures.accuracy", n_train=IMAGES, n_test=IMAGES,
            read_out="linear", solver="ridge",
        )  # fmt: skip

    def _accuracy(self) -> dict[str, Value]:
        subject = self.subject
        key = f"{subject.config.rule.context}" if subject.steps_done == 0 else ""
        if key and key in self.cache:
            return {"accuracy": self.cache[key]}
        top = subject.network.names[-1]
        try:
            found = read_out(subject.network, self._reading, [top])[top].accuracy
        except NotFiniteError:
            return {"accuracy": math.nan}
        if key:
            self.cache[key] = found
        return {"accuracy": found}

    def _top(self, images: Tensor) -> list[Tensor]:
        network = self.subject.network
        found = rates(network, images.contiguous(memory_format=torch.channels_last))
        return [p.pooled(r).double() for p, r in zip(network.populations, found, strict=True)]

    def _rank(self) -> dict[str, Value]:
        rows = torch.cat(
            [self._top(self.subject.glances("probe", i, Contingency()).images)[-1] for i in range(BATCHES)]
        )
        if not bool(rows.isfinite().all()):
            return {"rank": math.nan}
        power = torch.linalg.svdvals(rows - rows.mean(0)).square()
        if not float(power.sum()) > 0:
            return {"rank": 0.0}
        share = power / power.sum()
        return {"rank": float(torch.exp(-(share * share.clamp_min(1e-300).log()).sum()))}

    def _tolerance(self) -> dict[str, Value]:
        parts = [self._top(self.subject.glances("probe", i, Contingency()).images) for i in range(BATCHES)]
        found: dict[str, float] = {}
        for k, name in enumerate(self.subject.network.names):
            pairs = [part[k].chunk(2) for part in parts]
            first, second = (torch.cat([pair[side] for pair in pairs]) for side in (0, 1))
            a, b = first - first.mean(0), second - second.mean(0)
            scale = a.norm(dim=0) * b.norm(dim=0)
            alive = scale > 0
            found[name] = float(((a * b).sum(0)[alive] / scale[alive]).mean()) if bool(alive.any()) else float("nan")
        return {"tolerance": found}

    def _tuning(self) -> dict[str, Value]:
        found = tuning(self.subject.network)
        return {
            "complex": {name: t.complex_like for name, t in found.items()},
            "orientation": {name: t.orientation for name, t in found.items()},
            "tuned": {name: t.tuned for name, t in found.items()},
        }

    def _subsampled(self) -> dict[str, Value]:
        found = tuning(self.subject.network, subsampled=True)
        return {
            "complex_subsampled": {name: t.complex_like for name, t in found.items()},
            "modulation_subsampled": {name: t.modulation for name, t in found.items()},
        }

    def _contrasted(self) -> tuple[Tensor, int]:
        first, second = self.subject.looking.contrasted(0, CONTRASTED)
        return torch.cat([first, second]).to(self.subject.run.device), CONTRASTED

    def _textures(self) -> dict[str, Value]:
        images, count = self._contrasted()
        found, names = signals(self.subject.network, images)[0], self.subject.network.names
        draws = stream(self.subject.looking.batches.seed, "lesion-labelled", 0)
        top = found[-1].cpu()
        if not bool(top.isfinite().all()):
            return {"dprime": dict.fromkeys(names, math.nan), "trials": math.nan}
        return {
            "dprime": {n: dprime(f[:count], f[count:]) for n, f in zip(names, found, strict=True)},
            "trials": trials_to_criterion(top[:count], top[count:], draws),
        }

    def _violation(self) -> dict[str, Value]:
        """Orientation by orientation: over all of them, frames D and U have the same ones."""
        images, count = self._contrasted()
        names, both = self.subject.network.names, signals(self.subject.network, images)
        of = torch.arange(count) % ORIENTATIONS

        def index(found: Tensor) -> float:
            each = [dprime(found[:count][of == k], found[count:][of == k]) for k in range(ORIENTATIONS)]
            return sum(each) / len(each)

        return {
            f"violation_{kind}": {n: index(f) for n, f in zip(names, found, strict=True)}
            for kind, found in zip(("rate", "apical"), both, strict=True)
        }

    def _selectivity(self) -> dict[str, Value]:
        """(P - N) / (P + N) of top units, mean over units and pairs.

        Of every pair those units are asked that preferred P at all three views at the first probe, at most a quarter of all units of
        the population: those whose smallest P - N over the views was largest.
        """
        looking = self.subject.looking
        first, second = looking.pairs()
        responses = {}
        for view in ("fovea", "swap", "nonswap"):
            both = looking.seen(torch.cat([first, second]), view).to(self.subject.run.device)
            p, n = self._top(both)[-1].chunk(2)
            responses[view] = (p, n)
        if self.selected is None:
            gaps = torch.stack([p - n for p, n in responses.values()])
            # units that prefer P at every view: those of which invariance can be asked
            least = torch.where((gaps > 0).all(0), gaps.amin(0), torch.zeros_like(gaps[0]))
            keep = max(1, round(SELECTED * least.shape[1]))
            self.selected = (least >= least.topk(keep, dim=1).values[:, -1:]) & (least > 0)
        if not bool(self.selected.any()):
            raise ConfigError(
                "stimuli.pairs: expected units that prefer one object at all views, got none; take more pairs"
            )
        found: dict[str, Value] = {}
        for view, (p, n) in responses.items():
            index = (p - n) / (p + n).clamp_min(1e-12)
            found[f"selectivity_{view}"] = float(index[self.selected].mean())
        return found
