"""Resampling matrices."""

import pytest
import torch
from apical.protocols.stimuli.views.resample import blur_matrix, blur_width, crop_matrix, separable
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=40, deadline=None)
@given(side=st.integers(3, 40), data=st.data())
def test_crop_weights_stay_inside_the_crop_and_sum_to_one(side, data):
    length = data.draw(st.integers(1, side))
    start = data.draw(st.integers(0, side - length))
    matrix = crop_matrix(torch.tensor([float(start)]), torch.tensor([float(length)]), side)[0]
    torch.testing.assert_close(matrix.sum(1), torch.ones(side), rtol=0, atol=1e-5)
    outside = torch.ones(side).bool()
    outside[start : start + length] = False
    assert (matrix[:, outside].abs() < 1e-5).all() and (matrix >= 0).all()


def test_crop_equals_bilinear_interpolation_of_the_cut_out_part():
    image = torch.rand(1, 3, 24, 18, generator=torch.Generator().manual_seed(0))
    rows = crop_matrix(torch.tensor([5.0]), torch.tensor([11.0]), 24)
    columns = crop_matrix(torch.tensor([2.0]), torch.tensor([9.0]), 18)
    part = image[:, :, 5:16, 2:11]
    expected = torch.nn.functional.interpolate(part, (24, 18), mode="bilinear", align_corners=False)
    torch.testing.assert_close(separable(image, rows, columns), expected, rtol=0, atol=1e-5)


def test_mirror_reverses_and_the_whole_image_is_the_identity():
    whole = crop_matrix(torch.zeros(2), torch.full((2,), 12.0), 12, torch.tensor([False, True]))
    assert torch.equal(whole[0], torch.eye(12)) and torch.equal(whole[1], torch.eye(12).flip(0))


@pytest.mark.parametrize(("side", "width"), [(8, 3), (28, 3), (32, 3), (64, 7), (96, 9), (224, 23)])
def test_the_blur_spans_a_tenth_of_the_side(side, width):
    assert blur_width(side) == width


def test_blur_without_width_is_the_identity_and_keeps_the_mean_level():
    matrix = blur_matrix(torch.tensor([0.0, 0.5, 2.0]), 32)
    assert torch.equal(matrix[0], torch.eye(32))
    torch.testing.assert_close(matrix.sum(2), torch.ones(3, 32))
    assert matrix[2].diagonal().mean() < matrix[1].diagonal().mean() < 1
