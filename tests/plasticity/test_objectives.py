"""Objectives of two views against closed forms and naive loops."""

import math

import pytest
import torch
from apical.plasticity import BarlowTwins, RuleError, SimCLR, VICReg
from hypothesis import given, settings
from hypothesis import strategies as st

OBJECTIVES = {"barlow": BarlowTwins(), "simclr": SimCLR(temperature=0.3), "vicreg": VICReg()}
every_objective = pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES.keys())


def views(seed=0, objects=9, features=5):
    g = torch.Generator().manual_seed(seed)
    first = torch.randn(objects, features, generator=g, dtype=torch.float64)
    return first, first + 0.5 * torch.randn(objects, features, generator=g, dtype=torch.float64)


def orthogonal(objects=16, features=5):
    """Columns with mean 0, variance 1 (over objects, population form) and no correlation: rows of a Hadamard matrix."""
    matrix = torch.ones(1, 1, dtype=torch.float64)
    while len(matrix) < objects:
        matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)])
    return matrix[:, 1 : 1 + features]


@every_objective
def test_differentiable_and_finite(objective):
    first, second = (z.requires_grad_() for z in views())
    gradients = torch.autograd.grad(objective(first, second), (first, second))
    assert all(torch.isfinite(g).all() and g.abs().max() > 0 for g in gradients)


@every_objective
@given(seed=st.integers(0, 1000), objects=st.integers(3, 12), features=st.integers(1, 7))
@settings(max_examples=25)
def test_neither_order_of_objects_nor_exchange_of_views_counts(objective, seed, objects, features):
    first, second = views(seed, objects, features)
    order = torch.randperm(objects, generator=torch.Generator().manual_seed(seed))
    loss = objective(first, second)
    torch.testing.assert_close(objective(first[order], second[order]), loss)
    torch.testing.assert_close(objective(second, first), loss)


@every_objective
def test_agreeing_views_are_better_than_shuffled_ones(objective):
    first, _ = views()
    assert objective(first, first) < objective(first, first.roll(1, 0))


def test_barlow_is_zero_for_equal_decorrelated_views():
    z = orthogonal()
    assert BarlowTwins()(z, z).item() == pytest.approx(0, abs=1e-9)
    assert BarlowTwins()(3 * z + 2, 0.5 * z - 1).item() == pytest.approx(0, abs=1e-8)  # scale and offset do not count


def test_barlow_of_opposite_and_of_copied_features_is_the_closed_form():
    z = orthogonal(features=1)
    opposite = BarlowTwins(redundancy=0.1, scale=2.0)(z, -z)
    assert opposite.item() == pytest.approx(2 * 4, rel=1e-4)
    copied = torch.cat([z, z, z], 1)
    # diagonal at 1, six entries off it at 1
    assert BarlowTwins(redundancy=0.1, scale=2.0)(copied, copied).item() == pytest.approx(2 * 0.1 * 6, rel=1e-4)


def test_barlow_against_a_loop():
    first, second = views(3)
    total, n, d = 0.0, *first.shape
    z, y = ((v - v.mean(0)) / (v.var(0, correction=0) + 1e-5).sqrt() for v in (first, second))
    for i in range(d):
        for j in range(d):
            c = sum(float(z[k, i] * y[k, j]) for k in range(n)) / n
            total += (c - 1) ** 2 if i == j else 0.0051 * c**2
    assert BarlowTwins()(first, second).item() == pytest.approx(0.024 * total)


def test_simclr_against_a_loop():
    first, second = views(4)
    rows, n, total = [*first, *second], len(first), 0.0
    cosine = [[float(a @ b / (a.norm() * b.norm())) for b in rows] for a in rows]
    for i in range(2 * n):
        others = sum(math.exp(cosine[i][k] / 0.3) for k in range(2 * n) if k != i)
        total -= math.log(math.exp(cosine[i][(i + n) % (2 * n)] / 0.3) / others)
    assert SimCLR(temperature=0.3)(first, second).item() == pytest.approx(total / (2 * n))


def test_simclr_of_one_direction_each_is_the_closed_form():
    """n orthogonal objects, equal views: L = log(1 + (2n - 2) exp(-1 / temperature))."""
    z = torch.eye(4, dtype=torch.float64)
    assert SimCLR(temperature=0.5)(z, 7 * z).item() == pytest.approx(math.log(1 + 6 * math.exp(-2)))


def test_vicreg_terms_alone():
    first, second = views(5)
    n, d = first.shape
    invariance = VICReg(invariance=1, variance=0, covariance=0)(first, second)
    assert invariance.item() == pytest.approx(float(((first - second) ** 2).sum()) / (n * d))
    variance = VICReg(invariance=0, variance=1, covariance=0)(0.3 * first, second)
    short = [max(0.0, 1 - math.sqrt(float(v) + 1e-4)) for z in (0.3 * first, second) for v in z.var(0)]
    assert variance.item() == pytest.approx(sum(short) / (2 * d))
    covariance = VICReg(invariance=0, variance=0, covariance=1)(first, second)
    matrices = [torch.cov(z.T) for z in (first, second)]
    off = sum(float(m[i, j]) ** 2 for m in matrices for i in range(d) for j in range(d) if i != j)
    assert covariance.item() == pytest.approx(off / d)


def test_vicreg_is_zero_for_equal_wide_decorrelated_views():
    z = 2 * orthogonal()
    assert VICReg()(z, z).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("build", "message"), [
    (lambda: BarlowTwins(redundancy=-1.0), r"BarlowTwins.redundancy: expected a finite number of at least 0, got -1.0"),
    (lambda: BarlowTwins(scale=math.inf), r"BarlowTwins.scale: expected a finite number"),
    (lambda: SimCLR(temperature=0.0), r"SimCLR.temperature: expected a finite number above 0, got 0.0; the default is 0.5"),
    (lambda: VICReg(covariance=math.nan), r"VICReg.covariance: expected a finite number"),
])  # fmt: skip
def test_misuse_is_refused(build, message):
    with pytest.raises(RuleError, match=message):
        build()
