"""Errors of this room, and the one way a misspelt name is answered."""

from collections.abc import Iterable
from difflib import get_close_matches


class ProtocolError(ValueError):
    """A protocol was asked for something it cannot do; the message is one sentence with its remedy."""

    exit_code = 1


class ConfigError(ProtocolError):
    """A setting, preset or configuration file that cannot be used: misuse, so the command exits with 2."""

    exit_code = 2


class ReadOutError(ProtocolError):
    """Features or labels on which a read-out has no meaning."""


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
