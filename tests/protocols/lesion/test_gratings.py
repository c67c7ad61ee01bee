import math

import pytest
import torch
from apical.models.engine import Architecture, build_network, rates
from apical.plasticity import ClappPP
from apical.protocols.lesion.gratings import (
    FREQUENCIES,
    ORIENTATIONS,
    PHASES,
    gratings,
    of_units,
    tuning,
)


def responses(tuned):
    orientation = torch.arange(ORIENTATIONS, dtype=torch.float64) * math.pi / ORIENTATIONS
    phase = torch.arange(PHASES, dtype=torch.float64) * 2 * math.pi / PHASES
    rate = torch.stack([tuned(orientation[:, None], phase[None, :])] * len(FREQUENCIES))
    return rate.reshape(-1, 1)


def test_simple_and_complex_cells_are_told_apart():
    simple = responses(lambda o, p: torch.relu(torch.sin(p)) * torch.cos(o).abs())
    complex_like = responses(lambda o, p: (2 + 0.5 * torch.sin(p)) * torch.cos(o).square())
    flat = responses(lambda o, p: 1 + 0 * (o + p))
    assert of_units(simple).complex_like == 0
    assert of_units(complex_like).complex_like == 1
    assert of_units(torch.cat([simple, complex_like], 1)).complex_like == 0.5
    assert of_units(flat).orientation < 1e-9
    assert abs(of_units(complex_like).orientation - 0.5) < 1e-9
    assert math.isnan(of_units(torch.zeros_like(flat)).complex_like)


def test_gratings_have_all_orientations_and_phases():
    shown = gratings((3, 16, 16))
    assert shown.shape == (len(FREQUENCIES) * ORIENTATIONS * PHASES, 3, 16, 16)
    assert len(shown.flatten(1).unique(dim=0)) == len(shown)


def test_the_share_of_tuned_units_and_the_modulation():
    half = responses(lambda o, p: 1 + 0.9 * torch.cos(2 * o) + 0 * p)  # 1 - circular variance 0.45
    weak = responses(lambda o, p: 1 + 0.5 * torch.cos(2 * o) + 0 * p)  # 0.25
    assert of_units(torch.cat([half, weak], 1)).tuned == 0.5
    rectified = responses(lambda o, p: torch.relu(torch.sin(p + 0 * o)))
    assert of_units(rectified).modulation == pytest.approx(math.pi / 2, rel=0.06)  # of a rectified sine


@pytest.mark.parametrize("pooled", [True, False])
def test_subsampled_a_unit_has_no_winner(pooled):
    """Of one linear filter each: rectified, its modulation is that of a rectified sine, and only a max-pool makes it less."""
    network = build_network(Architecture("vgg6", (3, 32, 32), 1 / 16, grids=(8, 4, 4, 4, 2, 2)), ClappPP(), seed=0)
    for population in network.populations:
        population.bias.zero_()
        population.weight.zero_()
        for unit in range(len(population.weight)):
            population.weight[unit, unit % population.weight.shape[1], 1, 1] = 1.0
    found = tuning(network, subsampled=not pooled)
    below = found["conv1"]
    assert below.complex_like == 0
    top = found["conv6"]
    assert (top.complex_like > 0.9) is pooled
    if not pooled:
        assert top.modulation == pytest.approx(below.modulation, rel=1e-6)
        shown = gratings(network.shape)
        assert not torch.equal(rates(network, shown)[-1], torch.zeros(1))
