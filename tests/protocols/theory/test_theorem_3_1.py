"""Theorem 3.1 holds under its conditions, and fails visibly when any of them is dropped."""

import pytest
import torch
from apical.plasticity import Hinge
from apical.protocols.theory.networks import centred, convolutional, dense, gaussian, glances, orthonormal
from apical.protocols.theory.optimum import settle
from apical.protocols.theory.theorem_3_1 import CONTRASTS, Case, cases, errors, made, summary


def settled(network, name, batch):
    settle(network, CONTRASTS[name], batch)
    return errors(network, CONTRASTS[name], batch)


@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize(
    "case", [("dense", 2, 8, 0, False), ("dense", 8, 6, 0, True), ("conv", 3, 3, 1, True), ("conv", 2, 3, 4, False)]
)
def test_it_holds(case, contrast):
    network, batch = made(Case(*case, contrast), torch.Generator().manual_seed(0))
    found = settled(network, contrast, batch)
    assert found.keys() == {"lateral", "dfb"}
    assert max(found.values()) < 1e-12


@pytest.mark.parametrize("contrast", CONTRASTS)
class TestDropped:
    """Each of its conditions, one at a time."""

    def network(self, contrast, matrices, coloured=True):
        network = dense(matrices)
        batch = glances(network.shape, 32, torch.Generator().manual_seed(1), coloured=coloured)
        return network, batch, settled(network, contrast, batch)

    def test_weights_not_orthonormal(self, contrast):
        draws = torch.Generator().manual_seed(2)
        *_, found = self.network(contrast, [gaussian(8, 8, draws) for _ in range(3)])
        assert min(found.values()) > 0.1

    def test_only_the_upper_weights_need_be(self, contrast):
        """The first population's own weights do not enter its pathway to the top."""
        draws = torch.Generator().manual_seed(2)
        *_, found = self.network(contrast, [gaussian(8, 8, draws), orthonormal(8, 8, draws)])
        assert max(found.values()) < 1e-12

    def test_width_not_equal(self, contrast):
        draws = torch.Generator().manual_seed(3)
        *_, found = self.network(contrast, [orthonormal(8, 8, draws), orthonormal(5, 8, draws)])
        assert min(found.values()) > 0.1

    def test_apical_weights_off_the_optimum(self, contrast):
        draws = torch.Generator().manual_seed(4)
        network, batch, found = self.network(contrast, [orthonormal(8, 8, draws) for _ in range(2)])
        assert max(found.values()) < 1e-12
        for source in ("lateral", "dfb"):
            weight = network.apical[source][0].weight
            weight += 0.3 * weight.std() * torch.randn(weight.shape, generator=draws, dtype=torch.float64)
        assert min(errors(network, CONTRASTS[contrast], batch).values()) > 0.05

    def test_another_penalty_below(self, contrast):
        draws = torch.Generator().manual_seed(5)
        network, batch, _ = self.network(contrast, [orthonormal(8, 8, draws) for _ in range(2)])
        below = {source: network.apical[source][0].weight for source in ("lateral", "dfb")}
        settle(network, CONTRASTS[contrast], batch, penalty=0.2)
        for source, weight in below.items():
            network.apical[source][0].weight = weight
        assert min(errors(network, CONTRASTS[contrast], batch).values()) > 0.05


def test_a_kernel_with_a_surround_is_not_orthonormal():
    draws = torch.Generator().manual_seed(6)
    kernels = [centred(orthonormal(3, 3, draws)), gaussian(3, 27, draws).view(3, 3, 3, 3)]
    network = convolutional(4, kernels, [4, 4])
    batch = glances(network.shape, 16, draws, coloured=False)
    assert min(settled(network, "softplus", batch).values()) > 0.1


def test_off_the_margin_the_hinge_is_as_smooth_as_any():
    """At a B where no score lies on the margin, and which is related as the optima are, its modulators agree."""
    network, batch = made(Case("dense", 2, 8, 0, False, "softplus"), torch.Generator().manual_seed(7))
    settled(network, "softplus", batch)
    assert max(errors(network, Hinge(), batch).values()) < 1e-12


def test_the_command_checks_every_depth_with_every_contrast():
    for depth in (2, 4, 8, 16):
        assert {case.contrast for case in cases() if case.depth == depth} == {"linear", "softplus", "logistic"}
    assert {case.kind for case in cases()} == {"dense", "conv"}


@pytest.mark.parametrize(("linear", "smooth", "passed"), [(1e-13, 1e-8, True), (1e-11, 1e-8, False), (0, 1e-6, False)])
def test_the_verdict_follows_the_criteria(linear, smooth, passed):
    rows = [
        {"contrast": name, "error": {"lateral": 0.0, "dfb": error}, "stationarity": 0.0}
        for name, error in (("linear", linear), ("softplus", smooth), ("logistic", 0.0))
    ]
    assert summary(rows)["passed"] is passed
