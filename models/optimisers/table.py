"""Optimisers by word: one row each, and the settings they read. Read without torch: an optimiser's own file is imported when one is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from ..errors import ModelError
from ..imported import Unfit, asked
from ..keywords import Takes, takes
from ..outside import Open, OutsideError
from ..setting import Setting

if TYPE_CHECKING:
    from ...plasticity import Rule
    from .base import Optimiser

SETTINGS: dict[str, Setting] = {
    "weight_decay": Setting(default=0.01, at_least=0, at_most=10),
    "beta1": Setting(default=0.9, at_least=0, below=1),
    "beta2": Setting(default=0.999, at_least=0, below=1),
    "eps": Setting(default=1e-8, above=0, at_most=1),
    "momentum": Setting(default=0.9, at_least=0, below=1),
    "exponent": Setting(
        default=0.5, at_least=0, at_most=10, said="q, how fast steps shrink as kernels reach unit length"
    ),
    "trust": Setting(default=1e-3, at_least=0, at_most=1, said="size of a step in units of the weight's"),
}


def _in_parts(rule: "Rule") -> str | None:
    """Why LARS does not fit: areas change a part at a time. So do apical weights, but the size of their change is known beforehand."""
    if not rule.needs.routed:
        return None
    return "a rule with areas, got 'lars'; it needs whole changes, theirs come in blocks"


def _never_of_unit_length(rule: "Rule") -> str | None:
    """Why steps towards unit length do not fit."""
    if rule.needs.forgets:
        return None
    return (
        f"{type(rule).__name__}, got 'softhebb'; its steps are for rules that forget, whose kernels come to unit length"
    )


def _never(rule: "Rule") -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Row:
    """One optimiser.

    Attributes:
        home: `module:class` beside this table, or the class itself; it takes `learning_rate`, `factors` and what it reads by name.
        reads: names in `SETTINGS`.
        misfit: why its steps do not fit the changes of a rule, as the end of a sentence; None where they do.
        takes: its keyword arguments, where it is from outside; those that are not in `SETTINGS` are options of its own.
    """

    home: str | Callable[..., Any]
    reads: tuple[str, ...]
    misfit: Callable[["Rule"], str | None] = _never
    takes: Takes | None = None


ROWS: dict[str, Row] = {
    "adamw": Row("adamw:AdamW", ("weight_decay", "beta1", "beta2", "eps")),
    "sgd": Row("sgd:SGD", ("momentum", "weight_decay")),
    "lars": Row("lars:LARS", ("momentum", "weight_decay", "trust"), _in_parts),
    "softhebb": Row("unit_kernels:RadiusStep", ("exponent",), _never_of_unit_length),
}
GIVEN = ("learning_rate", "factors")
METHODS = ("register", "advance", "apply", "tensors", "restore")


def _adopted(thing: Any, word: str) -> Row:
    """The row of an optimiser from outside: a row as it is, or a class of `learning_rate`, `factors` and keyword arguments.

    Raises:
        Unfit: something else.
    """
    row = thing if isinstance(thing, Row) else Row(thing, ())
    if not callable(row.home):
        raise Unfit(
            f"expected an optimiser, a class that takes learning_rate and factors, got {word}, which is {type(thing).__name__}"
        )
    told = takes(row.home)
    if lacks := [name for name in GIVEN if name not in told.names and not told.any]:
        raise Unfit(
            f"expected an optimiser that takes learning_rate and factors, got {word} without {' and '.join(lacks)}; add it"
        )
    return replace(row, reads=tuple(name for name in told.names if name in SETTINGS), takes=told)


OPTIMISERS = Open(ROWS, group="apical.optimisers", field="optimiser.name", adopt=_adopted)


def make(
    name: str, rule: "Rule", *, learning_rate: float, factors: Mapping[str, float], settings: Mapping[str, Any]
) -> "Optimiser":
    """An optimiser for a rule.

    Args:
        name: a word of `OPTIMISERS`.
        rule: whose changes it will take.
        learning_rate: of the first step.
        factors: on the learning rate, by population.
        settings: what it reads, where it differs from the default.

    Raises:
        ModelError: an unknown word, an optimiser that the rule cannot use, a setting that it does not read, or a number outside its range.
    """
    if name not in OPTIMISERS:
        raise ModelError(f"optimiser.name: expected one of {', '.join(OPTIMISERS)}, got {name!r}")
    row = OPTIMISERS[name]
    if (misfit := row.misfit(rule)) is not None:
        anywhere = " or ".join(word for word, other in OPTIMISERS.items() if other.misfit is _never)
        raise ModelError(f"optimiser.name: expected {anywhere} for {misfit}")
    if row.takes is not None:
        return _foreign(name, row, {"learning_rate": learning_rate, "factors": factors, **settings})
    if unread := [word for word in settings if word not in row.reads]:
        raise ModelError(
            f"optimiser.{unread[0]}: expected one of {', '.join(row.reads)} for {name}, got another; leave it out"
        )
    module, _, kind = str(row.home).partition(":")
    given = {word: settings.get(word, SETTINGS[word].default) for word in row.reads}
    made = getattr(import_module(f".{module}", __package__), kind)(
        learning_rate=learning_rate, factors=factors, **given
    )
    return cast("Optimiser", made)


def _foreign(name: str, row: Row, given: Mapping[str, Any]) -> "Optimiser":
    """An optimiser from outside, if it is one."""
    home = cast("Callable[..., Any]", row.home)
    made = asked(name, lambda: home(**given), "made", partial(OutsideError, OPTIMISERS.field))
    lacks = [method for method in METHODS if not callable(getattr(made, method, None))]
    lacks += [] if hasattr(made, "learning_rate") else ["learning_rate"]
    if lacks:
        raise OutsideError(
            OPTIMISERS.field,
            f"expected an optimiser, got {name}, whose {type(made).__name__} has no {' and no '.join(lacks)}; see models/optimisers/base.py",
        )
    return cast("Optimiser", made)
