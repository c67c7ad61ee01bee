"""Theorem 3.3: no violation where data are plenty; a violation is seen where there is one."""

import pytest
import torch
from apical.plasticity import Linear, Softplus
from apical.protocols.theory import theorem_3_3
from apical.protocols.theory.changes import backprop_changes, gap, local_changes
from apical.protocols.theory.networks import gaussian, glances, polar
from apical.protocols.theory.optimum import settle


@pytest.fixture(scope="module")
def rows():
    return list(theorem_3_3.check(63, torch.Generator().manual_seed(0)))


@pytest.fixture(scope="module")
def few():
    return list(theorem_3_3.check(63, torch.Generator().manual_seed(0), objects=4))


def test_feedback_is_never_farther(rows):
    assert len(rows) == 63
    assert not any(row["violated"] for row in rows)
    assert all(0 < row["relative"]["dfb"] <= row["relative"]["lateral"] for row in rows)


def test_the_networks_differ(rows):
    for field, count in (("contrast", 3), ("ratio", 7), ("coloured", 2), ("depth", 2), ("width", 3)):
        assert len({row[field] for row in rows}) == count


def test_with_few_objects_it_can_be_farther(few):
    """The count of violations can count: the inequality needs data that fill the space of B."""
    assert sum(row["violated_populations"] for row in few) > 0


def test_at_equal_width_both_are_backprop():
    draws = torch.Generator().manual_seed(1)
    network = theorem_3_3.narrowing([6, 6, 6], draws)
    batch = glances(network.shape, 16, draws, coloured=False)
    settle(network, Softplus(), batch)
    reference = backprop_changes(network, Softplus(), batch)
    for source in ("lateral", "dfb"):
        assert gap(local_changes(network, Softplus(), batch, source), reference, network.names) < 1e-12


def test_only_populations_wider_than_the_top_are_compared():
    draws = torch.Generator().manual_seed(2)
    network = theorem_3_3.narrowing([10, 8, 5, 3, 3], draws)
    batch = glances(network.shape, 64, draws, coloured=True)
    settle(network, Linear(), batch)
    assert theorem_3_3.distances(network, Linear(), batch)["populations"] == 2


def test_off_the_optimum_feedback_is_often_farther():
    draws, violated = torch.Generator().manual_seed(3), []
    for _ in range(20):
        network = theorem_3_3.narrowing([10, 8, 4], draws)
        batch = glances(network.shape, 64, draws, coloured=False)
        settle(network, Softplus(), batch)
        violated.append(theorem_3_3.distances(network, Softplus(), batch)["violated"])
        below = network.apical["dfb"][0]
        below.weight = below.weight.norm() * polar(gaussian(8, 4, draws))
        violated.append(theorem_3_3.distances(network, Softplus(), batch)["violated"])
    assert sum(violated[::2]) == 0
    assert sum(violated[1::2]) > 10


def test_the_summary_counts(rows, few):
    found = theorem_3_3.summary(rows, few)
    assert found["passed"] and found["violations"] == 0 and found["cases"] == 63
    assert [row["ratio"] for row in found["ratios"]] == list(theorem_3_3.RATIOS)
    assert all(row["dfb"] < row["lateral"] for row in found["ratios"])
    assert found["few_objects"][0]["violated_populations"] == sum(row["violated_populations"] for row in few)
    broken = theorem_3_3.summary([{**rows[0], "violated": True}, *rows[1:]], few)
    assert not broken["passed"] and broken["violations"] == 1
