"""Optimisers of Apical pass the battery, and planted faults are found by name."""

import pytest
import torch
from apical.models import LARS, SGD, AdamW
from apical.testing import OptimiserTests, check_optimiser


class TestMine(OptimiserTests):
    """As a user subclasses it."""

    def make(self, *, learning_rate, factors):
        return SGD(learning_rate=learning_rate, factors=factors, momentum=0.9)


class Right:
    """Momentum, written anew."""

    def __init__(self, *, learning_rate, factors):
        self.learning_rate, self.factors, self.kept = learning_rate, factors, {}

    def register(self, name, weight):
        self.kept[name] = torch.zeros_like(weight)

    def advance(self):
        pass

    def rate(self, name):
        return self.learning_rate * self.factors.get(name.partition(".")[0], 1.0)

    def apply(self, name, weight, change, block=None):
        rows = slice(None) if block is None else block
        self.kept[name][rows] = 0.9 * self.kept[name][rows] + change
        weight[rows] += self.rate(name) * self.kept[name][rows]

    def tensors(self):
        return self.kept

    def restore(self, step):
        pass


class Uphill(Right):
    def apply(self, name, weight, change, block=None):
        super().apply(name, weight, -change, block)


class Forgetful(Right):
    def tensors(self):
        return {}


class Stubborn(Right):
    def __init__(self, *, learning_rate, factors):
        super().__init__(learning_rate=learning_rate, factors={})
        self.rate = lambda name: learning_rate


class Whole(Right):
    def apply(self, name, weight, change, block=None):
        rows = slice(None) if block is None else block
        self.kept[name].mul_(0.9)
        self.kept[name][rows] += change
        weight[rows] += self.rate(name) * self.kept[name][rows]


class Noisy(Right):
    def apply(self, name, weight, change, block=None):
        super().apply(name, weight, change * (1 + 1e-4 * torch.randn_like(change)), block)


class Spending(Right):
    def apply(self, name, weight, change, block=None):
        super().apply(name, weight, change, block)
        change.zero_()


class Normalised(Right):
    def apply(self, name, weight, change, block=None):
        super().apply(name, weight, change / change.abs().max(), block)


def test_optimisers_of_apical_pass():
    assert check_optimiser(Right) == []
    assert check_optimiser(lambda **given: AdamW(weight_decay=0.01, **given)) == []
    assert check_optimiser(lambda **given: LARS(weight_decay=0.0, **given), in_parts=False) == []


@pytest.mark.parametrize(("kind", "named"), [
    (Uphill, "steps_along_the_change"),
    (Forgetful, "goes_on_from_a_checkpoint"),
    (Stubborn, "learning_rate_and_factors_scale_a_step"),
    (Whole, "blocks_of_rows_make_the_whole"),
    (Noisy, "is_deterministic"),
    (Spending, "leaves_the_change"),
    (Normalised, "leaves_the_change"),
])  # fmt: skip
def test_a_planted_fault_is_found_by_name(kind, named):
    found = [finding.check.removeprefix("test_") for finding in check_optimiser(kind)]
    assert named in found
    assert len(found) <= 3
