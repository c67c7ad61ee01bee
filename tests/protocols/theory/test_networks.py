"""Networks and data of the theory have the properties it assumes."""

import pytest
import torch
from apical.protocols.theory.networks import centred, convolutional, dense, gaussian, glances, orthonormal, polar


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("rows", "columns"), [(5, 5), (3, 8), (1, 4)])
def test_rows_are_orthonormal(rows, columns):
    matrix = orthonormal(rows, columns, draws())
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(rows, dtype=torch.float64), rtol=0, atol=1e-14)


def test_no_orthonormal_matrix_is_nearer_than_the_polar_factor():
    matrix = gaussian(6, 6, draws())
    least = (matrix - polar(matrix)).norm()
    assert all((matrix - orthonormal(6, 6, draws(seed))).norm() > least for seed in range(1, 20))


def test_white_glances_have_unit_covariance_and_the_given_correlation():
    batch = glances((6, 1, 1), 20_000, draws(), coloured=False, correlation=0.7)
    rows = batch.images.flatten(1)
    torch.testing.assert_close(rows.T @ rows / len(rows), torch.eye(6, dtype=torch.float64), rtol=0, atol=0.03)
    across = rows.T @ rows[batch.pairing.fixation] / len(rows)
    torch.testing.assert_close(across, 0.7 * torch.eye(6, dtype=torch.float64), rtol=0, atol=0.03)
    assert float((rows * rows[batch.pairing.saccade]).mean()) == pytest.approx(0, abs=0.03)


def test_coloured_glances_have_the_stated_spectrum():
    rows = glances((6, 1, 1), 20_000, draws(), coloured=True).images.flatten(1)
    found = torch.linalg.eigvalsh(rows.T @ rows / len(rows)).flip(0)
    expected = 1 / torch.arange(1, 7, dtype=torch.float64)
    torch.testing.assert_close(found, 6 * expected / expected.sum(), rtol=0.05, atol=0)


def test_networks_are_linear_without_bias_and_in_float64():
    for network in (
        dense([gaussian(3, 4, draws()), gaussian(2, 3, draws())]),
        convolutional(4, [centred(gaussian(3, 2, draws()))], [2]),
    ):
        for name, weight in network.weights().items():
            assert weight.dtype == torch.float64
            assert bool(weight.any()) == name.endswith(".weight")
        assert {population.transfer.name for population in network.populations} == {"identity"}


def test_a_centred_kernel_keeps_lengths():
    network = convolutional(4, [centred(orthonormal(3, 3, draws()))], [4])
    images = glances(network.shape, 4, draws(), coloured=False).images
    population = network.populations[0]
    rate = population.forward(images, population.weight, population.bias).rate
    torch.testing.assert_close(rate.flatten(1).norm(dim=1), images.flatten(1).norm(dim=1))
