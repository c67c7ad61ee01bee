"""The stimuli by name, and their loader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .datasets.cifar import NORMALISATION as CIFAR_NORMALISATION
from .datasets.cifar import load_cifar10, load_cifar100
from .datasets.folder import load_folder
from .datasets.mnist import NORMALISATION as MNIST_NORMALISATION
from .datasets.mnist import load_mnist
from .datasets.npz import load_npz
from .datasets.stl10 import load_stl10
from .errors import misuse, unknown_name
from .images import ImageSet, Normalisation
from .names import KNOWN
from .objects.shapes import load_shapes
from .stimulus import Stimulus, ViewedImages
from .views.views import ViewSettings

SMALL_CROPS, LARGE_CROPS = (0.08, 1.0), (0.25, 1.0)


def load(
    name: str,
    *,
    data_dir: str | Path | None = None,
    image_size: int | None = None,
    n_train: int | None = None,
    n_test: int | None = None,
    seed: int = 0,
    crop_scale: tuple[float, float] | None = None,
    device: str = "cpu",
) -> Stimulus:
    """Load a stimulus by name; its images stay on ``device`` as uint8.

    Arguments
    ---------
    name: shapes, cifar10, cifar100, mnist, stl10, folder:PATH or npz:PATH
    data_dir: where official files lie; default ``$APICAL_DATA``, else the user's cache directory
    image_size: side in pixels; default the size of the data, 32 for shapes
    n_train, n_test: number of images, drawn by ``seed`` evenly over the classes; default all (shapes: 20,000 and 2,000)
    seed: of shapes, of subsets and of held-out parts
    crop_scale: range of the cropped area of a view; default (0.25, 1) for CIFAR and MNIST, (0.08, 1) for all others

    Raises ``StimulusError``: exit_code 2 for an unknown name or an impossible request, 1 for missing or broken data.
    """
    kind, _, path = name.partition(":")
    if name == "shapes":
        if crop_scale is not None:
            raise misuse(
                f"shapes.crop_scale: expected none, got {crop_scale}; glances at shapes are rendered, not cropped"
            )
        return load_shapes(
            image_size=32 if image_size is None else image_size,
            n_train=20_000 if n_train is None else n_train,
            n_test=2_000 if n_test is None else n_test,
            seed=seed,
            device=device,
        )
    # Settings first: a wrong value should not cost the time of loading the data.
    settings = ViewSettings(
        crop_scale=crop_scale or (SMALL_CROPS if kind in ("stl10", "folder", "npz") else LARGE_CROPS)
    )
    normalisation: Normalisation | None = None
    if name == "cifar10":
        (train, test), normalisation = load_cifar10(data_dir), CIFAR_NORMALISATION
    elif name == "cifar100":
        train, test = load_cifar100(data_dir)
    elif name == "stl10":
        train, test = load_stl10(data_dir)
    elif name == "mnist":
        # A mirrored digit is another sign.
        (train, test), normalisation = load_mnist(data_dir), MNIST_NORMALISATION
        settings = replace(settings, flip=0.0)
    elif kind == "folder" and path:
        train, test = load_folder(path, image_size=image_size, seed=seed)
    elif kind == "npz" and path:
        train, test = load_npz(path, seed=seed)
    else:
        raise unknown_name("stimulus", name, KNOWN)
    train, test = (
        _prepare(part, count, image_size, seed, device) for part, count in ((train, n_train), (test, n_test))
    )
    return ViewedImages(name, train, test, normalisation or Normalisation.of(train.images), settings)


def _prepare(images: ImageSet, count: int | None, size: int | None, seed: int, device: str) -> ImageSet:
    chosen = images.subset(count, seed=seed).resized(size)
    return replace(chosen, images=chosen.images.to(device), labels=chosen.labels.to(device))
