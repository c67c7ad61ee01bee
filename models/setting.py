"""What a table tells of a number, switch or word that may be set: default and bounds, each standing once. Read without torch."""

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting; its default says its type.

    Attributes:
        default: where it is not given: a number, a switch, a word, or () for a list of whole numbers.
        at_least, above, at_most, below: bounds, of the entries of a list; None for none.
        words: of a word, those that are known.
        entries: of a list, how many there may be.
        example: of a list that may not be empty where it is read.
        said: one line for the reader of settings.
    """

    default: Any
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    words: tuple[str, ...] = ()
    entries: int = 0
    example: tuple[int, ...] = ()
    said: str = ""


def setting(default: Any, **told: Any) -> Any:
    """A field of a dataclass that is also a `Setting`; `settings_of` finds it."""
    return dataclasses.field(default=default, metadata={"setting": Setting(default=default, **told)})


def settings_of(kind: Any) -> dict[str, Setting]:
    """The settings among the fields of a dataclass, by name."""
    return {f.name: f.metadata["setting"] for f in dataclasses.fields(kind) if "setting" in f.metadata}
