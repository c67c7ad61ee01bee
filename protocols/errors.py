"""Errors of this room, the one sentence in which any failure is told, and the one way a misspelt name is answered."""

import errno
import os
from collections.abc import Iterable
from difflib import get_close_matches

OUT_OF_MEMORY = ("DefaultCPUAllocator: can't allocate memory", "DefaultCPUAllocator: not enough memory")
REMEDIES = {
    errno.ENOSPC: "free some space; a training run continues with --resume",
    errno.EDQUOT: "free some space; a training run continues with --resume",
    errno.EACCES: "choose a place you may write to",
    errno.EROFS: "choose a place you may write to",
}


FEW = 8  # names that an error lists whole


class ProtocolError(ValueError):
    """A protocol was asked for something it cannot do; the message is one sentence with its remedy."""

    exit_code = 1


class ConfigError(ProtocolError):
    """A setting, preset or configuration file that cannot be used: misuse, so the command exits with 2."""

    exit_code = 2


class ReadOutError(ProtocolError):
    """Features or labels on which a read-out has no meaning."""


class NotFiniteError(ReadOutError):
    """Features that are not numbers: the network has diverged."""


class Interrupted(KeyboardInterrupt):
    """Somebody asked to stop; the message is what is left, and how to go on."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The question that ends an error about a name: the known name nearest to it, or nothing.

    >>> nearest("latral", ["lateral", "dfb", "both"])
    '; did you mean lateral?'
    >>> nearest("xyz", ["lateral", "dfb", "both"])
    ''
    """
    close = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


def unknown(what: str, name: str, known: Iterable[str], command: str) -> str:
    """What ends an error about a name of many: the three nearest, and the command that lists all; up to eight are all told.

    >>> unknown("a rule", "lpp", ["lpl", "gim"], "apical config list")
    "expected one of lpl, gim, got 'lpp'; did you mean lpl?"
    """
    names = list(known)
    if len(names) <= FEW:
        return f"expected one of {', '.join(names)}, got {name!r}{nearest(name, names)}"
    close = get_close_matches(name, names, n=3, cutoff=0.4)
    either = " or ".join(filter(None, (", ".join(close[:-1]), *close[-1:])))
    meant = f"; did you mean {either}?" if close else ";"
    return f"expected {what}, got {name!r}{meant} `{command}` lists all {len(names)}"


def exit_code_of(error: Exception) -> int | None:
    """The code an error asks for; None for what no user can have caused."""
    if isinstance(error, OSError) or _out_of_memory(error):
        return 1
    if _backend(error):
        return 2
    ours = type(error).__module__.startswith("apical.")
    code = getattr(error, "exit_code", 1 if ours else None)
    return code if isinstance(code, int) else None


def _out_of_memory(error: Exception) -> bool:
    # torch's class is known by name, so that a command without torch stays without it; on the CPU torch raises RuntimeError
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY)


def _backend(error: Exception) -> bool:
    """Whether Matplotlib refused to be imported with what the user's environment names."""
    name = os.environ.get("MPLBACKEND")
    return isinstance(error, ValueError) and bool(name) and str(error).startswith(f"Key backend: {name!r}")


def told(error: Exception) -> str:
    """The error in its own sentence, without the name of its class."""
    if _backend(error):
        return f"MPLBACKEND: expected a backend of Matplotlib, got {os.environ['MPLBACKEND']!r}; unset it, figures here need none"
    if _out_of_memory(error):
        return f"out of memory: {error}; lower training.batch or network.width"
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        remedy = REMEDIES.get(error.errno or 0)
        return f"{where}{error.strerror}" + (f"; {remedy}" if remedy else "")
    return str(error) or type(error).__name__
