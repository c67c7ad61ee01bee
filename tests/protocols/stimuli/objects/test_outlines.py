"""Signed distance fields against brute force."""

import pytest
import torch
from apical.protocols.stimuli.objects.outlines import OUTLINES, polygon


def grid(n: int = 97, reach: float = 1.6) -> tuple[torch.Tensor, torch.Tensor]:
    axis = torch.linspace(-reach, reach, n)
    return axis.expand(1, n, n).clone(), axis[:, None].expand(1, n, n).clone()


def test_polygon_equals_the_distance_to_many_points_of_its_edges():
    points = [(0.0, -1.05), (0.8, 0.1), (0.2, 0.1), (0.2, 1.0), (-0.2, 1.0), (-0.2, 0.1), (-0.8, 0.1)]
    x, y = grid()
    corners = torch.tensor(points)
    t = torch.linspace(0, 1, 400)[:, None, None]
    edge = (corners + t * (corners.roll(-1, 0) - corners)).reshape(-1, 2)
    place = torch.stack([x.flatten(), y.flatten()], 1)
    expected = torch.cdist(place, edge).min(1).values.view(x.shape)
    result = polygon(x, y, points)
    torch.testing.assert_close(result.abs(), expected, rtol=0, atol=3e-3)
    winding = torch.zeros(x.numel())
    for a, b in zip(corners, corners.roll(-1, 0), strict=True):
        u, v = a - place, b - place
        winding += torch.atan2(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0], (u * v).sum(1))
    clear = expected.flatten() > 1e-3
    assert torch.equal((result.flatten() < 0)[clear], (winding.abs() > 3.0)[clear])


@pytest.mark.parametrize("name", OUTLINES)
def test_outlines_have_an_inside_a_border_and_unit_slope(name):
    u = torch.rand(8, 2, generator=torch.Generator().manual_seed(0))
    x, y = (c.expand(8, -1, -1) for c in grid())
    distance = OUTLINES[name](x, y, u)
    inside = (distance < 0).float().mean((1, 2))
    assert (inside > 0.06).all() and (inside < 0.35).all()
    assert (distance[:, 0] > 0).all() and (distance[:, -1] > 0).all()
    assert distance.std(0).max() > 5e-3, "the outline parameters change nothing"
    step = 3.2 / 96
    slope = [torch.gradient(distance, spacing=step, dim=dim)[0] for dim in (1, 2)]
    assert (torch.hypot(*slope).median() - 1).abs() < 0.02
    for dim in (1, 2):
        assert (distance.diff(dim=dim).abs() <= 1.001 * step).all(), "distances change at most by the way gone"
