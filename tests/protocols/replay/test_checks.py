"""Checks tell a faithful replay from a wrong one; the replays are made up."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from apical.protocols.replay import wrong_rules as yardsticks_file
from apical.protocols.replay.fidelity import changes, kink, potentials, tails
from apical.protocols.replay.figures import draw
from apical.protocols.replay.gating import gate, scores
from apical.protocols.replay.learning import NULLS, _checks
from apical.protocols.replay.lesions import DEPTH, apical_block, held_tuft
from apical.protocols.replay.preflight import ARRAYS
from apical.protocols.replay.timing import FIXATION, STATED, carried_over, duration
from apical.protocols.replay.variants import _stated, _tolerated
from apical.protocols.replay.wrong_rules import nulls, wrong_rules, yardsticks
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
    bench = made_bench(CIRCUIT, made_replay(CIRCUIT, dict(wrong_rules(CIRCUIT))[name]))
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


def test_an_offset_of_the_score_moves_both_gates_and_fails():
    """Fixations open less often and saccades more often: over both the shares of open gates cancel."""
    circuit = made_circuit(trials=400)
    # a trial without any rate has no score to shift
    size = np.maximum(np.square(circuit.rate).sum(1, keepdims=True), 1e-6)
    shifted = circuit.prediction + 0.5 * scores(circuit).std() * circuit.rate / size
    moved = gate(made_bench(circuit, made_replay(circuit, prediction=shifted)))[2]
    assert not moved.passed
    [fixations], [saccades] = (moved.detail[f"change in {name}, by seed"] for name in ("fixations", "saccades"))
    assert fixations < -0.15 < 0.15 < saccades
    assert abs(fixations + saccades) / 2 < 0.05
    assert abs(moved.value) == max(-fixations, saccades)


def test_unsystematic_noise_of_the_score_is_no_bias():
    circuit, draws = made_circuit(trials=200), np.random.default_rng(0)
    noisy = [
        made_replay(circuit, prediction=circuit.prediction + 0.3 * draws.standard_normal(circuit.prediction.shape))
        for _ in range(8)
    ]
    alike, _, bias = gate(made_bench(circuit, *noisy))
    assert alike.value < 0.95
    assert bias.passed


def test_away_from_the_threshold_is_measured_in_the_spread_of_the_phase():
    """Saccades whose scores hardly vary: their own spread says which of them are near."""
    narrow = np.where(CIRCUIT.phase == 0, 1.0, 1e-3)[:, None]
    circuit = replace(CIRCUIT, prediction=CIRCUIT.prediction * narrow, context=CIRCUIT.context * narrow)
    shown = scores(circuit)
    half = np.where(circuit.phase == 1, 2 * np.median(shown[circuit.phase == 1]) - shown, shown)  # saccades mirrored
    turned = circuit.prediction + (half - shown)[:, None] * circuit.rate / np.square(circuit.rate).sum(1, keepdims=True)
    assert not gate(made_bench(circuit, made_replay(circuit, prediction=turned)))[1].passed


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
    assert kink(made_bench(CIRCUIT, at_kink))[0].detail["share of 1 - cosB that is gone without them"] == [
        pytest.approx(1, abs=1e-6)
    ]


def test_an_error_blind_to_the_kink_is_not_placed_there():
    circuit = made_circuit(trials=400)
    wrong = 0.1 * np.random.default_rng(0).standard_normal(circuit.eligibility().shape)
    everywhere, opened = (
        kink(made_bench(circuit, made_replay(circuit, circuit.eligibility() + wrong * part)))[1]
        for part in (1, circuit.gate[:, :, None])
    )
    assert everywhere.value == pytest.approx(1, abs=0.05)
    assert opened.value == pytest.approx(0.5, abs=0.1)  # half of the gates near the kink are closed
    assert not opened.passed


def test_a_trace_that_ends_with_its_glance_is_the_rule():
    assert carried_over(CIRCUIT, CIRCUIT.eligibility(), 1e-3) == pytest.approx(1)
    curve = [carried_over(CIRCUIT, CIRCUIT.eligibility(), ratio) for ratio in (0.3, 1, 3, 10)]
    assert curve == sorted(curve, reverse=True)
    window, fixation = duration(made_bench(CIRCUIT, made_replay(CIRCUIT)))
    assert window.value == pytest.approx(carried_over(CIRCUIT, CIRCUIT.eligibility(), 0.6), abs=1e-6)
    assert fixation.value == pytest.approx(carried_over(CIRCUIT, CIRCUIT.eligibility(), STATED / FIXATION), abs=1e-6)
    assert str(fixation.criterion) == ">= 0.9"
    assert fixation.value < window.value


def test_figures_are_drawn(tmp_path):
    bench = made_bench(CIRCUIT, made_replay(CIRCUIT, noise=0.1), made_replay(CIRCUIT, noise=0.1, seed=1))
    bench.extras["fi"] = (np.array([0.0, 50.0]), [np.array([1.0, 50.0])] * 2)
    found = draw(bench, [*potentials(bench), *changes(bench)], tmp_path, "first")
    assert {path.name for path in found.values()} == {f"replay_first_{kind[7:]}.png" for kind in found}
    assert set(found) == {"replay_checks", "replay_fi_curve", "replay_rates", "replay_apical", "replay_cosines"}
    assert all(path.stat().st_size > 5000 for path in found.values())


def test_a_long_tail_of_rates_is_reported():
    outlier = CIRCUIT.z_pre.copy()
    outlier[0, 0] = 10 * outlier.max()
    long = replace(CIRCUIT, z_pre=outlier)
    inputs, context = tails(made_bench(long, made_replay(long)))
    assert not inputs.passed
    assert "clipped at 100 Hz" in inputs.as_dict()["reason"]
    assert 0 < inputs.detail["share of the summed rate in the bias current"] < 1
    flat = replace(CIRCUIT, context=np.minimum(CIRCUIT.context, np.percentile(CIRCUIT.context, 95)))
    assert tails(made_bench(flat, made_replay(flat)))[1].passed
    assert context.criterion.high == 120


@pytest.mark.parametrize(
    ("raw", "tolerated"),
    [({0.1: 0.9, 0.05: 0.95, 0.5: 0.99}, 0.05), ({0.05: 0.92, 0.1: 0.99}, 0.0), ({0.05: 0.93, 5.0: 0.93}, 5.0)],
)
def test_a_leak_is_tolerated_up_to_where_it_first_fails(raw, tolerated):
    assert _tolerated(raw) == tolerated
    bench = made_bench(CIRCUIT, made_replay(CIRCUIT))
    said = f"{tolerated:g} nS ({tolerated / 3.4:.3f} g_a)" if tolerated else "less than 0.05 nS"
    assert _stated(bench, [tolerated]) == said


def test_trials_without_a_neuromodulator_leave_no_ratio():
    pytest.importorskip("brian2", reason="the bridge needs brian2")
    circuit = replace(CIRCUIT.take(slice(0, 4)), gamma=np.zeros(4))
    bench = made_bench(circuit, made_replay(circuit))
    bench.settings = replace(bench.settings, quick=True, duration=20.0, dt=0.5, pool=2)
    left, _ = apical_block(bench)
    assert np.isnan(left.value)
    assert not left.passed


@pytest.mark.parametrize("measure", [changes, yardsticks, gate, kink, duration, nulls])
def test_checks_stay_within_the_memory_that_was_predicted(measure, monkeypatch):
    monkeypatch.setattr(yardsticks_file, "PERMUTATIONS", 3)
    circuit = made_circuit(units=20, inputs=400)
    bench = made_bench(circuit, made_replay(circuit, noise=0.1))
    tracemalloc.start()
    measure(bench)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * ARRAYS * circuit.trials * circuit.W.size


def test_wrong_changes_are_as_long_as_the_rules_and_none_is_it():
    right = CIRCUIT.change().sum(0)
    for name, change in NULLS.items():
        found = change(CIRCUIT, 0)
        length = np.linalg.norm(found) / np.linalg.norm(right)
        assert length == pytest.approx(0 if name == "no dW" else 1)
        assert (found * right).sum() < 0.8 * np.square(right).sum(), name
    np.testing.assert_array_equal(np.sort(NULLS["dW of other units"](CIRCUIT, 0), axis=None), np.sort(right, axis=None))


def test_a_fall_that_wrong_changes_reach_too_is_no_learning():
    detail = {}
    alike, above, points = _checks([0.95, 1.0], [0.25, 0.4], [0.0, 0.1], "", detail, {"no dW": 0.0, "random dW": 0.95})
    assert alike.passed
    assert alike.rejects == ("no dW",)  # the fall alone does not tell the random change from the rule's
    assert not above.passed
    assert points.self_test
