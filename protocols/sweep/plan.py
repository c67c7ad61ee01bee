"""What a sweep does: its base, axes, seeds and budget, and the cells that follow from them."""

import hashlib
import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ConfigError
from ..settings.load import RunConfig, identity, validate
from ..settings.yaml import merge, override
from .axes import ENTRIES, GRID, MOST, Axis, Value, key_of, leaves

SEED = "seed"
TRAIN, PROBE, ALIGN = "train", "probe", "align"
STEPS = (TRAIN, PROBE, ALIGN)
UNTIL_TIME = 100_000  # epochs of a run that ends by the clock
LONGEST = 80  # characters of the name of a cell; file systems take 255 bytes
_PLAIN = re.compile(r"[^A-Za-z0-9_.+=-]+")


@dataclass(frozen=True, slots=True)
class Budget:
    """How long every cell learns: one of three, or none where the settings say it.

    Attributes:
        epochs: passes over the training images.
        samples: images shown, in whole passes, at least one; every step counts that is made with a batch.
        seconds: of training; with others beside it a run learns less in a second.
    """

    epochs: int | None = None
    samples: int | None = None
    seconds: float | None = None

    def told(self) -> str:
        """In words."""
        if self.epochs is not None:
            return f"{self.epochs:,} epoch{'' if self.epochs == 1 else 's'}"
        if self.samples is not None:
            return f"{self.samples:,} images in whole passes"
        return f"{self.seconds:g} s" if self.seconds is not None else "as the settings say"

    def training(self, config: RunConfig) -> dict[str, Any]:
        """Settings of training that it asks for.

        Raises:
            ConfigError: images cannot be counted.
        """
        if self.epochs is not None:
            return {"epochs": self.epochs}
        if self.seconds is not None:
            return {"epochs": UNTIL_TIME}
        if self.samples is None:
            return {}
        n, batch = config.stimulus.n_train, config.training.batch
        if n is None:
            raise ConfigError(
                "budget.samples: expected stimulus.n_train, by which images are counted, got null; set it, or give budget.epochs"
            )
        return {"epochs": max(1, round(self.samples / (n // batch * batch * config.training.repeats)))}


@dataclass(frozen=True, slots=True)
class Change:
    """Settings of some cells alone.

    Attributes:
        where: labels by axis; the cells that have them all.
        settings: laid over theirs, nested.
    """

    where: Mapping[str, Any]
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of a sweep.

    Attributes:
        name: of its folder.
        at: label by axis, and its seed.
        config: its settings.
        hash: of what it computes.
        sources: checksums that the hash is of, see `sources_of`.
    """

    name: str
    at: Mapping[str, Any]
    config: RunConfig
    hash: str
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """A sweep.

    Attributes:
        name: of the sweep.
        base: nested settings that all cells share.
        axes: what differs.
        seeds: one cell per point and seed.
        budget: of every cell.
        do: what is done in a cell, of `STEPS`.
        read_at: epochs before the last after which a cell is read out on the way, all cells in turn.
        changes: of some cells, in order.
        overrides: `a.b=c` texts for every cell, laid over all else.
        beside: cells side by side, where seconds are the budget; None elsewhere.
    """

    name: str
    base: Mapping[str, Any]
    axes: tuple[Axis, ...]
    seeds: tuple[int, ...] = (0,)
    budget: Budget = Budget()
    do: tuple[str, ...] = (TRAIN, PROBE)
    read_at: tuple[int, ...] = ()
    changes: tuple[Change, ...] = ()
    overrides: tuple[str, ...] = ()
    beside: int | None = None

    def __post_init__(self) -> None:
        _check_paths(self)
        _check_read_at(self)

    def points(self) -> Iterator[dict[str, Any]]:
        """Labels of every cell, seed by seed, so that an early stop leaves whole seeds."""
        labels = [[value.label for value in axis.values] for axis in self.axes]
        for seed in self.seeds:
            for point in itertools.product(*labels):
                yield dict(zip((axis.name for axis in self.axes), point, strict=True)) | {SEED: seed}

    def cells(self, points: Iterator[dict[str, Any]] | None = None) -> list[Cell]:
        """Every cell with checked settings.

        Args:
            points: labels of those wanted; None for all.

        Raises:
            ConfigError: settings that no run could have, with the axis that gives them; too many cells, or two that are one run.
        """
        count = math.prod(len(axis.values) for axis in self.axes) * len(self.seeds)
        if points is None and count > MOST:
            raise ConfigError(f"sweep.axes: expected at most {MOST:,} cells, got {count:,}; give fewer values")
        wanted = list(self.points() if points is None else points)
        values = {axis.name: {key_of(value.label): value for value in axis.values} for axis in self.axes}
        found: list[Cell] = []
        hashes: dict[str, str] = {}
        names: dict[str, str] = {}
        for at in wanted:
            config = self._config(at, {axis.name: values[axis.name][key_of(at[axis.name])] for axis in self.axes})
            found_sources = sources_of(config)
            mark = hash_of(config, self, found_sources)
            name = _name(self.axes, at, mark)
            # file systems of other machines tell no case
            if other := names.get(name.lower()):
                raise ConfigError(
                    f"sweep.axes: expected labels that differ in more than their case and type, got {other} and {name}; rename one"
                )
            names[name.lower()] = name
            if mark in hashes:
                raise ConfigError(
                    f"sweep.axes: expected cells of different settings, got {hashes[mark]} and {name}, which are one run; "
                    "remove one of the values, or the change that makes them alike"
                )
            hashes[mark] = name
            found.append(Cell(name, at, config, mark, found_sources))
        longest = max((cell.config.training.epochs for cell in found), default=0)
        if points is None and self.read_at and self.read_at[-1] >= longest:
            raise ConfigError(
                f"read_at: expected epochs below the {longest} of the longest cell, got {self.read_at[-1]}; the last read-out is at the end in any case"
            )
        return found

    def _config(self, at: Mapping[str, Any], chosen: Mapping[str, Value]) -> RunConfig:
        settings: dict[str, Any] = dict(self.base)
        for axis in self.axes:
            settings = axis.apply(settings, chosen[axis.name])
        for change in self.changes:
            if all(key_of(at[axis]) == key_of(label) for axis, label in change.where.items()):
                settings = merge(settings, change.settings)
        settings = merge(override(settings, self.overrides), {SEED: at[SEED]})
        try:
            config = validate(settings)
            config = validate(merge(settings, {"training": self.budget.training(config)}))
        except ConfigError as error:
            raise ConfigError(f"{_fault(self.axes, at, str(error))}: {error}") from error
        return config


def hash_of(config: RunConfig, plan: Plan, sources: Mapping[str, str] | None = None) -> str:
    """SHA-256 of what a cell computes: settings, read-out, budget of time, and sources of what is not Apical's own.

    Settings that stand at their default are left out, so that one that a later version adds makes no cell another.

    Args:
        config: settings of the cell.
        plan: of its sweep.
        sources: of the cell, where they are known already; see `sources_of`.
    """
    start = _start_of(config)
    free = config.model_copy(update={"training": config.training.model_copy(update={"start": None})})
    told: dict[str, Any] = {"run": identity(free if start else config)}
    if start:
        told["start"] = start
    if probe := config.probe.model_dump(mode="json", exclude_defaults=True):
        told["probe"] = probe
    if plan.do != (TRAIN, PROBE):
        told["do"] = list(plan.do)
    if plan.budget.seconds is not None:
        told |= {"seconds": plan.budget.seconds, "beside": plan.beside}
    if found := sources_of(config) if sources is None else sources:
        told["sources"] = dict(found)
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _start_of(config: RunConfig) -> dict[str, Any]:
    """Step and checksum of the weights that a cell begins with, wherever they lie; empty where there are none (yet)."""
    from pathlib import Path

    from ...models.engine import checkpoint
    from ..runs.folder import RunFolder
    from ..train.start import _sha256

    if config.training.start is None:
        return {}
    stored = checkpoint.found(RunFolder(Path(config.training.start)).checkpoints)
    if not stored:
        return {}
    return {"step": checkpoint.read_state(stored[-1]).step, "sha256": _sha256(stored[-1] / checkpoint.WEIGHTS)}


def sources_of(config: RunConfig) -> dict[str, str]:
    """Checksum of the source of everything from outside, by the setting that names it.

    Raises:
        OutsideError: a word names nothing any more.
    """
    from ..runs.foreign import sources

    return {setting: source["sha256"] for setting, source in sources(config).items()}


def _fault(axes: tuple[Axis, ...], at: Mapping[str, Any], message: str) -> str:
    """The axis that a complaint about a setting is about, else the whole cell."""
    path = message.partition(":")[0].partition("[")[0]
    for axis in axes:
        if any(path == own or path.startswith(f"{own}.") or own.startswith(f"{path}.") for own in axis.paths):
            return f"axes.{axis.name} = {at[axis.name]}"
    told = ", ".join(f"{name} = {label}" for name, label in at.items())
    return f"cell with {told}"


def _name(axes: tuple[Axis, ...], at: Mapping[str, Any], mark: str) -> str:
    """A name that tells the labels, with part of the hash where they cannot stand in the name of a folder."""
    parts = []
    for axis in axes:
        last = axis.name.rpartition(".")[2]
        parts.append(
            str(at[axis.name]) if axis.kind == ENTRIES else f"{last}{'=' if axis.kind == GRID else ''}{at[axis.name]}"
        )
    whole = "-".join([*parts, f"{SEED}{at[SEED]}"])
    name = _PLAIN.sub("-", whole).lstrip("-.")[:LONGEST]
    return name if name == whole else f"{name}-{mark[:8]}"


def _check_read_at(plan: Plan) -> None:
    epochs = plan.read_at
    if not epochs:
        return
    good = all(isinstance(epoch, int) and not isinstance(epoch, bool) and epoch >= 1 for epoch in epochs)
    if not good or list(epochs) != sorted(set(epochs)):
        raise ConfigError(
            f"read_at: expected whole epochs from 1, each larger than the one before, got {', '.join(map(str, epochs))}; for example 1,3,10"
        )
    if plan.budget.seconds is not None:
        raise ConfigError(
            "read_at: expected a budget of epochs or samples, got one of seconds; leave it out, or count epochs"
        )
    if PROBE not in plan.do and ALIGN not in plan.do:
        raise ConfigError(f"read_at: expected {PROBE} or {ALIGN} among what is done, got {', '.join(plan.do)}; add one")


def _check_paths(plan: Plan) -> None:
    """Refuse two that set one thing."""
    setters: dict[str, str] = {SEED: "seeds", "training.max_seconds": "budget.seconds"}
    if plan.budget != Budget():
        setters["training.epochs"] = "budget"
    for axis in plan.axes:
        for path in axis.paths:
            if path in setters:
                raise ConfigError(
                    f"axes.{axis.name}: expected settings that nothing else sets, got {path}, which {setters[path]} sets; remove one"
                )
        setters |= dict.fromkeys(axis.paths, f"axes.{axis.name}")
    for text in plan.overrides:
        path = text.partition("=")[0].strip()
        by = setters.get(path)
        if by and not any(axis.kind == ENTRIES and f"axes.{axis.name}" == by for axis in plan.axes):
            raise ConfigError(
                f"--set {path}: expected a setting that nothing else sets, got one that {by} sets; change it there"
            )
    for change in plan.changes:
        for path in leaves(change.settings):
            if path in (SEED, "training.max_seconds"):
                raise ConfigError(
                    f"cells: expected settings of a run, got {path}, which {setters[path]} sets; remove it"
                )
