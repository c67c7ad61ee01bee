"""Opening a recording as an xarray DataTree: lazily, and only what is committed."""

import zipfile
from collections.abc import Hashable
from pathlib import Path
from typing import Any, cast

import xarray as xr
import zarr
from zarr.abc.store import Store
from zarr.storage import ZipStore

from .errors import RecordingError
from .layout import StoreLike, root_attributes
from .recording import Recording
from .replay_names import GROUP, replay_groups, replay_tables
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

    Args:
        path: a ``recording.zarr``, a run folder that holds one, a ``recording.zarr.zip`` (read-only, ``zarr.json`` at
            its top), a URL known to fsspec, or a zarr store.

    Raises:
        RecordingError: nothing there, no recording, or a recording of a newer schema.
    """
    store = _store(path)
    with refusing(path, "a recording", "give the recording.zarr of a run"):
        root = zarr.open_group(store, mode="r")
        attributes = root_attributes(root, store_name(path))
        nodes = {table: _table(store, root, table, rows) for table, rows in attributes["committed"].items()}
        replays = replay_groups(root)
        nodes |= {f"{GROUP}/{name}": xr.Dataset(attrs=held) for name, held in replays.items()}
        nodes |= {path: _table(store, root, path, rows) for path, rows in replay_tables(replays).items()}
        nodes |= {group: read_result(store, group) for group in result_groups(root)}
    tree = Recording.from_dict({"/": xr.Dataset(attrs=attributes), **nodes}, name="recording")
    if isinstance(store, ZipStore):
        tree.set_close(store.close)
    return tree


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


def _table(store: str | Store, root: zarr.Group, path: str, rows: int) -> xr.Dataset:
    """One table, trimmed to the committed rows, one dask chunk per block."""
    if path not in root:
        raise RecordingError(
            f"recording.{path}: expected a table, since {rows} rows of it are committed, got none in {store_name(store)}; "
            "the recording is damaged: restore it from a copy"
        )
    group = cast(zarr.Group, root[path])
    dim = str(group.attrs["record_dim"])
    chunks: dict[Hashable, int] = {}
    for _, array in group.arrays():
        dims: Any = array.metadata.dimension_names  # type: ignore[union-attr]
        blocks = array.shards or array.chunks
        for name, block, size in zip(dims, blocks, array.shape, strict=True):
            chunks[name] = block if name == dim else size
    dataset: xr.Dataset = xr.open_zarr(store, group=path, consolidated=False, chunks=chunks)
    dataset = dataset.isel({dim: slice(0, rows)})[list(cast(list[str], group.attrs["variables"]))]
    for coordinate in dataset.coords.values():
        coordinate.load()  # a number per row, small beside the signals; selecting by a lazy coordinate is refused by xarray
    del dataset.attrs["variables"]
    return dataset
