"""One recording of a run as an analysis sees it: its populations, signals, phases and images."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...recordings import open as open_recording
from ...recordings.places import TRAINING, recordings_of
from ...recordings.replay_names import GROUP as REPLAYS
from ..errors import ConfigError, nearest
from .options import Options


@dataclass(frozen=True)
class Recorded:
    """One recording.

    Attributes:
        run: folder of the run.
        name: `training`, or the name of an own recording.
        path: its store.
        tree: what it holds, lazily.
        chosen: populations to analyse; none for all.
        replay: name of the replay to analyse, or empty.
    """

    run: Path
    name: str
    path: Path
    tree: xr.DataTree
    chosen: tuple[str, ...] = ()
    replay: str = ""

    @property
    def of_training(self) -> bool:
        """Whether weights moved while it was made."""
        return self.name == TRAINING

    def tables(self, kind: str) -> dict[str, xr.Dataset]:
        """Tables `kind/<population>` of the chosen populations."""
        if kind not in self.tree.children:
            return {}
        found = {str(name): node.to_dataset() for name, node in self.tree[kind].children.items()}
        for name in self.chosen:
            if found and name not in found:
                raise ConfigError(
                    f"analyse.population: expected one of {', '.join(found)}, got {name!r}{nearest(name, found)}"
                )
        return {name: table for name, table in found.items() if not self.chosen or name in self.chosen}

    @cached_property
    def activity(self) -> dict[str, xr.Dataset]:
        """Tables of the trials by population."""
        return self.tables("activity")

    def signals(self, options: Options) -> dict[str, xr.DataArray]:
        """The variable to be analysed, by population; populations without it are left out.

        Raises:
            ConfigError: no population has it.
        """
        found = {name: table[options.value] for name, table in self.activity.items() if options.value in table}
        if not found:
            known = sorted({str(n) for table in self.activity.values() for n, v in table.items() if "unit" in v.dims})
            raise ConfigError(
                f"analyse.value: expected one of {', '.join(known) or '(none)'}, got {options.value!r}{nearest(options.value, known)}"
            )
        return found

    def dendrites(self, options: Options) -> dict[str, tuple[xr.Dataset, str]]:
        """Table and suffix of the apical variables of every population that has the asked-for dendrite.

        Raises:
            ConfigError: no population has it, though some have another.
        """
        suffix = f"_{options.source}" if options.source else ""
        found = {
            name: (table, suffix)
            for name, table in self.activity.items()
            if f"apical{suffix}" in table and "basal" in table
        }
        known = sorted(
            {str(n)[7:] for table in self.activity.values() for n in table.data_vars if str(n).startswith("apical_")}
        )
        if options.source and not found:
            raise ConfigError(
                f"analyse.source: expected one of {', '.join(known) or '(none: a single apical dendrite)'}, got "
                f"{options.source!r}{nearest(options.source, known)}"
            )
        if not found and known:
            return self.dendrites(Options(value=options.value, source=known[0]))
        return found

    def rows(self, table: xr.Dataset | xr.DataArray, options: Options) -> NDArray[np.bool_] | None:
        """Trials that are asked for by phase and step; None for all.

        Raises:
            ConfigError: an unknown phase, steps that the recording does not have, or no such trial.
        """
        kept = np.ones(table.sizes[str(next(iter(table.dims)))], bool)
        if options.phase:
            names, codes = phases(table)
            if options.phase not in names:
                raise ConfigError(
                    f"analyse.phase: expected one of {', '.join(names) or '(none in this recording)'}, got {options.phase!r}"
                )
            kept &= codes == names.index(options.phase)
        if isinstance(table, xr.DataArray) and str(table.name).startswith("apical") and "context_id" in table.coords:
            kept &= table.coords["context_id"].values >= 0  # without a context there is no apical potential
        if options.since or options.until:
            if "step" not in table.coords:
                raise ConfigError(
                    "analyse.since: expected a recording with training steps, got one without; leave it out"
                )
            step = table.coords["step"].values
            kept &= (step >= options.since) & (step < (options.until or np.inf))
        if not kept.any():
            raise ConfigError("analyse.phase: expected trials of this phase and these steps, got none; choose others")
        return None if kept.all() else kept

    def has(self, *coordinates: str, varied: bool = False) -> bool:
        """Whether the trials of some population have these parameters."""
        return any(
            all(_has(table, name, varied) for name in coordinates) for table in self.activity.values() if len(table)
        )

    def images(self) -> xr.DataArray | None:
        """Images that were shown, if they were recorded."""
        if "stimuli" not in self.tree.children:
            return None
        table = self.tree["stimuli"].to_dataset()
        return table.get("image")

    def of_replay(self) -> xr.DataTree:
        """The tables of the replay."""
        node = self.tree[f"{REPLAYS}/{self.replay}"]
        assert isinstance(node, xr.DataTree)
        return node

    def replays(self) -> list[str]:
        """Names of the replays in it."""
        return [str(name) for name in self.tree[REPLAYS].children] if REPLAYS in self.tree.children else []

    def mean_step(self, table: xr.Dataset) -> dict[str, Any]:
        """First and last training step of the trials, where they have one."""
        if "step" not in table.coords or not table.sizes.get("trial"):
            return {}
        steps = table.coords["step"].values
        return {"first_step": int(steps.min()), "last_step": int(steps.max())}


def open_recorded(run: Path, name: str, populations: Iterable[str] = (), replay: str = "") -> Recorded:
    """Open a recording of a run.

    Raises:
        ConfigError: no run, no such recording, or no such replay in it.
        RecordingError: it is damaged.
    """
    known = recordings_of(run)
    if not known:
        raise ConfigError(
            f"{run}: expected the folder of a run with a recording, got none; record one with apical record"
        )
    if name not in known:
        raise ConfigError(f"analyse.recording: expected one of {', '.join(known)}, got {name!r}{nearest(name, known)}")
    found = Recorded(run, name, known[name], open_recording(known[name]), tuple(populations), replay)
    if replay and replay not in found.replays():
        raise ConfigError(
            f"analyse.replay: expected one of {', '.join(found.replays()) or '(none: make one with apical replay)'}, got "
            f"{replay!r}{nearest(replay, found.replays())}"
        )
    return found


def phases(table: xr.Dataset | xr.DataArray) -> tuple[list[str], NDArray[np.int64]]:
    """Names of the phases of trials, and which each trial is of; none where trials have no phase."""
    if "phase" not in table.coords or "flag_meanings" not in table.coords["phase"].attrs:
        return [], np.full(table.sizes[str(next(iter(table.dims)))], -1, np.int64)
    coordinate = table.coords["phase"]
    names = str(coordinate.attrs["flag_meanings"]).split()
    codes = np.full(coordinate.size, -1, np.int64)
    for i, value in enumerate(np.atleast_1d(coordinate.attrs["flag_values"])):
        codes[coordinate.values == value] = i
    return names, codes


def _has(table: xr.Dataset, name: str, varied: bool) -> bool:
    if name not in table.coords:
        return False
    values = table.coords[name].values
    if name == "label":
        values = values[values >= 0]
    elif values.dtype.kind == "f":
        values = values[~np.isnan(values)]
    return len(np.unique(values)) > 1 if varied else len(values) > 0
