"""Reading a run out on other data than its own: the network stays frozen, and the read-out is fitted on the other data's training images."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ...plasticity import Rule
from ..errors import ConfigError, nearest
from ..progress import notice, phase
from ..readouts.reading import Reading
from ..readouts.table import FITTED, READ_OUTS
from ..runs.reading import reading_of
from ..runs.remembered import Remembered
from ..runs.setup import preparing
from ..runs.trained import Described, Trained
from ..runs.unchanged import fingerprints
from ..settings.load import RunConfig
from ..settings.places import kind_of
from ..stimuli import ImageSet, Normalisation, Stimulus, load
from ..stimuli.datasets.table import DATASETS
from ..stimuli.names import KNOWN, row_of

NORMALISATIONS = ("run", "data")


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Other data, and how a network is shown them.

    Args:
        name: a data set, `folder:PATH` or `npz:PATH`.
        normalisation: `run`, by mean and deviation of the run's own images, which the frozen weights know; or `data`, by those of the other.
        resize: bring images of another size to that of the network: shorter side first, then the centre square.

    Raises:
        ConfigError: an unknown data set or word.
    """

    name: str
    normalisation: str = "run"
    resize: bool = False

    def __post_init__(self) -> None:
        if row_of(self.name) is None:
            word = self.name.partition(":")[0]
            pathless = word in DATASETS and DATASETS[word].own
            remedy = f"; write {word}:PATH" if pathless else nearest(word, KNOWN)
            raise ConfigError(f"probe.data: expected one of {', '.join(KNOWN)}, got {self.name!r}{remedy}")
        if self.normalisation not in NORMALISATIONS:
            raise ConfigError(
                f"probe.normalisation: expected one of {', '.join(NORMALISATIONS)}, got {self.normalisation!r}{nearest(self.normalisation, NORMALISATIONS)}"
            )


def elsewhere(
    config: RunConfig, data: str | None, *, other: bool, normalisation: str | None, resize: bool
) -> Elsewhere | None:
    """Other data that a run is to be read out on; None for its own, which may have moved.

    Args:
        config: of the run.
        data: what was asked for.
        other: whether these are others even where they are of the run's kind, `folder` or `npz`.
        normalisation, resize: see `Elsewhere`; None for the usual one.

    Raises:
        ConfigError: a setting of other data, where there are none.
    """
    own = data is None or data == config.stimulus.name
    moved = data is not None and kind_of(data) is not None and kind_of(data) == kind_of(config.stimulus.name)
    if own or (moved and not other):
        for word, given in (("other", other), ("normalisation", normalisation is not None), ("resize", resize)):
            if given:
                raise ConfigError(
                    f"probe.{word}: expected none for the run's own images, got it with {data or 'no data'}; name other data"
                )
        return None
    assert data is not None
    return Elsewhere(data, normalisation or NORMALISATIONS[0], resize)


def open_elsewhere(
    found: Described[Rule],
    there: Elsewhere,
    kind: str,
    *,
    device: str | None,
    data_dir: Path | None,
    progress: bool,
) -> tuple[Trained[Rule], Reading, dict[str, Any]]:
    """The run, how it is read out on other data, and what its result says of these.

    Args:
        found: the run, with the settings of its read-out.
        there: the other data.
        kind: read-out.
        device, data_dir: see `Described.open`.
        progress: say on stderr what takes long.

    Raises:
        ConfigError: images that do not fit the network, or a read-out that asks it for the classes of its training.
        ProtocolError: no labelled images.
    """
    if not READ_OUTS[kind].fitted:
        raise ConfigError(
            f"probe.read_out: expected {' or '.join(FITTED)} on other data, got {kind}, which asks the network for the classes that it learnt; "
            f"choose --read-out {FITTED[0]}"
        )
    run = found.without_images(device=device)
    if run is None:
        notice(
            f"{found.folder.path}: its checkpoint does not tell how images are normalised; that is taken from {found.config.stimulus.name}"
        )
        run = found.open(device=device, data_dir=data_dir, progress=progress)
    with phase(progress, preparing(there.name)):
        images = _loaded(there, run.stimulus.shape, found.config.seed, data_dir)
    train, test = (_fitting(part, there, run.stimulus.shape) for part in (images.train, images.test))
    shown = _shown(run, images, there)
    reading = replace(
        reading_of(found.config, run.rule, _Others(images, train, test), field="probe.data", n_train=found.config.probe.n_train, read_out=kind),
        stimulus=shown,
    )  # fmt: skip
    told = {
        "name": there.name, "slug": slug(there.name, images), "normalisation": there.normalisation, "classes": len(images.train.classes),
        "trained_on": found.config.stimulus.name, "pixels": list(images.train.shape), "resized": there.resize, **fingerprints(images),
    }  # fmt: skip
    return run, reading, told


def slug(name: str, images: Stimulus) -> str:
    """Name of a result file: that of the data set; of the user's own images kind, file and the first letters of their fingerprint.

    >>> slug("cifar100", None)
    'cifar100'
    """
    kind, colon, path = name.rpartition(":")
    if not colon:
        return name
    words = [re.sub(r"[^a-z0-9]+", "-", Path(word).stem.lower()).strip("-")[:40] for word in (kind, path)]
    return "-".join([*filter(None, words), images.train.fingerprint[:8]])


@dataclass(frozen=True, slots=True)
class _Others:
    """What a reading takes of a stimulus: labelled images."""

    stimulus: Stimulus
    train: ImageSet
    test: ImageSet

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stimulus, name)


def _loaded(there: Elsewhere, shape: tuple[int, int, int], seed: int, data_dir: Path | None) -> Stimulus:
    """The other data; what is rendered, is rendered at the size of the network, and what is there is brought to it where that is asked for."""
    row = row_of(there.name)
    rendered = row is not None and row.crops is None
    size = shape[1] if (there.resize or rendered) and shape[1] == shape[2] else None
    return load(there.name, data_dir=data_dir, image_size=size, seed=seed)


def _fitting(images: ImageSet, there: Elsewhere, shape: tuple[int, int, int]) -> ImageSet:
    """Images in size and channels of the network; grey ones are shown in every colour."""
    channels, height, width = images.shape
    if (height, width) != shape[1:]:
        remedy = "add --resize (resize=True) to bring them to it" if shape[1] == shape[2] else "resize them"
        raise ConfigError(
            f"probe.data: expected images of {shape[2]} x {shape[1]} pixels, as the network sees, got {width} x {height} in {there.name}; {remedy}"
        )
    if channels == shape[0]:
        return images
    if channels != 1:
        raise ConfigError(
            f"probe.data: expected images of {shape[0]} channel, as the network sees, got {channels} in {there.name}; convert them to grey"
        )
    return images.in_colours(shape[0])


def _shown(run: Trained[Rule], images: Stimulus, there: Elsewhere) -> Stimulus:
    """The run's own way of seeing, with the normalisation that was chosen."""
    ours = run.stimulus
    if there.normalisation == "run":
        return ours
    theirs = getattr(images, "normalisation", None)
    if not isinstance(theirs, Normalisation):
        raise ConfigError(
            f"probe.normalisation: expected run for {there.name}, whose images have no mean and deviation of their own, got data; leave it out"
        )
    many = ours.shape[0] if len(theirs.mean) == 1 else 1
    normalisation = Normalisation(theirs.mean * many, theirs.std * many)
    none = [part.take(torch.empty(0, dtype=torch.int64)) for part in (ours.train, ours.test)]
    return Remembered(ours.name, ours.shape, normalisation, *none)
