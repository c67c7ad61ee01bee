"""What is exported: the tables of a recording, or of one of its replays, as far as they are asked for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import RecordingError, unknown_name
from ..places import recording_of
from ..reader import open as open_recording
from ..replay_names import GROUP

BLOCK_BYTES = 32 << 20  # of a variable in memory at a time


@dataclass(frozen=True, slots=True)
class Content:
    """Tables by path, and what is said of all of them.

    Attributes:
        run: name of the run.
        recording: name of its recording.
        replay: name of the replay; empty for the recording itself.
        tables: datasets by path, lazily.
        attributes: of the recording, or of the replay beside them.
    """

    run: str
    recording: str
    replay: str
    tables: Mapping[str, xr.Dataset]
    attributes: Mapping[str, Any]

    @property
    def bytes(self) -> int:
        """Of all values in memory, which no format that keeps numbers as such exceeds by much."""
        return sum(int(variable.nbytes) for table in self.tables.values() for variable in table.variables.values())

    @property
    def populations(self) -> dict[str, xr.Dataset]:
        """Trials of each recorded population, by its name."""
        return {path.partition("/")[2]: table for path, table in self.tables.items() if path.startswith("activity/")}

    @property
    def name(self) -> str:
        """Stem of a file."""
        return "-".join(filter(None, (self.recording, self.replay)))


def content(run: Path, recording: str, replay: str | None, populations: Sequence[str] | None) -> Content:
    """Open what is to be exported.

    Args:
        run: folder of the run.
        recording: name of one of its recordings.
        replay: name of a replay in it, which is then all that is exported.
        populations: names; None for all.

    Raises:
        RecordingError: something of this is not there.
    """
    tree = open_recording(recording_of(run, recording))
    nodes = {node.path.strip("/"): node.to_dataset(inherit=False) for node in tree.subtree if node.path != "/"}
    attributes: dict[str, Any] = {str(name): value for name, value in tree.attrs.items()}
    replays = list(tree[GROUP].children) if GROUP in tree.children else []
    if replay is not None:
        if replay not in replays:
            raise unknown_name("export.replay", replay, replays)
        prefix = f"{GROUP}/{replay}"
        attributes = {**attributes, "replay": dict(tree[prefix].attrs)}
        tables = {
            path.removeprefix(f"{prefix}/"): each for path, each in nodes.items() if path.startswith(f"{prefix}/")
        }
    else:
        tables = {path: each for path, each in nodes.items() if path.partition("/")[0] != GROUP}
    if populations is not None:
        known = [path.partition("/")[2] for path in tables if path.startswith("activity/")]
        if replay is not None or not known:
            raise RecordingError(
                f"export.populations: expected a recording with populations, got {replay or recording}; leave them out"
            )
        for name in populations:
            if name not in known:
                raise unknown_name("export.populations", name, known)
        of_one = ("activity/", "updates/")
        tables = {
            path: table
            for path, table in tables.items()
            if not path.startswith(of_one) or path.partition("/")[2] in populations
        }
    tables = {str(path): table for path, table in tables.items() if table.variables}
    if not tables:
        raise RecordingError(f"export.recording: expected tables, got none in {recording}; record something first")
    return Content(Path(run).resolve().name, recording, replay or "", tables, attributes)


def blocks(variable: xr.DataArray | xr.Variable) -> Iterator[NDArray[Any]]:
    """Values of a variable in runs of whole rows, each of few bytes; of a single number once."""
    if variable.ndim == 0:
        yield np.asarray(variable)
        return
    for start, stop in rows_of(variable):
        yield values(variable, start, stop)


def values(variable: xr.DataArray | xr.Variable, start: int, stop: int) -> NDArray[Any]:
    """Rows `start` to `stop`."""
    data = variable.data[start:stop]
    # here and now: dask's threads would each hold a block
    found = np.asarray(data.compute(scheduler="synchronous") if hasattr(data, "compute") else data)
    return words(found) if found.dtype.kind in "OT" else found


def words(found: NDArray[Any]) -> NDArray[Any]:
    """Texts of variable length as those of NumPy's own kind."""
    return np.array([str(each) for each in found.ravel().tolist()], dtype=str).reshape(found.shape)


def rows_of(variable: xr.DataArray | xr.Variable) -> Iterator[tuple[int, int]]:
    """Borders of the blocks; whole blocks of the store where these are small enough."""
    length = int(variable.shape[0])
    row = max(1, int(variable.nbytes) // max(length, 1))
    stored = int(variable.chunks[0][0]) if variable.chunks and variable.chunks[0] else length
    most = max(1, BLOCK_BYTES // row)
    step = max(1, most - most % stored if most >= stored else most)
    for start in range(0, length, step):
        yield start, min(start + step, length)
