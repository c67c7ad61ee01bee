"""What commands tell on stderr while they work: bars, lines beside them, phases that take long, and notices."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Timer
from typing import TYPE_CHECKING, Any, Protocol

import click

if TYPE_CHECKING:  # imported where a bar is made: --help goes without it
    from tqdm import tqdm

LONG = 2.0  # seconds after which a phase without a bar says what it does
EVERY = 60.0  # seconds between two lines where there is no terminal for a bar


_SILENT: ContextVar[bool] = ContextVar("silent", default=False)


class Waiting(Protocol):
    """A timer, as of `threading`."""

    daemon: bool

    def start(self) -> None:
        """Begin to wait."""
        ...

    def cancel(self) -> None:
        """Wait no longer."""
        ...


class Lines:
    """A bar where there is no terminal: a line a minute with what is done, how fast, and the time left.

    Args:
        unit, total, title, initial: as in `bar`.
        over: what is gone through.
        clock: seconds.
    """

    disable = False

    def __init__(
        self, unit: str, total: int | None, over: Iterable[Any] | None, title: str | None, initial: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.unit, self.total, self.over, self.title = unit, total, over, title
        self.n, self._first, self._clock, self._told, self._words = initial, initial, clock, 0, ""
        self._begun = clock()

    def update(self, more: int = 1) -> None:
        """So many are done."""
        self.n += more
        if self._clock() - self._begun >= EVERY * (self._told + 1):
            self._told = int((self._clock() - self._begun) / EVERY)
            click.echo(self.line(), err=True)

    def set_postfix_str(self, text: str = "", refresh: bool = True) -> None:
        """Words at the end of the line."""
        self._words = text

    def line(self) -> str:
        """Where it is."""
        spent, done = self._clock() - self._begun, self.n - self._first
        of = "" if self.total is None else f" of {self.total:,}"
        parts = [f"{self.title + ': ' if self.title else ''}{self.unit} {self.n:,}{of}"]
        parts += [self._words] if self._words else []
        if done and spent > 0:
            rate = done / spent
            parts.append(f"{rate:.3g} {self.unit}s/s" if rate >= 1 else f"{1 / rate:.3g} s a {self.unit}")
            if self.total is not None:
                parts.append(f"{clocked((self.total - self.n) / rate)} left")
        return ", ".join(parts)

    def close(self) -> None:
        """A last line, if there was any."""
        if self._told:
            click.echo(f"{self.line()}; {clocked(self._clock() - self._begun)} in all", err=True)

    def __iter__(self) -> Iterator[Any]:
        for item in self.over or ():
            yield item
            self.update()
        self.close()

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def clocked(seconds: float) -> str:
    """Hours, minutes and seconds.

    >>> clocked(75), clocked(3725)
    ('1:15', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def bar(
    progress: bool,
    unit: str,
    total: int | None = None,
    *,
    over: Iterable[Any] | None = None,
    title: str | None = None,
    initial: int = 0,
    clock: Callable[[], float] = time.monotonic,
    **more: Any,
) -> "tqdm[Any] | Lines":
    """A progress bar: on stderr where that is a terminal, as a widget in a notebook, and a line a minute anywhere else.

    Args:
        progress: False for no bar at all.
        unit: what is counted.
        total: how many of them; None where nobody knows.
        over: what is gone through, for a bar that is iterated over.
        title: words before the bar.
        initial: of them done before.
        clock: seconds, by which a line is due.
        more: of tqdm, such as `leave`.
    """
    from tqdm.auto import tqdm

    notebook = any(kind.__module__ == "tqdm.notebook" for kind in tqdm.__mro__)
    if progress and not notebook and not sys.stderr.isatty():
        return Lines(unit, total, over, title, initial, clock)
    if total is None and not notebook:  # tqdm's own reads "0replay [00:00, ?replay/s]"
        more["bar_format"] = f"{title + ': ' if title else ''}{{n_fmt}} {unit}s [{{elapsed}}{{postfix}}]"
    return tqdm(
        over, desc=title, total=total, unit=f" {unit}", initial=initial, file=sys.stderr, disable=not progress, **more
    )


def beside(text: str) -> None:
    """One line on stderr that leaves a bar whole."""
    from tqdm.auto import tqdm

    tqdm.write(text, file=sys.stderr)


@contextmanager
def phase(
    progress: bool, text: str, *, after: float = LONG, timer: Callable[[float, Callable[[], None]], Waiting] = Timer
) -> Iterator[None]:
    """Work that has no bar: if it takes longer than two seconds, one line on stderr says what it is.

    Args:
        progress: False for no line.
        text: what is done.
        after: seconds.
        timer: what waits for them.
    """
    if not progress:
        yield
        return
    waiting = timer(after, lambda: beside(text))
    waiting.daemon = True
    waiting.start()
    try:
        yield
    finally:
        waiting.cancel()


def tell(progress: bool, text: str) -> None:
    """One line on stderr about what happens now, if progress is shown."""
    if progress:
        click.echo(text, err=True)


@contextmanager
def silent(yes: bool = True) -> Iterator[None]:
    """No notices inside: another process of the same job gives them.

    Args:
        yes: False for no change.
    """
    before = _SILENT.set(yes or _SILENT.get())
    try:
        yield
    finally:
        _SILENT.reset(before)


def notice(text: str) -> None:
    """One line on stderr about what a user should know and that stops nothing."""
    if _SILENT.get():
        return
    click.echo(f"Note: {' '.join(text.split())}", err=True)
