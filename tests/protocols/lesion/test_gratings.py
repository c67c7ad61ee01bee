import math

import torch
from apical.protocols.lesion.gratings import FREQUENCIES, ORIENTATIONS, PHASES, gratings, of_units


def responses(tuned):
    orientation = torch.arange(ORIENTATIONS, dtype=torch.float64) * math.pi / ORIENTATIONS
    phase = torch.arange(PHASES, dtype=torch.float64) * 2 * math.pi / PHASES
    rate = torch.stack([tuned(orientation[:, None], phase[None, :])] * len(FREQUENCIES))
    return rate.reshape(-1, 1)


def test_simple_and_complex_cells_are_told_apart():
    simple = responses(lambda o, p: torch.relu(torch.sin(p)) * torch.cos(o).abs())
    complex_like = responses(lambda o, p: (2 + 0.5 * torch.sin(p)) * torch.cos(o).square())
    flat = responses(lambda o, p: 1 + 0 * (o + p))
    assert of_units(simple)[0] == 0
    assert of_units(complex_like)[0] == 1
    assert of_units(torch.cat([simple, complex_like], 1))[0] == 0.5
    assert of_units(flat)[1] < 1e-9
    assert abs(of_units(complex_like)[1] - 0.5) < 1e-9
    assert math.isnan(of_units(torch.zeros_like(flat))[0])


def test_gratings_have_all_orientations_and_phases():
    shown = gratings((3, 16, 16))
    assert shown.shape == (len(FREQUENCIES) * ORIENTATIONS * PHASES, 3, 16, 16)
    assert len(shown.flatten(1).unique(dim=0)) == len(shown)
