"""Requests to stop."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

from ..signals import handled

_ASKED: ContextVar[Callable[[], bool]] = ContextVar("asked to stop", default=lambda: False)


@contextmanager
def stopping_when(asked: Callable[[], bool]) -> Iterator[None]:
    """What is trained inside also stops, as by a signal, once this is true: a thread gets no signals.

    Args:
        asked: looked at after every step.
    """
    before = _ASKED.set(asked)
    try:
        yield
    finally:
        _ASKED.reset(before)


class StopRequests:
    """Whether somebody asked to stop; true once a signal came.

    The first signal waits for the end of the step. A second SIGINT breaks the step, unless something is being written that has to be whole.
    """

    def __init__(self) -> None:
        self._asked = self._shielded = False
        self._elsewhere = _ASKED.get()

    def __bool__(self) -> bool:
        return self._asked or self._elsewhere()

    @contextmanager
    def whole(self) -> Iterator[None]:
        """No signal breaks what is inside."""
        self._shielded = True
        try:
            yield
        finally:
            self._shielded = False

    def note(self, number: int, _: FrameType | None) -> None:
        """The handler; raises KeyboardInterrupt to break a step."""
        breaks = self._asked and number == signal.SIGINT and not self._shielded
        self._asked = True
        if breaks:
            raise KeyboardInterrupt


@contextmanager
def stop_requests() -> Iterator[StopRequests]:
    """SIGINT, SIGTERM and SIGHUP are noted instead of breaking a step in the middle; a second SIGINT breaks it."""
    asked = StopRequests()
    with handled(asked.note):
        yield asked
