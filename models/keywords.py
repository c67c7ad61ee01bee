"""The keyword arguments that something from outside takes: those that no setting has are options of its own."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .imported import Unfit


@dataclass(frozen=True, slots=True)
class Takes:
    """Which keyword arguments something takes.

    Attributes:
        names: all of them, in order.
        required: those without a default.
        any: whether it takes any other as well.
    """

    names: tuple[str, ...]
    required: tuple[str, ...] = ()
    any: bool = False


def takes(thing: Callable[..., Any], positional: int = 0) -> Takes:
    """The keyword arguments of a function or class.

    Args:
        thing: what is called.
        positional: how many arguments come before them.

    Raises:
        Unfit: it takes fewer positional arguments.
    """
    try:
        told = list(inspect.signature(thing).parameters.values())
    except (TypeError, ValueError):  # one of C, which says nothing
        return Takes((), (), True)
    places = [p for p in told if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(places) < positional and not any(p.kind == p.VAR_POSITIONAL for p in told):
        raise Unfit(
            f"expected a function of {positional} or more arguments, got one of {len(places)}; see how to write it in CONTRIBUTING.md"
        )
    rest = [*places[positional:], *(p for p in told if p.kind == p.KEYWORD_ONLY)]
    named = [p for p in rest if p.kind != p.POSITIONAL_ONLY]
    return Takes(
        tuple(p.name for p in named),
        tuple(p.name for p in named if p.default is p.empty),
        any(p.kind == p.VAR_KEYWORD for p in told),
    )


def unnamed(thing: Callable[..., Any]) -> bool:
    """Whether something asks for arguments that no keyword gives, or does not say what it asks for."""
    try:
        told = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(p.kind == p.POSITIONAL_ONLY and p.default is p.empty for p in told)
