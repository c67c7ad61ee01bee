"""Learning rates over a run."""

import itertools

import pytest
from apical.protocols.settings.optimiser import OptimiserConfig
from apical.protocols.train.schedule import learning_rate


def rates(**settings):
    config = OptimiserConfig(learning_rate=1.0, **settings)
    return [learning_rate(config, step, 100, 10) for step in range(100)]


def test_constant_is_constant():
    assert set(rates()) == {1.0}


@pytest.mark.parametrize("schedule", ["cosine", "cooldown", "exponential"])
def test_a_schedule_never_rises_after_the_warm_up(schedule):
    found = rates(schedule=schedule, warmup_epochs=2, decay=0.9)
    assert found[:20] == pytest.approx([(i + 1) / 20 for i in range(20)])
    assert all(a >= b for a, b in itertools.pairwise(found[20:]))
    assert found[-1] < 0.5


def test_cooldown_is_flat_for_the_first_half_and_cosine_passes_the_middle():
    assert rates(schedule="cooldown")[:51] == [1.0] * 51
    assert rates(schedule="cosine")[50] == pytest.approx(0.5)
    assert rates(schedule="exponential", decay=0.5)[35] == 0.125
