"""Words from outside: where a word chooses something, an entry point or a reference serves as well as a word of Apical's own.

    word = own row | entry point of the table's group | package.module:Name | path/to/file.py:Name

Own words win. Nothing from outside is imported until its word is looked up, so that a table lists what is installed without running it.
Read without torch.
"""

import os
import re
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, TypeVar

from .errors import ModelError
from .imported import Unfit, nearest, of_file, of_package

T = TypeVar("T")
_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_FILE = r"(?:[A-Za-z]:[\\/])?[^:\n]+\.py"
REFERENCE = re.compile(rf"(?P<place>{_FILE}|{_NAME}):(?P<name>{_NAME})")
FORMS = "package.module:Name or path/to/file.py:Name"


class OutsideError(ModelError):
    """A word from outside that cannot be used.

    Attributes:
        sentence: what is wrong, without the setting that it stands in.
    """

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.sentence = sentence


class Open(dict[str, T]):
    """A table of Apical's own rows that words from outside extend.

    Iterated, counted or compared it is its own rows, so that no list runs foreign code; `in`, `[word]` and `get` also know the entry points
    of its group and references. `in` tells whether a word has the form of something known; `[word]` imports it.

    Args:
        rows: its own.
        group: of entry points, such as `apical.rules`.
        field: what an error names, such as `rule.name`.
        adopt: makes a row of what a word from outside names, from the object and the word; raises `Unfit` where it is of another kind.
    """

    def __init__(self, rows: Mapping[str, T], *, group: str, field: str, adopt: Callable[[Any, str], T]) -> None:
        super().__init__(rows)
        self.group, self.field, self._adopt = group, field, adopt
        self._adopted: dict[str, tuple[Any, T]] = {}

    def words(self) -> list[str]:
        """Own words, then the entry points that no own word hides."""
        return [*self, *self.installed()]

    def outside(self, field: str) -> "Open[T]":
        """The same words from outside, beside no row of its own, for another setting."""
        return Open({}, group=self.group, field=field, adopt=self._adopt)

    def installed(self) -> list[str]:
        """The entry points that no own word hides."""
        return sorted({entry.name for entry in found(self.group)} - self.keys())

    def __contains__(self, word: object) -> bool:
        if super().__contains__(word):
            return True
        return isinstance(word, str) and (is_reference(word) or any(e.name == word for e in found(self.group)))

    def __missing__(self, word: str) -> T:
        if word not in self:
            raise KeyError(word)
        try:
            thing = thing_of(word, self.group)
            known = self._adopted.get(word)
            if known is None or known[0] is not thing:
                known = self._adopted[word] = thing, self._adopt(thing, word)
        except Unfit as error:
            raise OutsideError(self.field, str(error)) from error.__cause__
        return known[1]

    def get(self, word: str, default: Any = None) -> Any:
        """The row of a word, or the default where the word is unknown; raises OutsideError where it is broken."""
        try:
            return self[word]
        except KeyError:
            return default


def is_reference(word: str) -> bool:
    """Whether a word has the form of a reference.

    >>> is_reference("rules/mine.py:Mine"), is_reference("package.rules:Mine"), is_reference("clapp++"), is_reference("npz:a/b.npz")
    (True, True, False, False)
    """
    return REFERENCE.fullmatch(word) is not None


def short(word: str) -> str:
    """What a word is called where a path has no place, as in the name of a weight: the name in it.

    >>> short("/home/mine.py:Above"), short("package.module:Row.above"), short("lateral")
    ('Above', 'above', 'lateral')
    """
    match = REFERENCE.fullmatch(word)
    return match["name"].rpartition(".")[2] if match else word


def found(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group; read anew when the import path or a folder on it has changed."""
    return _entries(group, tuple((place, _changed(place)) for place in sys.path))


@lru_cache(maxsize=64)
def _entries(group: str, path: tuple[tuple[str, float], ...]) -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=group))


def _changed(place: str) -> float:
    try:
        return Path(place or ".").stat().st_mtime
    except OSError:
        return 0.0


def thing_of(word: str, group: str) -> Any:
    """What a word from outside names.

    Args:
        word: a reference, or the name of an entry point.
        group: of the entry points.

    Raises:
        Unfit: no such module, file or name, an import that raises, or two entry points of one name.
    """
    place, name = parts(word, group)
    module = of_file(Path(place)) if place.endswith(".py") else of_package(place)
    thing: Any = module
    for part in name.split("."):
        if not hasattr(thing, part):
            raise Unfit(f"expected a name in {place}, got {name!r}{nearest(part, dir(thing))}")
        thing = getattr(thing, part)
    return thing


def parts(word: str, group: str) -> tuple[str, str]:
    """Module, or file, and name in it, of a reference or an entry point.

    Raises:
        Unfit: two entry points of that name.
    """
    if match := REFERENCE.fullmatch(word):
        return match["place"], match["name"]
    entries = [entry for entry in found(group) if entry.name == word]
    if len(entries) > 1:
        owners = " and ".join(f"{entry.value} of {owner(entry)}" for entry in entries)
        raise Unfit(
            f"expected one entry point {word!r} of {group}, got {owners}; uninstall one, or write {entries[0].value}"
        )
    (entry,) = entries
    return entry.module, entry.attr


def owner(entry: EntryPoint) -> str:
    """Distribution of an entry point, with its version."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "an unnamed distribution"


def placed(value: Any, folder: Path) -> Any:
    """Settings with every reference to a file absolute.

    Args:
        value: a word, or mappings and lists of them; other texts and values stay as they are.
        folder: where relative paths begin.

    >>> placed({"rule": {"name": "mine.py:Mine"}, "seed": 0}, Path("/home"))
    {'rule': {'name': '/home/mine.py:Mine'}, 'seed': 0}
    """
    return _changing(value, lambda path: os.path.normpath(folder.absolute() / Path(path).expanduser()))


def gone(settings: Any) -> list[str]:
    """Files that settings refer to and that are not there."""
    missing: list[str] = []

    def look(path: str) -> str:
        missing.extend([path] if not Path(path).exists() else [])
        return path

    _changing(settings, look)
    return missing


def unplaced(value: Any) -> Any:
    """Settings with every reference to a file without its folder, which is no part of what is computed.

    >>> unplaced("/home/mine.py:Mine")
    'mine.py:Mine'
    """
    return _changing(value, lambda path: re.split(r"[\\/]", path)[-1])


def _changing(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        match = REFERENCE.fullmatch(value)
        return f"{change(match['place'])}:{match['name']}" if match and match["place"].endswith(".py") else value
    if isinstance(value, Mapping):
        return {key: _changing(below, change) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_changing(below, change) for below in value)
    return value
