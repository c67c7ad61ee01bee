"""Read-outs of corrupted images: fitted on clean training images, scored on the test images of every corruption and severity."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..stimuli import ImageSet
from ..stimuli.views.corruptions import CORRUPTIONS, SEVERITIES, corrupt
from .fitted import ReadOut, accuracy, rescaled, scaling

Read = Callable[[ImageSet], Tensor]
Fit = Callable[[Tensor, Tensor, Tensor, Tensor], ReadOut]


def corrupted_read_out(
    read: Read,
    fit: Fit,
    train: ImageSet,
    test: ImageSet,
    *,
    seed: int,
    advance: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:
    """Accuracies under corruption, in per cent.

    Args:
        read: features (images, features) of images.
        fit: read-out from features and labels of training and of test images; weights that it gives belong to standardised features.
        train: clean images that it is fitted on.
        test: images that are corrupted.
        seed: of the corruptions.
        advance: called with the name of every corruption when it is done.

    Returns:
        JSON-ready dict: corrupted {name: accuracy at severities 1 to 5}, accuracy_corrupted (their mean), accuracy_uncorrupted (the
        same test images as they are), n_corrupted.
    """
    labels, labels_test = train.labels.cpu(), test.labels.cpu()
    x = read(train)
    mean, scale = scaling(x)
    clean = read(test)
    found = fit(x, labels, clean, labels_test)
    if found.weights is not None:
        x = x[:0]

    def score(images: Tensor) -> float:
        features = read(replace(test, images=images))
        if found.weights is None:
            return fit(x, labels, features, labels_test).accuracy
        return accuracy(rescaled(features, mean, scale), labels_test, *found.weights)

    corrupted, pixels = {}, test.whole()
    for name in CORRUPTIONS:
        corrupted[name] = [score(corrupt(pixels, name, severity, seed=seed)) for severity in SEVERITIES]
        advance(name)
    return {
        "corrupted": corrupted,
        "accuracy_corrupted": float(torch.tensor(list(corrupted.values()), dtype=torch.float64).mean()),
        "accuracy_uncorrupted": found.accuracy,
        "n_corrupted": len(test),
    }
