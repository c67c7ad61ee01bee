"""Optimisers by word: one row each, and the settings they read. Read without torch: an optimiser's own file is imported when one is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

from ..errors import ModelError
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
    """Why LARS does not fit: the apical side of a local rule, and areas, change a part at a time; other feedback is fixed."""
    parts = "areas" if rule.needs.routed else "apical weights"
    if not (rule.needs.routed or (rule.needs.engine == "local" and rule.needs.sources)):
        return None
    return f"a rule with {parts}, got 'lars'; it needs whole changes, theirs come in blocks"


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
        home: `module:class` beside this table; the class takes `learning_rate`, `factors` and what it reads by name.
        reads: names in `SETTINGS`.
        misfit: why its steps do not fit the changes of a rule, as the end of a sentence; None where they do.
    """

    home: str
    reads: tuple[str, ...]
    misfit: Callable[["Rule"], str | None] = _never


OPTIMISERS: dict[str, Row] = {
    "adamw": Row("adamw:AdamW", ("weight_decay", "beta1", "beta2", "eps")),
    "sgd": Row("sgd:SGD", ("momentum", "weight_decay")),
    "lars": Row("lars:LARS", ("momentum", "weight_decay", "trust"), _in_parts),
    "softhebb": Row("unit_kernels:RadiusStep", ("exponent",), _never_of_unit_length),
}


def make(
    name: str, rule: "Rule", *, learning_rate: float, factors: Mapping[str, float], settings: Mapping[str, float]
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
    if unread := [word for word in settings if word not in row.reads]:
        raise ModelError(
            f"optimiser.{unread[0]}: expected one of {', '.join(row.reads)} for {name}, got another; leave it out"
        )
    module, _, kind = row.home.partition(":")
    given = {word: settings.get(word, SETTINGS[word].default) for word in row.reads}
    made = getattr(import_module(f".{module}", __package__), kind)(
        learning_rate=learning_rate, factors=factors, **given
    )
    return cast("Optimiser", made)
