"""Colour maps."""

import pytest
import torch
from apical.protocols.stimuli.views.colour import affine_map, blend, hue_rotation, luminance_weights


def test_luminance_survives_every_hue_and_saturation():
    weights = luminance_weights(3, torch.device("cpu"))
    for maps in (hue_rotation(torch.linspace(-1, 1, 9)), blend(torch.linspace(0, 2, 9), 3)):
        torch.testing.assert_close(weights @ maps, weights.expand(9, 3), rtol=0, atol=1e-6)


def test_hue_turns_add_up_and_close():
    a, b = torch.tensor([0.1, 0.3]), torch.tensor([0.25, -0.6])
    torch.testing.assert_close(hue_rotation(a) @ hue_rotation(b), hue_rotation(a + b), rtol=0, atol=1e-5)
    torch.testing.assert_close(hue_rotation(torch.tensor([0.0, 1.0])), torch.eye(3).expand(2, 3, 3), rtol=0, atol=1e-5)
    assert (hue_rotation(torch.tensor([0.5])) - torch.eye(3)).abs().max() > 0.5


@pytest.mark.parametrize("channels", [1, 3])
def test_blend_ends_at_grey_and_at_the_image(channels):
    pixels = torch.rand(2, channels, 7)
    result = affine_map(pixels, blend(torch.tensor([0.0, 1.0]), channels), torch.zeros(2, channels, 1))
    grey = (pixels[0] * luminance_weights(channels, pixels.device)[:, None]).sum(0)
    torch.testing.assert_close(result[0], grey.expand(channels, 7))
    torch.testing.assert_close(result[1], pixels[1])
