"""A trained run as an object: what it was trained with, and its network as it ended."""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..progress import notice
from ..runs.folder import RunFolder
from ..settings.load import RunConfig

if TYPE_CHECKING:  # a run's recording is opened without torch
    import xarray as xr

    from ...models import BlockNetwork, Network
    from ...plasticity import Rule
    from ..runs.trained import Trained
    from ..stimuli import Stimulus
    from .result import Result

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

    @cached_property
    def _seeing(self) -> "Trained[Rule]":
        """The run as far as showing it images needs it: without those of its training, where its checkpoint tells how they were normalised."""
        from ..runs.trained import describe

        if "_opened" in self.__dict__:
            return self._opened
        found = describe(self.path)
        bare = found.without_images(device=self._device)
        if bare is not None:
            return bare
        notice(
            f"{self.path}: its checkpoint does not tell how images are normalised; that is taken from {found.config.stimulus.name}"
        )
        return self._opened

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
        """The network of the newest checkpoint; the images of the training are not read for it."""
        return self._seeing.network()

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes of its images."""
        return self._seeing.stimulus.train.classes

    def rates(self, images: Any, population: str | None = None, *, resize: bool = False) -> "xr.DataArray":
        """Rate of every neuron of a population for images of one's own, (trial, unit), with channel, row and column of each unit.

        Neither the data set of the run nor its settings are needed: the checkpoint knows how its images were normalised.

        Args:
            images: uint8, as an array or tensor (n, channels, height, width) or (n, height, width, channels), or grey (n, height, width).
            population: name; None for the topmost.
            resize: bring images of another size to that of the network: shorter side first, then the centre square.

        Raises:
            ConfigError: another type or size, axes that are not clear, or an unknown population.
            ProtocolError: there is no checkpoint.
        """
        from ..runs.answers import rates_of

        return rates_of(self._seeing, images, population, resize=resize)

    def features(
        self, images: Any, population: str | Sequence[str] | None = None, *, resize: bool = False
    ) -> "xr.DataArray":
        """What a read-out sees of images of one's own, (trial, unit): maps pooled as `apical probe` pools them.

        Args:
            images, resize: as in `rates`.
            population: name or names, side by side along `unit`; None for those that are read out together.

        Raises:
            ConfigError, ProtocolError: as `rates`.
        """
        from ..runs.answers import features_of

        return features_of(self._seeing, images, population, resize=resize)

    @property
    def recording(self) -> "xr.DataTree":
        """Its recording, opened anew: rows that were committed meanwhile are in it."""
        from ...recordings import open

        return open(self.path)

    def probe(self, data: str | None = None, **settings: Any) -> "Result":
        """Read the run out, on its own data or on others; see `apical.probe`.

        Args:
            data: other data, such as `cifar100` or `folder:PATH`; None for the run's own.
            settings: further arguments of `apical.probe`, such as `resize=True`.
        """
        from .functions import probe

        where = {"device": self._device, "data_dir": self._data_dir}
        return probe(self, data=self._data if data is None else data, **{**where, **settings})

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
        from ..record.eye import needs_images

        given = isinstance(stimulus, str)
        chosen = RecordSettings(
            stimulus=stimulus if given else "own", stimulus_settings=settings, units=unit_words(units),
            populations=names_of("populations", populations), variables=names_of("variables", variables), reductions=names_of("reductions", reductions),
            context=str(context), repeats=repeats, shuffle=shuffle, seed=seed, images=images, dtype=dtype,
            checkpoint=checkpoint,
        )  # fmt: skip
        opened = self._opened if needs_images(chosen, self.settings, given=not given) else self._seeing
        return present(opened, chosen, None if given else stimulus, data_dir=self._data_dir, progress=progress)

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
