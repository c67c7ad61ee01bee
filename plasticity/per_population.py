"""Hyperparameters that may differ from population to population: one number for all, or one for each, bottom first.

A rule names such fields in `needs.per_population`; whoever builds its network checks their lengths by `check_lengths`.
"""

import math
from typing import TypeVar

from .errors import RuleError
from .rule import Rule
from .wrapped import underneath

V = TypeVar("V", float, bool)


def at(values: V | tuple[V, ...], position: int) -> V:
    """The value of one population."""
    return values[position] if isinstance(values, tuple) else values


def freeze(rule: Rule) -> None:
    """Turn lists, as documents hold them, into tuples, so that equal rules are equal and may be hashed."""
    for name in rule.needs.per_population:
        if isinstance(getattr(rule, name), list):
            object.__setattr__(rule, name, tuple(getattr(rule, name)))


def check_lengths(rule: Rule, populations: int) -> None:
    """Refuse a hyperparameter, of a wrapped rule that of the rule underneath, that is given for another number of populations.

    Raises:
        RuleError: its tuple has not one entry per population.
    """
    inner = underneath(rule)
    for name in rule.needs.per_population:
        values = getattr(inner, name)
        if isinstance(values, tuple) and len(values) != populations:
            raise RuleError(
                f"{type(inner).__name__}.{name}: expected one value or {populations}, one per population, got {len(values)}"
            )


def check_numbers(owner: str, values: float | tuple[float, ...], least: float, *, above: bool = False) -> None:
    """Refuse what is not a finite number from `least` (or above it), in every population.

    Raises:
        RuleError: naming `owner`, as Class.field.
    """
    entries = values if isinstance(values, tuple) else (values,)
    for value in entries:
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not number or value < least or (above and value == least):
            word = "above" if above else "of at least"
            raise RuleError(
                f"{owner}: expected finite numbers {word} {least:g}, got {value!r}; give one, or one per population"
            )
    if not entries:
        raise RuleError(f"{owner}: expected one number or one per population, got none; give one")


def check_switches(owner: str, values: bool | tuple[bool, ...]) -> None:
    """Refuse what is not true or false, in every population.

    Raises:
        RuleError: naming `owner`, as Class.field.
    """
    entries = values if isinstance(values, tuple) else (values,)
    if not entries or not all(isinstance(value, bool) for value in entries):
        raise RuleError(f"{owner}: expected true or false, one or one per population, got {values!r}")
