"""The runs of a page: their names, their recordings, and what has been opened of them."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RecordingError, unknown_name
from ..places import recordings_of

if TYPE_CHECKING:  # the address is told before xarray is loaded
    from .source import Source


class Catalogue:
    """Runs by name; a recording is opened when it is first shown, and kept.

    Args:
        runs: folders of runs.

    Raises:
        RecordingError: no run, one twice, or a folder without a recording.
    """

    def __init__(self, runs: Sequence[Path]) -> None:
        if not runs:
            raise RecordingError("view.runs: expected at least one run, got none; for example runs/demo-seed0")
        places = [Path(run).resolve() for run in runs]
        for place in places:
            if places.count(place) > 1:
                raise RecordingError(f"view.runs: expected different runs, got {place} twice; leave one out")
        self._runs = dict(zip(_names(places), places, strict=True))
        for place in places:
            if not recordings_of(place):
                raise RecordingError(f"view.runs: expected a run with a recording, got {place} without; check the path")
        self._opened: dict[tuple[str, str], Source] = {}

    @property
    def runs(self) -> list[str]:
        """Names of the runs: their folders, with as many parents as tell them apart."""
        return list(self._runs)

    def recordings(self, run: str) -> list[str]:
        """Names of the recordings of a run, `training` first where there is one."""
        return list(recordings_of(self._place(run)))

    def open(self, run: str, recording: str) -> "Source":
        """A recording of a run.

        Raises:
            RecordingError: no such run or recording, or it cannot be read.
        """
        key = (run, recording)
        if key not in self._opened:
            known = recordings_of(self._place(run))
            if recording not in known:
                raise unknown_name(f"{run}.recording", recording, known)
            from .source import Source

            self._opened[key] = Source(known[recording])
        return self._opened[key]

    def warm(self) -> None:
        """Open the first recording of the first run, so that the page finds it open; what is damaged is told there."""
        with suppress(RecordingError):
            run = self.runs[0]
            self.open(run, self.recordings(run)[0])

    def forget(self) -> None:
        """Read everything anew when it is shown next: a training may have gone on."""
        self._opened.clear()

    def _place(self, run: str) -> Path:
        if run not in self._runs:
            raise unknown_name("view.run", run, self._runs)
        return self._runs[run]


def _names(places: Sequence[Path]) -> list[str]:
    for parts in range(1, max(len(place.parts) for place in places) + 1):
        names = ["/".join(place.parts[-parts:]) for place in places]
        if len(set(names)) == len(names):
            return names
    return [str(place) for place in places]
