"""What is swept, as a file says it.

base: a preset, a file, several of them, or a mapping of settings, which may extend some
axes:
  optimiser.learning_rate: [1.0e-3, 3.0e-3]          see `axes` for lists, draws and entries
seeds: 3                                             0, 1 and 2; or a list
budget: {epochs: 2}                                  or {samples: 100000}, or {seconds: 60}; without one the settings say it
do: [train, probe]                                   and align
read_at: [1, 3, 10]                                  and at these epochs on the way, all cells in turn
cells:                                               settings of some cells alone
  - where: {network.width: 1.0}
    set: {training.batch: 16}
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from ...models.outside import placed
from ..errors import ConfigError, nearest
from ..settings.groups import Settings
from ..settings.wording import Contradiction, validated
from ..settings.yaml import merge, parse_file, read_all
from .axes import Axis, axis_of, dotted, key_of
from .plan import PROBE, STEPS, TRAIN, Budget, Change, Plan

SEE = "apical sweep --help"
MOST_SEEDS = 10_000


def _base(value: Any) -> Any:
    if not isinstance(value, str | list | dict):
        raise Contradiction(f"expected a preset, a file or a mapping of settings, got {value!r}; for example demo")
    return value


def _axes(value: Any) -> Any:
    if not isinstance(value, dict) or not value:
        raise Contradiction(
            f"expected a mapping of settings to their values, got {value!r}; for example optimiser.learning_rate: [0.001, 0.003]"
        )
    return value


def _seeds(value: Any) -> Any:
    numbers = list(range(value)) if isinstance(value, int) and not isinstance(value, bool) else value
    good = isinstance(numbers, list) and 1 <= len(numbers) <= MOST_SEEDS
    if not good or any(not isinstance(n, int) or isinstance(n, bool) or not 0 <= n < 2**32 for n in numbers):
        raise Contradiction(f"expected how many seeds, or a list of them, got {value!r}; for example 3 or [0, 5]")
    if len(set(numbers)) < len(numbers):
        raise Contradiction(f"expected different seeds, got {value!r}; remove those that stand twice")
    return numbers


class BudgetFile(Settings):
    """How long a cell learns."""

    epochs: int | None = Field(default=None, ge=1, le=100_000)
    samples: int | None = Field(default=None, ge=1, le=10**12)
    seconds: float | None = Field(default=None, gt=0, le=1e9)


class ChangeFile(Settings):
    """Settings of some cells alone."""

    where: Annotated[dict[Any, Any], BeforeValidator(_axes)]
    set: Annotated[dict[Any, Any], BeforeValidator(_axes)]


class SweepFile(Settings):
    """What a file says."""

    name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$")
    base: Annotated[Any, BeforeValidator(_base)]
    axes: Annotated[dict[Any, Any], BeforeValidator(_axes)]
    seeds: Annotated[list[int], BeforeValidator(_seeds)] = Field(default_factory=lambda: [0])
    budget: BudgetFile = Field(default_factory=BudgetFile)
    do: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] = (TRAIN, PROBE)
    read_at: Annotated[tuple[int, ...], Field(strict=False)] = ()
    cells: Annotated[tuple[ChangeFile, ...], Field(strict=False)] = ()


def load(source: str | Mapping[str, Any], overrides: Sequence[str] = ()) -> Plan:
    """The plan of a sweep.

    Args:
        source: path of a YAML file, or the mapping that such a file holds.
        overrides: `a.b=c` texts for every cell.

    Raises:
        ConfigError: no such file, or one of another form.
    """
    if isinstance(source, str):
        path = Path(source)
        if not path.is_file():
            raise ConfigError(
                f"sweep.spec: expected a YAML file, or the folder of a sweep, got {source!r}, which is neither; see {SEE}"
            )
        return plan_of(parse_file(path), f"{path}: ", path.stem, overrides)
    return plan_of(placed(source, Path.cwd()), "", "sweep", overrides)


def plan_of(document: Any, before: str, name: str, overrides: Sequence[str] = ()) -> Plan:
    """The plan that a file describes.

    Args:
        document: what was read.
        before: where it stands, put before a complaint.
        name: of a sweep that says none.
        overrides: `a.b=c` texts for every cell.

    Raises:
        ConfigError: another form.
    """
    if not isinstance(document, Mapping):
        raise ConfigError(f"{before}expected a mapping with base and axes, got {type(document).__name__}; see {SEE}")
    told = validated(SweepFile, document, before, SEE)
    budget = told.budget.model_dump()
    given = [kind for kind, amount in budget.items() if amount is not None]
    if len(given) > 1:
        raise ConfigError(f"{before}budget: expected one of {', '.join(budget)}, got {' and '.join(given)}; remove one")
    try:
        axes = tuple(axis_of(_text(axis, "axes"), values) for axis, values in told.axes.items())
        return Plan(
            name=told.name or name, base=base_of(told.base, "base"), axes=axes, seeds=tuple(told.seeds), budget=Budget(**budget),
            do=_steps(told.do), read_at=told.read_at, changes=tuple(_change(i, each, axes, told.seeds) for i, each in enumerate(told.cells)),
            overrides=tuple(overrides),
        )  # fmt: skip
    except ConfigError as error:
        raise ConfigError(f"{before}{error}") from error


def base_of(base: Any, where: str) -> dict[str, Any]:
    """Settings that all cells share, with everything that they extend beneath them.

    Args:
        base: a preset, a file, several of them, or a mapping.
        where: put before a complaint.

    Raises:
        ConfigError: no such preset or file.
    """
    if not isinstance(base, Mapping):
        return read_all(base, where)
    settings = dict(base)
    merged = read_all(settings.pop("extends", []), f"{where}.extends")
    return merge(merged, settings)


def with_workers(plan: Plan, workers: int) -> Plan:
    """The plan with what its cells have beside them, which counts where seconds are the budget."""
    return plan if plan.budget.seconds is None else replace(plan, beside=max(workers, 1))


def _text(name: Any, where: str) -> str:
    if not isinstance(name, str) or not name:
        raise ConfigError(f"{where}: expected names of settings, got {name!r}; for example optimiser.learning_rate")
    return name


def _steps(do: tuple[str, ...]) -> tuple[str, ...]:
    for step in do:
        if step not in STEPS:
            raise ConfigError(f"do: expected steps of {', '.join(STEPS)}, got {step!r}{nearest(step, STEPS)}")
    if TRAIN not in do:
        raise ConfigError(
            f"do: expected {TRAIN} among the steps, got {', '.join(do)}; nothing can be read of a run that is none"
        )
    return tuple(step for step in STEPS if step in do)


def _change(i: int, told: ChangeFile, axes: tuple[Axis, ...], seeds: Sequence[int]) -> Change:
    labels: dict[str, list[Any]] = {axis.name: [value.label for value in axis.values] for axis in axes}
    labels["seed"] = list(seeds)
    for axis, label in told.where.items():
        if axis not in labels:
            raise ConfigError(
                f"cells[{i}].where: expected names of axes, {', '.join(labels)}, got {axis!r}{nearest(str(axis), labels)}"
            )
        if key_of(label) not in map(key_of, labels[axis]):
            raise ConfigError(
                f"cells[{i}].where.{axis}: expected one of {', '.join(map(str, labels[axis]))}, got {label!r}; no cell is there"
            )
    return Change(dict(told.where), dotted(told.set, f"cells[{i}].set"))
