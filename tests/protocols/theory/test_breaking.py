"""What breaks theorem 3.1: no gap at the origin, and a gap that grows away from it."""

import pytest
import torch
from apical.protocols.theory import breaking
from apical.protocols.theory.networks import gaussian, orthonormal


@pytest.fixture(scope="module")
def rows():
    return list(breaking.check(torch.Generator().manual_seed(0), networks=2))


def test_departure_is_zero_for_orthonormal_weights_alone():
    draws = torch.Generator().manual_seed(0)
    assert breaking.departure([orthonormal(6, 6, draws)]) < 1e-14
    assert breaking.departure([2 * orthonormal(4, 4, draws)]) == pytest.approx(3)
    assert breaking.departure([gaussian(40, 40, draws)]) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("condition", ["orthogonality", "nonlinearity"])
def test_the_gap_opens_with_the_distance(rows, condition):
    table = breaking.summary(rows)[condition]
    for name in breaking.SHOWN:
        of = [row for row in table if row["contrast"] == name]
        for source in ("lateral", "dfb"):
            gaps = [row[f"gap_{source}"] for row in of]
            assert gaps[0] < 1e-12
            assert gaps[0] < gaps[1] < gaps[2] < gaps[3] < gaps[4]
            assert of[0][f"cosine_{source}"] == pytest.approx(1)
            assert of[-1][f"cosine_{source}"] < 0.9


def test_the_first_order_is_linear(rows):
    """Close to the theorem's conditions the gap is proportional to the distance from them."""
    table = [row for row in breaking.summary(rows)["orthogonality"] if row["contrast"] == "softplus"]
    slopes = [row["gap_dfb"] / row["departure"] for row in table[1:4]]
    assert max(slopes) / min(slopes) < 1.2


def test_the_verdict(rows):
    assert breaking.summary(rows)["passed"]
    assert len(rows) * breaking.NETWORKS == 2 * breaking.TOTAL
    origin = [{**row, "gap": {"lateral": 1e-3, "dfb": 0.0}} if row["departure"] < 1e-9 else row for row in rows]
    assert not breaking.summary(origin)["passed"]
    unbroken = [{**row, "gap": {"lateral": 0.0, "dfb": 0.0}} for row in rows]
    assert not breaking.summary(unbroken)["passed"]
