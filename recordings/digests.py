"""Checksums of a store's metadata, beside those that every chunk has.

    metadata_sha256   root attribute, by path: of the zarr.json of each group of tables, and of each table with its arrays; fixed at creation
    sha256            root attribute: of all others, written anew with every change of `status`, `committed`, `resumed` and `trimmed`
    trimmed           root attribute of a recording whose tables were cut to their rows, or given more: the first length and all later ones, by path

They are of JSON values, not of texts, so that another program may store the same metadata in another layout. Recordings of schema 1 have neither.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import zarr

from .documents import document, documents
from .errors import RecordingError

OWN = "sha256"
METADATA = "metadata_sha256"
TRIMMED = "trimmed"
SINCE = 2  # schema version


def digest(value: Any) -> str:
    """SHA-256 of a JSON value, whatever the order of its entries."""
    plain = json.loads(json.dumps(value))  # as it will be read: keys are texts
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def metadata_digests(root: zarr.Group, tables: Iterable[str]) -> dict[str, str]:
    """Checksum of every table's metadata, and of every group above a table, by path."""
    paths = list(tables)
    above = {str(parent) for path in paths for parent in PurePosixPath(path).parents} - {"."}
    return {path: digest(document(root, path)) for path in sorted(above)} | {
        path: digest(_documents(root, path)) for path in paths
    }


def check_metadata(root: zarr.Group, attributes: Mapping[str, Any], where: str) -> None:
    """Compare the metadata of all tables with their checksums.

    Raises:
        RecordingError: metadata are missing or were changed.
    """
    if attributes["schema_version"] < SINCE:
        return
    for path, stored in attributes[METADATA].items():
        table = path in attributes["committed"]
        lengths = attributes.get(TRIMMED, {}).get(path)
        if digest(_documents(root, path, lengths) if table else document(root, path)) != stored:
            raise RecordingError(
                f"recording.{path}: expected metadata with the checksum {stored[:12]}, got others: a zarr.json in {where} was "
                "changed after it was written; restore it from a copy"
            )


def stamped(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Root attributes with their checksum; those of an earlier schema as they are."""
    kept = {name: value for name, value in attributes.items() if name != OWN}
    if kept["schema_version"] < SINCE:
        return kept
    return {**kept, OWN: digest(kept)}


def update_attributes(root: zarr.Group, changes: Mapping[str, Any]) -> None:
    """Change root attributes and their checksum in one write."""
    # not attrs.update, which writes once for every name: a kill between two of them would leave another checksum
    root.update_attributes(stamped({**dict(root.attrs), **changes}))


def check_attributes(attributes: Mapping[str, Any], where: str) -> None:
    """Compare root attributes with their checksum.

    Raises:
        RecordingError: they were changed other than by this room.
    """
    if attributes["schema_version"] >= SINCE and stamped(attributes) != dict(attributes):
        raise RecordingError(
            f"{where}: expected root attributes with their checksum, got others: zarr.json was changed after it was written; "
            "restore it from a copy"
        )


def result_digest(group: zarr.Group) -> str:
    """Checksum of a result: its own attributes and the metadata of its arrays."""
    own = {name: value for name, value in dict(group.attrs).items() if name != OWN}
    names = sorted(name for name, _ in group.arrays())
    return digest([own, {name: document(group, name) for name in names}])


def _documents(root: zarr.Group, path: str, lengths: Sequence[int] | None = None) -> dict[str, Any]:
    """Metadata of a table and of its arrays, by name; arrays that have one of the later lengths as they were with the first."""
    table = document(root, path)
    variables = table["attributes"]["variables"]
    names = [*variables, *table["attributes"]["coordinates"].split()]
    read = documents(root, [f"{path}/{name}" for name in dict.fromkeys(names)])
    found = {key.removeprefix(f"{path}/"): value for key, value in read.items()}
    for name in variables if lengths else ():
        if lengths and found[name]["shape"][0] in lengths[1:]:
            found[name]["shape"][0] = lengths[0]
    return {"": table} | found
