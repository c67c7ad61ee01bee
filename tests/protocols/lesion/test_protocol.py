"""Protocols as files."""

import pytest
from apical.protocols.errors import ConfigError
from apical.protocols.lesion import protocol as spec

GOOD = """
title: mine
measures: [moved, accuracy]
conditions:
  sham: {control: true, events: [{probe: before}, {fixation: 1.0}, probe]}
  blocked: {events: [{probe: before}, {apical: block}, {fixation: 1.0}, probe]}
expect: [blocked.moved < 0.05 * sham.moved]
"""


@pytest.mark.parametrize("name", spec.known())
def test_every_protocol_that_comes_with_us_has_controls_and_expectations(name):
    protocol = spec.load(name)
    assert any(condition.control for condition in protocol.conditions) or protocol.head.stage == "circuit"
    assert protocol.expectations
    assert protocol.head.source != "not stated"


def test_a_protocol_is_events_in_order(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    protocol = spec.load(str(path))
    assert protocol.name == "mine"
    blocked = protocol.conditions[1]
    assert [type(event).__name__ for event in blocked.events] == ["Probe", "Apical", "Fixation", "Probe"]
    assert blocked.events[1].scale == 0
    assert blocked.probes == ["before", "after"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("apical: block", "apicall: block", "expected one of fixation, saccade, gamma, apical, contingency, pairing, adaptation, stream, interface, probe, got 'apicall'; did you mean apical?"),
        ("apical: block", "apical: {sacle: 0}", "did you mean scale?"),
        ("apical: block", "apical: {source: topp}", "expected one of all, top, lateral, got 'topp'; did you mean top?"),
        ("apical: block", "gamma: {kernel: rise-decay, tau: 0.2}", "expected a rise below the decay"),
        ("apical: block", "pairing: {lag: [1]}", "expected an event of stage network, got pairing"),
        ("apical: block", "pairing: 3", "expected an event of stage network, got pairing"),
        ("apical: block", "apical: block, x: 1", "expected one event, a word and its values"),
        ("apical: block", "fixation: 0.5", "shares up to 1 in all, got 1.5"),
        ("blocked:", "not a name:", "expected letters, digits and _"),
        ("measures: [moved, accuracy]", "measures: [moved, acuracy]", "did you mean accuracy?"),
        ("measures: [moved, accuracy]", "measures: []", "expected at least 1 entry"),
        ("title: mine", "titel: mine", "did you mean title?"),
        ("title: mine", "stage: brain", "expected one of network, circuit, synapse"),
        ("blocked.moved", "blocket.moved", "expected a condition among sham, blocked, got 'blocket'"),
        ("sham.moved]", "sham.mooved]", "did you mean moved?"),
        ("sham.moved]", "sham.moved.befor]", "did you mean before?"),
        ("sham.moved]", "sham]", "expect: expected a statement like"),
        ("< 0.05", "is", "got no comparison"),
        ("probe]", "{probe: before}]", "probes of different names"),
        ("probe]", "{probe: change}]", "expected another word than 'change'"),
        ("apical: block", "apical: {clamp: -5.0}", "apical.clamp: expected a setting of stage network, got one of synapse"),
        ("apical: block", "apical: {scale: 0.5, lesion: top}", "expected lesion alone, got scale beside it"),
        ("apical: block", "apical: {lesion: all, source: top}", "expected lesion alone, got source beside it"),
        ("apical: block", "gamma: {onset: [0.0]}", "gamma.onset: expected a setting of stage network, got one of circuit"),
        ("apical: block", "gamma: {kernel: rise-decay}", "gamma.kernel: expected a setting of stage network"),
        ("apical: block", "gamma: {tau: 1.0}", "gamma.tau: expected a setting of stage network"),
        ("apical: block", "gamma: {rise: 0.2}", "expected no rise of an exponential kernel, got 0.2"),
        ("fixation: 1.0", "fixation: {duration: 300.0}", "fixation.duration: expected a setting of stage network"),
        ("apical: block", "contingency: {follows: swapped, share: 0.5}", "expected no share of follows swapped"),
        ("apical: block", "contingency: {length: 4}", "expected no length of follows same"),
        ("conditions:", "condition:", "expected a mapping of conditions"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_the_known_words(tmp_path, old, new, message):
    path = tmp_path / "mine.yaml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        spec.load(str(path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


CIRCUIT = """
stage: circuit
measures: [peak]
conditions:
  mine: {events: [{fixation: {duration: 300.0}}, {gamma: {onset: [0.0], tau: 1.0}}, probe]}
"""
SYNAPSE = """
stage: synapse
measures: [change]
conditions:
  mine: {events: [{apical: {clamp: 5.0}}, {pairing: {lag: [10.0]}}, probe]}
"""


@pytest.mark.parametrize(
    ("text", "old", "new", "message"),
    [
        (CIRCUIT, "tau: 1.0", "sign: random", "gamma.sign: expected a setting of stage circuit, got one of network"),
        (CIRCUIT, "tau: 1.0", "magnitude: surprise", "gamma.magnitude: expected a setting of stage circuit"),
        (CIRCUIT, "tau: 1.0", "trials: predicted", "gamma.trials: expected a setting of stage circuit"),
        (CIRCUIT, "{duration: 300.0}", "0.5", "fixation.share: expected a setting of stage circuit"),
        (CIRCUIT, "mine: {", "mine: {wiring: dfb, ", "mine.wiring: expected own at stage circuit"),
        (CIRCUIT, "stage:", "steps: 10\nstage:", "steps: expected none at stage circuit"),
        (SYNAPSE, "clamp: 5.0", "lesion: all", "apical.lesion: expected a setting of stage synapse, got one of network"),
        (SYNAPSE, "clamp: 5.0", "source: top", "apical.source: expected a setting of stage synapse"),
        (SYNAPSE, "clamp: 5.0", "clamp: 5.0, scale: 0.5", "expected clamp alone, got scale beside it"),
        (SYNAPSE, "mine: {", "mine: {wiring: both, ", "mine.wiring: expected own at stage synapse"),
        (SYNAPSE, "stage:", "start: initial\nstage:", "start: expected none at stage synapse"),
    ],
)  # fmt: skip
def test_a_setting_that_a_stage_does_not_read_is_refused(tmp_path, text, old, new, message):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    assert spec.load(str(path)).name == "mine"
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        spec.load(str(path))
    assert message in str(caught.value)


def test_a_change_needs_two_probes(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD.replace("blocked.moved <", "blocked.moved.change <"))
    spec.load(str(path))
    path.write_text(path.read_text().replace("{probe: before}, {apical: block}", "{apical: block}"))
    with pytest.raises(ConfigError, match="expected two probes or more in blocked for a change, got 1"):
        spec.load(str(path))


def test_an_unknown_protocol_is_answered_with_the_known_ones():
    with pytest.raises(ConfigError, match="did you mean apical_block"):
        spec.load("apical_blok")
