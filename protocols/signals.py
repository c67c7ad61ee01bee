"""What the signals that ask a process to stop do: SIGINT (Ctrl-C), SIGTERM, and SIGHUP of a terminal that closes."""

import _thread
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# Windows has no SIGHUP
STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))

IMPORTING = "<frozen importlib._bootstrap>"  # the file of the frames of every import
WAIT = 0.05


@contextmanager
def handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Let the handler answer the signals that ask to stop.

    One that is ignored stays ignored: `nohup` and a shell's background jobs ask for that. Signals belong to the main thread; in another
    one nothing changes, and whoever called from there handles them.
    """
    before = {number: signal.getsignal(number) for number in STOPPING}
    taken = {number: other for number, other in before.items() if other not in (signal.SIG_IGN, None)}
    try:
        for number in taken:
            signal.signal(number, handler)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        for number, other in taken.items():
            signal.signal(number, other)


def interrupt(number: int, frame: FrameType | None) -> None:
    """A handler: every signal that asks to stop is Ctrl-C, so that whatever runs is left in order.

    An import is finished first: libraries that break off in theirs go on half loaded, and fail later with errors of their own.

    Raises:
        KeyboardInterrupt: now, or once nothing is being imported.
    """
    if not _imports(frame):
        raise KeyboardInterrupt
    again = threading.Timer(WAIT, _once_more, (number,))
    again.daemon = True
    again.start()


def _once_more(number: int) -> None:
    if signal.getsignal(number) in (signal.SIG_DFL, signal.SIG_IGN):
        return  # whoever asked for the handler has ended
    if hasattr(signal, "pthread_kill"):  # wakes the main thread where it waits
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        _thread.interrupt_main(signal.Signals(number))


def _imports(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == IMPORTING:
            return True
        frame = frame.f_back
    return False
