"""The closed loop itself: what moves the weights, what stops them, and what is refused."""

import numpy as np
import pytest
from apical.models import ModelError
from apical.models.spiking.loop import Loop, LoopDivergedError, Seen, live, predicted_bytes
from small_loops import glances, short, small

pytest.importorskip("brian2", reason="the bridge needs brian2")


def watched(loop: Loop, *, copies: int = 1, count: int = 7, layers=("6", "4"), context="lateral", seed=0):
    """The network before, what was seen, and the network after."""
    network = small(layers, context, margin=10.0, apical=1.0)
    seen: list[Seen] = []
    learnt = live(
        network, glances(count, copies), loop, copies=copies, glances=count, chosen=2, each=seen.append, seed=seed
    )
    return network, seen, learnt


@pytest.fixture(scope="module")
def alone():
    return watched(short())


def moved(network, learnt) -> float:
    return sum(
        float(np.abs(new - old).sum()) for new, old in zip(learnt.W + learnt.B, network.W + network.B, strict=True)
    )


def test_weights_move_by_modulator_times_eligibility(alone):
    network, seen, learnt = alone
    loop = short()
    for k, wiring in enumerate(network.wiring):
        for step in range(1, len(seen)):
            gamma = seen[step].gamma[k, 0]
            basal = loop.eta_basal * gamma * seen[step].eligibility[f"W{k}"]
            expected = np.bincount(wiring.weight, basal, minlength=wiring.weights)
            assert np.allclose(seen[step].W[k] - seen[step - 1].W[k], expected, atol=1e-12)
            apical = loop.eta_apical * gamma * seen[step].eligibility[f"B{k}"]
            change = seen[step].B[k] - seen[step - 1].B[k]
            assert np.allclose(change.T.ravel(), apical, atol=1e-12)
    assert moved(network, learnt) > 0
    assert np.array_equal(seen[-1].W[0], learnt.W[0])


def test_the_first_glance_has_no_modulator(alone):
    network, seen, _ = alone
    assert not seen[0].gamma.any()
    assert np.array_equal(seen[0].W[0], network.W[0])


def test_modulators_say_fixation_and_saccade(alone):
    _, seen, _ = alone
    for glance in seen[1:]:
        sign = glance.glance.sign[0]
        open_gate = sign * glance.score[:, 0] < 9.0  # far from the margin of 10
        assert np.allclose(glance.gamma[open_gate, 0], sign / 10.0, rtol=0.02)
    assert {glance.glance.sign[0] for glance in seen[1:]} == {-1.0, 1.0}


def test_a_signed_modulator_says_the_same_as_two(alone):
    _, two, _ = alone
    _, signed, _ = watched(short(modulators="signed"))
    for a, b in zip(two[1:], signed[1:], strict=True):
        assert np.array_equal(np.sign(a.gamma), np.sign(b.gamma))


def test_a_met_margin_closes_the_gate():
    network = small(margin=1e-3, apical=3.0)
    seen: list[Seen] = []
    live(network, glances(4, 1), short(), copies=1, glances=4, each=seen.append)
    met = [glance for glance in seen[1:] if glance.glance.sign[0] * glance.score[0, 0] > 0.5]
    assert met
    assert all(glance.gamma[0, 0] == 0 for glance in met)


def test_the_apical_eligibility_is_post_spikes_times_what_is_held():
    """With a slow memory, what a synapse holds is a trace of the spikes of its own population: all recorded."""
    loop = short(memory="slow", tau_memory=100.0)
    network, seen, _ = watched(loop, count=2)
    units, tau, dt = network.units[0], 100.0, loop.dt
    spikes = [
        (g.index * loop.cycle + t, int(u))
        for g in seen
        for t, u, p in zip(g.spike_time, g.spike_unit, g.spike_population, strict=True)
        if p == 0
    ]
    assert len(spikes) > 10
    gain = 1e3 / (loop.rate * tau * loop.past)
    held = np.zeros((2, units, units))
    for now, post in spikes:
        for before, pre in spikes:
            if before < now - dt / 2:
                # the trace is read at the end of the step in which the neuron fired, a step of decay after it
                held[int(now // loop.cycle), pre, post] += gain * np.exp(-(now - before) / tau)
    for g in seen:
        found = g.eligibility["B0"].reshape(units, units) * loop.rate * loop.fixation * 1e-3
        own = ~np.eye(units, dtype=bool)  # order within one step decides what a spike's own trace gives
        assert np.allclose(found[own], held[g.index][own], rtol=0.05, atol=0.02 * held.max())


@pytest.mark.parametrize("cut", ["silent-soma", "tuft-blocked", pytest.param("zero", marks=pytest.mark.slow)])
def test_controls_in_which_nothing_moves(cut):
    network, seen, learnt = watched(short(cut=cut))
    assert moved(network, learnt) == 0
    assert cut != "silent-soma" or not seen[-1].spike_time.size


def test_reversed_weights_move_the_other_way(alone):
    network, _, _ = alone
    _, seen, _ = alone
    _, other, _ = watched(short(cut="reversed"))
    forth, back = (run[1].W[0] - network.W[0] for run in (seen, other))
    assert np.allclose(forth, -back, atol=1e-12)
    assert np.abs(forth).max() > 0


@pytest.mark.parametrize(
    "words",
    [
        {"memory": "slow", "tau_memory": 200.0}, {"gate": "voltage"}, {"dale": "split"}, {"pool": 2}, {"cut": "shuffled-trials"},
        *(pytest.param(words, marks=pytest.mark.slow) for words in (
            {"dale": "relay"}, {"cut": "no-memory"}, {"cut": "gate-open"}, {"cut": "shuffled-gamma"}, {"cut": "random"},
        )),
    ],
)  # fmt: skip
def test_every_word_runs_and_keeps_the_copies_one(words):
    network, seen, learnt = watched(short(**words), copies=2, count=3)
    assert moved(network, learnt) > 0
    assert seen[-1].rate[0].shape == (2, 6)


def test_dale_keeps_excitation_above_zero():
    loop = short(dale="relay", eta_basal=50.0, eta_apical=20.0)
    network, _, learnt = watched(loop, count=4)
    for old, new in zip(network.W + network.B, learnt.W + learnt.B, strict=True):
        assert new.min() >= -loop.margin_of_weights * np.abs(old).max() - 1e-12


def test_sources_that_excite_and_inhibit_through_relays_drive_as_signed_synapses():
    frozen = {"eta_basal": 0.0, "eta_apical": 0.0, "background": 0.0, "fixation": 200.0}
    runs = {word: watched(short(dale=word, **frozen), copies=4, count=4)[1] for word in ("none", "split")}
    for population in (0, 1):
        signed, split = (np.mean([glance.rate[population].mean() for glance in seen]) for seen in runs.values())
        assert split == pytest.approx(signed, rel=0.15)


def test_convolutions_share_weights_over_places():
    network, _, learnt = watched(short(), layers=("conv2x3s1", "4"), context="dfb", copies=2, count=3)
    assert learnt.W[0].shape == (2 * 9,)
    assert moved(network, learnt) > 0


def test_the_same_seed_gives_the_same_spikes(alone):
    _, first, _ = alone
    _, again, _ = watched(short())
    assert all(np.array_equal(a.spike_time, b.spike_time) for a, b in zip(first, again, strict=True))
    _, other, _ = watched(short(), seed=1)
    assert any(not np.array_equal(a.spike_time, b.spike_time) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ({"memory": "forever"}, r"loop\.memory: expected one of persistent, slow, none"),
        ({"tau_memory": float("inf")}, "a memory that never forgets"),
        ({"target": "cpp_standalone"}, "expected numpy or cython"),
        ({"dt": 5.0}, "expected at most half of"),
        ({"input_rate": 5000.0}, r"loop\.input_rate"),
        ({"release": 400.0}, r"loop\.release"),
        ({"pool": 0}, r"loop\.pool"),
        ({"eta_basal": -1.0}, r"loop\.eta_basal"),
    ],
)
def test_what_a_loop_refuses(words, match):
    with pytest.raises(ModelError, match=match):
        Loop(**words)


def test_more_than_memory_is_refused_before_anything_is_built():
    network = small()
    neurons, synapses, size = predicted_bytes(network, Loop(), 3)
    assert neurons >= 3 * (16 + 10)
    assert synapses >= 3 * (16 * 6 + 6 * 4 + 36 + 16)
    with pytest.raises(ModelError, match=r"loop\.memory: expected at most .* got a prediction of"):
        live(network, [], Loop(), copies=3, glances=1, memory=size - 1)


def test_steps_that_destroy_the_weights_are_told():
    network = small()
    with pytest.raises(LoopDivergedError, match=r"loop\.eta_basal: expected steps that keep weights below") as told:
        live(network, glances(5, 1), short(eta_basal=1e9), copies=1, glances=5)
    assert 1 <= told.value.glance < 5
