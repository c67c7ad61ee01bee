"""`apical lesion`: a protocol, its conditions on the copies of a run's network, and what was expected of them."""

import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ...models.engine import checkpoint, keep_freed_memory
from ...recordings import write_results
from ...recordings.plot_style import save
from ..errors import ConfigError
from ..progress import bar as progress_bar
from ..progress import beside
from ..runs.files import plain, write_json
from ..runs.folder import RunFolder
from ..runs.provenance import git_state
from ..runs.setup import load_stimulus, pick_device
from ..runs.trained import clapp_rule
from ..settings.load import RunConfig, digest
from . import protocol as spec
from .circuit import Found, cut, pulse
from .events import Apical, Contingency, Event, Fixation, Gamma, Probe, Saccade
from .figure import draw
from .glances import Looking
from .measures import Probing, Value
from .quantities import MEASURES
from .shared_past import Key, Memory, keep, key, recall, shared
from .subject import Diverged, Source, Subject
from .synapse import pairings
from .table import Results, dataset, numbers, verdicts


def lesion(
    run: Path,
    protocol: str,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    steps: int | None = None,
    data_dir: Path | None = None,
    device: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Run a protocol on the network of a run.

    Every condition of a seed starts from the same weights and sees the same glances. Results go into the group `lesion_<protocol>` of the
    run's recording, into its lesion.json under the name of the protocol, and into figures/lesion_<protocol>.png. Settings, checkpoints and
    recorded tables of the run stay as they are.

    Args:
        run: folder of the run.
        protocol: name, or path of a YAML file.
        seeds: of the objects, glances and noise; one repetition each.
        steps: plasticity steps of every condition in place of the protocol's.
        data_dir: folder of the data sets.
        device: auto, cpu or cuda; None for the run's own setting.
        progress: show a bar on stderr, when that is a terminal.

    Returns:
        JSON-ready dict: conditions {label: {control, wiring, measures {name: {probe: {mean, sd, values}}}}}, expectations [{text, holds,
        seeds}], expected, diverged, figure, seconds, ... A condition that diverges with a seed has NaN from there on, is told on stderr and
        named in `diverged`; no statement about it holds, and the others go on.

    Raises:
        ConfigError: no such protocol, a run without apical dendrites that learn, or too few steps for a fixation.
        ProtocolError: no checkpoint where one is needed.
    """
    chosen = spec.load(protocol)
    if steps is not None and chosen.head.stage != "network":
        raise ConfigError(
            f"--steps: expected none at stage {chosen.head.stage}, which has no steps, got {steps}; leave it out"
        )
    folder = RunFolder(run)
    config = folder.settings()
    check(folder, config, chosen)
    keep_freed_memory()
    if config.training.threads:
        torch.set_num_threads(config.training.threads)
    begun = time.perf_counter()
    place = pick_device(device or config.training.device)
    stored = checkpoint.found(folder.checkpoints)
    source = None
    if chosen.head.stage != "synapse":
        source = Source(config, stored[-1] if stored else None, load_stimulus(config, data_dir, place), place)
    stage = Stage(chosen, source, steps or chosen.head.steps)
    total = len(seeds) * sum(stage.work(condition) for condition in chosen.conditions)
    results: Results = {}
    with progress_bar(progress, "step", total) as bar:
        for seed in seeds:
            stage.memories.clear()
            for condition in chosen.conditions:
                bar.set_postfix_str(f"{condition.label}, seed {seed}")
                results[condition.label, seed] = stage.live(condition, seed, bar.update)
    return _write(folder, chosen, results, list(seeds), stage, digest(config), time.perf_counter() - begun)


def check(folder: RunFolder, config: RunConfig, protocol: spec.Protocol) -> None:
    """Refuse a run on which a protocol has no meaning.

    Raises:
        ConfigError: as said, with the runs that it needs.
    """
    clapp_rule(config.rule, folder.path)
    if config.rule.phases != "both" and protocol.head.stage == "network":
        raise ConfigError(
            f"{folder.path}: expected rule.phases both, as in a stream of fixations and saccades, got {config.rule.phases!r}; give such a run"
        )
    for condition in protocol.conditions:
        _check_saccades(condition, config.rule.negatives)
    for name in protocol.head.measures:
        need, stage = MEASURES[name].stimuli, MEASURES[name].stage
        if stage != protocol.head.stage:
            raise ConfigError(
                f"measures: expected those of stage {protocol.head.stage}, got {name} of stage {stage}; leave it out"
            )
        if need and protocol.head.stimuli.objects != need:
            raise ConfigError(
                f"stimuli.objects: expected {need} for {name}, got {protocol.head.stimuli.objects!r}; change it or leave {name} out"
            )


def _check_saccades(condition: spec.Condition, negatives: str) -> None:
    """In a sequence they go to a third one, or what a substitute teaches would be taken back by some of them."""
    to, follows = negatives, "same"
    for number, event in enumerate(condition.events):
        to = event.to if isinstance(event, Saccade) else to
        follows = event.follows if isinstance(event, Contingency) else follows
        if to == "random" and follows == "sequence":
            raise ConfigError(
                f"conditions.{condition.label}.events[{number}]: expected saccades to next in a sequence, got random; "
                "put saccade: next before it"
            )


def steps_of(condition: spec.Condition, steps: int) -> list[int]:
    """Plasticity steps of every event; shares are added up before they are rounded, so that parts are together as long as the whole.

    Raises:
        ConfigError: a fixation without a single step.
    """
    counts: list[int] = []
    share = 0.0
    for number, event in enumerate(condition.events):
        count = 0
        if isinstance(event, Fixation):
            share += event.share
            count = round(round(share * steps, 6)) - sum(counts)
            if event.share and not count:
                raise ConfigError(
                    f"conditions.{condition.label}.events[{number}].fixation.share: expected a step or more of {steps}, "
                    f"got {event.share:g} of them; raise the steps"
                )
        counts.append(count)
    return counts


@dataclass(slots=True)
class Stage:
    """Where conditions are lived.

    Attributes:
        protocol: the protocol.
        source: where subjects come from; None where there are none (synapse).
        steps: plasticity steps of every condition.
        diverged: conditions that did, with their seeds.
    """

    protocol: spec.Protocol
    source: Source | None
    steps: int
    cache: dict[str, float] = field(default_factory=dict)
    circuits: dict[int, Any] = field(default_factory=dict)
    memories: dict[tuple[int, Key], Memory] = field(default_factory=dict)
    common: set[Key] = field(default_factory=set)
    counts: dict[str, list[int]] = field(default_factory=dict)
    diverged: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.common = shared(self.protocol.conditions)
        if self.protocol.head.stage == "network":
            self.counts = {c.label: steps_of(c, self.steps) for c in self.protocol.conditions}

    def work(self, condition: spec.Condition) -> int:
        """Steps of one condition, for the progress bar."""
        if self.protocol.head.stage != "network":
            return 1
        return sum(self.counts[condition.label])

    def live(
        self, condition: spec.Condition, seed: int, advance: Callable[[], Any]
    ) -> dict[str, Found | dict[str, Value]]:
        """What one condition finds with one seed, probe by probe."""
        if self.protocol.head.stage == "network":
            return self._network(condition, seed, advance)
        found: dict[str, Found | dict[str, Value]] = {}
        if self.protocol.head.stage == "circuit":
            if seed not in self.circuits:
                self.circuits[seed] = cut(self._subject("own", seed))
            found.update(pulse(self.circuits[seed], condition, seed))
        else:
            found.update(pairings(condition, seed))
        advance()
        return found

    def _subject(self, wiring: str, seed: int) -> Subject:
        head = self.protocol.head
        assert self.source is not None
        looking = Looking(self.source.stimulus, head.stimuli, self.source.config.training.batch, seed)
        return Subject(self.source, wiring, head.start, looking, head.learning_rate)

    def _network(
        self, condition: spec.Condition, seed: int, advance: Callable[[], Any]
    ) -> dict[str, Found | dict[str, Value]]:
        subject = self._subject(condition.wiring, seed)
        probing = Probing(subject, self.protocol.head.measures, self.cache)
        found: dict[str, dict[str, Value]] = {}
        known = [n for n in range(1, len(condition.events) + 1) if (seed, key(condition, n)) in self.memories]
        lived = known[-1] if known else 0
        for number, event in enumerate(condition.events):
            if isinstance(event, Fixation):
                steps = self.counts[condition.label][number]
                if number >= lived:
                    try:
                        subject.fixate(event, steps, advance)
                    except Diverged as error:
                        return {**found, **self._diverged(condition, seed, subject, found, error)}
                for _ in range(steps if number < lived else 0):
                    advance()
            elif not isinstance(event, Probe):
                subject.set(_setting(event))
            elif number >= lived:
                found[event.name] = probing.measure()
            here = key(condition, number + 1)
            if number + 1 == lived:
                found = recall(self.memories[seed, here], subject, probing)
            elif number + 1 > lived and here in self.common:
                self.memories[seed, here] = keep(subject, probing, found)
        return dict(found)

    def _diverged(
        self, condition: spec.Condition, seed: int, subject: Subject, found: Mapping[str, Any], error: Diverged
    ) -> dict[str, dict[str, Value]]:
        """Tell it; what the probes still to come would have found is not a number."""
        self.diverged.append(f"{condition.label}, seed {seed}")
        beside(f"conditions.{condition.label}, seed {seed}: {error}")
        each = dict.fromkeys(subject.network.names, math.nan)
        nothing: dict[str, Value] = {
            name: dict(each) if MEASURES[name].per_population else math.nan for name in self.protocol.head.measures
        }
        return {name: dict(nothing) for name in condition.probes if name not in found}


def _setting(event: Event) -> Gamma | Apical | Contingency | Saccade:
    assert isinstance(event, Gamma | Apical | Contingency | Saccade)
    return event


def _write(
    folder: RunFolder,
    protocol: spec.Protocol,
    results: Results,
    seeds: list[int],
    stage: Stage,
    sha256: str,
    seconds: float,
) -> dict[str, Any]:
    found = dataset(protocol, results, seeds)
    stated = verdicts(protocol, results, seeds)
    place = "none" if stage.source is None else "initialisation"
    if stage.source is not None and stage.source.checkpoint is not None and protocol.head.start == "checkpoint":
        place = stage.source.checkpoint.name
    attributes = {
        "run": str(folder.path), "protocol": protocol.name, "title": protocol.head.title, "source": protocol.head.source,
        "stage": protocol.head.stage, "steps": stage.steps, "config_sha256": sha256, "checkpoint": place,
        "command": " ".join(sys.argv), "git": git_state(), "seconds": seconds,
    }  # fmt: skip
    group = f"lesion_{protocol.name}"
    write_results(folder.recording, group, found, plain(attributes))
    figure = save(draw(protocol, found, stated), folder.path / "figures" / group)
    result = {
        "run": str(folder.path), "protocol": protocol.name, "title": protocol.head.title, "stage": protocol.head.stage,
        "steps": stage.steps, "seeds": seeds, "checkpoint": place,
        "conditions": numbers(protocol, results, seeds), "expectations": stated,
        "expected": all(line["holds"] for line in stated), "diverged": stage.diverged, "figure": str(figure), "seconds": seconds,
    }  # fmt: skip
    _keep(folder.path / "lesion.json", protocol.name, result)
    return result


def _keep(path: Path, name: str, result: dict[str, Any]) -> None:
    """Results of one protocol beside those of others."""
    try:
        kept = json.loads(path.read_text()) if path.is_file() else {}
    except ValueError:
        kept = {}  # written by something else, or cut short
    write_json(path, {**kept, name: result})
