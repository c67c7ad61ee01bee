"""`apical align`: from folders of runs to a table, a figure, and a group of each recording."""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import xarray as xr

from ...models import Network
from ...models.engine import checkpoint, keep_freed_memory
from ...plasticity import ClappPP
from ...recordings import write_results
from ...recordings.plot_style import save
from ..errors import ConfigError, nearest
from ..progress import bar as progress_bar
from ..runs.files import write_json
from ..runs.folder import RunFolder
from ..runs.network import fresh_network
from ..runs.provenance import git_state
from ..runs.setup import load_stimulus, pick_device
from ..runs.trained import clapp_rule
from ..settings.load import RunConfig, digest
from .batches import Batch, Batches
from .figure import alignment
from .fit import fit_to_backprop, fit_to_objective
from .measure import Alignment, measure
from .table import FITS, dataset, labels, table

GROUP = "align"
FIT_BATCHES = {"none": 0, "objective": 200, "backprop": 16}
FIT_RATE = 1e-3  # AdamW's first learning rate of a fit to the objective


@dataclass(frozen=True, slots=True)
class Task:
    """One run to be measured.

    Attributes:
        folder, config, rule: of the run.
        label: what its lines are called.
    """

    folder: RunFolder
    config: RunConfig
    rule: ClappPP
    label: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to every run.

    Args:
        batches: batches the alignment is measured on, at least 2.
        batch_size: objects per batch; None for the run's own.
        fit_b: `none`, `objective` or `backprop`: what B is fitted to, beside B as trained.
        fit_batches: batches B is fitted on; None for 200 to the objective and 16 to backprop.
        last: measure the newest checkpoint alone, beside the initialisation.

    Raises:
        ConfigError: a number too small, or an unknown word.
    """

    batches: int = 8
    batch_size: int | None = None
    fit_b: str = "none"
    fit_batches: int | None = None
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

    @property
    def fitted(self) -> int:
        """Batches B is fitted on."""
        return FIT_BATCHES[self.fit_b] if self.fit_batches is None else self.fit_batches


def align(
    runs: Sequence[Path],
    plan: Plan,
    *,
    data_dir: Path | None = None,
    out: Path | None = None,
    device: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Measure how far the local changes of runs are from the backprop gradient of the objective at their top.

    Every run is measured at its random initialisation (step 0) and at its checkpoints, in float32, on images of its own training set.
    Its numbers go into the group `align` of its recording, into its align.json and figures/align.png.

    Args:
        runs: folders of runs with a local rule and the same populations.
        plan: what is done to each.
        data_dir: folder of the data sets.
        out: folder of the common table and figure; None for that of the first run.
        device: auto, cpu or cuda; None for each run's own setting.
        progress: show a bar on stderr, when that is a terminal.

    Returns:
        JSON-ready dict: layers; cosine, cosine_se, norm_ratio and norm_ratio_se by line and step, one number per layer; runs, steps,
        notes, seconds, figure.

    Raises:
        ConfigError: no local rule, runs that cannot be compared, or too few images.
    """
    tasks = _tasks(runs)
    common = out or tasks[0].folder.path
    keep_freed_memory()
    begun, results = time.perf_counter(), []
    notes: dict[str, str] = {}
    for task in tasks:
        place = pick_device(device or task.config.training.device)
        found, note = _measure(task, plan, data_dir, place, progress)
        results.append((task.label, found))
        notes |= {task.label: note} if note else {}
        if task.folder.path.resolve() != common.resolve():
            _write(task.folder.path, [task], [results[-1]], plan, notes, time.perf_counter() - begun)
    return _write(common, tasks, results, plan, notes, time.perf_counter() - begun)


def _tasks(runs: Sequence[Path]) -> list[Task]:
    folders = [RunFolder(path) for path in runs]
    if not folders or len({path.resolve() for path in runs}) < len(runs):
        raise ConfigError(f"align.runs: expected one run or more, each once, got {len(runs)}; name each folder once")
    configs = [folder.settings() for folder in folders]
    rules = [clapp_rule(config.rule, path) for path, config in zip(runs, configs, strict=True)]
    kinds: set[tuple[str, int]] = {(config.network.builder, len(config.network.hidden)) for config in configs}
    if len(kinds) > 1:
        raise ConfigError(f"align.runs: expected runs with the same populations, got {_kinds(kinds)}; align them apart")
    return [
        Task(*found) for found in zip(folders, configs, rules, labels(configs, [str(p) for p in runs]), strict=True)
    ]


def _kinds(kinds: set[tuple[str, int]]) -> str:
    return " and ".join(f"{name} with {depth} hidden" if depth else name for name, depth in sorted(kinds))


def _measure(
    task: Task, plan: Plan, data_dir: Path | None, device: torch.device, progress: bool
) -> tuple[xr.Dataset, str]:
    config = task.config
    if config.training.threads:
        torch.set_num_threads(config.training.threads)
    stimulus = load_stimulus(config, data_dir, device)
    size = plan.batch_size or config.training.batch
    batches = Batches(stimulus, task.rule, config.seed, size, plan.batches, plan.fitted)
    network = fresh_network(config, stimulus).to(device)
    stored = checkpoint.found(task.folder.checkpoints)[-1 if plan.last else 0 :]
    passes = (plan.batches * (1 if plan.fit_b == "none" else 2) + plan.fitted) * (1 + len(stored))
    found: dict[tuple[str, int], Alignment] = {}
    begun = time.perf_counter()
    with progress_bar(progress, "batch", passes) as bar:
        for path in [None, *stored]:
            step = 0 if path is None else checkpoint.read_state(path).step
            bar.set_postfix_str(f"{task.label}, step {step}")
            if path is not None:
                checkpoint.load_network(path, network)
            for fit, alignment_found in _variants(network, task, plan, batches, bar):
                found[fit, step] = alignment_found
    results = dataset(found, network.names)
    attributes = {
        "run": str(task.folder.path), "wiring": task.label, "config_sha256": digest(config), "seed": config.seed,
        "batches": plan.batches, "batch_size": size, "fit_b": plan.fit_b, "fit_batches": plan.fitted,
        "weights": "basal weights W, without the bias", "dtype": "float32", "device": str(device),
        "command": " ".join(sys.argv), "git": git_state(), "seconds": time.perf_counter() - begun,
    }  # fmt: skip
    write_results(task.folder.recording, GROUP, results, attributes)
    return results, "" if stored else "no checkpoint: only the initialisation was measured"


def _variants(network: Network, task: Task, plan: Plan, batches: Batches, bar: Any) -> Iterator[tuple[str, Alignment]]:
    """B as it is, then fitted; leaves the fitted B in the network."""

    def shown(chosen: Iterator[Batch]) -> Iterator[Batch]:
        for batch in chosen:
            yield batch
            bar.update()

    own = measure(network, task.rule, shown(batches.measure()))
    yield "none", own
    if plan.fit_b == "objective":
        fit_to_objective(
            network, task.rule, shown(batches.fit()), steps=plan.fitted, learning_rate=FIT_RATE,
            weight_decay=task.config.optimiser.weight_decay,
        )  # fmt: skip
        yield "objective", measure(network, task.rule, shown(batches.measure()))
    elif plan.fit_b == "backprop":
        fit_to_backprop(network, task.rule, shown(batches.fit()), count=plan.fitted)
        yield "backprop", measure(network, task.rule, shown(batches.measure()), own.gates)


def _write(
    folder: Path,
    tasks: Sequence[Task],
    results: Sequence[tuple[str, xr.Dataset]],
    plan: Plan,
    notes: dict[str, str],
    seconds: float,
) -> dict[str, Any]:
    """The table and the figure of some runs, into a folder."""
    figure = save(alignment(results), folder / "figures" / "align")
    result = {
        **table(results),
        "runs": {task.label: str(task.folder.path) for task in tasks},
        "fit_b": plan.fit_b,
        "batches": plan.batches,
        "fit_batches": plan.fitted,
        "batch_size": {task.label: plan.batch_size or task.config.training.batch for task in tasks},
        "notes": {task.label: notes[task.label] for task in tasks if task.label in notes},
        "figure": str(figure),
        "seconds": seconds,
    }
    write_json(folder / "align.json", result)
    return result
