"""`apical align`: from folders of runs to a table, a figure, and a group of each recording."""

import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
import xarray as xr

from ...models import Network
from ...models.engine import keep_freed_memory
from ...plasticity import LocalRule, Rule
from ...recordings import write_results
from ...recordings.plot_style import save
from ..errors import ConfigError, nearest
from ..offers import OBJECTIVES, fits, objective_of, require
from ..progress import bar as progress_bar
from ..runs.batches import Batch
from ..runs.files import plain, write_json
from ..runs.provenance import git_state
from ..runs.trained import Described, Trained, describe
from ..sections import hand_in
from ..settings.load import digest
from .figure import alignment
from .fit import check_slopes, fit_to_backprop, fit_to_objective
from .measure import Alignment, measure
from .portions import Portions
from .section import FIGURE, section
from .table import FITS, dataset, labels, table
from .top_objective import fit_read_out

GROUP = "align"
FIT_BATCHES = {"none": 0, "objective": 200, "backprop": 16}
FIT_RATE = 1e-3  # AdamW's first learning rate of a fit to the objective
FIT_DECAY = 0.01  # and its weight decay, whatever the run's: without one, the optimum of B need not be unique


@dataclass(frozen=True, slots=True)
class Task:
    """One run to be measured.

    Attributes:
        run: the run, without its images.
        label: what its lines are called.
    """

    run: Described[Rule]
    label: str

    @property
    def folder(self) -> Path:
        """Where its results go."""
        return self.run.folder.path


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to every run.

    Args:
        batches: batches the alignment is measured on, at least 2.
        batch_size: objects per batch; None for the run's own.
        fit_b: `none`, `objective` or `backprop`: what B is fitted to, beside B as trained.
        fit_batches: batches B is fitted on; None for 200 to the objective and 16 to backprop.
        fit_decay: weight decay of a fit to the objective, which makes its optimum unique, at least 0; None for 0.01.
        last: measure the newest checkpoint alone, beside the initialisation.

    Raises:
        ConfigError: a number too small, or an unknown word.
    """

    batches: int = 8
    batch_size: int | None = None
    fit_b: str = "none"
    fit_batches: int | None = None
    fit_decay: float | None = None
    last: bool = False

    def __post_init__(self) -> None:
        if self.fit_b not in FITS:
            raise ConfigError(
                f"align.fit_b: expected one of {', '.join(FITS)}, got {self.fit_b!r}{nearest(self.fit_b, FITS)}"
            )
        for name, least in (("batches", 2), ("batch_size", 2), ("fit_batches", 2)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigError(f"align.{name}: expected at least {least}, got {value}; raise it")
        if self.fit_b == "none" and self.fit_batches is not None:
            raise ConfigError("align.fit_batches: expected none without a fit, got a number; choose --fit-b")
        if self.fit_decay is not None and self.fit_b != "objective":
            raise ConfigError(
                f"align.fit_decay: expected none with fit_b={self.fit_b}, got {self.fit_decay}; it belongs to --fit-b objective"
            )
        if not (math.isfinite(self.decay) and self.decay >= 0):
            raise ConfigError(
                f"align.fit_decay: expected a finite number from 0, got {self.fit_decay}; the default is 0.01"
            )

    @property
    def decay(self) -> float:
        """Weight decay of a fit to the objective."""
        return FIT_DECAY if self.fit_decay is None else self.fit_decay

    @property
    def fitted(self) -> int:
        """Batches B is fitted on."""
        return FIT_BATCHES[self.fit_b] if self.fit_batches is None else self.fit_batches


def align(
    runs: Sequence[Path],
    plan: Plan,
    *,
    data_dir: Path | None = None,
    data: str | None = None,
    out: Path | None = None,
    device: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Measure how far the local changes of runs are from the backprop gradient of the objective at their top.

    Every run is measured at its random initialisation (step 0) and at its checkpoints, in float32, on images of its own training set.
    Its numbers go into the group `align` of its recording, into its align.json, figures/align.png and a section of its report.

    Args:
        runs: folders of runs with a local rule and the same populations.
        plan: what is done to each.
        data_dir: folder of the data sets.
        data: `folder:PATH` or `npz:PATH`, where the run's own images are now; of all runs; None where they were.
        out: folder of the common table and figure; None for that of the first run.
        device: auto, cpu or cuda; None for each run's own setting.
        progress: show a bar on stderr, when that is a terminal.

    Returns:
        JSON-ready dict: layers; cosine, cosine_se, norm_ratio and norm_ratio_se by line and step, one number per layer; runs, steps,
        notes, seconds, figure.

    Raises:
        ConfigError: a rule without a local change, or one whose B cannot be fitted where that is asked, runs that cannot be compared, settings edited since the training, or too few images.
        ProtocolError: images are others than in training.
    """
    tasks = _tasks(runs, plan)
    common = out or tasks[0].folder
    keep_freed_memory()
    begun, results = time.perf_counter(), []
    notes: dict[str, str] = {}
    for task in tasks:
        run = task.run.open(device=device, data_dir=data_dir, data=data, progress=progress)
        found, note = _measure(task, plan, run, progress)
        results.append((task.label, found))
        notes |= {task.label: note} if note else {}
        if task.folder.resolve() != common.resolve():
            _write(task.folder, [task], [results[-1]], plan, notes, time.perf_counter() - begun)
    return _write(common, tasks, results, plan, notes, time.perf_counter() - begun)


def _tasks(runs: Sequence[Path], plan: Plan) -> list[Task]:
    if not runs or len({path.resolve() for path in runs}) < len(runs):
        raise ConfigError(f"align.runs: expected one run or more, each once, got {len(runs)}; name each folder once")
    described = [describe(path) for path in runs]
    for one in described:
        require("align", one)
        if plan.fit_b != "none" and (reason := fits(one.rule)) is not None:
            raise ConfigError(
                f"align.fit_b: expected none for {one.config.rule.name}, got {plan.fit_b}: the rule of {one.folder.path} has {reason}; leave it out"
            )
    configs = [run.config for run in described]
    kinds: set[tuple[str, int]] = {
        (config.network.builder, len(config.network.hidden) + len(config.network.layers)) for config in configs
    }
    if len(kinds) > 1:
        raise ConfigError(f"align.runs: expected runs with the same populations, got {_kinds(kinds)}; align them apart")
    return [Task(*found) for found in zip(described, labels(configs, [str(p) for p in runs]), strict=True)]


def _kinds(kinds: set[tuple[str, int]]) -> str:
    return " and ".join(f"{name} with {depth} hidden" if depth else name for name, depth in sorted(kinds))


def _measure(task: Task, plan: Plan, run: Trained[Rule], progress: bool) -> tuple[xr.Dataset, str]:
    config = run.config
    if config.training.threads:
        torch.set_num_threads(config.training.threads)
    size = plan.batch_size or config.training.batch
    portions = Portions(run.batches, size, plan.batches, plan.fitted, objective_of(task.run.rule) == "read-out")
    stored = run.checkpoints[-1 if plan.last else 0 :]
    passes = (plan.batches * (1 if plan.fit_b == "none" else 2) + plan.fitted) * (1 + len(stored))
    if plan.fit_b == "backprop":
        check_slopes(cast(Network, run.beginning()))
    found: dict[tuple[str, int], Alignment] = {}
    begun = time.perf_counter()
    with progress_bar(progress, "batch", passes) as bar:
        for path in [None, *stored]:
            step = 0 if path is None else run.state(path).step
            bar.set_postfix_str(f"{task.label}, step {step}")
            network = cast(Network, run.beginning() if path is None else run.network(path))
            classes = len(run.stimulus.train.classes)
            for fit, alignment_found in _variants(network, task, plan, portions, bar, classes):
                found[fit, step] = alignment_found
    results = dataset(found, network.names)
    attributes = {
        "run": str(task.folder), "wiring": task.label, "config_sha256": digest(config), "seed": config.seed,
        "batches": plan.batches, "batch_size": size, "fit_b": plan.fit_b, "fit_batches": plan.fitted,
        **({"fit_decay": plan.decay} if plan.fit_b == "objective" else {}), "weights": "basal weights W, without the bias", "dtype": "float32", "device": str(run.device),
        "objective": OBJECTIVES[objective_of(task.run.rule)],
        "command": " ".join(sys.argv), "git": git_state(), "seconds": time.perf_counter() - begun,
    }  # fmt: skip
    write_results(run.folder.recording, GROUP, results, attributes)
    return results, "" if stored else "no checkpoint: only the initialisation was measured"


def _variants(
    network: Network, task: Task, plan: Plan, portions: Portions, bar: Any, classes: int
) -> Iterator[tuple[str, Alignment]]:
    """B as it is, then fitted; leaves the fitted B in the network."""

    def shown(chosen: Iterator[Batch]) -> Iterator[Batch]:
        for batch in chosen:
            yield batch
            bar.update()

    rule, read_out = cast(LocalRule, task.run.rule), None
    if objective_of(rule) == "read-out":
        read_out = fit_read_out(network, rule, portions.others(), classes)
    own = measure(network, rule, shown(portions.measure()), read_out=read_out)
    yield "none", own
    if plan.fit_b == "objective":
        fit_to_objective(
            network, rule, shown(portions.fit()), steps=plan.fitted, learning_rate=FIT_RATE,
            weight_decay=plan.decay,
        )  # fmt: skip
        yield "objective", measure(network, rule, shown(portions.measure()))
    elif plan.fit_b == "backprop":
        fit_to_backprop(network, rule, shown(portions.fit()), count=plan.fitted)
        yield "backprop", measure(network, rule, shown(portions.measure()), own.gates)


def _write(
    folder: Path,
    tasks: Sequence[Task],
    results: Sequence[tuple[str, xr.Dataset]],
    plan: Plan,
    notes: dict[str, str],
    seconds: float,
) -> dict[str, Any]:
    """The table and the figure of some runs, into a folder."""
    figure = save(alignment(results), folder / "figures" / FIGURE)
    result = {
        **table(results),
        "runs": {task.label: str(task.folder) for task in tasks},
        "fit_b": plan.fit_b,
        "batches": plan.batches,
        "fit_batches": plan.fitted,
        "fit_decay": plan.decay if plan.fit_b == "objective" else None,
        "batch_size": {task.label: plan.batch_size or task.run.config.training.batch for task in tasks},
        "objective": {task.label: OBJECTIVES[objective_of(task.run.rule)] for task in tasks},
        "notes": {task.label: notes[task.label] for task in tasks if task.label in notes},
        "figure": str(figure),
        "seconds": seconds,
    }
    write_json(folder / "align.json", result)
    hand_in(folder, section(plain(result)))
    return result
