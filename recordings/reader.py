"""Opening a recording as an xarray DataTree: lazily, and only what is committed."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import xarray as xr
import zarr
from zarr.abc.store import Store
from zarr.storage import ZipStore

from .checked import lazy_group
from .digests import METADATA, OWN, SINCE, TRIMMED, check_metadata
from .earlier import told_anew
from .errors import RecordingError
from .layout import StoreLike, root_attributes
from .recording import Recording
from .replay_names import GROUP, replay_groups
from .results import read_result, result_groups
from .stores import is_local, refusing, store_name

NAME = "recording.zarr"


def open(path: StoreLike) -> Recording:
    """Open a recording, an xarray DataTree, also while it is being written or after its process was killed.

    Every table is one node (``metrics``, ``activity/<population>``, ``updates/<population>``), trimmed to the rows that
    are committed and chunked by block; so are the tables of replays (``replay/<name>/<table>``) and, whole, every result
    of `write_results`. Signals are not read before ``compute`` or ``values``; coordinates are. The tree is a context
    manager and has ``close``. Of a recording that is still being written, the tree shows the rows committed at the
    time of opening.

    What was damaged at rest raises: metadata and coordinates here, a chunk when its signals are read (RecordingError, also
    out of ``compute``). ``xr.open_zarr`` alone reads the same store, with less: the checksum of a chunk fails as ValueError,
    a chunk that is not there reads as fill values, rows are those allocated instead of those committed, and changed metadata are
    believed. Recordings of schema 1 have no checksums; of them only what cannot be decoded is noticed.

    Args:
        path: a ``recording.zarr``, a run folder that holds one, a ``recording.zarr.zip`` (read-only, ``zarr.json`` at
            its top), a URL known to fsspec, or a zarr store.

    Raises:
        RecordingError: nothing there, no recording, one that is damaged, or one of a newer schema.
    """
    store = _store(path)
    with refusing(path, "a recording", "give the recording.zarr of a run"):
        root = zarr.open_group(store, mode="r")
        attributes = root_attributes(root, store_name(path))
        nodes = _tables(root, attributes, store_name(path), "")
        for name, held in replay_groups(root).items():
            nodes[f"{GROUP}/{name}"] = xr.Dataset(attrs=shown(held))
            nodes |= _tables(
                cast(zarr.Group, root[f"{GROUP}/{name}"]),
                held,
                f"{store_name(path)}/{GROUP}/{name}",
                f"{GROUP}/{name}/",
            )
        nodes |= {group: read_result(root, group) for group in result_groups(root)}
    tree = Recording.from_dict({"/": xr.Dataset(attrs=shown(attributes)), **nodes}, name="recording")
    if isinstance(store, ZipStore):
        tree.set_close(store.close)
    return tree


def _tables(root: zarr.Group, attributes: Mapping[str, Any], where: str, prefix: str) -> dict[str, xr.Dataset]:
    """All tables of a recording, or of a replay in it, by path."""
    if prefix:
        root_attributes(root, where)
    check_metadata(root, attributes, where)
    complete = attributes["schema_version"] >= SINCE
    version = attributes["schema_version"]
    return {
        f"{prefix}{path}": told_anew(_table(root, path, rows, complete), path, version)
        for path, rows in attributes["committed"].items()
    }


def shown(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Root attributes without the checksums, which have been compared."""
    return {name: value for name, value in attributes.items() if name not in (OWN, METADATA, TRIMMED)}


def _store(path: StoreLike) -> str | Store:
    """The zarr store behind a path."""
    if isinstance(path, Store):
        return path
    if not is_local(path):
        return str(path)
    place = Path(path)
    if not place.exists():
        raise RecordingError(f"recording.path: expected a recording, got nothing at {place}; check the path")
    inside = [place / name for name in (NAME, f"{NAME}.zip") if (place / name).exists()]
    place = inside[0] if inside else place
    if place.is_dir():
        if not (place / "zarr.json").exists():
            raise RecordingError(
                f"recording.path: expected a recording.zarr or a run folder, got {place} with neither zarr.json nor "
                f"{NAME}; check the path"
            )
        return str(place)
    if not zipfile.is_zipfile(place):
        raise RecordingError(
            f"recording.path: expected a zarr folder or its zip archive, got the file {place}; check it"
        )
    with zipfile.ZipFile(place) as archive:
        if "zarr.json" not in archive.namelist():
            raise RecordingError(
                f"recording.path: expected zarr.json at the top of {place}, got an archive without it; "
                "zip the contents of recording.zarr, not the folder"
            )
    return ZipStore(place, mode="r")


def _table(root: zarr.Group, path: str, rows: int, complete: bool) -> xr.Dataset:
    """One table, trimmed to the committed rows, one dask chunk per block."""
    if path not in root:
        raise RecordingError(
            f"recording.{path}: expected a table, since {rows} rows of it are committed, got none; "
            "the recording is damaged: restore it from a copy"
        )
    group = cast(zarr.Group, root[path])
    dim = str(group.attrs["record_dim"])
    variables = cast(list[str], group.attrs["variables"])
    coordinates = str(group.attrs["coordinates"]).split()
    names = list(dict.fromkeys([*variables, *coordinates]))

    def at_once(name: str, _: tuple[str, ...]) -> bool:
        return name in coordinates  # a number per row, small beside the signals; xarray selects by none that is lazy

    dataset = lazy_group(group, path, names, complete=complete, at_once=at_once, limit={dim: rows})
    dataset = dataset.set_coords(coordinates)
    del dataset.attrs["variables"], dataset.attrs["coordinates"]
    return dataset
