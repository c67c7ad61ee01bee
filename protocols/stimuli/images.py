"""Image sets: uint8 pixels with labels, their exact channel statistics, and the normalisation of network input."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ...plasticity.queued import queued
from .errors import StimulusError, misuse
from .pixels import Mapped, Pixels, blocks, grey_levels

LARGE = 16 << 20  # bytes of streamed pixels whose fingerprint is kept, beside that of the whole of a part

moved = queued  # indices of images and parameters of views


@dataclass(frozen=True)
class ImageSet:
    """Images of one split.

    ``images``: uint8 (N, C, H, W), a tensor or, of a set that is streamed, ``Mapped``; ``labels``: int64 (N,), -1 where unlabelled;
    ``classes``: their names; ``fingerprint``: SHA-256 of shape, pixels, labels and class names; ``left_out``: files of the user's that
    could not be read and were left out. Raises ``StimulusError`` where these disagree.
    """

    name: str
    images: Pixels
    labels: Tensor
    classes: tuple[str, ...]
    fingerprint: str
    left_out: tuple[str, ...] = ()

    @classmethod
    def streamed(
        cls, name: str, images: Mapped, labels: Tensor, classes: Sequence[str], left_out: tuple[str, ...] = ()
    ) -> ImageSet:
        """Images that stay on the disk; their fingerprint is that of the same images held, and is worked out once."""
        return cls(name, images, labels, tuple(classes), fingerprint(images, labels, classes), left_out)

    @classmethod
    def build(cls, name: str, images: Tensor, labels: Tensor, classes: Sequence[str], device: str = "cpu") -> ImageSet:
        """Check the arrays, take their fingerprint and move them to ``device``."""
        check_arrays(name, images, labels, len(classes))
        images, labels = images.contiguous(), labels.to(torch.int64).contiguous()
        mark = fingerprint(images, labels, classes)
        return cls(name, images.to(device), labels.to(device), tuple(classes), mark)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def at(self, rows: Tensor, times: int = 1) -> Tensor:
        """Return the pixels at ``rows``, int64 (n,), so many times one after the other: uint8 (times n, C, H, W) on the set's device."""
        if isinstance(self.images, Mapped):
            return self.images[rows].repeat(times, 1, 1, 1)
        return self.images[moved(rows.repeat(times), self.images.device)]

    def whole(self) -> Tensor:
        """Return all pixels as one tensor: for sets that are known to be small."""
        return self.images[:]

    def expect(self, rows: Tensor) -> None:
        """Begin to read ``rows`` that will soon be asked for together by ``at``; a set that is held has them."""
        if isinstance(self.images, Mapped):
            self.images.expect(rows)

    def in_colours(self, channels: int) -> ImageSet:
        """Return grey images with so many channels, all alike."""
        images = self.images
        shown = images.in_colours(channels) if isinstance(images, Mapped) else images[:].expand(-1, channels, -1, -1)
        return replace(self, images=shown)

    def on(self, device: str | torch.device) -> ImageSet:
        """Return the set with its pixels, or those that are taken of it, and its labels on ``device``."""
        images = self.images.to(device) if isinstance(self.images, Mapped | Tensor) else self.images
        return replace(self, images=images, labels=self.labels.to(device))

    def labelled(self) -> ImageSet:
        """Return the images that have a label (the set itself where all have one)."""
        known = self.labels >= 0
        return self if bool(known.all()) else self.take(known.nonzero()[:, 0])

    def subset(self, count: int | None, *, seed: int = 0) -> ImageSet:
        """Return ``count`` images, drawn by ``seed``, spread evenly over the classes; None returns the set itself.

        Smaller subsets are contained in larger ones of the same seed. Raises ``StimulusError`` where there are fewer.
        """
        if count is None:
            return self
        if not 1 <= count <= len(self):
            raise misuse(f"{self.name}.subset: expected 1 to {len(self)} images, got {count}; ask for fewer")
        return self.take(balanced_order(self.labels.cpu(), seed)[:count])

    def take(self, rows: Tensor, name: str | None = None) -> ImageSet:
        """Return the images at ``rows``, int64 (n,), under the same or another name."""
        labels = self.labels[rows.to(self.labels.device)]
        images = self.images.view(rows) if isinstance(self.images, Mapped) else self.images[rows.to(self.images.device)]
        mark = fingerprint(images, labels, self.classes)
        return replace(self, name=name or self.name, images=images, labels=labels, fingerprint=mark)

    def resized(self, size: int | None) -> ImageSet:
        """Return the images with the shorter side brought to ``size`` pixels and the centre square cut out.

        Bilinear with antialiasing. None, or the size they have, returns the set itself.
        """
        if size is None or self.shape[1:] == (size, size):
            return self
        if size < 8:
            raise misuse(f"{self.name}.image_size: expected at least 8, got {size}; raise it")
        height, width = self.shape[1:]
        scale = size / min(height, width)
        target = [max(size, round(height * scale)), max(size, round(width * scale))]
        top, left = (target[0] - size) // 2, (target[1] - size) // 2
        parts = []
        for part in (part for block in blocks(self.images) for part in torch.split(block, 1024)):
            pixels = interpolate(part.float(), size=target, mode="bilinear", antialias=True, align_corners=False)
            square = pixels[:, :, top : top + size, left : left + size]
            parts.append(square.add_(0.5).clamp_(0.0, 255.0).to(torch.uint8))
        images = torch.cat(parts)
        return replace(self, images=images, fingerprint=fingerprint(images, self.labels, self.classes))


def check_arrays(name: str, images: Tensor, labels: Tensor, classes: int) -> None:
    """Raise ``StimulusError`` unless images and labels form one image set of ``classes`` classes."""
    shape = tuple(images.shape)
    if images.dtype != torch.uint8 or images.ndim != 4 or shape[1] not in (1, 3) or 0 in shape:
        found = f"{images.dtype} {shape}"
        raise StimulusError(f"{name}.images: expected uint8 (N, 1 or 3, H, W) with N >= 1, got {found}; convert them")
    if labels.shape != (len(images),):
        found = str(tuple(labels.shape))
        raise StimulusError(f"{name}.labels: expected one for each of {len(images)} images, got {found}; align the two")
    low, high = int(labels.min()), int(labels.max())
    if low < -1 or high >= classes:
        allowed = f"-1 (unlabelled) to {classes - 1}"
        raise StimulusError(f"{name}.labels: expected {allowed}, got {low} to {high}; renumber the classes")


def balanced_order(labels: Tensor, seed: int) -> Tensor:
    """Return a random order of all rows in which every class appears as evenly as possible: int64 (N,), on the CPU."""
    generator = torch.Generator().manual_seed(seed)
    shuffled = torch.randperm(len(labels), generator=generator)
    by_class = torch.argsort(labels[shuffled], stable=True)
    _, counts = torch.unique_consecutive(labels[shuffled][by_class], return_counts=True)
    starts = torch.repeat_interleave(counts.cumsum(0) - counts, counts)
    turn = torch.empty_like(by_class)
    turn[by_class] = torch.arange(len(labels)) - starts
    return shuffled[torch.argsort(turn, stable=True)]


def fingerprint(images: Pixels, labels: Tensor, classes: Sequence[str]) -> str:
    """Return the SHA-256 (hex) of shape, pixels, labels and class names; of streamed images it is worked out once."""
    told = repr((tuple(images.shape), tuple(classes))).encode()
    tail = _bytes(labels)

    def digest() -> str:
        found = hashlib.sha256(told)
        for block in blocks(images):
            found.update(_bytes(block))
        found.update(tail)
        return found.hexdigest()

    if isinstance(images, Mapped):
        large = len(images) * images.shards.image_bytes >= LARGE or len(images) == len(images.shards)
        mark: str = images.kept(b"\0".join([told, images.rows.tobytes(), tail]), digest, worth=large)
        return mark
    return digest()


def _bytes(part: Tensor) -> memoryview:
    """A tensor's buffer: a copy of a large set would cost gigabytes."""
    return part.cpu().contiguous().numpy().reshape(-1).data


@dataclass(frozen=True)
class Normalisation:
    """Channel-wise normalisation (x / 255 - mean) / std of uint8 images."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, images: Pixels) -> Normalisation:
        """Measure it on uint8 images (N, C, H, W): exact, as it counts grey levels; a constant channel gets std 1."""
        levels = torch.arange(256, dtype=torch.float64) / 255.0
        mean, std = [], []
        for counts in grey_levels(images).to(torch.float64):
            weight = counts / counts.sum()
            centre = (weight * levels).sum()
            spread = (weight * (levels - centre) ** 2).sum().sqrt()
            mean.append(float(centre))
            std.append(float(spread) if spread > 0 else 1.0)
        return cls(tuple(mean), tuple(std))

    def affine(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return scale and offset, each (C,), of pixels in [0, 1]: normalised = pixel * scale + offset."""
        return _affine(self, device)

    def apply(self, images: Tensor) -> Tensor:
        """Normalise uint8 images (n, C, H, W): float32 of the same shape."""
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != len(self.mean):
            found = f"{images.dtype} {tuple(images.shape)}"
            raise misuse(
                f"still.images: expected uint8 (n, {len(self.mean)}, H, W), got {found}; pass the stored images"
            )
        scale, offset = self.affine(images.device)
        return images.float().mul_((scale / 255.0)[:, None, None]).add_(offset[:, None, None])


@lru_cache(maxsize=64)
def _affine(normalisation: Normalisation, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return scale and offset of a normalisation; cached, so that no training step waits for a copy to the device."""
    mean = torch.tensor(normalisation.mean, dtype=torch.float64)
    std = torch.tensor(normalisation.std, dtype=torch.float64)
    return (1.0 / std).float().to(device), (-mean / std).float().to(device)
