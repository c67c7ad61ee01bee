"""What recordings of earlier versions called otherwise: said as it is when they are read, kept as it was when they go on.

Up to schema 2 the variables `*_change` of `updates` held what the rule drives, before learning rate and optimiser.
"""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from .schema import Table

SINCE = 3
DRIVE, CHANGE = "_drive", "_change"
SAID = (
    "Euclidean norm of the change that the rule gives, before learning rate and optimiser; recorded as {name} by an earlier version, "
    "which did not record what the weights moved by"
)


def told_anew(dataset: xr.Dataset, path: str, version: int) -> xr.Dataset:
    """A table under the names of today.

    Args:
        dataset: the table.
        path: of the table.
        version: schema of its recording.
    """
    if version >= SINCE or not path.startswith("updates/"):
        return dataset
    renamed = {str(name): _new(str(name)) for name in dataset.data_vars if CHANGE in str(name)}
    dataset = dataset.rename(renamed)
    for old, new in renamed.items():
        weights = "apical weights, B" if new.startswith("apical") else "basal weights, W"
        dataset[new].attrs |= {"long_name": f"drive of the {weights}", "description": SAID.format(name=old)}
    return dataset


def as_recorded(rows: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """Rows of `updates` as the table that they go into calls them: one of an earlier version has the drives alone, under their old name."""
    names = {variable.name for variable in table.variables}
    if rows.keys() <= names:
        return dict(rows)
    kept = {name: value for name, value in rows.items() if CHANGE not in name}
    return {name if name in names else name.replace(DRIVE, CHANGE): value for name, value in kept.items()}


def _new(name: str) -> str:
    return name.replace(CHANGE, DRIVE)
