"""What of a recording is whole and what is lost, chunk by chunk."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import zarr
from zarr.storage import LocalStore

from .checked import DAMAGE, CheckedArray
from .digests import SINCE, check_metadata, update_attributes
from .documents import document
from .errors import RecordingError
from .layout import root_attributes
from .replay_names import GROUP
from .results import read_result, result_groups


@dataclass(frozen=True, slots=True)
class Part:
    """One table or result of a recording.

    Attributes:
        path: where it lies in the store; empty for the store itself.
        rows: rows that are committed; None where that is not known.
        lost: first row of every damaged chunk of its arrays, and why; -1 where no row can be read.
    """

    path: str
    rows: int | None
    lost: tuple[tuple[int, str], ...]


def examine(store: Path) -> tuple[dict[str, Any] | None, list[Part]]:
    """Read a whole recording; nothing is written.

    Args:
        store: a `recording.zarr`.

    Returns:
        Root attributes, None where they cannot be believed, and its parts in order.
    """
    try:
        root = zarr.open_group(LocalStore(store, read_only=True), mode="r")
        attributes = root_attributes(root, str(store))
    except (RecordingError, *DAMAGE) as error:
        return None, [Part("", None, ((-1, _text(error)),))]
    parts = [*_recording(root, attributes, ""), *_replays(root, store), *_results(root)]
    return attributes, parts + [Part(path, None, ((-1, "expected zarr.json, got none"),)) for path in _strays(store)]


def leftovers(store: Path) -> list[Path]:
    """Files of writers that were killed before they renamed them."""
    return sorted(path for path in store.rglob("*.partial") if path.is_file())


def set_back(store: Path, cursor: dict[str, int]) -> None:
    """Make a recording end at the rows of a checkpoint, from which the run can go on; chunks stay as they are until then.

    Raises:
        OSError: it cannot be written.
    """
    update_attributes(
        zarr.open_group(LocalStore(store), mode="r+"), {"committed": dict(cursor), "status": "interrupted"}
    )


def _recording(root: zarr.Group, attributes: dict[str, Any], prefix: str) -> Iterator[Part]:
    try:
        check_metadata(root, attributes, "the store")
    except (RecordingError, *DAMAGE) as error:
        yield Part(prefix.rstrip("/"), None, ((-1, _text(error)),))
        return
    for path, rows in attributes["committed"].items():
        lost: tuple[tuple[int, str], ...]
        try:
            lost = tuple(
                _table(cast(zarr.Group, root[path]), f"{prefix}{path}", rows, attributes["schema_version"] >= SINCE)
            )
        except (RecordingError, *DAMAGE) as error:
            lost = ((-1, _text(error)),)
        yield Part(f"{prefix}{path}", rows, lost)


def _table(group: zarr.Group, path: str, rows: int, complete: bool) -> Iterator[tuple[int, str]]:
    names = cast(list[str], group.attrs["variables"])
    for name in dict.fromkeys([*names, *str(group.attrs["coordinates"]).split()]):
        array = cast("zarr.Array[Any]", group[name])
        grows = name in names
        checked = CheckedArray(array, f"{path}/{name}", complete=complete, rows=rows if grows else None)
        for row, reason in checked.damage():
            yield (row if grows else -1), reason


def _replays(root: zarr.Group, store: Path) -> Iterator[Part]:
    folder = store / GROUP
    bare = {"attributes": {}, "zarr_format": 3, "node_type": "group"}
    try:
        if folder.is_dir() and document(root, GROUP) != bare:
            yield Part(GROUP, None, ((-1, f"expected the zarr.json of a bare group, got {document(root, GROUP)}"),))
    except RecordingError as error:
        yield Part(GROUP, None, ((-1, str(error)),))
    for name in sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []:
        where = f"{GROUP}/{name}"
        try:
            group = cast(zarr.Group, root[where])
            yield from _recording(group, root_attributes(group, where), f"{where}/")
        except (RecordingError, *DAMAGE) as error:
            yield Part(where, None, ((-1, _text(error)),))


def _results(root: zarr.Group) -> Iterator[Part]:
    try:
        names = result_groups(root)
    except DAMAGE as error:
        yield Part("results", None, ((-1, _text(error)),))
        return
    for name in names:
        try:
            read_result(root, name)
            group = cast(zarr.Group, root[name])
            arrays = [CheckedArray(array, f"{name}/{key}", complete=True) for key, array in group.arrays()]
            yield Part(name, None, tuple((-1, reason) for array in arrays for _, reason in array.damage()))
        except (RecordingError, *DAMAGE) as error:
            yield Part(name, None, ((-1, _text(error)),))


def _strays(store: Path) -> list[str]:
    """Folders that hold a group or an array, but not its metadata."""
    found = {path.parent for path in store.rglob("zarr.json")} | {
        path.parent for path in store.rglob("c") if path.is_dir()
    }
    above = {parent for path in found for parent in path.relative_to(store).parents if parent != Path()}
    inside = {store / parent for parent in above} | found
    return sorted(
        str(path.relative_to(store))
        for path in inside
        if not (path / "zarr.json").is_file() and "c" not in path.relative_to(store).parts
    )


def _text(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
