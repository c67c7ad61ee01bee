"""What a data set of the user's own gives back, as two image sets or as a whole stimulus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ....models.imported import asked
from ....models.outside import unplaced
from ..errors import StimulusError
from ..images import ImageSet
from ..stimulus import Stimulus
from .npz import count_classes, image_set
from .row import DataSet

STIMULUS = ("name", "shape", "train", "test", "glances", "still")
EXPECTED = "train and test, each an ImageSet or (images, labels), images uint8 (N, H, W), (N, H, W, C) or (N, C, H, W)"


def load_foreign(
    word: str, row: DataSet, given: Mapping[str, Any], options: Mapping[str, Any]
) -> tuple[ImageSet, ImageSet] | Stimulus:
    """Call the loader and take what it returns.

    Arguments
    ---------
    word: that names the data set
    row: of the data set
    given: arguments that settings have, as of ``DataSet.load``
    options: its other arguments

    Raises ``StimulusError`` where the loader raises or gives back something else.
    """
    name = unplaced(word)
    made = asked(word, lambda: row.load(given, options), "loaded", lambda told: StimulusError(f"stimulus.name: {told}"))
    if all(hasattr(made, part) for part in STIMULUS):
        whole: Stimulus = made
        return whole
    if row.crops is None:
        raise StimulusError(
            f"{name}: expected a whole stimulus, as its row has no crops, got {_described(made)}; give the row crops"
        )
    if not isinstance(made, tuple) or len(made) != 2:
        raise StimulusError(f"{name}: expected {EXPECTED}, got {_described(made)}; return train, test")
    if all(isinstance(part, ImageSet) for part in made):
        return made[0], made[1]
    arrays: dict[str, Any] = {}
    for prefix, part in zip(("", "test_"), made, strict=True):
        if not isinstance(part, tuple) or len(part) != 2:
            raise StimulusError(f"{name}: expected {EXPECTED}, got {_described(part)}; return (images, labels) twice")
        arrays[f"{prefix}images"], arrays[f"{prefix}labels"] = (np.asarray(array) for array in part)
    classes = tuple(str(k) for k in range(count_classes(name, arrays)))
    train, test = (image_set(name, arrays, prefix, classes, "cpu") for prefix in ("", "test_"))
    if train.shape != test.shape:
        raise StimulusError(f"{name}.test_images: expected {train.shape} as of training, got {test.shape}; resize them")
    return train, test


def _described(made: Any) -> str:
    return f"a tuple of {len(made)}" if isinstance(made, tuple) else type(made).__name__
