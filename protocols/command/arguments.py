"""The words of the command line: rules, seeds and budgets; read without torch."""

import re
from typing import TypedDict

from ..errors import ConfigError

OWN = "own"  # budget of an entry: what its settings say


class Budget(TypedDict):
    """One of the three is a number at most."""

    seconds: float | None
    epochs: int | None
    samples: int | None


def parse_names(text: str | None, option: str = "--rules", example: str = "clapp++,lpl") -> list[str] | None:
    """`a,b` as names; None stays None."""
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if not all(names) or len(set(names)) < len(names):
        raise ConfigError(f"{option}: expected different names between commas, got {text!r}; for example {example}")
    return names


def parse_seeds(text: str) -> list[int]:
    """`0-2` or `0,1,5` as numbers."""
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,10})(?:-(\d{1,10}))?\s*", part)
        if not found or int(found[2] or found[1]) - int(found[1]) > 10_000:
            raise ConfigError(f"--seeds: expected numbers or a range, got {text!r}; for example 0-2 or 0,1,5")
        first, last = int(found[1]), int(found[2] or found[1])
        seeds += range(first, last + 1)
    if not seeds or len(set(seeds)) < len(seeds) or max(seeds) >= 2**32:
        raise ConfigError(f"--seeds: expected different seeds from 0 to {2**32 - 1}, got {text!r}; for example 0-2")
    return seeds


def parse_budget(text: str) -> Budget:
    """`3epochs`, `100000samples` or `120s`; `own` is none of them."""
    if text.strip() == OWN:
        return {"seconds": None, "epochs": None, "samples": None}
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*s\s*|\s*(\d+)\s*epochs?\s*|\s*(\d+)\s*samples?\s*", text)
    if not found or not float(found[1] or found[2] or found[3]):
        raise ConfigError(
            f"--budget: expected epochs, samples or seconds above 0, got {text!r}; for example 3epochs, 100000samples or 120s, or {OWN}"
        )
    seconds, epochs, samples = found.groups()
    return {
        "seconds": None if seconds is None else float(seconds),
        "epochs": None if epochs is None else int(epochs),
        "samples": None if samples is None else int(samples),
    }


def parse_epochs(text: str | None) -> list[int]:
    """`1,3,10` as epochs; None is none.

    >>> parse_epochs("1, 3,10")
    [1, 3, 10]

    Raises:
        ConfigError: anything else.
    """
    parts = [] if text is None else [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and len(part) < 7 for part in parts):
        raise ConfigError(f"--read-at: expected epochs between commas, got {text!r}; for example 1,3,10")
    return [int(part) for part in parts]


def parse_place(text: str | None) -> tuple[int, int] | None:
    """`R,C` as a place; None stays None.

    >>> parse_place("3, 4")
    (3, 4)

    Raises:
        ConfigError: anything else.
    """
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2 or not all(part.isdecimal() and len(part) < 10 for part in parts):
        raise ConfigError(f"--position: expected a row and a column, got {text!r}; for example 8,8")
    return int(parts[0]), int(parts[1])


def parse_list(option: str, text: str | None) -> tuple[str, ...]:
    """`a,b` as names; None is none.

    >>> parse_list("--variables", "rate, basal")
    ('rate', 'basal')

    Raises:
        ConfigError: an empty name.
    """
    names = () if text is None else tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise ConfigError(f"{option}: expected names between commas, got {text!r}; for example conv1,conv3")
    return names


def parse_changes(texts: tuple[str, ...]) -> dict[str, str]:
    """`A=B`, once for every A.

    >>> parse_changes(("memory=slow", "tau_memory=300"))
    {'memory': 'slow', 'tau_memory': '300'}

    Raises:
        ConfigError: anything else.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not (name and sign and value) or name in found:
            raise ConfigError(
                f"--set: expected NAME=VALUE once for every name, got {text!r}; for example tau_memory=300"
            )
        found[name] = value
    return found
