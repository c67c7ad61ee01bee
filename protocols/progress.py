"""What commands tell on stderr while they work: bars, lines beside them, and notices."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:  # imported where a bar is made: --help goes without it
    from tqdm import tqdm


def bar(
    progress: bool,
    unit: str,
    total: int | None = None,
    *,
    over: Iterable[Any] | None = None,
    title: str | None = None,
    **more: Any,
) -> "tqdm[Any]":
    """A progress bar: on stderr where that is a terminal, as a widget in a notebook, and silent anywhere else.

    Args:
        progress: False for no bar at all.
        unit: what is counted.
        total: how many of them; None where nobody knows.
        over: what is gone through, for a bar that is iterated over.
        title: words before the bar.
        more: of tqdm, such as `initial` or `leave`.
    """
    from tqdm.auto import tqdm

    notebook = any(kind.__module__ == "tqdm.notebook" for kind in tqdm.__mro__)
    silent = None if progress and not notebook else not progress
    return tqdm(over, desc=title, total=total, unit=unit, file=sys.stderr, disable=silent, **more)


def beside(text: str) -> None:
    """One line on stderr that leaves a bar whole."""
    from tqdm.auto import tqdm

    tqdm.write(text, file=sys.stderr)


def tell(progress: bool, text: str) -> None:
    """One line on stderr about what happens now, if progress is shown."""
    if progress:
        click.echo(text, err=True)


def notice(text: str) -> None:
    """One line on stderr about what a user should know and that stops nothing."""
    click.echo(f"Note: {' '.join(text.split())}", err=True)
