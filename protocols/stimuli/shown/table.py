"""The kinds of stimuli that a frozen network can be shown, a row each; read without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ....models.imported import Unfit
from ....models.outside import Open, OutsideError, placed, short
from ..datasets.table import DATASETS
from ..datasets.table import ROWS as DATA_ROWS
from ..errors import misuse, unknown_name
from ..names import KNOWN, row_of

OWN = "own"
DATA = "images"


@dataclass(frozen=True)
class Kind:
    """One kind.

    Attributes
    ----------
    description: what it is, for ``apical record --list``
    home: ``module:class`` in this folder, imported on use, or the class itself; a frozen dataclass of settings with ``show(eye)``
    own: the setting that the word after its name gives, as in ``movie:PATH``; empty where there is none
    """

    description: str
    home: str | type[Any]
    own: str = ""

    def settings(self) -> type[Any]:
        """The class of its settings."""
        if not isinstance(self.home, str):
            return self.home
        module, _, name = self.home.partition(":")
        found: type[Any] = getattr(import_module(f".{module}", __package__), name)
        return found


ROWS: dict[str, Kind] = {
    DATA: Kind("images of a data set, of folder:PATH or npz:PATH, or the run's own (own)", "dataset:Images"),
    "gratings": Kind("sine gratings: orientation, frequency, phase, contrast, diameter", "gratings:Gratings"),
    "sparse-noise": Kind(
        "one square on grey at a time, lighter and darker, at every place", "sparse_noise:SparseNoise"
    ),
    "white-noise": Kind("frames of independent numbers", "white_noise:WhiteNoise"),
    "movie": Kind("frames of movies in folders, one after another", "movie:Movie", own="path"),
    "array": Kind("images of your own in a .npy file", "array:Array", own="path"),
}


def _adopted(thing: Any, word: str) -> Kind:
    """The row of a kind from outside: a frozen dataclass of settings with ``show(eye)``."""
    row = thing if isinstance(thing, Kind) else Kind(f"from {word}", thing)
    if (
        isinstance(row.home, str)
        or row.own
        or not (is_dataclass(row.home) and callable(getattr(row.home, "show", None)))
    ):
        raise Unfit(f"expected a stimulus, a dataclass of settings with show(eye), got {word}; see CONTRIBUTING.md")
    return row


KINDS = Open(ROWS, group="apical.stimuli", field="record.stimulus", adopt=_adopted)
WORDS = (OWN, *(f"{name}:PATH" if kind.own else name for name, kind in KINDS.items() if name != DATA), *KNOWN)


def settings_of(word: str, given: Mapping[str, Any]) -> Any:
    """Settings of the kind that a word names.

    Args:
        word: ``own``, a data set, ``folder:PATH``, ``npz:PATH``, or a kind: ``gratings``, ``movie:PATH``, ...
        given: settings by name; texts are read as what the setting is.

    Raises:
        StimulusError: an unknown word or setting, or a value of another type.
    """
    word = placed(word, Path.cwd())
    name, colon, path = word.partition(":")
    if name not in ROWS and name not in DATASETS and word in KINDS and not _names_data(word):
        return _made(short(word), KINDS[word], given)
    kind = ROWS.get(name)
    if kind is not None and name != DATA and bool(kind.own) == bool(colon and path):
        return _made(name, kind, {**given, **({kind.own: path} if kind.own else {})})
    if word == OWN or row_of(word) is not None:
        return _made(DATA, KINDS[DATA], {"name": word, **given})
    if (kind is not None and kind.own) or (name in DATA_ROWS and DATA_ROWS[name].own):
        raise misuse(f"record.stimulus: expected {name}:PATH, got {word!r}; give the path")
    raise unknown_name("record.stimulus", word, WORDS)


def _names_data(word: str) -> bool:
    """Whether a word from outside, of one form for all, is of a data set and of no stimulus."""
    try:
        return word not in KINDS or KINDS[word] is None
    except OutsideError as error:
        try:
            return row_of(word) is not None
        except OutsideError:
            raise error from None


def told(kind: Kind) -> dict[str, Any]:
    """Settings of a kind with their defaults, None for one that has to be given."""
    return {field.name: None if field.default is MISSING else field.default for field in fields(kind.settings())}


def _made(name: str, kind: Kind, given: Mapping[str, Any]) -> Any:
    known = told(kind)
    values = {}
    for each, value in given.items():
        if each not in known:
            raise unknown_name(f"{name}.setting", each, known)
        values[each] = _read(f"{name}.{each}", value, known[each])
    return kind.settings()(**values)


def _read(where: str, value: Any, like: Any) -> Any:
    """A value as the setting's own type: of a text, and of a list or single number where there are several."""
    try:
        if isinstance(like, tuple):
            parts = value.split(",") if isinstance(value, str) else value if hasattr(value, "__iter__") else [value]
            return tuple(float(part) for part in parts)
        if isinstance(like, bool):
            words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
            return value if isinstance(value, bool) else words[str(value).lower()]
        if isinstance(like, int):
            return int(value) if isinstance(value, str) or float(value) == int(value) else value
        return float(value) if isinstance(like, float) else str(value)
    except (ValueError, KeyError, TypeError) as error:
        kind = {tuple: "numbers between commas", bool: "true or false", int: "a whole number", float: "a number"}
        raise misuse(f"{where}: expected {kind[type(like)]}, got {value!r}; for example {_shown(like)}") from error


def _shown(value: Any) -> str:
    return ",".join(f"{part:g}" for part in value) if isinstance(value, tuple) else str(value).lower()
