"""LPL: its gradient by autograd and finite differences, and what its three terms do."""

import dataclasses

import pytest
import torch
from apical.plasticity import LPL, RuleError, Signals, pair
from hypothesis import given
from hypothesis import strategies as st

PAST = ["both", "stop"]


def rates(rows=12, units=6, seed=0):
    return torch.randn(rows, units, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def drive(rule, rate, pairing=None, state=None):
    return rule.factors(Signals(rate, pairing=pairing or pair(len(rate) // 2), state=state or {})).drive


def formula(first, second, xi=1e-4):
    """-dL/dz of the first glances with coefficients 1, 1, 10, written with the covariances themselves."""
    b, m = first.shape
    deviation = first - first.mean(0)
    covariance = deviation.T @ deviation / (b - 1)
    covariance.fill_diagonal_(0)
    predictive = -2 * (first - second) / (b * m)
    hebbian = deviation / (m * (b - 1) * (first.var(0) + xi))
    return predictive + hebbian - 10 * 2 / ((b - 1) * (m * m - m)) * deviation @ covariance


def test_drive_is_the_formula_of_the_corrected_paper():
    rate = rates()
    first, second = rate.chunk(2)
    expected = torch.cat([formula(first, second), formula(second, first)])
    torch.testing.assert_close(drive(LPL(), rate), expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize("stale", [False, True])
def test_drive_is_minus_the_finite_difference_of_the_loss(stale):
    rule, rate, pairing, step = LPL(stale=stale), rates(), pair(6), 1e-6
    state = {"mean": torch.full((6,), 0.2), "variance": torch.full((6,), 1.5), "seen": torch.ones(1)} if stale else {}
    state = {name: value.double() for name, value in state.items()}
    found = drive(rule, rate, pairing, state)
    for row, unit in [(0, 0), (3, 5), (7, 2), (11, 4)]:
        moved = [rate.clone(), rate.clone()]
        moved[0][row, unit] += step
        moved[1][row, unit] -= step
        up, down = (rule.objective(Signals(r, pairing=pairing, state=state)).item() for r in moved)
        assert found[row, unit].item() == pytest.approx(-(up - down) / (2 * step), abs=1e-8)


@given(
    st.integers(2, 9), st.integers(1, 12), st.integers(0, 99), st.sampled_from(PAST), st.booleans(),
    st.floats(0, 3), st.floats(0, 3), st.floats(0, 20),
)  # fmt: skip
def test_drive_equals_autograd_whatever_the_sizes_and_coefficients(objects, units, seed, past, stale, p, h, d):
    rule = LPL(predictive=p, hebbian=h, decorrelation=d, past=past, stale=stale)
    rate = rates(2 * objects, units, seed)
    state = {name: value.double() for name, value in rule.start((units,)).items()}
    if seed % 2:
        state = dict(
            rule.factors(Signals(rates(2 * objects, units, seed + 1), pairing=pair(objects), state=state)).state
        )
    pairing = pair(objects)
    leaf = rate.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(rule.objective(Signals(leaf, pairing=pairing, state=state)), leaf)
    found = drive(rule, rate, pairing, state)
    assert (found + gradient).norm() <= 1e-9 * max(gradient.norm(), 1e-3)


def test_past_is_a_constant_and_does_not_learn_to_predict():
    rule = LPL(hebbian=0, decorrelation=0, past="stop")
    rate = rates()
    first, second = rate.chunk(2)
    found = drive(rule, rate).chunk(2)
    assert found[0].abs().max() == 0
    torch.testing.assert_close(found[1], -2 * (second - first) / second.numel())


def test_averaged_over_the_order_of_glances_stop_is_half_of_both():
    rate, swap = rates(), torch.arange(12).roll(6)
    rule = LPL(hebbian=0, decorrelation=0)
    causal = dataclasses.replace(rule, past="stop")
    averaged = (drive(causal, rate) + drive(causal, rate[swap])[swap]) / 2
    torch.testing.assert_close(averaged, drive(rule, rate) / 2)


def test_exchanging_the_glances_exchanges_the_drive():
    rate, swap = rates(), torch.arange(12).roll(6)
    torch.testing.assert_close(drive(LPL(), rate[swap]), drive(LPL(), rate)[swap])


def test_shuffled_positives_change_the_predictive_drive_alone():
    rate, pairing = rates(), pair(6)
    shuffled = dataclasses.replace(pairing, fixation=torch.arange(12).roll(5) % 12)
    assert not torch.allclose(drive(LPL(), rate, shuffled), drive(LPL(), rate, pairing))
    without = LPL(predictive=0)
    torch.testing.assert_close(drive(without, rate, shuffled), drive(without, rate, pairing))


def test_without_change_between_glances_there_is_no_predictive_drive():
    rate = rates(6).repeat(2, 1)
    assert drive(LPL(hebbian=0, decorrelation=0), rate).abs().max() == 0


def test_hebbian_drive_grows_the_variance_and_the_floor_bounds_it():
    """The growth rate of a unit, drive times deviation, is variance / (variance + floor): nearly 1 at any size, 0 for a silent unit."""
    rule = LPL(predictive=0, decorrelation=0)
    rate = rates(rows=2000, units=1)
    for scale in (1e-3, 1e-2, 1.0, 100.0):
        deviation = scale * rate[:1000] - (scale * rate[:1000]).mean(0)
        pushed = (drive(rule, scale * rate)[:1000] * deviation).sum().item()
        variance = (scale * rate[:1000]).var(0).item()
        assert pushed == pytest.approx(variance / (variance + 1e-4), rel=1e-6)
    assert drive(rule, torch.ones(8, 3, dtype=torch.float64)).abs().max() == 0


def test_without_a_floor_to_speak_of_the_prediction_of_the_mean_settles_at_unit_variance():
    """Past at the mean: -(z - mean) + (z - mean) / variance vanishes at variance 1 (with p = h / 2 and B / (B - 1) for the batch)."""
    objects = 50
    rule = LPL(predictive=0.5 * objects / (objects - 1), hebbian=1, decorrelation=0, past="stop", floor=1e-12)
    now = rates(objects, 4)
    now = (now - now.mean(0)) / now.std(0)
    past = torch.zeros_like(now)
    for scale, sign in ((0.5, 1), (1.0, 0), (2.0, -1)):
        pushed = (drive(rule, torch.cat([past, scale * now]))[objects:] * now).sum().item()
        assert (abs(pushed) < 1e-9) if sign == 0 else (pushed * sign > 1e-3)


def test_decorrelation_pushes_copies_apart_and_leaves_strangers_alone():
    rule = LPL(predictive=0, hebbian=0)
    axes = torch.tensor([[1.0, 1], [1, -1], [-1, 1], [-1, -1]], dtype=torch.float64)
    assert drive(rule, axes.repeat(2, 1)).abs().max() < 1e-15
    copies = axes[:, :1].repeat(2, 2)
    loss = [rule.objective(Signals(copies + step * drive(rule, copies), pairing=pair(4))).item() for step in (0.0, 0.1)]
    assert 0 < loss[1] < loss[0]


def test_stale_statistics_are_those_of_the_batch_before():
    rule = LPL(predictive=0, decorrelation=0, stale=True)
    earlier, later = rates(seed=1) * 3 + 1, rates(seed=2)
    start = {name: value.double() for name, value in rule.start((6,)).items()}
    state = dict(rule.factors(Signals(earlier, pairing=pair(6), state=start)).state)
    first, second = earlier.chunk(2)
    torch.testing.assert_close(state["mean"], (first.mean(0) + second.mean(0)) / 2)
    torch.testing.assert_close(state["variance"], (first.var(0) + second.var(0)) / 2)
    expected = (later - state["mean"]) / (state["variance"] + rule.floor) / (6 * 5)
    torch.testing.assert_close(drive(rule, later, state=state), expected)
    # the first batch has nothing behind it and goes by its own statistics, as without `stale`
    torch.testing.assert_close(drive(rule, later, state=start), drive(dataclasses.replace(rule, stale=False), later))


@pytest.mark.parametrize(("make", "message"), [
    (lambda: LPL(predictive=-1), r"LPL.predictive: expected a finite number of at least 0, got -1"),
    (lambda: LPL(decorrelation=float("nan")), r"LPL.decorrelation: expected a finite number"),
    (lambda: LPL(floor=0), r"LPL.floor: expected a finite number above 0, got 0"),
    (lambda: LPL(past="before"), r"LPL.past: expected one of both, stop, got 'before'"),
    (lambda: LPL(stale=1), r"LPL.stale: expected true or false, got 1"),
    (lambda: LPL().factors(Signals(torch.zeros(8, 2))), r"LPL.factors: expected the pairing of two glances .* got no pairing"),
])  # fmt: skip
def test_misuse_is_refused(make, message):
    with pytest.raises(RuleError, match=message):
        make()
