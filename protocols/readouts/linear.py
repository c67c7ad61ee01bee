"""The linear read-out as the settings describe it: standardised features, by ridge or by logistic regression."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ..errors import ConfigError
from .fitted import RIDGE_LIMIT, ReadOut, linear_read_out, ridge_read_out, ridge_refuses, standardise
from .kinds import OfRates


def _fit(
    x: Tensor,
    labels: Tensor,
    x_test: Tensor,
    labels_test: Tensor,
    *,
    draws: torch.Generator,
    solver: str,
    penalties: Sequence[float],
    epochs: int,
    batch: int,
    learning_rate: float,
) -> ReadOut:
    x, x_test = standardise(x, x_test)
    if solver == "ridge":
        return ridge_read_out(x, labels, x_test, labels_test, penalties, generator=draws)
    return linear_read_out(
        x, labels, x_test, labels_test, epochs=epochs, batch=batch, learning_rate=learning_rate, generator=draws
    )


def _check(images: int, sizes: Mapping[str, int], *, solver: str, **_: object) -> None:
    """Refuse what ridge cannot solve."""
    what, size = max(sizes.items(), key=lambda item: item[1])
    if solver == "ridge" and ridge_refuses(images, size):
        raise ConfigError(
            f"probe.solver: expected at most {RIDGE_LIMIT} images or features for ridge, got {images} images and {size} features of "
            f"{what}; add --set probe.solver=logistic or --set probe.n_train={RIDGE_LIMIT}"
        )


LINEAR = OfRates(_fit, _check)
