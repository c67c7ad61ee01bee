"""The store of a recording: making a new one, and taking up an existing one where a checkpoint left it."""

import datetime
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zarr

from .checked import DAMAGE
from .digests import METADATA, OWN, TRIMMED, check_metadata, metadata_digests, stamped, update_attributes
from .errors import RecordingError, unknown_name
from .layout import StoreLike, block_rows, create_table, json_values, read_table, root_attributes
from .schema import SCHEMA, SCHEMA_VERSION, Table
from .trimming import grow

RESERVED = ("schema", "schema_version", "status", "committed", "resumed", METADATA, OWN, TRIMMED)
Tables = dict[str, tuple[Table, int]]  # by path, with the rows of a block


def create_store(
    store: StoreLike, tables: Iterable[Table], attributes: Mapping[str, Any], block_bytes: int
) -> tuple[zarr.Group, Tables]:
    """A new store with all its arrays allocated.

    Raises:
        RecordingError: the store exists, cannot be written, or a table or attribute is malformed.
    """
    listed = list(tables)
    chosen = {table.path: table for table in listed}
    if len(chosen) != len(listed) or not chosen:
        paths = [table.path for table in listed]
        raise RecordingError(f"recording.tables: expected one table or more, each path once, got {paths}; rename them")
    if block_bytes < 1:
        raise RecordingError(f"recording.block_bytes: expected at least 1, got {block_bytes}; use the default of 8 MiB")
    taken = [name for name in RESERVED if name in attributes]
    if taken:
        raise RecordingError(f"recording.attributes: expected free names, got {', '.join(taken)}; the writer sets them")
    if is_local(store) and Path(str(store)).suffix == ".zip":
        raise RecordingError(
            f"recording.store: expected a folder, got {store}; record into a folder and zip it afterwards"
        )
    if is_local(store) and Path(str(store)).exists():
        raise RecordingError(f"recording.store: expected a new path, got the existing {store}; resume or remove it")
    own = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **json_values(attributes, "recording"),
        "status": "running",
        "committed": dict.fromkeys(chosen, 0),
    }
    with refusing(store, "a place for a new recording", "check the path, its permissions and the free space"):
        root = zarr.open_group(store, mode="w-", zarr_format=3)
        for table in chosen.values():
            create_table(root, table, block_bytes)
        # last, and in one write: only a store with all its arrays is a recording
        root.update_attributes(stamped({**own, METADATA: metadata_digests(root, chosen)}))
    return root, {path: (table, block_rows(table, block_bytes)) for path, table in chosen.items()}


def resume_store(
    store: StoreLike,
    cursor: Mapping[str, int],
    part: Mapping[str, Any],
    lengths: Mapping[str, int],
    changed: Mapping[str, Any],
) -> tuple[zarr.Group, Tables]:
    """An existing store, set back to the cursor: later rows are no longer committed, and whole blocks of them erased.

    What is known of the new part of the run is added to the root attribute ``resumed``; tables get room for more rows where `lengths` asks for
    it, and root attributes become those of `changed`.

    Raises:
        RecordingError: no such recording, or the cursor does not fit it.
    """
    with refusing(store, "a recording to resume", "check the path and its permissions"):
        root = zarr.open_group(store, mode="r+")
        attributes = root_attributes(root, store_name(store))
        committed = attributes["committed"]
        check_cursor(cursor, committed)
        check_metadata(root, attributes, store_name(store))
        if lengths or changed:
            grow(root, lengths, json_values(changed, "recording"))
        tables = {path: read_table(root, path) for path in committed}
        told = {"resumed": [*attributes.get("resumed", []), json_values(part, "recording.resumed")]} if part else {}
        update_attributes(root, {"committed": dict(cursor), "status": "running", **told})
        if is_local(store):
            clear_partials(Path(str(store)), committed)
        for path, rows in committed.items():
            erase_blocks(root, *tables[path], cursor[path], rows)
    return root, tables


def set_aside(store: Path) -> Path | None:
    """Make room for a new recording: one with rows, complete or damaged gets another name, one without is removed.

    Args:
        store: path of a `recording.zarr`, or of nothing.

    Returns:
        Where the recording lies now, `recording-1.zarr` or the next free number; None where nothing was worth keeping.

    Raises:
        RecordingError: it cannot be moved.
    """
    with refusing(store, "a recording that can be moved aside", "check its permissions"):
        if not store.exists():
            return None
        if _is_empty(store):
            shutil.rmtree(store)
            return None
        number = 1
        while (kept := store.with_name(f"{store.stem}-{number}{store.suffix}")).exists():
            number += 1
        return store.rename(kept)


def _is_empty(store: Path) -> bool:
    try:
        attributes: dict[str, Any] = dict(zarr.open_group(str(store), mode="r").attrs)
        rows = dict(attributes.get("committed", {}))
    except DAMAGE:
        return False
    return attributes.get("status") != "complete" and not any(rows.values())


def clear_partials(store: Path, tables: Iterable[str]) -> None:
    """Remove what a killed writer left half written: files of zarr's that were never renamed. Nobody else writes these folders."""
    left_over = list(store.glob("*.partial"))
    for path in tables:
        left_over += (store / path).rglob("*.partial")
    for file in left_over:
        file.unlink(missing_ok=True)


def check_cursor(cursor: Mapping[str, int], committed: Mapping[str, int]) -> None:
    """Refuse a cursor that names other tables than the recording holds, or rows it does not hold."""
    for path in cursor:
        if path not in committed:
            raise unknown_name("cursor.table", path, committed)
    for path, rows in committed.items():
        if not 0 <= cursor.get(path, -1) <= rows:
            raise RecordingError(
                f"cursor.{path}: expected 0 to {rows} rows, got {cursor.get(path)}; "
                "give the checkpoint that belongs to this recording"
            )


def erase_blocks(root: zarr.Group, table: Table, block: int, kept: int, committed: int) -> None:
    """Erase the whole blocks after row ``kept``; what was committed can be followed by one block that was not."""
    first = -(-kept // block) * block
    last = min(table.length, (committed // block + 1) * block)
    for variable in table.variables:
        array = root[f"{table.path}/{variable.name}"]
        for start in range(first, last, block):
            array[start : min(start + block, last)] = variable.fill  # type: ignore[index]


@contextmanager
def refusing(store: StoreLike, expected: str, remedy: str) -> Iterator[None]:
    """Turn errors of the store into one sentence with path and remedy."""
    if not __debug__:  # zarr takes an entry out of its metadata inside an assertion
        raise RecordingError(
            f"PYTHONOPTIMIZE: expected Python with assertions for {store_name(store)}, got none; unset it and leave out -O: zarr reads nothing "
            "without them"
        )
    try:
        yield
    except RecordingError:
        raise
    except (*DAMAGE, ImportError) as error:
        raise RecordingError(
            f"recording.store: expected {expected} at {store_name(store)}, got {error}; {remedy}"
        ) from error


def is_local(store: StoreLike) -> bool:
    """Whether the store is a path on this machine and not a zarr store or a URL."""
    return isinstance(store, str | Path) and "://" not in str(store)


def store_name(store: StoreLike) -> str:
    """What error messages call the store."""
    return str(store)
