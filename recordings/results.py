"""Results of an analysis as one more group of a recording, beside the tables that a run has recorded.

A result is a whole xarray Dataset. It is written beside the store and then moved into it, so that no moment shows half of one, and
neither the tables nor the root attributes of the recording are touched: a run may go on recording, or be resumed later.
"""

import datetime
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import xarray as xr
import zarr
from zarr.storage import LocalStore

from .checked import compressors, lazy_group
from .digests import METADATA, OWN, result_digest, stamped
from .errors import RecordingError
from .layout import json_values, root_attributes
from .members import groups
from .schema import SCHEMA, SCHEMA_VERSION
from .stores import is_local, refusing

MARK = "result"  # group attribute by which the reader knows a result from a table


def write_results(store: str | Path, group: str, dataset: xr.Dataset, attributes: Mapping[str, Any]) -> None:
    """Write a dataset as a group of a recording; a group of this name from an earlier call is replaced.

    A kill at any moment leaves the recorded tables as they were; at worst the group is missing and is to be written again.

    Args:
        store: path of a `recording.zarr`; where there is none, one without tables is made.
        group: plain name of the group, e.g. `"align"`, under which `open` and `xr.open_zarr(store, group=...)` find it.
        dataset: every data variable with `units` (`"1"` for a dimensionless one) and `long_name`.
        attributes: attributes of the group (JSON values): command, seeds, versions, ...

    Raises:
        RecordingError: a variable without units or name, a name that a table has, or a store that cannot be written.
    """
    store = _checked(store, group, dataset)
    written = {**json_values(dataset.attrs, group), **json_values(attributes, group), MARK: True}
    with refusing(store, "a place for a result", "check the path, its permissions and the free space"):
        if not store.exists():
            _new_store(store)
        root = zarr.open_group(LocalStore(store, read_only=True), mode="r")
        tables = root_attributes(root, str(store))["committed"]
        if group in {str(path).partition("/")[0] for path in tables}:
            raise RecordingError(f"{group}: expected a name that no table has, got that of a table; choose another")
        # named after the process, so that two writers never share them
        fresh, spare = (
            store.with_name(f".{store.name}.{group}.{os.getpid()}.{end}") for end in ("partial", "replaced")
        )
        for left_over in (fresh, spare):
            shutil.rmtree(left_over, ignore_errors=True)
        _write(dataset, fresh, written)
        if (store / group).exists():
            (store / group).rename(spare)
        fresh.rename(store / group)
        shutil.rmtree(spare, ignore_errors=True)


def result_groups(root: zarr.Group) -> list[str]:
    """Names of the results in a recording; none where the store cannot list its contents."""
    if not root.store.supports_listing:
        return []
    return sorted(name for name, group in groups(root).items() if group.attrs.get(MARK) is True)


def read_result(root: zarr.Group, name: str) -> xr.Dataset:
    """The dataset of a result, lazily.

    Raises:
        RecordingError: its metadata were changed after it was written, or a coordinate is damaged.
    """
    group = cast(zarr.Group, root[name])
    stored = group.attrs.get(OWN)
    if stored is None:  # of an earlier version
        dataset: xr.Dataset = xr.open_zarr(
            root.store, group=f"{root.path}/{name}".lstrip("/"), consolidated=False, chunks={}
        )
        dataset = dataset.assign_coords({key: coordinate.load() for key, coordinate in dataset.coords.items()})
    else:
        if result_digest(group) != stored:
            raise RecordingError(
                f"recording.{name}: expected a result with its checksum, got another: a zarr.json was changed after it was written; "
                "make the result again"
            )
        told = str(group.attrs.get("coordinates", "")).split()
        names = [each for each, _ in group.arrays()]
        dataset = lazy_group(
            group, name, names, complete=True, at_once=lambda n, dims: n in told or dims == (n,), limit={}
        )
        dataset = xr.decode_cf(dataset, decode_times=False)
        # xarray keeps with each variable which coordinates it has; they are small, and xarray selects by none that is lazy
        dataset = dataset.assign_coords({key: coordinate.load() for key, coordinate in dataset.coords.items()})
        del dataset.attrs[OWN]
    del dataset.attrs[MARK]
    return dataset


def _checked(store: str | Path, group: str, dataset: xr.Dataset) -> Path:
    if not is_local(store) or Path(store).suffix == ".zip":
        raise RecordingError(f"recording.store: expected a local folder, got {store}; unpack or copy it first")
    if not group or "/" in group or group.startswith((".", "__")):
        raise RecordingError(f"recording.group: expected a plain name, got {group!r}; leave out '/' and dots")
    for name, variable in dataset.data_vars.items():
        if not (variable.attrs.get("units") and variable.attrs.get("long_name")):
            raise RecordingError(
                f"{group}.{name}: expected the attributes units and long_name, got {sorted(map(str, variable.attrs))}; "
                "use '1' for a dimensionless quantity"
            )
    return Path(store)


def _new_store(store: Path) -> None:
    attributes: dict[str, Any] = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "status": "complete",
        "committed": {},
        METADATA: {},
    }
    zarr.open_group(LocalStore(store), mode="w-", zarr_format=3, attributes=stamped(attributes))


def _write(dataset: xr.Dataset, path: Path, attributes: dict[str, Any]) -> None:
    plain = dataset.copy()
    plain.attrs = attributes
    for name, variable in dataset.variables.items():
        if variable.dtype.kind in "UO":  # names: of variable length, as in the tables
            plain[name] = variable.astype(np.dtypes.StringDType())
    encoding = {name: {"compressors": compressors(), "_FillValue": None} for name in plain.variables}
    # every chunk is written: one that is not there is a damaged one
    written = plain.to_zarr(
        LocalStore(path), mode="w", zarr_format=3, consolidated=False, encoding=encoding, write_empty_chunks=True
    )
    written.close()
    group = zarr.open_group(LocalStore(path), mode="r+")
    group.attrs[OWN] = result_digest(group)
