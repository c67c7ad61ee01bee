"""Modules from outside, of a package or of a file: imported, or refused in one sentence that says what raised and where."""

import hashlib
import importlib
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")

# modules of files by path and content: a class keeps its identity, and an edited file is read anew
_FILES: dict[tuple[str, str], ModuleType] = {}


class Unfit(ValueError):
    """What is wrong with a word from outside, as the end of a sentence: `expected X, got Y; remedy`."""


def of_package(name: str) -> ModuleType:
    """The module of an installed package, or of one on the path.

    Raises:
        Unfit: there is none, or it raises.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise Unfit(
                f"expected a module that can be imported, got no module {error.name!r}; install it, put its folder on PYTHONPATH, or write "
                "path/to/file.py:Name"
            ) from error
        raise Unfit(raised(name, error)) from error
    except (Exception, SystemExit) as error:
        raise Unfit(raised(name, error)) from error


def of_file(path: Path) -> ModuleType:
    """The module of a file, under a name of its own that pickling, dataclasses and typing find.

    Raises:
        Unfit: there is no such file, or it raises.
    """
    path = Path(os.path.normpath(path.expanduser().absolute()))
    try:
        content = path.read_bytes()
    except OSError as error:
        near = nearest(path.name, [other.name for other in path.parent.glob("*.py")] if path.parent.is_dir() else [])
        what = "no such file" if not path.exists() else error.strerror
        raise Unfit(f"expected a Python file at {path}, got {what}{near or '; correct the path'}") from error
    key = str(path), hashlib.sha256(content).hexdigest()
    if key not in _FILES:
        mark = hashlib.sha256(repr(key).encode()).hexdigest()[:12]
        stem = re.sub(r"\W", "_", path.stem)
        name = f"apical_outside_{stem}_{mark}"
        _FILES[key] = _executed(name, path, content)
    return _FILES[key]


def _executed(name: str, path: Path, content: bytes) -> ModuleType:
    spec = spec_from_file_location(name, path)
    assert spec is not None  # a path that ends in .py has a loader
    module = sys.modules[name] = module_from_spec(spec)
    try:
        # what was hashed is what runs: a cached bytecode file may be older than the second in which the source changed
        exec(compile(content, str(path), "exec", dont_inherit=True), module.__dict__)
    except BaseException as error:
        del sys.modules[name]
        if not isinstance(error, Exception | SystemExit):
            raise
        raise Unfit(raised(str(path), error)) from error
    return module


def asked(
    place: str,
    call: Callable[[], T],
    what: str,
    refuse: Callable[[str], Exception],
    *,
    passing: tuple[type[Exception], ...] = (),
) -> T:
    """What foreign code gives; what it raises is told in one sentence. An error with an exit code, one of Apical's own, speaks for itself.

    Args:
        place: module, file or word.
        call: asks it.
        what: is done with it.
        refuse: makes the error of a sentence.
        passing: what is told elsewhere.

    Raises:
        Exception: what `refuse` made of what the code raised, `sys.exit` included.
    """
    try:
        return call()
    except (Exception, SystemExit) as error:
        if isinstance(error, passing) or hasattr(error, "exit_code"):
            raise
        raise refuse(raised(place, error, what)) from error


def raised(place: str, error: BaseException, what: str = "imported") -> str:
    """The sentence of foreign code that raised, with the line of the user's own that did.

    Args:
        place: module, file or word.
        error: what it raised.
        what: was done with it.
    """
    if isinstance(error, SyntaxError) and error.filename:
        file, line, said = error.filename, error.lineno, error.msg
    else:
        frames = traceback.extract_tb(error.__traceback__)
        outer = [frame for frame in frames if not frame.filename.startswith("<frozen") and frame.filename != __file__]
        own = [frame for frame in outer if place.startswith(frame.filename)] or outer or list(frames)
        file, line, said = own[-1].filename, own[-1].lineno, " ".join(str(error).split())
    remedy = "correct it"
    if (
        isinstance(error, ModuleNotFoundError)
        and place.endswith(".py")
        and Path(place).with_name(f"{error.name}.py").is_file()
    ):
        remedy = (
            "a file that is named by its path stands alone: put its folder on PYTHONPATH, or make a package of the two"
        )
    return f"expected {place} to be {what}, got {type(error).__name__}: {said} ({file}, line {line}); {remedy}"


def nearest(name: str, known: Iterable[str]) -> str:
    """The question that ends an error about a name; names that begin with an underscore are nobody's to use."""
    names = [other for other in known if not other.startswith("_")]
    close = get_close_matches(name, names, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else "; correct the name" if names else ""
