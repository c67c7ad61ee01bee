"""The ladder of fidelity, on a circuit of a network that has learnt a little."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from apical.models import ModelError
from apical.models.spiking import LINEAR, calibrate, cosine, replay
from circuits import small_circuit

pytest.importorskip("brian2", reason="the bridge needs brian2")

SLOW_DENDRITES = {"tau_a": 50.0, "tau_b": 50.0}


def correlation(x, y):
    return np.corrcoef(x.ravel(), y.ravel())[0, 1]


@pytest.fixture(scope="module")
def rate_mode(circuit):
    return replay(circuit, level=0)


@pytest.fixture(scope="module")
def spiking(circuit):
    return replay(circuit, level=2, **SLOW_DENDRITES)


def test_rate_mode_is_the_engine(circuit, rate_mode):
    """C0, and every factor of the rate rule to one part in a thousand of its scale."""
    assert np.nanmin(rate_mode.cosine) > 0.999
    for found, expected in (
        (rate_mode.eligibility, circuit.eligibility()), (rate_mode.z, circuit.rate), (rate_mode.a, circuit.basal),
        (rate_mode.prediction, circuit.prediction), (rate_mode.batch_change, circuit.change().sum(0)),
    ):  # fmt: skip
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3 * np.abs(expected).max())
    assert np.isnan(rate_mode.cosine).sum() == (np.abs(circuit.eligibility()).max((1, 2)) == 0).sum()


def test_rate_mode_does_not_clip(circuit):
    low = calibrate(circuit, ceiling=20.0)
    assert np.nanmin(replay(circuit, level=0, calibration=low).cosine) > 0.999


def test_dale_options_have_the_same_mean(circuit, rate_mode):
    for option in ("split", "blanket"):
        other = replay(circuit, level=0, dale=option)
        np.testing.assert_allclose(other.prediction, rate_mode.prediction, rtol=0, atol=1e-5)
        np.testing.assert_allclose(other.a, rate_mode.a, rtol=0, atol=1e-5)


def test_spikes_carry_the_rule(circuit, spiking):
    """Below the operating point of the checks, since the network is tiny: wide of a broken sign, gate, index or scale."""
    assert np.nanmean(spiking.cosine) > 0.9
    assert correlation(spiking.z, circuit.rate) > 0.97
    assert correlation(spiking.a, circuit.basal) > 0.97
    assert correlation(spiking.prediction, circuit.prediction) > 0.97
    for found, expected in (
        (spiking.z, circuit.rate),
        (spiking.prediction, circuit.prediction),
        (spiking.a, circuit.basal),
    ):
        assert np.polyfit(expected.ravel(), found.ravel(), 1)[0] == pytest.approx(1, abs=0.07)
    scale = (spiking.eligibility * circuit.eligibility()).sum() / np.square(circuit.eligibility()).sum()
    assert scale == pytest.approx(1, abs=0.07)
    np.testing.assert_allclose(spiking.change.sum(0), spiking.batch_change, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("words", "least"),
    [
        ({"level": 1}, 0.9),
        ({"level": 3}, 0.85),
        ({"level": 2, "dale": "relay"}, 0.9),
        ({"level": 2, "dale": "blanket"}, 0.8),
        ({"level": 2, "tau_e": 200.0}, 0.85),
    ],
)
def test_every_rung_carries_the_rule(circuit, words, least):
    found = replay(
        circuit.take(slice(0, 12)), duration=300.0, calibration=calibrate(circuit), **words, **SLOW_DENDRITES
    )
    assert np.nanmean(found.cosine) > least
    scale = (found.eligibility * found.circuit.eligibility()).sum() / np.square(found.circuit.eligibility()).sum()
    assert scale == pytest.approx(1, abs=0.15)


def test_calcium_spikes_change_the_tuft(circuit):
    found = replay(circuit.take(slice(0, 8)), level=4, duration=200.0, calibration=None)
    assert found.attributes["preset"] == "bac"
    assert found.attributes["dale"] == "split"
    assert found.V_apical.max() > 15  # mV, beyond what 5 mV per s.d. of the context gives
    assert correlation(found.z, found.circuit.rate) > 0.8


def test_losers_of_the_max_pool_do_not_learn(circuit):
    lost = replace(circuit.take(slice(0, 6)), winner=np.zeros((6, len(circuit.units))))
    found = replay(lost, duration=50.0, settle=0.0, calibration=calibrate(circuit))
    assert np.abs(found.eligibility).max() == 0
    assert found.rate.max() > 0


def test_apical_block_takes_plasticity_and_leaves_the_rates(circuit, spiking):
    blocked = replay(circuit.scale_apical(0), calibration=spiking.calibration, **SLOW_DENDRITES)
    assert np.abs(blocked.eligibility).max() < 1e-12
    assert correlation(blocked.z, circuit.rate) > 0.97


def test_chunks_do_not_change_the_rate_mode(circuit, rate_mode):
    parts = replay(circuit, level=0, chunk=7, keep_eligibility=False)
    assert parts.eligibility is None
    assert parts.change is None
    assert parts.plan.chunk == 7
    np.testing.assert_allclose(parts.batch_change, rate_mode.batch_change, rtol=1e-4, atol=1e-9)
    np.testing.assert_array_equal(parts.cosine, rate_mode.cosine)


class Listener:
    """A sink that counts."""

    def __init__(self):
        self.rows, self.spikes, self.begun = [], [], None

    def begin(self, **description):
        self.begun = description

    def append(self, trials, spikes):
        self.rows.append({name: np.array(values) for name, values in trials.items()})
        self.spikes.append({name: np.array(values) for name, values in spikes.items()})


def test_a_sink_hears_every_trial_once():
    circuit, sink = small_circuit(trials=5), Listener()
    found = replay(circuit, chunk=2, duration=60.0, settle=20.0, sink=sink)
    assert sink.begun["trials"] == 5
    assert sink.begun["samples"] == 60
    assert sink.begun["attributes"]["chunk_trials"] == 2
    assert {n: found.attributes[n] for n in ("seed", "target", "dt_ms", "level", "pool", "dale")} == {
        "seed": 0, "target": "numpy", "dt_ms": 0.1, "level": 2, "pool": 10, "dale": "none",
    }  # fmt: skip
    rows = {name: np.concatenate([part[name] for part in sink.rows]) for name in sink.rows[0]}
    assert rows["V_soma"].shape == (5, 5, 60)
    np.testing.assert_allclose(rows["V_apical"].mean(-1) - LINEAR.E_a, found.V_apical, atol=1e-4)
    np.testing.assert_allclose(rows["output_rate"], found.rate, rtol=1e-6)
    assert (rows["V_soma"] < -40).all()  # mV
    assert rows["spike_count"].sum() == sum(len(part["spike_time"]) for part in sink.spikes) > 0
    for counted, part in zip(sink.rows, sink.spikes, strict=True):
        edges = np.cumsum(counted["spike_count"])[:-1]
        for rate, times, units in zip(
            counted["output_rate"],
            np.split(part["spike_time"], edges),
            np.split(part["spike_unit"], edges),
            strict=True,
        ):
            np.testing.assert_allclose(np.bincount(units, minlength=5) / 0.06, rate, rtol=1e-6)
            assert (np.diff(times) >= 0).all()
            assert times.size == 0 or (times[0] >= 0 and times[-1] < 60)


PRINT_HASH = """
import hashlib, sys
sys.path.insert(0, {folder!r})
from circuits import small_circuit
from test_replay import spike_hash
print(spike_hash())
"""


def spike_hash():
    """Hash of all spikes of two replays, one of them with two noise currents."""
    digest = hashlib.sha256()
    for level in (2, 4):
        sink = Listener()
        replay(small_circuit(trials=4), level=level, duration=40.0, settle=0.0, seed=3, sink=sink)
        for part in sink.spikes:
            assert len(part["spike_time"])
            digest.update(part["spike_time"].tobytes() + part["spike_unit"].tobytes())
    return digest.hexdigest()


@pytest.mark.slow
def test_same_seed_same_spikes_across_processes():
    code = PRINT_HASH.format(folder=str(Path(__file__).parent))
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, stdout=subprocess.PIPE, text=True
        )
        for seed in ("1", "2")
    ]
    found = {process.communicate(timeout=120)[0].strip() for process in started}
    assert len(found) == 1
    assert len(found.pop()) == 64


def test_another_seed_gives_other_spikes_and_the_callers_random_state_stays():
    circuit = small_circuit(trials=2)
    np.random.seed(5)
    expected = np.random.get_state()[1].copy()
    first, second, again = (replay(circuit, duration=50.0, settle=0.0, seed=seed) for seed in (0, 1, 0))
    assert not np.array_equal(first.V_basal, second.V_basal)
    np.testing.assert_array_equal(first.V_basal, again.V_basal)
    np.testing.assert_array_equal(np.random.get_state()[1], expected)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"level": 5}, r"replay.level: expected one of 0, 1, 2, 3, 4, got 5"),
        ({"preset": "bca"}, r"replay.preset: expected one of linear, bac, got 'bca'; did you mean bac"),
        ({"preset": "bac"}, r"replay.preset: expected linear at level 2, got bac"),
        ({"level": 4, "tau_a": 20.0}, r"replay.tau_a: expected 7 ms with the calcium spike, got 20"),
        ({"target": "c++"}, r"replay.target: expected one of numpy, cython, cpp_standalone, got 'c\+\+'"),
        ({"dale": "law"}, r"replay.dale: expected one of none"),
        (
            {"eligibility": "spkie"},
            r"replay.eligibility: expected one of voltage, spike, got 'spkie'; did you mean spike",
        ),
        (
            {"eligibility": "spike", "level": 1},
            r"replay.eligibility: expected voltage at level 1, got spike; the soma fires",
        ),
        ({"dt": 0.0}, r"replay.dt: expected 0.001 to 0.5 ms, got 0.0"),
        ({"dt": -0.1}, r"replay.dt: expected 0.001 to 0.5 ms, got -0.1"),
        ({"dt": 0.3}, r"replay.dt: expected a whole number of steps in 1 ms, got 0.3"),
        ({"duration": 0.0}, r"replay.duration: expected 1 to"),
        ({"duration": float("nan")}, r"replay.duration: expected 1 to"),
        ({"duration": 10.5}, r"replay.duration: expected whole ms, got 10.5"),
        ({"settle": -1.0}, r"replay.settle: expected 0 to"),
        ({"tau_e": 0.0}, r"replay.tau_e: expected a time above 0"),
        ({"pool": 0}, r"replay.pool: expected at least 1"),
        ({"seed": -1}, r"replay.seed: expected 0 or above"),
        ({"pool": 20}, r"replay.pool: expected pooled rates of at most 1000 Hz at dt 0.1 ms, got 2000 Hz; lower pool"),
        ({"dt": 0.2}, r"replay.pool: expected pooled rates of at most 500 Hz at dt 0.2 ms, got 1000 Hz"),
        (
            {"tau_b": 0.1},
            r"replay.dt: expected at most half of every time constant, got 0.1 ms with tau_b at 0.1 ms; lower dt",
        ),
        (
            {"level": 3, "dt": 0.5, "tau_a": 1.5},
            r"replay.dt: expected at most half .* got 0.5 ms with tau_a with its open conductances at 0.75",
        ),
        ({"neuron": LINEAR.but(tau_s=0.15)}, r"replay.dt: .* with tau_s at 0.15 ms"),
        ({"neuron": LINEAR.but(g_sa=1000.0)}, r"replay.dt: .* with tau_a with its open .* at 0.168567 ms"),
        ({"level": 4, "tau_b": 0.1}, r"replay.dt: .* with tau_b at 0.1 ms"),
        ({"memory": 10_000}, r"replay.memory: expected at most 0.0 MB, got a prediction of .*neurons"),
    ],
)
def test_bad_input_is_one_sentence(words, said):
    with pytest.raises(ModelError, match=said):
        replay(small_circuit(), **words)


def test_a_step_of_half_a_time_constant_is_stable():
    found = replay(small_circuit(trials=2), tau_b=0.2, duration=50.0)
    assert np.abs(found.V_basal).max() < 100  # mV
    replay(small_circuit(trials=2), level=0, tau_b=0.2, neuron=LINEAR.but(tau_s=0.1), duration=20.0)  # no soma


def test_only_a_silent_rule_has_no_cosine():
    """A replay that gives nothing where the rule gives something is as wrong as can be, not left out."""
    rule, found = np.array([[3.0, 4.0], [3.0, 4.0], [0.0, 0.0], [0.0, 0.0]]), np.array([[4, 3], [0, 0], [1, 0], [0, 0]])
    np.testing.assert_allclose(cosine(rule, found), [0.96, 0, np.nan, np.nan])


@pytest.mark.parametrize("target", ["cython", "cpp_standalone"])
def test_a_target_without_compiler_is_refused(monkeypatch, target):
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(
        ModelError, match=rf"replay.target: expected a C\+\+ compiler for {target}, got none .*target='numpy'"
    ):
        replay(small_circuit(), target=target)


def test_a_gate_from_spikes_needs_them(circuit):
    """A soma that never fires: the basal potential, never reset, keeps its gate; without post-synaptic spikes the other form changes nothing."""
    part, words = circuit.take(slice(0, 8)), {"calibration": calibrate(circuit), "duration": 200.0, **SLOW_DENDRITES}
    silent = LINEAR.but(I_trim=-1e5)
    own, without = (replay(part, neuron=neuron, **words).eligibility for neuron in (LINEAR, silent))
    np.testing.assert_array_equal(own, without)
    assert np.nanmean(replay(part, eligibility="spike", **words).cosine) > 0.8
    assert np.abs(replay(part, eligibility="spike", neuron=silent, **words).eligibility).max() == 0


def test_a_relay_loses_no_spike():
    """Spikes of a pool one step after another: the relay gives what synapses split by sign give, with the same delays."""
    circuit = small_circuit(trials=3)
    split, relay = (replay(circuit, dale=option, duration=100.0, **SLOW_DENDRITES) for option in ("split", "relay"))
    np.testing.assert_allclose(relay.eligibility, split.eligibility, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.filterwarnings("default")  # what compilers and build tools warn of is theirs
@pytest.mark.parametrize("target", ["cython", "cpp_standalone"])
def test_compiled_targets_agree_with_numpy(target):
    """Statistics, not bits: every target deals its own random numbers."""
    circuit = small_circuit(trials=12)
    expected = replay(circuit, dale="split", **SLOW_DENDRITES)
    found = replay(circuit, target=target, dale="split", chunk=6, **SLOW_DENDRITES)
    assert np.nanmean(found.cosine) == pytest.approx(np.nanmean(expected.cosine), abs=0.05)
    assert correlation(found.z, expected.z) > 0.95
    assert correlation(found.prediction, circuit.prediction) > 0.95
    assert replay(circuit, duration=50.0).attributes["target"] == "numpy"  # the device was put back
