"""SoftHebb: the competition of a place, unit length, and the components of a mixture."""

import math

import pytest
import torch
from apical.plasticity import RuleError, Signals, SoftHebb, check_lengths
from hypothesis import given
from hypothesis import strategies as st


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def step(weight, inputs, rule, rate):
    """One step of the published form, on one dense population."""
    factors = rule.factors(Signals(torch.empty(0), basal=inputs @ weight.T))
    change = factors.drive.T @ inputs - factors.decay[:, None] * weight
    distance = (weight.norm(dim=1, keepdim=True) - 1).abs() + 1e-10
    return weight + rate * distance.sqrt() * change / change.abs().max()


@given(st.integers(0, 99), st.floats(0.1, 5.0))
def test_the_winner_is_hebbian_and_losers_are_not(seed, inverse_temperature):
    basal = torch.randn(3, 5, 2, 2, generator=draws(seed), dtype=torch.float64)
    rule = SoftHebb(inverse_temperature=inverse_temperature)
    drive = rule.factors(Signals(torch.empty(0), basal=basal)).drive
    shared = torch.softmax(inverse_temperature * basal, 1)
    torch.testing.assert_close(drive.abs(), shared)
    won = torch.nn.functional.one_hot(basal.argmax(1), 5).movedim(-1, 1).bool()
    assert torch.equal(drive > 0, won)


def test_every_place_competes_for_itself():
    """A map is its places side by side: decay sums over them, the drive is that of dense rows."""
    basal = torch.randn(3, 5, 2, 4, generator=draws(), dtype=torch.float64)
    rows = basal.movedim(1, -1).reshape(-1, 5)
    rule = SoftHebb(inverse_temperature=1.7)
    maps, dense = (rule.factors(Signals(torch.empty(0), basal=b)) for b in (basal, rows))
    torch.testing.assert_close(maps.drive.movedim(1, -1).reshape(-1, 5), dense.drive)
    torch.testing.assert_close(maps.decay, dense.decay)
    torch.testing.assert_close(maps.decay, (dense.drive * rows).sum(0))
    torch.testing.assert_close(maps.loss, dense.loss)


def test_silence_leaves_the_weights():
    found = SoftHebb().factors(Signals(torch.empty(0), basal=torch.zeros(4, 8)))
    assert found.decay.abs().max() == 0
    assert found.loss.item() == pytest.approx(math.log(8))


def test_each_population_has_its_own_temperature():
    basal = torch.randn(4, 6, generator=draws())
    rule = SoftHebb(inverse_temperature=(1.0, 3.0))
    for position, t in enumerate((1.0, 3.0)):
        found = rule.factors(Signals(torch.empty(0), basal=basal, position=position)).drive
        assert torch.equal(found, SoftHebb(inverse_temperature=t).factors(Signals(torch.empty(0), basal=basal)).drive)


@pytest.mark.parametrize("radius", [0.2, 25.0])
@pytest.mark.parametrize("anti", [True, False])
def test_kernels_come_to_unit_length(radius, anti):
    """The fixed point of the rule, from short and from long kernels."""
    g, rule = draws(1), SoftHebb(inverse_temperature=1.0, anti=anti)
    weight = torch.randn(6, 20, generator=g, dtype=torch.float64) * radius / math.sqrt(20)
    for _ in range(1500):
        weight = step(weight, torch.randn(32, 20, generator=g, dtype=torch.float64), rule, 0.08)
    # kernels that lose everywhere stay outside; the winning ones settle
    lengths = weight.norm(dim=1)
    assert ((lengths - 1).abs() < 0.1).sum() >= (6 if not anti else 3)


def test_kernels_come_to_the_components_of_a_mixture():
    """Four directions and noise: every direction gets a kernel of its own, of unit length."""
    g = draws(2)
    centres = torch.linalg.qr(torch.randn(12, 4, generator=g, dtype=torch.float64)).Q.T
    weight = torch.randn(4, 12, generator=g, dtype=torch.float64)
    weight = weight / weight.norm(dim=1, keepdim=True) * 3
    rule = SoftHebb(inverse_temperature=8.0, anti=False)
    before = best_cosines(weight, centres)
    for _ in range(3000):
        which = torch.randint(0, 4, (16,), generator=g)
        inputs = centres[which] + 0.1 * torch.randn(16, 12, generator=g, dtype=torch.float64)
        weight = step(weight, inputs / inputs.norm(dim=1, keepdim=True), rule, 0.02)
    after = best_cosines(weight, centres)
    assert before.min() < 0.9
    assert after.min() > 0.98
    assert len(set((centres @ weight.T).argmax(1).tolist())) == 4
    assert (weight.norm(dim=1) - 1).abs().max() < 0.05


def best_cosines(weight, centres):
    return (centres @ (weight / weight.norm(dim=1, keepdim=True)).T).max(1).values


@pytest.mark.parametrize(("build", "message"), [
    (lambda: SoftHebb(inverse_temperature=0), r"SoftHebb.inverse_temperature: expected finite numbers above 0, got 0"),
    (lambda: SoftHebb(inverse_temperature=(1.0, math.nan)), r"expected finite numbers above 0, got nan"),
    (lambda: SoftHebb(inverse_temperature=()), r"expected one number or one per population, got none"),
    (lambda: SoftHebb(anti="yes"), r"SoftHebb.anti: expected true or false, got 'yes'"),
    (lambda: SoftHebb().factors(Signals(torch.zeros(2, 3))), r"expected signals with a basal potential, got none"),
    (lambda: check_lengths(SoftHebb(inverse_temperature=(1.0, 2.0)), 3), r"expected one value or 3, one per population, got 2"),
])  # fmt: skip
def test_misuse_is_refused(build, message):
    with pytest.raises(RuleError, match=message):
        build()
