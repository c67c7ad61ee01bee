"""`apical lesion`: a protocol, its conditions on the copies of a run's network, and what was expected of them."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import torch

from ...models.engine import keep_freed_memory
from ...plasticity import LocalRule
from ...recordings import write_results
from ...recordings.atomic import free_name
from ...recordings.plot_style import save
from ...recordings.seal import unsealed
from ..errors import ConfigError, ProtocolError
from ..progress import bar as progress_bar
from ..progress import notice
from ..runs.files import plain, write_json
from ..runs.provenance import git_state
from ..runs.trained import Described, Trained, describe
from ..sections import hand_in
from ..settings.load import digest
from . import protocol as spec
from .adaptation import adapted
from .asked import fitted
from .bci import interface
from .figure import draw
from .foreign import sources
from .preflight import check
from .section import figure_name, section
from .stages import CircuitStage, FrozenStage, NetworkStage, Origin, Stage, SynapseStage
from .table import Results, dataset, numbers, verdicts


def lesion(
    run: Path,
    protocol: str,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    steps: int | None = None,
    data_dir: Path | None = None,
    data: str | None = None,
    device: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Run a protocol on the network of a run.

    Every condition of a seed starts from the same weights and sees the same glances. Results go into the group `lesion_<protocol>` of the
    run's recording, into its lesion.json under the name of the protocol, into figures/lesion_<protocol>.png and a section of its report.
    Settings, checkpoints and recorded tables of the run stay as they are.

    Args:
        run: folder of the run.
        protocol: name, or path of a YAML file.
        seeds: of the objects, glances and noise; one repetition each.
        steps: plasticity steps of every condition in place of the protocol's.
        data_dir: folder of the data sets.
        data: `folder:PATH` or `npz:PATH`, where the run's own images are now; None where they were.
        device: auto, cpu or cuda; None for the run's own setting.
        progress: show a bar on stderr, when that is a terminal.

    Returns:
        JSON-ready dict: conditions {label: {control, wiring, measures {name: {probe: {mean, sd, values}}}}}, expectations [{text, holds,
        seeds}], expected, left_out (what the rule gives no subject, with the need that is missing), diverged, figure, seconds, ... A condition that diverges with a seed has NaN from there on, is told on stderr and
        named in `diverged`; no statement about it holds, and the others go on.

    Raises:
        ConfigError: no such protocol, a rule without factors or without what the protocol manipulates, settings edited since the training, or too few steps for a fixation.
        ProtocolError: no checkpoint where one is needed, or images are others than in training.
    """
    chosen = spec.load(protocol)
    if steps is not None and chosen.head.stage != "network":
        raise ConfigError(
            f"--steps: expected none at stage {chosen.head.stage}, which has no steps, got {steps}; leave it out"
        )
    described = cast(Described[LocalRule], describe(run))
    chosen, left_out = fitted(described.rule, chosen)
    check(described, chosen)
    keep_freed_memory()
    if described.config.training.threads:
        torch.set_num_threads(described.config.training.threads)
    begun, count = time.perf_counter(), steps or chosen.head.steps
    stage, place = _stage(
        chosen, count, lambda: described.open(device=device, data_dir=data_dir, data=data, progress=progress)
    )
    total = len(seeds) * sum(stage.work(condition) for condition in chosen.conditions)
    results: Results = {}
    with progress_bar(progress, "step", total) as bar:
        for seed in seeds:
            for condition in chosen.conditions:
                bar.set_postfix_str(f"{condition.label}, seed {seed}")
                results[condition.label, seed] = stage.live(condition, seed, bar.update)
    about = {
        "run": str(run), "protocol": chosen.name, "title": chosen.head.title, "stage": chosen.head.stage, "steps": count,
        "checkpoint": place, "left_out": left_out, "seconds": time.perf_counter() - begun,
    }  # fmt: skip
    return _write(described, chosen, results, list(seeds), stage.diverged, about)


def _stage(chosen: spec.Protocol, steps: int, opened: Callable[[], Trained[LocalRule]]) -> tuple[Stage, str]:
    """Where the conditions are lived, and the name of what they start from."""
    if chosen.head.stage == "synapse":
        return SynapseStage(chosen), "none"
    run = opened()
    start = None
    if chosen.head.start == "checkpoint":
        if not run.checkpoints:
            raise ProtocolError("checkpoints: expected a checkpoint, got none; train further or set start: initial")
        start = run.newest()
    origin = Origin(run, start, chosen)
    stages: dict[str, Callable[[], Stage]] = {
        "network": lambda: NetworkStage(origin, steps),
        "circuit": lambda: CircuitStage(origin),
        "adaptation": lambda: FrozenStage(origin, adapted),
        "bci": lambda: FrozenStage(origin, interface),
    }
    return stages[chosen.head.stage](), "initialisation" if start is None else start.name


def _write(
    run: Described[LocalRule],
    protocol: spec.Protocol,
    results: Results,
    seeds: list[int],
    diverged: list[str],
    about: dict[str, Any],
) -> dict[str, Any]:
    """Group of the recording, figure and document."""
    found = dataset(protocol, results, seeds)
    stated = verdicts(protocol, results, seeds)
    attributes = about | {
        "source": protocol.head.source, "config_sha256": digest(run.config), "command": " ".join(sys.argv), "git": git_state(),
    }  # fmt: skip
    group = f"lesion_{protocol.name}"
    write_results(run.folder.recording, group, found, plain(attributes))
    figure = save(draw(protocol, found, stated), run.folder.path / "figures" / figure_name(protocol.name))
    result = about | {
        "seeds": seeds, "conditions": numbers(protocol, results, seeds), "expectations": stated,
        "expected": all(line["holds"] for line in stated), "diverged": diverged, "figure": str(figure),
        "sources": sources(protocol.outside), "units": {name: row.units for name, row in protocol.measured.items()},
    }  # fmt: skip
    _keep(run.folder.path / "lesion.json", protocol.name, result)
    hand_in(run.folder.path, section(plain(result)))
    return result


def _keep(path: Path, name: str, result: dict[str, Any]) -> None:
    """Results of one protocol beside those of others."""
    try:
        kept = unsealed(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError as error:
        kept, damaged = {}, free_name(path)
        path.rename(damaged)
        notice(f"{path}: expected the results of other protocols, got {error}; it is now {damaged}")
    write_json(path, {**kept, name: result})
