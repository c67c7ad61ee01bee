"""Receptive fields of planted linear kernels, in white and in sparse noise."""

import numpy as np
import pytest
import xarray as xr
from apical.recordings import RecordingError
from apical.recordings.analysis import receptive_fields

from .signals import signal

SIDE = 12


def gabor(y, x, theta=0.6, width=1.6):
    rows, columns = np.indices((SIDE, SIDE))
    u = (columns - x) * np.cos(theta) + (rows - y) * np.sin(theta)
    return np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * width**2)) * np.cos(2 * np.pi * u / 5)


def images(values, ids=None):
    ids = np.arange(len(values)) if ids is None else ids
    dims = ("stimulus", "y", "x") if values.ndim == 3 else ("stimulus", "channel", "y", "x")
    return xr.DataArray(values, {"stimulus_id": ("stimulus", ids)}, dims, name="image")


def white(n=6000, seed=0):
    return np.random.default_rng(seed).normal(0.5, 0.2, size=(n, SIDE, SIDE))


def sparse(n=6000, seed=0):
    """Grey images with four bright or dark pixels."""
    random = np.random.default_rng(seed)
    values = np.full((n, SIDE * SIDE), 0.5)
    for row in values:
        row[random.choice(SIDE * SIDE, 4, replace=False)] = random.integers(0, 2, 4)
    return values.reshape(n, SIDE, SIDE)


def cosine(a, b):
    return float((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))


def test_a_linear_kernel_is_recovered_from_white_noise():
    noise, kernel = white(), gabor(4, 7)
    rate = 2 + np.einsum("tyx,yx->t", noise, kernel)[:, None] + np.random.default_rng(1).normal(0, 0.1, size=(6000, 1))
    found = receptive_fields(signal(rate, 500, stimulus_id=np.arange(6000)), images(noise))
    assert cosine(found["kernel"].values[0], kernel) > 0.98
    slope = (found["kernel"].values[0] * kernel).sum() / (kernel**2).sum()
    assert slope == pytest.approx(1, rel=0.05)  # in rate per unit of contrast
    assert (found["centre_y"].item(), found["centre_x"].item()) == pytest.approx((4, 7), abs=0.7)
    assert found["p"].item() < 1e-6
    assert "on" not in found


def test_images_are_found_by_their_number_whatever_the_order():
    noise, kernel = white(1500), gabor(5, 5)
    random = np.random.default_rng(0)
    shown = random.integers(0, 1500, 4000)
    rate = np.einsum("tyx,yx->t", noise[shown], kernel)[:, None]
    order = random.permutation(1500)
    found = receptive_fields(
        signal(rate, 300, stimulus_id=shown + 7), images(noise[order][:, None].repeat(3, 1), order + 7)
    )
    assert cosine(found["kernel"].values[0], kernel) > 0.9


def test_on_and_off_maps_of_sparse_noise():
    noise = sparse()
    on, off = noise[:, 3, 3] > 0.5, noise[:, 8, 9] < 0.5
    rates = np.stack([1.0 + 2.0 * on, 1.0 + 3.0 * off], axis=1)
    found = receptive_fields(signal(rates, 256, stimulus_id=np.arange(6000)), images(noise))
    expected = rates[on, 0].mean() - rates[:, 0].mean()
    assert found["on"].values[0, 3, 3] == pytest.approx(expected, rel=1e-5)
    assert np.unravel_index(np.nanargmax(found["off"].values[1]), (SIDE, SIDE)) == (8, 9)
    assert found["sign"].values.tolist() == [1, -1]
    assert found["centre_y"].values == pytest.approx([3, 8])
    assert found["diameter"].values == pytest.approx(2 / np.sqrt(np.pi))


def test_a_unit_that_sees_nothing_is_not_significant():
    """By both ways of telling p; of 200 units about 5 % lie below 0.05."""
    noise = white(600)
    rates = np.random.default_rng(9).gamma(2.0, size=(600, 200))
    analytic = receptive_fields(signal(rates, 100, stimulus_id=np.arange(600)), images(noise))
    assert 0.0 <= (analytic["p"].values < 0.05).mean() < 0.12
    permuted = receptive_fields(
        signal(rates[:, :40], 100, stimulus_id=np.arange(600)), images(noise), permutations=99, seed=3
    )
    assert (permuted["p"].values < 0.05).mean() < 0.15
    assert permuted["p"].values.min() >= 0.01


def test_permutations_find_a_real_field():
    noise, kernel = white(800), gabor(4, 7)
    rate = np.einsum("tyx,yx->t", noise, kernel)[:, None]
    found = receptive_fields(signal(rate, stimulus_id=np.arange(800)), images(noise), permutations=49)
    assert found["p"].item() == pytest.approx(0.02)


def test_a_silent_unit_has_no_field():
    noise = white(100)
    rates = np.stack([np.zeros(100), noise[:, 2, 2]], axis=1)
    found = receptive_fields(signal(rates, stimulus_id=np.arange(100)), images(noise))
    assert np.isnan(found["centre_x"].values[0])
    assert np.isnan(found["p"].values[0])
    assert found["centre_x"].values[1] == pytest.approx(2)


@pytest.mark.parametrize(
    ("rate", "ids", "message"),
    [
        (np.ones((50, 1)), np.arange(50) + 1000, "expected at least 16 trials with a recorded image, got 0"),
        (np.ones((50, 1)), np.arange(50), "expected images and rates that vary"),
    ],
)
def test_refusals(rate, ids, message):
    with pytest.raises(RecordingError, match=message):
        receptive_fields(signal(rate, stimulus_id=ids), images(white(50)))
    with pytest.raises(RecordingError, match="expected this coordinate of trials and images"):
        receptive_fields(signal(rate), images(white(50)))


def test_places_shown_once_have_maps_but_no_p():
    """One bright and one dark pixel at each place: sums of two trials are not normal."""
    noise = np.full((2 * SIDE * SIDE, SIDE * SIDE), 0.5)
    for place in range(SIDE * SIDE):
        noise[2 * place : 2 * place + 2, place] = [1.0, 0.0]
    noise = noise.reshape(-1, SIDE, SIDE)
    kernel = gabor(4, 7)
    rate = np.einsum("tyx,yx->t", noise - 0.5, kernel)[:, None]
    found = receptive_fields(signal(rate, stimulus_id=np.arange(len(noise))), images(noise))
    assert cosine(found["kernel"].values[0], kernel) == pytest.approx(1)
    assert np.isnan(found["p"].item())
    assert found["shown"].item() == 2
    assert (found["centre_y"].item(), found["centre_x"].item()) == pytest.approx((4, 7), abs=0.5)
