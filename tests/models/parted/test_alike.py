"""Weights that every rank has are compared before they are stored."""

import pytest
import torch
from apical.models.errors import ModelError
from apical.models.networks.network import Network
from apical.models.parted.alike import check_alike
from apical.models.populations.dense import DensePopulation
from rank_threads import together


def compared(ranks, astray: float):
    weight = torch.ones(3, 4)
    if ranks.rank == 1:
        weight[0, 0] += astray
    check_alike(ranks, Network((4, 1, 1), [DensePopulation("hidden", 3, weight=weight, bias=torch.zeros(3))]))


def test_a_rank_that_went_astray_is_named():
    together(3, lambda ranks: compared(ranks, 0))
    with pytest.raises(
        ModelError, match=r"hidden\.weight: expected the same at all 3 ranks, got a norm of .* at rank 1 and"
    ):
        together(3, lambda ranks: compared(ranks, 0.1))
