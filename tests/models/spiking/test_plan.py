import pytest
from apical.models import ModelError
from apical.models.spiking import LINEAR, plan_replay, split
from circuits import small_circuit

GIGABYTE = 1 << 30


def plan(circuit, *, level=2, samples=600, memory=GIGABYTE, option="none", **words):
    basal, apical = split(circuit.W, option, LINEAR), split(circuit.B, option, LINEAR)
    return plan_replay(circuit, basal, apical, level=level, samples=samples, memory=memory, **words)


def test_sizes_of_a_chunk():
    found = plan(small_circuit(trials=8), chunk=3)
    assert (found.neurons, found.synapses) == (3 * (5 + 20 + 10), 3 * (100 + 50))
    assert [s.stop - s.start for s in found.slices()] == [3, 3, 2]
    assert plan(small_circuit(), level=0).synapses == 0
    assert plan(small_circuit(), option="relay", chunk=1).neurons == 5 + 2 * (20 + 10)


def test_a_chunk_stays_below_twenty_thousand_neurons():
    found = plan(small_circuit(trials=2000, inputs=50))
    assert 19_000 < found.neurons <= 20_000


def test_a_longer_replay_holds_no_more():
    memory = 20_000_000
    short, long = (plan(small_circuit(trials=200, units=20), samples=s, memory=memory) for s in (600, 12_000))
    assert max(short.bytes, long.bytes) <= memory
    assert long.chunk < short.chunk
    many = plan(small_circuit(trials=4000, units=20), memory=memory, keep_eligibility=False)
    assert many.chunk_bytes <= memory


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ({"memory": 50_000, "keep_eligibility": False}, "fewer units, a smaller mass or a shorter duration"),
        ({"memory": 1_000_000, "chunk": 8}, "a smaller chunk"),
        ({"memory": 4_000}, "keep_eligibility=False"),
    ],
)
def test_too_large_is_refused_with_the_prediction(words, remedy):
    with pytest.raises(
        ModelError, match=rf"replay.memory: expected at most .* got a prediction of .* MB .*use {remedy}"
    ):
        plan(small_circuit(), **words)


def test_a_chunk_of_nothing_is_refused():
    with pytest.raises(ModelError, match=r"replay.chunk: expected at least 1 trial, got 0"):
        plan(small_circuit(), chunk=0)


def test_what_is_compiled_is_compiled_once():
    """A program of every chunk took ten times as long as numpy; numpy keeps its chunks."""
    circuit = small_circuit(trials=2000, inputs=50)
    assert plan(circuit).chunk < 2000
    assert plan(circuit, compiled=True, memory=16 * GIGABYTE).chunk == 2000
    assert plan(circuit, compiled=True, chunk=7).chunk == 7  # as it was asked for
    with pytest.raises(
        ModelError, match=r"replay.target: expected all 2000 trials side by side .* room for \d+ in .*numpy"
    ):
        plan(circuit, compiled=True, memory=100_000_000, keep_eligibility=False)
