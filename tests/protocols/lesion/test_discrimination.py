"""Two sets of glances told apart."""

import math

import pytest
import torch
from apical.models.engine import Architecture, build_network, rates
from apical.plasticity import ClappPP
from apical.protocols.lesion.discrimination import LABELLED, dprime, signals, trials_to_criterion
from apical.protocols.lesion.drawn import FRAMES, corridor, gabors, textures


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def test_dprime_is_the_distance_in_standard_deviations():
    noise = torch.randn(4000, 3, generator=draws(), dtype=torch.float64)
    assert dprime(noise[:2000], noise[2000:]) < 0.1
    apart = torch.tensor([0.0, 1.0, 5.0])
    assert dprime(noise[:2000], noise[2000:] + apart) == pytest.approx(2.0, abs=0.1)
    silent = torch.zeros(10, 2)
    assert math.isnan(dprime(silent, silent))


def test_a_read_out_needs_fewer_labels_where_rates_differ_more():
    def needed(distance):
        rows = torch.rand(96, 20, generator=draws(1))
        return trials_to_criterion(rows[:48] + distance * torch.eye(1, 20), rows[48:], draws(2))

    assert needed(3.0) < needed(1.0)
    assert needed(3.0) < 60
    assert needed(0.0) > needed(1.0)
    assert trials_to_criterion(torch.ones(8, 4), torch.ones(8, 4), draws()) == LABELLED


def test_apical_potentials_are_those_of_the_wiring():
    rule = ClappPP(context="both")
    network = build_network(Architecture("vgg6", (3, 16, 16), 1 / 64, grids=(4, 2, 2, 2, 1, 1)), rule, seed=0)
    images = torch.randn(5, 3, 16, 16, generator=draws())
    pooled, potentials = signals(network, images)
    found = rates(network, images)
    lateral, top = network.apical["lateral"], network.apical["dfb"]
    own = network.populations[2].pooled(found[2])
    last = network.populations[-1].pooled(found[-1])
    expected = own @ lateral[2].weight.T + last @ top[2].weight.T
    torch.testing.assert_close(potentials[2], expected.double(), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(pooled[2], own.double())


def test_textures_differ_in_their_own_waves_and_windows_in_place():
    first, second = textures(3)
    assert abs(float((first * second).mean())) < 0.9
    assert float(first.std()) == pytest.approx(1, abs=1e-4)
    seen = corridor(3, torch.tensor([0, 0, 1]), (3, 32, 32), draws())
    assert seen.dtype == torch.uint8
    assert seen.shape == (3, 3, 32, 32)
    assert not torch.equal(seen[0], seen[1])
    assert torch.equal(seen, corridor(3, torch.tensor([0, 0, 1]), (3, 32, 32), draws()))


def test_frames_have_places_of_their_own_and_the_orientation_of_their_sequence():
    def energy(image):
        """Along both axes of its two-dimensional spectrum."""
        power = torch.fft.fft2(image[0].float() - image[0].float().mean()).abs().square()
        return float(power[:, 0].sum()), float(power[0].sum())

    a, again, b, d, u = gabors(
        0, torch.tensor([0, 0, 1, 3, FRAMES.index("U")]), torch.tensor([0, 0, 0, 0, 0]), (1, 32, 32), draws()
    )
    assert not torch.equal(a, again)  # orientations are drawn anew
    similar = [float(torch.corrcoef(torch.stack([a, other]).flatten(1).float())[0, 1]) for other in (again, b)]
    assert similar[0] > similar[1] + 0.2
    (down, across), (down_u, across_u) = energy(d), energy(u)
    assert across > down  # waves along x
    assert down_u > across_u  # turned by 90 degrees
