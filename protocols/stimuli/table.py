"""A stimulus by its name, as the row of its data set says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from .datasets.foreign import load_foreign
from .datasets.table import DATASETS
from .errors import misuse, unknown_name
from .images import ImageSet, Normalisation, balanced_order
from .names import KNOWN, row_of
from .stimulus import Stimulus, ViewedImages
from .views.views import ViewSettings


def load(
    name: str,
    *,
    data_dir: str | Path | None = None,
    image_size: int | None = None,
    n_train: int | None = None,
    n_test: int | None = None,
    held_out: int | None = None,
    normalised: bool = True,
    seed: int = 0,
    crop_scale: tuple[float, float] | None = None,
    device: str = "cpu",
    options: Mapping[str, Any] | None = None,
    hold: int | None = None,
    unreadable: str | None = None,
    progress: bool = False,
) -> Stimulus:
    """Load a stimulus by name; its images stay on ``device`` as uint8, or are streamed to it.

    Arguments
    ---------
    name: a data set of the table, the user's own as NAME:PATH: folder:PATH or npz:PATH, or as package.module:NAME or path/to/file.py:NAME
    data_dir: where official files lie; default ``$APICAL_DATA``, else the user's cache directory
    image_size: side in pixels; default the size of the data, 32 for shapes
    n_train, n_test: number of images, drawn by ``seed`` evenly over the classes; default all (shapes: 20,000 and 2,000)
    held_out: number of training images, drawn by ``seed`` evenly over the classes, that are taken out of training and tested with
        in place of the test images, so that a setting can be chosen without these; default none
    normalised: whether pixels have each channel's published mean and standard deviation taken out; false for values from 0 to 1
    seed: of shapes, of subsets and of held-out parts
    crop_scale: range of the cropped area of a view; default that of the data set
    options: further arguments of a data set from outside
    hold: of a data set of image files: MiB of decoded images up to which they are held on ``device``; larger ones are streamed
    unreadable: of such a data set: ``refuse`` or ``leave-out``, what becomes of files that are no images; default ``refuse``
    progress: whether a bar is shown where files are decoded

    Raises ``StimulusError``: exit_code 2 for an unknown name or an impossible request, 1 for missing or broken data.
    """
    row, (_, _, path) = row_of(name), name.partition(":")
    if row is None:
        raise unknown_name("stimulus", name, [*KNOWN, *DATASETS.installed()])
    given = {
        "path": path, "data_dir": data_dir, "image_size": image_size, "n_train": n_train, "n_test": n_test, "seed": seed,
        "device": device, "hold": hold, "unreadable": unreadable, "progress": progress,
    }  # fmt: skip
    # Settings first: a wrong value should not cost the time of loading the data.
    settings = ViewSettings(crop_scale=crop_scale or row.crops, flip=row.flip) if row.crops else None
    if settings is None:
        _no_crops(name, crop_scale)
    made: Any = row.load(given) if row.takes is None else load_foreign(name, row, given, options or {})
    if settings is None or not isinstance(made, tuple):
        _no_crops(name, crop_scale)
        _none_held_out(name, held_out)
        if not normalised:
            raise misuse(f"{name}.normalised: expected true, got false; {name} gives its own normalisation")
        whole: Stimulus = made
        return whole
    made = made if held_out is None else _held_out(name, made[0], held_out, seed)
    train, test = (
        _prepare(part, count, image_size, seed, device) for part, count in zip(made, (n_train, n_test), strict=True)
    )
    if not normalised:
        channels = train.images.shape[1]
        normalisation = Normalisation((0.0,) * channels, (1.0,) * channels)
    else:
        normalisation = Normalisation(row.mean, row.std) if row.mean else Normalisation.of(train.images)
    return ViewedImages(name, train, test, normalisation, settings)


def _no_crops(name: str, crop_scale: tuple[float, float] | None) -> None:
    if crop_scale is not None:
        raise misuse(f"{name}.crop_scale: expected none, got {crop_scale}; glances at {name} are rendered, not cropped")


def _none_held_out(name: str, count: int | None) -> None:
    if count is not None:
        raise misuse(
            f"{name}.held_out: expected none, got {count}; {name} makes new images for every seed: choose another"
        )


def _held_out(name: str, train: ImageSet, count: int, seed: int) -> tuple[ImageSet, ImageSet]:
    """Training images without the held-out ones, and these, which have labels."""
    known, classes = (train.labels >= 0).cpu().nonzero()[:, 0], len(train.classes)
    if not classes <= count <= len(known) - classes:
        raise misuse(
            f"{name}.held_out: expected {classes} to {len(known) - classes} of {len(known)} labelled training images, got {count}; ask for fewer or more"
        )
    tested = known[balanced_order(train.labels.cpu()[known], seed)[:count]].sort().values
    rest = torch.ones(len(train), dtype=torch.bool)
    rest[tested] = False
    return train.take(rest.nonzero()[:, 0]), train.take(tested, f"{train.name}, held out")


def _prepare(images: ImageSet, count: int | None, size: int | None, seed: int, device: str) -> ImageSet:
    chosen = images.subset(count, seed=seed).resized(size)
    return chosen.on(device)
