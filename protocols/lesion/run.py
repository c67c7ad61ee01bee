"""`apical lesion`: a protocol, its conditions on the copies of a run's network, and what was expected of them."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from ...models.engine import checkpoint, keep_freed_memory
from ...recordings import write_results
from ...recordings.plot_style import save
from ..config import RunConfig, digest
from ..documents import write_json
from ..errors import ConfigError
from ..rules import clapp_rule
from ..run import RunFolder, git_state
from ..terminal import plain
from ..train import load_stimulus, pick_device
from . import spec
from .circuit import Found, cut, pulse
from .events import Apical, Contingency, Event, Fixation, Gamma, Probe, Saccade
from .figure import draw
from .looking import Looking
from .measures import Probing, Value
from .memory import Key, Memory, keep, key, recall, shared
from .names import MEASURES
from .subject import Source, Subject
from .synapse import pairings
from .table import Results, dataset, numbers, verdicts


def lesion(
    run: Path,
    protocol: str,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    steps: int | None = None,
    data_dir: Path | None = None,
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
        progress: show a bar on stderr, when that is a terminal.

    Returns:
        JSON-ready dict: conditions {label: {control, wiring, measures {name: {probe: {mean, sd, values}}}}}, expectations [{text, holds,
        seeds}], expected, figure, seconds, ...

    Raises:
        ConfigError: no such protocol, or a run without apical dendrites that learn.
        ProtocolError: no checkpoint where one is needed.
    """
    chosen = spec.load(protocol)
    folder = RunFolder(run)
    config = folder.settings()
    check(folder, config, chosen)
    keep_freed_memory()
    if config.training.threads:
        torch.set_num_threads(config.training.threads)
    begun = time.perf_counter()
    device = pick_device(config.training.device)
    stored = checkpoint.found(folder.checkpoints)
    source = None
    if chosen.head.stage != "synapse":
        source = Source(config, stored[-1] if stored else None, load_stimulus(config, data_dir, device), device)
    stage = Stage(chosen, source, steps or chosen.head.steps)
    total = len(seeds) * sum(stage.work(condition) for condition in chosen.conditions)
    results: Results = {}
    with tqdm(total=total, unit="step", file=sys.stderr, disable=None if progress else True) as bar:
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


@dataclass(slots=True)
class Stage:
    """Where conditions are lived.

    Attributes:
        protocol: the protocol.
        source: where subjects come from; None where there are none (synapse).
        steps: plasticity steps of every condition.
    """

    protocol: spec.Protocol
    source: Source | None
    steps: int
    cache: dict[str, float] = field(default_factory=dict)
    circuits: dict[int, Any] = field(default_factory=dict)
    memories: dict[tuple[int, Key], Memory] = field(default_factory=dict)
    common: set[Key] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.common = shared(self.protocol.conditions)

    def work(self, condition: spec.Condition) -> int:
        """Steps of one condition, for the progress bar."""
        if self.protocol.head.stage != "network":
            return 1
        return sum(self._steps(event) for event in condition.events if isinstance(event, Fixation))

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
                steps = self._steps(event)
                if number >= lived:
                    subject.fixate(event, steps, advance)
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

    def _steps(self, event: Fixation) -> int:
        return round(event.share * self.steps)


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
        "expected": all(line["holds"] for line in stated), "figure": str(figure), "seconds": seconds,
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
