"""Pairs of spikes at one synapse, and pulses of the modulator at a replayed circuit."""

import pytest
from apical.protocols.lesion import protocol as spec
from apical.protocols.lesion.events import Pairing
from apical.protocols.lesion.synapse import pairings, trace


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
