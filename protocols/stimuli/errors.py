"""Error of the stimuli: one sentence that names the object, what was expected, what was found and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class StimulusError(ValueError):
    """Stimulus data that cannot be used.

    Attributes
    ----------
    exit_code:
        1 where data are missing or broken, 2 where the request itself is wrong (an unknown name, an impossible size).
    """

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def misuse(message: str) -> StimulusError:
    """Return the error of a wrong request (exit code 2)."""
    return StimulusError(message, exit_code=2)


def unknown_name(field: str, name: str, known: Iterable[str]) -> StimulusError:
    """Return the error of an unknown ``name``: it lists the ``known`` ones and the nearest of them."""
    names = list(known)
    nearest = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.4)
    remedy = f"did you mean {nearest[0]!r}?" if nearest else "choose one of these"
    return misuse(f"{field}: expected one of {', '.join(names)}, got {name!r}; {remedy}")
