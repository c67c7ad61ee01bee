"""The apical weights at the optimum of a population's own objective, made unique by a penalty.

With context c and penalty p the optimum B* minimises, at fixed rates z,

    J(B) = mean_i L(u+_i, u-_i) + p/2 |B|^2,      u+-_i = z_(pi+-(i)) . B c_i

Every score is the inner product of B with one outer product z c^T. Newton's method in float64, with steps halved until J
falls, runs in the space of these outer products until rounding stops it. For the linear contrast B* = -(dL/dB) / p in closed
form, and -dL/dB is read off one engine step.
"""

import torch
from torch import Tensor

from ...models import Network
from ...models.engine import rates
from ...plasticity import Contrast, Linear, Pairing
from ..errors import ProtocolError
from .changes import local_changes
from .networks import SOURCES, Batch

PENALTY = 0.1
STEPS = 60


def settle(network: Network, contrast: Contrast, batch: Batch, *, penalty: float = PENALTY) -> None:
    """Bring every B of a network to the optimum of its own objective; basal weights stay.

    Raises:
        ProtocolError: Newton's method does not converge.
    """
    if isinstance(contrast, Linear):
        for source in SOURCES:
            changes = local_changes(network, contrast, batch, source)
            for projection in network.apical[source]:
                projection.weight = changes[f"{projection.name}.apical"] / penalty
        return
    found = [p.pooled(z) for p, z in zip(network.populations, rates(network, batch.images), strict=True)]
    for source in SOURCES:
        for projection, rate in zip(network.apical[source], found, strict=True):
            context = rate if source == "lateral" else found[-1]
            projection.weight = optimum(contrast, rate, context, batch.pairing, penalty=penalty)


def stationarity(network: Network, contrast: Contrast, batch: Batch, *, penalty: float = PENALTY) -> float:
    """Largest |dJ/dB| over all projections, from the change of B that the engine makes."""
    norms = []
    for source in SOURCES:
        changes = local_changes(network, contrast, batch, source)
        norms += [float((changes[f"{p.name}.apical"] - penalty * p.weight).norm()) for p in network.apical[source]]
    return max(norms)


def optimum(contrast: Contrast, rate: Tensor, context: Tensor, pairing: Pairing, *, penalty: float = PENALTY) -> Tensor:
    """B* of a smooth convex contrast. Shapes: rate (rows, units), context (rows, inputs); B* (units, inputs).

    Raises:
        ProtocolError: no convergence, which a smooth convex contrast does not show.
    """
    posts = torch.cat([rate[pairing.fixation], rate[pairing.saccade]])
    pres = torch.cat([context, context])
    weight = torch.cat([pairing.fixation_weight, pairing.saccade_weight])
    scores = _newton(contrast, features(posts, pres), weight, penalty)
    modulators = torch.cat(contrast.modulators(*scores.chunk(2)))
    return posts.T @ ((weight * modulators / penalty)[:, None] * pres)


def features(posts: Tensor, pres: Tensor) -> Tensor:
    """Rows with the same inner products as the outer products z c^T, of as few columns as possible: (rows, columns)."""
    rows, entries = len(posts), posts.shape[1] * pres.shape[1]
    if entries <= rows:
        return (posts[:, :, None] * pres[:, None, :]).flatten(1)
    values, vectors = torch.linalg.eigh((posts @ posts.T) * (pres @ pres.T))
    return torch.mul(vectors, values.clamp(min=0).sqrt())


def _newton(contrast: Contrast, outer: Tensor, weight: Tensor, penalty: float) -> Tensor:
    """Scores at the optimum, (u+, u-) of all rows one after the other."""
    point = outer.new_zeros(outer.shape[1])
    value, gradient, curvature = _expand(contrast, outer, weight, penalty, point)
    for _ in range(STEPS):
        size = float(gradient.norm())
        if size < 1e-14:
            return outer @ point
        step = torch.linalg.solve(curvature, -gradient)
        descent, length = float(gradient @ step), 1.0
        while True:
            tried = point + length * step
            new = _expand(contrast, outer, weight, penalty, tried)
            # so close to the optimum that J is flat to the last bit, the full step is right
            if new[0] <= value + 1e-4 * length * descent or size < 1e-7:
                break
            length /= 2
        if size < 1e-11 and float(new[1].norm()) >= size:
            return outer @ point  # rounding has taken over
        point, (value, gradient, curvature) = tried, new
    raise ProtocolError(f"optimum.gradient: expected below 1e-11 in {STEPS} steps, got {size:.1e}; raise the penalty")


def _expand(
    contrast: Contrast, outer: Tensor, weight: Tensor, penalty: float, point: Tensor
) -> tuple[float, Tensor, Tensor]:
    """J, its gradient and its Hessian."""
    scores = (outer @ point).requires_grad_()
    with torch.enable_grad():
        gammas = contrast.modulators(*scores.chunk(2))
        # the modulators of a row depend on the two scores of that row alone
        slopes = [_slopes(gamma, scores).chunk(2) for gamma in gammas]
    modulators = torch.cat([gamma.detach() for gamma in gammas])
    loss = torch.dot(torch.cat(contrast.losses(*scores.detach().chunk(2))), weight)
    fixation, saccade = outer.chunk(2)
    bent = torch.cat(
        [by_fixation[:, None] * fixation + by_saccade[:, None] * saccade for by_fixation, by_saccade in slopes]
    )
    hessian = penalty * torch.eye(len(point), dtype=point.dtype) - outer.T @ (weight[:, None] * bent)
    return float(loss + penalty / 2 * point @ point), penalty * point - outer.T @ (weight * modulators), hessian


def _slopes(gamma: Tensor, scores: Tensor) -> Tensor:
    if not gamma.requires_grad:  # constant, as those of the linear contrast
        return torch.zeros_like(scores)
    return torch.autograd.grad(gamma.sum(), scores, retain_graph=True)[0]
