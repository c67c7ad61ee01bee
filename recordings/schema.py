"""What a recording is made of: tables that grow along one dimension, and their variables.

A table is one group of the zarr store, for example ``activity/conv1``. It grows along one dimension (``trial`` or
``step``), which is allocated in full when the recording is created. Every variable carries ``units`` and ``long_name``,
the two attributes that xarray prints on the axes of a plot.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import RecordingError

SCHEMA = "apical"
# 2: checksums of chunks and metadata, and every committed chunk is there
# 3: `updates` hold the drive of the rule and the change of the weights apart
SCHEMA_VERSION = 3
DTYPES = (
    "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool",
)  # fmt: skip

Coordinate = tuple[tuple[str, ...], NDArray[Any], Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One recorded quantity, appended row by row.

    Args:
        name: name of the array in its table.
        dims: names of the dimensions after the growing one, e.g. ``("unit",)``.
        shape: sizes of these dimensions.
        dtype: one of :data:`DTYPES`; bfloat16 has no zarr data type, cast it to float16 or float32 first.
        units: unit string, ``"1"`` for a dimensionless quantity.
        long_name: what stands on the axis of a plot.
        attributes: further attributes of the array (JSON values).
        coordinate: whether xarray shows the variable as a coordinate of the growing dimension.

    Raises:
        RecordingError: a field is malformed.
    """

    name: str
    dims: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    dtype: str = "float32"
    units: str = "1"
    long_name: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    coordinate: bool = False

    def __post_init__(self) -> None:
        where = f"variable {self.name!r}"
        if not self.name or "/" in self.name or self.name.startswith((".", "__")):
            raise RecordingError(f"{where}.name: expected a plain name, got {self.name!r}; leave out '/' and dots")
        if len(self.dims) != len(self.shape) or any(size < 1 for size in self.shape):
            raise RecordingError(
                f"{where}.shape: expected one positive size per dimension {self.dims}, got {self.shape}; "
                "leave the growing dimension out of both"
            )
        if self.dtype not in DTYPES:
            raise RecordingError(
                f"{where}.dtype: expected one of {', '.join(DTYPES)}, got {self.dtype!r}; cast before recording"
            )
        if not self.units or not self.long_name:
            raise RecordingError(
                f"{where}.units: expected units and a long_name, got {self.units!r} and {self.long_name!r}; "
                "use '1' for a dimensionless quantity"
            )

    @property
    def row_bytes(self) -> int:
        """Bytes of one row in memory."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    @property
    def fill(self) -> Any:
        """Value of the rows that were allocated but not yet written: NaN, -1, 0 or False, by data type."""
        kind = np.dtype(self.dtype).kind
        return {"f": math.nan, "i": -1, "u": 0, "b": False}[kind]


@dataclass(frozen=True, kw_only=True)
class Table:
    """One group of the recording: variables that grow together along ``dim``.

    Args:
        path: path of the group, e.g. ``"activity/conv1"``.
        dim: name of the growing dimension.
        length: number of rows allocated.
        variables: what each row holds.
        coords: static coordinates, name to ``(dims, values, attributes)``; strings are allowed. One along ``dim`` alone says of every row
            what was known before the first was recorded, in one piece that is read at once.
        attributes: attributes of the group (JSON values).

    Raises:
        RecordingError: a field is malformed, a name is used twice or a dimension has two sizes.
    """

    path: str
    dim: str
    length: int
    variables: tuple[Variable, ...]
    coords: Mapping[str, Coordinate] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where = f"table {self.path!r}"
        if not self.path or any(not part or part.startswith((".", "__")) for part in self.path.split("/")):
            raise RecordingError(
                f"{where}.path: expected names joined by '/', got {self.path!r}; e.g. 'activity/conv1'"
            )
        if self.length < 1 or not self.variables:
            raise RecordingError(
                f"{where}.length: expected at least one row and one variable, got {self.length} rows and "
                f"{len(self.variables)} variables; leave the table out instead"
            )
        names = [variable.name for variable in self.variables] + list(self.coords)
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise RecordingError(
                f"{where}.variables: expected every name once, got {', '.join(twice)} twice; rename it"
            )
        self._check_dimensions(where)

    def _check_dimensions(self, where: str) -> None:
        sizes = {self.dim: self.length}
        shapes = [(variable.name, variable.dims, variable.shape) for variable in self.variables]
        coords = [(name, dims, values.shape) for name, (dims, values, _) in self.coords.items()]
        shapes += [found for found in coords if found[1:] != ((self.dim,), (self.length,))]
        for name, dims, shape in shapes:
            if len(dims) != len(shape) or self.dim in dims:
                raise RecordingError(
                    f"{where}.{name}: expected static dimensions for shape {shape}, got {dims}; "
                    f"{self.dim!r} is the growing dimension and is added by the writer"
                )
            for dim, size in zip(dims, shape, strict=True):
                if sizes.setdefault(dim, size) != size:
                    raise RecordingError(
                        f"{where}.{name}: expected {sizes[dim]} along {dim!r}, got {size}; "
                        "give one size to a dimension throughout the table"
                    )

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of all variables in memory."""
        return sum(variable.row_bytes for variable in self.variables)

    def variable(self, name: str) -> Variable:
        """The variable of that name."""
        return next(variable for variable in self.variables if variable.name == name)
