"""Rows with nothing to tell are left out of the products, and of nothing else."""

import pytest
import torch
from apical.models import ConvPopulation, DensePopulation
from apical.models.engine.awake import awake, gathered
from apical.models.populations import winograd
from apical.plasticity import Kernels, using


def draw(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


def test_rows():
    told = torch.zeros(8, 3)
    told[1, 2] = told[4, 0] = 1
    told[5] = float("nan")  # a run that diverges must not look silent
    assert awake(told).tolist() == [1, 4, 5]
    assert awake(torch.zeros(4, 2)).tolist() == [0]
    assert awake(torch.ones(4, 2)) is None
    few = torch.ones(64, 2)
    few[0] = 0
    assert awake(few) is None


def population(kind):
    if kind == "dense":
        return DensePopulation("p", 5, weight=draw(5, 3 * 16), bias=draw(5))
    side = 4 if kind == "patches" else 8
    return ConvPopulation("p", (3, side, side), 4, pool=True, grid=2, weight=draw(4, 3, 3, 3), bias=draw(4))


@pytest.mark.parametrize("kind", ["dense", "patches", "direct", "winograd"])
def test_the_change_is_the_same(kind, monkeypatch):
    monkeypatch.setattr(winograd, "CHANNELS", 1)
    post = population(kind)
    pre = draw(6, 3, *((4, 4) if kind in ("dense", "patches") else (8, 8)))
    with using(Kernels(convolution="winograd" if kind == "winograd" else "direct")):
        activity = post.forward(pre, post.weight, post.bias, plastic=True)
        drive = draw(6, post.units)
        drive[[0, 3, 4]] = 0
        factor = post.factor(drive, activity)
        rows = awake(drive)
        assert rows.tolist() == [1, 2, 5]
        for one, other in zip(
            post.change(*gathered(rows, factor, activity)), post.change(factor, activity), strict=True
        ):
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
