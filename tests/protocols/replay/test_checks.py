"""Checks tell a faithful replay from a wrong one; the replays are made up."""

from dataclasses import replace

import numpy as np
import pytest
from apical.protocols.replay.fidelity import changes, kink, potentials
from apical.protocols.replay.figures import draw
from apical.protocols.replay.gating import gate
from apical.protocols.replay.lesions import DEPTH, held_tuft
from apical.protocols.replay.timing import carried_over, duration
from apical.protocols.replay.yardsticks import nulls, wrong_rules, yardsticks
from made_replays import made_bench, made_circuit, made_replay

CIRCUIT = made_circuit()


def verdicts(checks):
    return [check.passed for check in checks]


def test_the_rule_with_little_noise_passes():
    bench = made_bench(CIRCUIT, *(made_replay(CIRCUIT, noise=0.1, seed=seed) for seed in range(2)))
    # without any noise of the potentials, what is left of V_a given B c is rounding
    assert all(verdicts(potentials(bench)[:-1]))
    for measure in (changes, yardsticks, gate, nulls):
        assert all(verdicts(measure(bench))), [check.as_dict() for check in measure(bench)]


@pytest.mark.parametrize("name", ["no gate", "sign of apical", "mean subtracted", "rectified", "shuffled B"])
def test_a_wrong_rule_fails(name):
    bench = made_bench(CIRCUIT, made_replay(CIRCUIT, wrong_rules(CIRCUIT)[name]))
    found = changes(bench)
    assert not found[0].passed
    assert "near a = 0" in found[0].as_dict()["reason"]
    assert not any(verdicts(yardsticks(bench))[:1])


def test_noise_alone_fails_every_null():
    bench = made_bench(CIRCUIT, made_replay(CIRCUIT, 0 * CIRCUIT.eligibility(), noise=1.0))
    assert verdicts(nulls(bench)) == [False, False, False]


def test_a_leak_is_seen_and_another_seed_absolves_none():
    draws = np.random.default_rng(1)
    rate = CIRCUIT.rate + 0.05 * draws.standard_normal(CIRCUIT.rate.shape)
    leaky = made_replay(CIRCUIT, rate=rate, prediction=CIRCUIT.prediction + 0.2 * rate)
    clean = made_replay(CIRCUIT, rate=rate, prediction=CIRCUIT.prediction + 1e-6 * draws.standard_normal(rate.shape))
    sizes = [potentials(made_bench(CIRCUIT, replay))[-1].value for replay in (leaky, clean)]
    assert sizes[0] > 0.9
    assert sizes[1] < 0.25  # chance, 192 points


def test_gates_from_wrong_scores_are_at_chance():
    found = gate(made_bench(CIRCUIT, made_replay(CIRCUIT, prediction=-CIRCUIT.prediction)))
    assert found[0].value < 0.7
    assert not found[1].passed
    assert verdicts(gate(made_bench(CIRCUIT, made_replay(CIRCUIT)))) == [True, True, True]


def test_a_tuft_held_below_rest_does_not_silence_but_depress():
    pytest.importorskip("brian2", reason="the bridge needs brian2")
    bench = made_bench(CIRCUIT, made_replay(CIRCUIT))
    found = held_tuft(bench)
    depth = DEPTH / bench.base[0].calibration.apical_gain
    shifted = replace(CIRCUIT, prediction=CIRCUIT.prediction - depth).change().sum(0)
    ratio, _, cosine, moved = found.values()
    assert ratio == pytest.approx(np.linalg.norm(shifted) / np.linalg.norm(CIRCUIT.change().sum(0)), rel=0.1)
    assert cosine > 0.9
    assert moved == 0


def test_errors_are_placed():
    near = (np.abs(CIRCUIT.basal) < 0.25 * CIRCUIT.basal.std())[:, :, None]
    shape = CIRCUIT.eligibility().shape
    wrong = 0.1 * np.random.default_rng(0).standard_normal(shape)
    at_kink, elsewhere = (made_replay(CIRCUIT, CIRCUIT.eligibility() + wrong * part) for part in (near, ~near))
    assert verdicts(kink(made_bench(CIRCUIT, at_kink))) == [True, True]
    assert verdicts(kink(made_bench(CIRCUIT, elsewhere))) == [False, False]


def test_a_trace_that_ends_with_its_glance_is_the_rule():
    assert carried_over(CIRCUIT, CIRCUIT.eligibility(), 1e-3) == pytest.approx(1)
    curve = [carried_over(CIRCUIT, CIRCUIT.eligibility(), ratio) for ratio in (0.3, 1, 3, 10)]
    assert curve == sorted(curve, reverse=True)
    (check,) = duration(made_bench(CIRCUIT, made_replay(CIRCUIT)))
    assert check.value == pytest.approx(carried_over(CIRCUIT, CIRCUIT.eligibility(), 0.6), abs=1e-6)


def test_figures_are_drawn(tmp_path):
    bench = made_bench(CIRCUIT, made_replay(CIRCUIT, noise=0.1), made_replay(CIRCUIT, noise=0.1, seed=1))
    bench.extras["fi"] = (np.array([0.0, 50.0]), [np.array([1.0, 50.0])] * 2)
    found = draw(bench, [*potentials(bench), *changes(bench)], tmp_path)
    assert set(found) == {"replay_checks", "replay_fi_curve", "replay_rates", "replay_apical", "replay_cosines"}
    assert all(path.stat().st_size > 5000 for path in found.values())
