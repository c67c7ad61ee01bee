"""The source of a word from outside: where it lies, its hash, and which distribution it came with."""

import hashlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from .imported import Unfit
from .outside import found, is_reference, parts, thing_of


def files_of(source: "Source") -> dict[str, Path]:
    """The .py files of a source by their paths in it, those that its hash is of."""
    place = Path(source.file)
    if place.is_file():
        return {place.name: place}
    return {f"{place.name}/{file.relative_to(place).as_posix()}": file for file in sorted(place.rglob("*.py"))}


@dataclass(frozen=True, slots=True)
class Source:
    """What a word from outside is made of.

    Attributes:
        word: as settings have it.
        file: the file, or the folder of the package.
        sha256: of the file, or of every .py file of the package by its path in it.
        distribution, version: of what is installed; empty for a file, or where nobody knows.
    """

    word: str
    file: str
    sha256: str
    distribution: str = ""
    version: str = ""


def source_of(word: str, group: str) -> Source:
    """The source of a word.

    Args:
        word: a reference, or the name of an entry point of the group.
        group: of the entry points.

    Raises:
        Unfit: the word names nothing.
    """
    thing_of(word, group)
    place, _ = parts(word, group)
    if place.endswith(".py"):
        return Source(word, place, _of_files([Path(place)], Path(place).parent))
    top = sys.modules[place.partition(".")[0]]
    folders = [Path(folder) for folder in getattr(top, "__path__", ())]
    if folders:
        mark = _of_files([file for folder in folders for file in folder.rglob("*.py")], *folders)
    elif file := getattr(top, "__file__", None):
        folders = [Path(file)]
        mark = _of_files(folders, folders[0].parent)
    else:
        raise Unfit(f"expected a module of Python source, got {place}, which has none; name another")
    return Source(word, str(folders[0]), mark, *_distribution(word, group, top.__name__))


def hash_of(place: Path) -> str:
    """The hash of a source by its copy, a file or the folder of a package."""
    return _of_files([place], place.parent) if place.is_file() else _of_files(place.rglob("*.py"), place)


def _of_files(files: Iterable[Path], *roots: Path) -> str:
    """SHA-256 of one file as it is, of several with their paths below their roots."""
    files = list(files)
    if len(files) == 1:
        return hashlib.sha256(files[0].read_bytes()).hexdigest()
    told = hashlib.sha256()
    named = {next(f.relative_to(r).as_posix() for r in roots if f.is_relative_to(r)): f for f in files}
    for name, file in sorted(named.items()):
        told.update(f"{name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return told.hexdigest()


def _distribution(word: str, group: str, top: str) -> tuple[str, str]:
    if not is_reference(word):
        (entry,) = (entry for entry in found(group) if entry.name == word)
        return (entry.dist.name, entry.dist.version) if entry.dist is not None else ("", "")
    names = packages_distributions().get(top, [])
    try:
        return (names[0], version(names[0])) if names else ("", "")
    except PackageNotFoundError:
        return "", ""
