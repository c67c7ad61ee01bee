"""Settings by name, as keyword arguments give them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from ..errors import ConfigError, nearest


def fields_of(owner: str, kind: type[Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by name that a dataclass has; seeds as a tuple."""
    known = [field.name for field in fields(kind)]
    for name in settings:
        if name not in known:
            raise ConfigError(f"{owner}.{name}: expected one of {', '.join(known)}, got {name!r}{nearest(name, known)}")
    return {name: numbers(value) if name == "seeds" else value for name, value in settings.items()}


def numbers(seeds: Sequence[int] | int) -> tuple[int, ...]:
    """Seeds, one or several."""
    return (seeds,) if isinstance(seeds, int) else tuple(seeds)
