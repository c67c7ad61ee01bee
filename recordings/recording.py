"""What `open` gives: an xarray DataTree whose text fits on a screen."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

WIDTH = 100


class Recording(xr.DataTree):  # type: ignore[no-untyped-call]
    """A recording: an xarray DataTree in everything but its text.

    Printed by itself, a tree of twenty tables with every variable and attribute fills hundreds of lines; this one tells what there is,
    a line per table. The text of a table, `recording["metrics"]`, is xarray's own.
    """

    __slots__ = ()

    def __repr__(self) -> str:  # type: ignore[override]
        return summary(self) if self.parent is None and "committed" in self.attrs else super().__repr__()

    def __str__(self) -> str:
        return repr(self)  # xarray has another one for `print`


def summary(recording: xr.DataTree) -> str:
    """One screen about a recording: state, what it is of, and a line per table with sizes and variables.

    Tables of the same form, such as those of populations, share a line.

    Args:
        recording: as `open` gives it.
    """
    attributes = recording.attrs
    config: Mapping[str, Any] = attributes.get("config") or {}
    words = [f"status {attributes.get('status', 'unknown')}"]
    words += [f"{name} {config[name]}" for name in ("name", "seed") if name in config]
    words += [f"{name} {attributes[name]}" for name in ("device", "created") if name in attributes]
    lines = [f"Recording: {', '.join(words)}"]
    for (parent, sizes, variables), names in _forms(recording).items():
        where = f"{parent}/" * bool(parent) + (names[0] if len(names) == 1 else "{" + ", ".join(names) + "}")
        lines.append(f"  {_cut(where)}")
        lines.append(f"      {_cut(f'{sizes}: {variables}')}")
    lines.append(
        'A table is recording["metrics"] or recording["activity/conv1"]; settings and versions are in recording.attrs.'
    )
    return "\n".join(lines)


def _forms(recording: xr.DataTree) -> dict[tuple[str, str, str], list[str]]:
    """Names of tables by what they have in common: where they lie, their sizes and their variables."""
    forms: dict[tuple[str, str, str], list[str]] = {}
    for node in recording.subtree:
        if not node.data_vars:
            continue
        parent, _, name = node.path.lstrip("/").rpartition("/")
        sizes = ", ".join(f"{dim} {size}" for dim, size in node.sizes.items())
        forms.setdefault((parent, sizes, ", ".join(map(str, node.data_vars))), []).append(name)
    return forms


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."
