"""Read-out of frozen rates by a vote of nearest neighbours."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import ReadOutError
from .fitted import ReadOut, check_rows
from .kinds import OfRates
from .normal_equations import chunks

KNN_ROWS = 256


def knn_read_out(
    x_train: Tensor, y_train: Tensor, x_test: Tensor, y_test: Tensor, *, k: int = 20, temperature: float = 0.07
) -> ReadOut:
    """Vote of the k nearest training rows by cosine similarity s, each with weight exp(s / temperature).

    Args:
        x_train: features (n, d).
        y_train: labels (n,), int64 from 0.
        x_test: features (m, d).
        y_test: labels (m,).
        k: neighbours, at most n.
        temperature: above zero; the smaller, the more the nearest decide.

    Raises:
        ReadOutError: features or labels that cannot be read out, k outside 1..n, or a temperature not above zero.
    """
    classes = check_rows(x_train, y_train, x_test, y_test)
    if not 1 <= k <= len(x_train):
        raise ReadOutError(f"k: expected 1 to {len(x_train)} neighbours, got {k}; use more training rows or fewer")
    if not temperature > 0:
        raise ReadOutError(f"temperature: expected a number above 0, got {temperature}; for example 0.07")
    lengths = torch.cat([chunk.float().norm(dim=1) for chunk in chunks(x_train)]).clamp_min(1e-12)
    directions = x_train.float()
    right = 0
    for start in range(0, len(x_test), KNN_ROWS):
        x, y = x_test[start : start + KNN_ROWS], y_test[start : start + KNN_ROWS]
        similarity = F.normalize(x.float(), dim=1) @ directions.T / lengths
        nearest = similarity.topk(k, dim=1)
        # only ratios of weights count: relative to the nearest, none overflows
        weights = torch.exp((nearest.values - nearest.values[:, :1]) / temperature)
        votes = weights.new_zeros(len(x), classes).scatter_add_(1, y_train[nearest.indices], weights)
        right += int((votes.argmax(1) == y).sum())
    return ReadOut(100 * right / len(y_test), None, {"k": k})


def _fit(
    x: Tensor,
    labels: Tensor,
    x_test: Tensor,
    labels_test: Tensor,
    *,
    draws: torch.Generator,
    neighbours: int,
    temperature: float,
) -> ReadOut:
    """As the settings say; nothing is drawn, and of few images all are neighbours."""
    return knn_read_out(x, labels, x_test, labels_test, k=min(neighbours, len(x)), temperature=temperature)


NEIGHBOURS = OfRates(_fit)
