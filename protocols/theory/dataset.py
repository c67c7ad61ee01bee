"""Every case that was checked, as one xarray Dataset."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from .networks import SOURCES

Rows = Sequence[Mapping[str, Any]]

# what was measured; all other fields of a row say what was checked
MEASURED = {
    "error": "relative error",
    "stationarity": "norm of the gradient at the optimum of B",
    "error_without": "relative error with neuromodulator 0 at the margin",
    "on_margin": "fraction of scores on the margin",
    "relative": "distance of the change to the backprop gradient, relative",
    "violated": "distance larger with top context",
    "violated_populations": "populations with the distance larger with top context",
    "left": "backprop error that the best B leaves, relative",
    "change": "distance of the change to the backprop gradient at that B, relative",
    "gap": "distance of the change to the backprop gradient, relative",
    "cosine": "cosine between the change and the backprop gradient",
}


def dataset(parts: Mapping[str, Rows]) -> xr.Dataset:
    """One dimension per part; variables `<part>_<measured>` (part[, context]), coordinates `<part>_<condition>` (part).

    Args:
        parts: rows by part, all rows of a part with the same fields; a field by context source is a mapping.
    """
    variables: dict[str, Any] = {}
    coordinates: dict[str, Any] = {"context": ("context", list(SOURCES), {"long_name": "context of the local rule"})}
    for part, rows in parts.items():
        for field, first in rows[0].items():
            name = f"{part}_{field}"
            if field not in MEASURED:
                coordinates[name] = (part, [row[field] for row in rows], {"long_name": field.replace("_", " ")})
                continue
            said = {"units": "1", "long_name": MEASURED[field]}
            if isinstance(first, Mapping):
                values = np.array([[row[field][source] for source in SOURCES] for row in rows])
                variables[name] = ((part, "context"), values, said)
            else:
                variables[name] = (part, np.array([row[field] for row in rows]), said)
    return xr.Dataset(variables, coordinates)
