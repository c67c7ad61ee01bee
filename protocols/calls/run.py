"""A trained run as an object: what it was trained with, and its network as it ended."""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..runs.folder import RunFolder
from ..settings.load import RunConfig

if TYPE_CHECKING:  # a run's recording is opened without torch
    import xarray as xr

    from ...models import BlockNetwork, Network
    from ...plasticity import Rule
    from ..runs.trained import Trained
    from ..stimuli import Stimulus

Units = str | int | Sequence[int] | Sequence[str] | Mapping[str, str | int | Sequence[int]] | None


class Run:
    """The folder of a run; everything in it is read when it is first asked for.

    Args:
        path: folder of the run.
        device: auto, cpu or cuda; None for the run's own setting.
        data_dir: folder of the data sets.
        data: `folder:PATH` or `npz:PATH`, where its own images are now; None where they have not moved.

    Raises:
        ConfigError: no run there.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        device: str | None = None,
        data_dir: str | PathLike[str] | None = None,
        data: str | None = None,
    ) -> None:
        self.path = Path(path)
        self._device, self._data_dir, self._data = device, None if data_dir is None else Path(data_dir), data
        self.settings: RunConfig = RunFolder(self.path).settings()

    @cached_property
    def _opened(self) -> "Trained[Rule]":
        from ..runs.trained import open_run

        return open_run(self.path, device=self._device, data_dir=self._data_dir, data=self._data)

    @property
    def rule(self) -> "Rule":
        """The rule it was trained with."""
        return self._opened.rule

    @property
    def stimulus(self) -> "Stimulus":
        """What it saw: training and test images, still and as views."""
        return self._opened.stimulus

    @cached_property
    def network(self) -> "Network | BlockNetwork":
        """The network of the newest checkpoint."""
        return self._opened.network()

    @property
    def recording(self) -> "xr.DataTree":
        """Its recording, opened anew: rows that were committed meanwhile are in it."""
        from ...recordings import open

        return open(self.path)

    def present(
        self,
        stimulus: Any = "own",
        *,
        units: Units = None,
        populations: str | Sequence[str] = (),
        variables: str | Sequence[str] = (),
        reductions: str | Sequence[str] = (),
        context: str | int = "before",
        repeats: int = 1,
        shuffle: bool = False,
        seed: int | None = None,
        images: bool = False,
        dtype: str = "float32",
        checkpoint: str = "",
        progress: bool = False,
        **settings: Any,
    ) -> "xr.DataTree":
        """What the frozen network answers to stimuli, in memory: the tree that `apical record` would write, with a table per population.

        Args:
            stimulus: images, (n, channels, height, width), uint8 or normalised numbers, as an array or tensor; or a word of `apical record`:
                `own`, a data set, `gratings`, `sparse-noise`, `white-noise`, `movie:PATH`, ...
            units: `all`, how many (drawn), flat positions, or a mapping of populations to these; None for those of the training's recording.
            populations: names, or one text of them between commas; empty for all, or those that `units` maps.
            variables: likewise, some of basal, rate, apical, score, neuromodulator, drive, gate, eligibility; empty for the first five.
            reductions: likewise, some of mean, norm, sparsity, histogram, over all neurons of a population.
            context: `before`, `same`, `none`, or the number of a stimulus.
            repeats, shuffle: how often all are shown, and whether each time in another random order.
            seed: of every draw; None for the run's.
            images: whether the shown images are in the tree, as table `stimuli`.
            dtype: of potentials and rates.
            checkpoint: file name; empty for the newest, `initial` for the network before its first step.
            progress: show a bar.
            settings: of the stimulus, such as `orientations=8`.
        """
        from ..record import RecordSettings, present

        given = isinstance(stimulus, str)
        chosen = RecordSettings(
            stimulus=stimulus if given else "own", stimulus_settings=settings, units=unit_words(units),
            populations=names_of("populations", populations), variables=names_of("variables", variables), reductions=names_of("reductions", reductions),
            context=str(context), repeats=repeats, shuffle=shuffle, seed=seed, images=images, dtype=dtype,
            checkpoint=checkpoint,
        )  # fmt: skip
        return present(self._opened, chosen, None if given else stimulus, data_dir=self._data_dir, progress=progress)

    def __fspath__(self) -> str:
        return fspath(self.path)

    def __repr__(self) -> str:
        s = self.settings
        return f"Run({str(self.path)!r}: {s.rule.name} on {s.stimulus.name}, {s.network.builder}, {s.training.epochs} epochs, seed {s.seed})"


def unit_words(units: Units) -> tuple[str, ...]:
    """Units as the command line says them.

    >>> unit_words(64), unit_words([3, 17]), unit_words({"conv1": "all", "conv2": [5]})
    (('64',), ('3,17,',), ('conv1=all', 'conv2=5,'))
    >>> unit_words("conv1=3,17, conv2=all"), unit_words(["conv1=64", "conv2=all"])
    (('conv1=3,17', 'conv2=all'), ('conv1=64', 'conv2=all'))
    """
    if units is None:
        return ()
    if isinstance(units, Mapping):
        return tuple(f"{name}={unit_words(each)[0]}" for name, each in units.items())
    if isinstance(units, str):
        return tuple(word.strip() for word in re.split(r",(?=[^,=]+=)", units))
    if isinstance(units, int):
        return (str(units),)
    if any(isinstance(unit, str) for unit in units):
        return tuple(map(str, units))
    return ("".join(f"{int(unit)}," for unit in units),)


def names_of(where: str, given: str | Sequence[str]) -> tuple[str, ...]:
    """Names in a sequence, or in one text between commas, as on the command line.

    >>> names_of("variables", "rate, basal"), names_of("variables", ["rate"])
    (('rate', 'basal'), ('rate',))

    Raises:
        ConfigError: an empty name.
    """
    names = tuple(given.split(",") if given else ()) if isinstance(given, str) else tuple(given)
    names = tuple(name.strip() if isinstance(name, str) else name for name in names)
    if "" in names:
        raise ConfigError(f"record.{where}: expected names between commas, got {given!r}; leave out what is empty")
    return names


def folder_of(run: str | PathLike[str] | Mapping[str, Any]) -> Path:
    """Folder of a run, given as a path, a `Run`, or the result of what made it.

    Raises:
        ConfigError: something else.
    """
    if isinstance(run, Mapping) and "run" in run:
        return Path(run["run"])
    if isinstance(run, (str, PathLike)):
        return Path(run)
    raise ConfigError(f"run: expected a folder, a Run or a result with one, got {type(run).__name__}; see apical.load")
