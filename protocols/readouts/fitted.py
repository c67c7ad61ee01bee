"""Linear read-outs of frozen rates: ridge and logistic regression, and what all fitted read-outs share.

All are pure functions of features (n, d) and labels (n,). Whatever has to be chosen, a penalty or an epoch, is chosen
on a tenth of the training rows, which the fit has not seen; the test rows serve the reported accuracy alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import NotFiniteError, ReadOutError
from .normal_equations import chunks, fits

HELD_OUT = 0.1
# name of the populations that are read out together
TOGETHER = "all"
# the smaller side of the features: a float64 matrix of that side is solved
RIDGE_LIMIT = 16384


def ridge_refuses(rows: int, features: int) -> bool:
    """Whether features (rows, features) are too many for `ridge_read_out`."""
    return min(rows, features) > RIDGE_LIMIT


@dataclass(frozen=True)
class ReadOut:
    """Result of a read-out.

    Attributes:
        accuracy: per cent of the test rows that are classified rightly.
        held_out: the same on the held-out training rows; None where nothing was chosen on them.
        choice: name and value of the hyperparameter that was chosen there, or given.
        weights: weight (d, classes) and bias (classes,) of a linear read-out, to score other features with; None for a vote.
    """

    accuracy: float
    held_out: float | None
    choice: dict[str, float]
    weights: tuple[Tensor, Tensor] | None = field(default=None, compare=False, repr=False)


def standardise(train: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
    """Features with the training rows' mean removed and their standard deviation (population form) divided out.

    A feature that is constant over the training rows becomes zero in all of them: it tells a read-out nothing.

    Args:
        train: (n, d), the rows whose statistics are used, summed in float64.
        others: more features, (m, d) each, such as those of the test images.

    Returns:
        float32 copies, the training rows first.

    Raises:
        ReadOutError: features that are empty, not finite or not of one width.
    """
    for name, features in (("train", train), *((f"others[{i}]", other) for i, other in enumerate(others))):
        _check_features(name, features, train)
    mean, scale = scaling(train)
    return tuple(rescaled(features, mean, scale) for features in (train, *others))


def scaling(train: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and inverse standard deviation of features (n, d), float32 (d,) each; 0 for the latter where a feature is constant."""
    mean = torch.stack([chunk.double().sum(0) for chunk in chunks(train)]).sum(0) / len(train)
    squares = [((chunk.double() - mean) ** 2).sum(0) for chunk in chunks(train)]
    deviation = (torch.stack(squares).sum(0) / len(train)).sqrt()
    # rounding may leave a constant a deviation a little above zero
    scale = torch.where(deviation > 1e-6 * mean.abs(), 1 / deviation, 0).float()
    return mean.float(), scale


def rescaled(features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """Features (m, d) with that mean removed and times that scale, a float32 copy."""
    return features.float().sub(mean).mul_(scale)


def ridge_read_out(
    x_train: Tensor,
    y_train: Tensor,
    x_test: Tensor,
    y_test: Tensor,
    penalties: Sequence[float],
    *,
    generator: torch.Generator | None = None,
) -> ReadOut:
    """Least squares on one-hot labels with a squared penalty, in closed form.

        min_{W, b}  1/n |Y - X W - b|^2 + penalty |W|^2

    Solved over features where n >= d, over rows (the dual) where n < d. The penalty with the highest held-out
    accuracy is used, the strongest of equals; the fit is then repeated on all training rows. Candidates below the rounding
    of the features' products have no solution and are left out; the choice says how many.

    Args:
        x_train: features (n, d); standardised ones make penalties comparable.
        y_train: labels (n,), int64 from 0.
        x_test: features (m, d).
        y_test: labels (m,).
        penalties: positive candidates.
        generator: draws the held-out rows; by default one with seed 0.

    Raises:
        ReadOutError: features, labels or penalties without a solution, or min(n, d) above 16384.
    """
    classes = check_rows(x_train, y_train, x_test, y_test)
    candidates = {float(penalty) for penalty in penalties}
    if not candidates or not all(0 < penalty < float("inf") for penalty in candidates):
        raise ReadOutError(f"penalties: expected positive numbers, got {list(penalties)}; for example [0.01, 1.0]")
    if ridge_refuses(*x_train.shape):
        raise ReadOutError(
            f"x_train: expected a smaller side of at most {RIDGE_LIMIT}, got {tuple(x_train.shape)}; "
            "choose the logistic solver or fewer rows"
        )
    fitted, held = _split(x_train, generator)
    fit, refit = fits(x_train, F.one_hot(y_train, classes).double(), fitted, held)
    x_held, y_held = x_train[held], y_train[held]
    solved = [(accuracy(x_held, y_held, *found), penalty) for penalty in candidates if (found := fit(penalty))]
    held_accuracy, penalty = max(solved, default=(0.0, max(candidates)))
    weights = refit(penalty)
    if weights is None:
        raise ReadOutError(
            f"penalties: expected ones above the rounding of the features' products, got {penalty:g}; "
            "use larger ones or standardised features"
        )
    choice = {"penalty": penalty}
    if len(solved) < len(candidates):
        choice["penalties_left_out"] = len(candidates) - len(solved)
    return ReadOut(accuracy(x_test, y_test, *weights), held_accuracy, choice, weights)


def linear_read_out(
    x_train: Tensor,
    y_train: Tensor,
    x_test: Tensor,
    y_test: Tensor,
    *,
    epochs: int = 50,
    batch: int = 512,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.0,
    generator: torch.Generator | None = None,
) -> ReadOut:
    """Multinomial logistic regression: cross-entropy, AdamW on mini-batches, weights from zero.

    The weights of the epoch with the highest held-out accuracy are used, the earliest of equals.

    Args:
        x_train: features (n, d), best standardised.
        y_train: labels (n,), int64 from 0.
        x_test: features (m, d).
        y_test: labels (m,).
        epochs: passes over the training rows.
        batch: rows per step.
        learning_rate: of AdamW.
        weight_decay: of AdamW.
        generator: draws the held-out rows and the order of rows; by default one with seed 0.

    Raises:
        ReadOutError: features or labels that cannot be read out, or epochs or batch below 1.
    """
    classes = check_rows(x_train, y_train, x_test, y_test)
    if epochs < 1 or batch < 1:
        raise ReadOutError(f"epochs, batch: expected at least 1, got {epochs}, {batch}; raise them")
    generator = generator or torch.Generator().manual_seed(0)
    fitted, held = _split(x_train, generator)
    x_held, y_held = x_train[held], y_train[held]
    weight, bias = x_train.new_zeros(x_train.shape[1], classes).float(), x_train.new_zeros(classes).float()
    optimiser = torch.optim.AdamW([weight, bias], lr=learning_rate, weight_decay=weight_decay)
    best, best_epoch, best_weights = -1.0, 0, (weight, bias)
    for epoch in range(1, epochs + 1):
        order = torch.randperm(len(fitted), generator=generator, device=generator.device).to(fitted.device)
        for start in range(0, len(fitted), batch):
            rows = fitted[order[start : start + batch]]
            x = x_train[rows].float()
            error = torch.softmax(torch.addmm(bias, x, weight), 1)
            error[torch.arange(len(rows), device=x.device), y_train[rows]] -= 1
            error /= len(rows)
            weight.grad, bias.grad = x.T @ error, error.sum(0)
            optimiser.step()
        held_accuracy = accuracy(x_held, y_held, weight, bias)
        if held_accuracy > best:
            best, best_epoch, best_weights = held_accuracy, epoch, (weight.clone(), bias.clone())
    return ReadOut(accuracy(x_test, y_test, *best_weights), best, {"epoch": best_epoch}, best_weights)


def accuracy(x: Tensor, y: Tensor, weight: Tensor, bias: Tensor) -> float:
    """Per cent of rows whose largest score is their label's."""
    right = 0
    for part, labels in zip(chunks(x), chunks(y), strict=True):
        right += int((torch.addmm(bias, part.to(weight.dtype), weight).argmax(1) == labels).sum())
    return 100 * right / len(y)


def _split(x: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """Indices of the rows to fit on and of those held out, a tenth and at least one."""
    generator = generator or torch.Generator().manual_seed(0)
    order = torch.randperm(len(x), generator=generator, device=generator.device).to(x.device)
    held = max(1, round(HELD_OUT * len(x)))
    return order[held:], order[:held]


def check_rows(x_train: Tensor, y_train: Tensor, x_test: Tensor, y_test: Tensor) -> int:
    """Number of classes of features and labels that can be read out; raises ReadOutError for others."""
    for name, x, y in (("train", x_train, y_train), ("test", x_test, y_test)):
        _check_features(f"x_{name}", x, x_train)
        if y.dtype != torch.int64 or y.shape != x.shape[:1]:
            raise ReadOutError(
                f"y_{name}: expected {len(x)} int64 labels, one per row of x_{name}, "
                f"got {tuple(y.shape)} of {y.dtype}; pass matching rows"
            )
        if int(y.min()) < 0:
            raise ReadOutError(f"y_{name}: expected labels from 0, got {int(y.min())}; leave unlabelled images out")
    if bool((y_train == y_train[0]).all()):
        raise ReadOutError(f"y_train: expected at least 2 classes, got only {int(y_train[0])}; use more training rows")
    return 1 + max(int(y_train.max()), int(y_test.max()))


def _check_features(name: str, x: Tensor, like: Tensor) -> None:
    if x.ndim != 2 or not x.is_floating_point() or 0 in x.shape:
        raise ReadOutError(
            f"{name}: expected floating-point features (rows, features), "
            f"got {tuple(x.shape)} of {x.dtype}; flatten them"
        )
    if x.shape[1] != like.shape[1]:
        raise ReadOutError(f"{name}: expected {like.shape[1]} features as in training, got {x.shape[1]}; use one layer")
    if not all(bool(chunk.isfinite().all()) for chunk in chunks(x)):
        raise NotFiniteError(f"{name}: expected finite features, got NaN or infinity; the network has diverged")
