"""Where a recording is written: under its name at once, or, where it takes the place of another, beside it until it is complete."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import zarr

from ...recordings.checked import DAMAGE
from ..errors import ConfigError, Interrupted
from ..progress import notice
from .stale import drop_sections, sections_of

PARTIAL, ASIDE = "partial", "replaced"


def check_free(place: Path, replace: bool) -> None:
    """Refuse a name that is taken, unless it gives way; what a killed call left beside it is cleared first.

    Raises:
        ConfigError: it is taken.
    """
    _clear(place)
    if place.exists() and not replace:
        raise ConfigError(
            f"record.name: expected a new name, got {place.stem}, which {place} has; choose another --name, or --replace"
        )


@contextmanager
def written(place: Path, replace: bool) -> Iterator[Path]:
    """The path that a new recording is written to; it lies at its place when the block ends.

    A recording that is there stays as it was until the new one is complete, and so it does for good where that fails. A first one that
    is interrupted keeps the rows it has; one without any is removed, so that it does not take the name.

    Args:
        place: where it shall lie.
        replace: whether one that is there gives way.

    Raises:
        ConfigError: the name is taken.
        Interrupted: what is left then.
    """
    check_free(place, replace)
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        yield from _in_place_of(place)
        return
    try:
        yield place
    except KeyboardInterrupt as error:
        if _empty(place):
            shutil.rmtree(place, ignore_errors=True)
            raise Interrupted(f"interrupted before anything was written to {place}; begin anew") from error
        raise Interrupted(
            f"interrupted; what {place} holds by now is kept, with the status interrupted; begin anew with --replace"
        ) from error
    except BaseException:
        if _empty(place):
            shutil.rmtree(place, ignore_errors=True)
        raise


def _in_place_of(place: Path) -> Iterator[Path]:
    partial, aside = (_beside(place, str(os.getpid()), end) for end in (PARTIAL, ASIDE))
    try:
        yield partial
    except KeyboardInterrupt as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise Interrupted(
            f"interrupted; {place} stays as it was, and what was written to take its place is removed"
        ) from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        notice(f"{place} stays as it was, and what was written to take its place is removed")
        raise
    stale = sections_of(place)
    place.rename(aside)
    try:
        partial.rename(place)
    except BaseException:
        aside.rename(place)
        raise
    shutil.rmtree(aside, ignore_errors=True)
    drop_sections(place.parent.parent, stale)


def _beside(place: Path, process: str, end: str) -> Path:
    """Named after the process, so that two never share it, and hidden, so that it is not listed."""
    return place.with_name(f".{place.name}.{process}.{end}")


def _clear(place: Path) -> None:
    """Remove what a killed call left beside a recording; one that it had moved aside comes back where no other took its place."""
    for end in (ASIDE, PARTIAL):
        for left in place.parent.glob(f".{place.name}.*.{end}"):
            process = left.name.split(".")[-2]
            if not process.isdecimal() or left != _beside(place, process, end) or _runs(int(process)):
                continue
            if end == ASIDE and not place.exists():
                left.rename(place)
            else:
                shutil.rmtree(left, ignore_errors=True)


def _runs(process: int) -> bool:
    """Whether another process of this number is at work; where nobody can tell, yes."""
    if process == os.getpid():
        return False
    if os.name != "posix":
        return True
    with suppress(PermissionError):
        try:
            os.kill(process, 0)
        except (ProcessLookupError, OverflowError):
            return False
    return True


def _empty(store: Path) -> bool:
    """Whether a store that was just made has no committed row, or could not even be made."""
    try:
        attributes: dict[str, Any] = dict(zarr.open_group(str(store), mode="r").attrs)
    except DAMAGE:
        return True
    return not any(dict(attributes.get("committed", {})).values())
