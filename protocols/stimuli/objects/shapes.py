"""Embedded stimulus ``shapes``: procedural objects, seen in glances that differ in place, pose, light and background.

A fixation shows the same object (class, outline, texture, colour) twice, under another position, size, pose, light and
background; a saccade shows another object. Nothing is downloaded; the images follow from the seed alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import misuse
from ..images import ImageSet, Normalisation, moved
from ..views.colour import affine_map, blend, hue_rotation
from .kept import kept
from .outlines import OUTLINES
from .render import GLANCE_COLUMNS, OBJECT_COLUMNS, Ranges, render

CLASSES = tuple(OUTLINES)
GLANCES = 2
CHUNK = 128  # images of 32 x 32 pixels rendered at a time: intermediate fields stay in the processor's cache


@dataclass(frozen=True)
class Shapes:
    """The embedded stimulus.

    ``train`` holds the first glance at each training object, ``test`` one glance at objects that are not in the
    training set. ``second`` holds the second glances at the training objects, uint8 (N, C, H, W).
    """

    name: str
    train: ImageSet
    test: ImageSet
    second: Tensor
    normalisation: Normalisation

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return self.train.shape

    def glances(self, index: Tensor, generator: torch.Generator) -> Tensor:
        """Return two glances at each object: float32 (2n, C, H, W), normalised, on the data's device.

        Rows 0..n-1 are the first, rows n..2n-1 the second glances at the objects ``index``, int64 (n,). Which of the
        two rendered glances comes first is random. Each glance has its own exposure, its hue is turned at random and
        its saturation changed: colour does not tell one object from another, its form and texture do.
        """
        n, device = len(index), self.train.images.device
        uniform = moved(torch.rand(n, 7, generator=generator, device=generator.device), device)
        index = moved(index, device)
        one, two = self.train.images[index], self.second[index]
        swap = (uniform[:, 0] < 0.5)[:, None, None, None]
        pair = torch.cat([torch.where(swap, two, one), torch.where(swap, one, two)]).float()
        hue, saturation, exposure = torch.cat([uniform[:, 1:4], uniform[:, 4:7]]).unbind(1)
        gain = (0.7 + 0.6 * exposure)[:, None, None] / 255.0
        scale, offset = self.normalisation.affine(device)
        matrix = torch.bmm(blend(1.2 * saturation, 3), hue_rotation(hue)) * gain * scale[:, None]
        return affine_map(pair.flatten(2), matrix, offset[:, None].expand(2 * n, 3, 1)).view(pair.shape)

    def still(self, images: Tensor) -> Tensor:
        """Normalise uint8 images (n, C, H, W) without augmentation: what read-outs see, float32."""
        return self.normalisation.apply(images)


def load_shapes(
    *, image_size: int = 32, n_train: int = 20_000, n_test: int = 2_000, seed: int = 0, device: str = "cpu"
) -> Shapes:
    """Render the stimulus ``shapes``: ``n_train`` objects with two glances each and ``n_test`` other objects.

    It is rendered on the CPU wherever it is used, so that it does not depend on the device. A large set is kept in the cache folder, see
    `kept`, from where the next command reads it.
    """
    for field, value, least in (("image_size", image_size, 8), ("n_train", n_train, 1), ("n_test", n_test, 1)):
        if value < least:
            raise misuse(f"shapes.{field}: expected at least {least}, got {value}; raise it")
    settings, pixels = _asked(image_size, n_train, n_test, seed)

    def rendered() -> dict[str, Tensor]:
        labels, (first, second) = _split("train", seed, n_train, GLANCES, image_size)
        test_labels, (test,) = _split("test", seed, n_test, 1, image_size)
        return {"labels": labels, "first": first, "second": second, "test_labels": test_labels, "test": test}

    found = kept(settings, pixels, rendered)
    return Shapes(
        name="shapes",
        train=ImageSet.build("shapes.train", found["first"], found["labels"], CLASSES, device),
        test=ImageSet.build("shapes.test", found["test"], found["test_labels"], CLASSES, device),
        second=found["second"].to(device),
        normalisation=Normalisation.of(found["first"]),
    )


def _asked(image_size: int, n_train: int, n_test: int, seed: int) -> tuple[dict[str, int], int]:
    """Settings that the images follow from, and their pixels."""
    settings = {"image_size": image_size, "n_train": n_train, "n_test": n_test, "seed": seed}
    return settings, (GLANCES * n_train + n_test) * image_size * image_size


def _stream(split: str, part: str, seed: int) -> torch.Generator:
    """Return the generator of one part of one split: independent of all others."""
    digest = hashlib.sha256(f"shapes/{split}/{part}/{seed}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def _split(split: str, seed: int, count: int, glances: int, size: int) -> tuple[Tensor, list[Tensor]]:
    """Return labels (count,) and one uint8 tensor (count, 3, size, size) per glance."""
    rounds = -(-count // len(CLASSES))
    labels = torch.rand(rounds, len(CLASSES), generator=_stream(split, "labels", seed)).argsort(1).flatten()[:count]
    objects = torch.rand(count, OBJECT_COLUMNS, generator=_stream(split, "objects", seed))
    images = []
    for glance in range(glances):
        views = torch.rand(count, GLANCE_COLUMNS, generator=_stream(split, f"glance {glance}", seed))
        images.append(_render_all(labels, objects, views, size))
    return labels, images


def _render_all(labels: Tensor, objects: Tensor, views: Tensor, size: int) -> Tensor:
    images = torch.empty(len(labels), 3, size, size, dtype=torch.uint8)
    chunk = max(1, CHUNK * 32 * 32 // (size * size))
    with one_thread():
        for number, outline in enumerate(OUTLINES.values()):
            for rows in torch.split((labels == number).nonzero()[:, 0], chunk):
                images[rows] = render(outline, objects[rows], views[rows], size, size, Ranges())
    return images


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: in thousands of short operations, threads of a busy machine mostly wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
