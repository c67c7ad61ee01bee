"""Held-out test images for data that come without them."""

from __future__ import annotations

from ..errors import StimulusError
from ..images import ImageSet, balanced_order

TEST_FRACTION = 0.2


def split_by_seed(images: ImageSet, seed: int) -> tuple[ImageSet, ImageSet]:
    """Return train and test parts: a fifth of the labelled images, spread evenly over the classes, is the test part.

    Raises ``StimulusError`` where too few images are labelled to give both parts one of every class.
    """
    labels = images.labels.cpu()
    known = (labels >= 0).nonzero()[:, 0]
    held_out = round(TEST_FRACTION * len(known))
    name = images.name.removesuffix(".train")
    classes = len(set(labels[known].tolist()))
    if held_out < classes or len(known) - held_out < classes:
        need = f"at least {classes} images for testing"
        raise StimulusError(f"{name}: expected a fifth of the images to give {need}, got {held_out}; add images")
    order = known[balanced_order(labels[known], seed)]
    test_rows = order[:held_out].sort().values
    kept = labels.new_ones(len(labels)).bool()
    kept[test_rows] = False
    return images.take(kept.nonzero()[:, 0], f"{name}.train"), images.take(test_rows, f"{name}.test")
