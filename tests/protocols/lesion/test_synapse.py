"""Pairs of spikes at one synapse, and pulses of the modulator at a replayed circuit."""

import pytest
import yaml
from apical.protocols.errors import ConfigError
from apical.protocols.lesion import protocol as spec
from apical.protocols.lesion.events import Pairing
from apical.protocols.lesion.synapse import MODULATORS, ordered, pairings, trace


@pytest.mark.parametrize("form", ["pre", "post", "product"])
def test_the_sign_is_the_tufts(form):
    pairing = Pairing(lag=[-10.0], rate=1.0, pairs=20, form=form)
    up, rest, down = (trace(pairing, -10.0 if form != "post" else 10.0, mv, 0) for mv in (5.0, 0.0, -5.0))
    assert up > 0
    assert rest == 0
    assert down == -up


def test_windows():
    pairing = Pairing(lag=[0.0], rate=1.0, pairs=50)
    assert trace(pairing, -20.0, 5.0, 0) == 50
    assert trace(pairing, -40.0, 5.0, 0) == 0  # 15 mV exp(-40/16) is below 2 mV
    assert trace(pairing, 10.0, 5.0, 0) == 0
    causal = pairing.model_copy(update={"form": "post"})
    assert trace(causal, 20.0, 5.0, 0) / 50 == pytest.approx(0.3679, rel=0.05)
    assert trace(causal, -20.0, 5.0, 0) == pytest.approx(0, abs=1e-9)


def test_the_protocol_finds_a_curve():
    condition = spec.load("sign_switch").conditions[0]
    found = pairings(condition, 0)["after"]
    assert len(found.x) == len(found.y) == 12
    assert found.values["change"] == pytest.approx(found.y.sum())


def changes(form, modulator):
    """At 10 ms pre before post, and post before pre, per pair."""
    pairing = Pairing(lag=[0.0], rate=1.0, pairs=40, form=form)
    return [ordered(pairing, lag, MODULATORS[modulator], 0) / 40 for lag in (10.0, -10.0)]


def test_two_traces_answer_to_one_modulator_each_and_a_single_trace_to_both():
    near = pytest.approx(0.6065, rel=0.03)  # exp(-10/20)
    causal, reversed_ = changes("two_traces", "plus")
    assert causal == near
    assert reversed_ == pytest.approx(0, abs=1e-9)
    causal, reversed_ = changes("two_traces", "minus")
    assert causal == pytest.approx(0, abs=1e-9)
    assert -reversed_ == near
    assert changes("two_traces", "none") == [0, 0]
    for modulator in ("plus", "minus"):  # what the statements of signed_traces exclude
        causal, reversed_ = changes("one_trace", modulator)
        assert causal == near
        assert -reversed_ == near


def lived(tmp_path, *events):
    path = tmp_path / "mine.yaml"
    body = {"stage": "synapse", "measures": ["change"], "conditions": {"mine": {"events": [*events, "probe"]}}}
    path.write_text(yaml.safe_dump(body))
    return pairings(spec.load(str(path)).conditions[0], 0)["after"]


def test_evoked_spikes_write_the_causal_window_and_the_tuft_its_sign(tmp_path):
    pytest.importorskip("brian2", reason="the bridge needs brian2")
    causal = {"pairing": {"lag": [-10.0, 10.0], "rate": 0.1, "form": "post", "spikes": "evoked"}}
    up = lived(tmp_path, {"apical": {"clamp": 5.0}}, causal)
    assert up.y[0] == pytest.approx(0, abs=1e-6)
    assert up.y[1] == pytest.approx(0.58, abs=0.05)  # exp(-10.8/20): a spike comes 0.8 ms after its pulse
    assert up.values["evoked"] == 1
    down = lived(tmp_path, {"apical": {"clamp": -5.0}}, causal)
    assert down.y[1] == pytest.approx(-up.y[1])
    assert not lived(tmp_path, {"apical": {"clamp": 0.0}}, causal).y.any()


def test_fast_evoked_pairs_meet_the_traces_of_those_before(tmp_path):
    pytest.importorskip("brian2", reason="the bridge needs brian2")
    fast = {"pairing": {"lag": [-10.0], "rate": 50, "pairs": 3, "form": "post", "spikes": "evoked"}}
    assert lived(tmp_path, {"apical": {"clamp": 5.0}}, fast).y[0] > 0.1


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (
            [{"apical": {"clamp": 5.0}}, {"pairing": {"lag": [1.0], "form": "two_traces"}}],
            "apical.clamp: expected none with form two_traces, which has no tuft, got 5",
        ),
        (
            [{"gamma": {"modulator": "plus"}}, {"pairing": {"lag": [1.0], "form": "post"}}],
            "gamma.modulator: expected both with form post",
        ),
        ([{"pairing": {"lag": [1.0], "form": "one_trace", "spikes": "evoked"}}], "expected given spikes with form one_trace"),
        ([{"gamma": {"clamp": 1.0}}], "gamma.clamp: expected a setting of stage synapse, got one of network, circuit"),
    ],
)  # fmt: skip
def test_what_a_form_does_not_read_is_refused(tmp_path, events, message):
    with pytest.raises(ConfigError, match=message):
        lived(tmp_path, *events)
