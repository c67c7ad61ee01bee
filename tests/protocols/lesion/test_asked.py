"""What protocols ask of a rule: refused by the need that is missing, led through in part, or as a whole."""

import json

import numpy as np
import pytest
import torch
from apical.plasticity import LPL, SCFF, BPClassifier, Clapp, ClappPP, GreedyInfoMax, SoftHebb
from apical.protocols.command.main import main
from apical.protocols.errors import ConfigError
from apical.protocols.lesion.asked import fitted, left_out, offered
from apical.protocols.lesion.manipulations import manipulate
from apical.protocols.lesion.protocol import build, known, load
from apical.protocols.lesion.run import lesion
from click.testing import CliRunner
from rule_runs import rule_run

SYNAPSE = {"sign_switch", "signed_traces", "spike_timing"}


def can(rule):
    return {row["name"]: row["can"] for row in offered(rule)}


def test_every_protocol_can_be_done_to_the_rule_that_they_were_written_for():
    assert set(can(ClappPP(context="both")).values()) == {"yes"}
    assert all(not list(left_out(ClappPP(), load(name))) for name in known())


@pytest.mark.parametrize(
    ("rule", "refused"),
    [
        (LPL(), {"apical_block", "top_down_lateral", "fixation_saccade", "surprise"}),
        (Clapp(), {"top_down_lateral"}),
        (SoftHebb(), {"apical_block", "contiguity_swap", "scrambled_continuity", "pattern_violation", "unrewarded_exposure"}),
        (GreedyInfoMax(), {"contiguity_swap", "scrambled_continuity"}),
    ],
)  # fmt: skip
def test_what_touches_what_a_rule_has_not_is_refused(rule, refused):
    found = can(rule)
    assert refused <= {name for name, word in found.items() if word == "no"}
    assert {
        found[name] for name in ("novelty_transient", "oddball", "vectorised_instruction", "modulator_timing", *SYNAPSE)
    } == {"yes"}


def test_a_rule_without_factors_has_the_synapse_alone():
    found = offered(BPClassifier())
    assert {row["name"] for row in found if row["can"] == "yes"} == SYNAPSE
    assert all("Needs.engine" in row["why"] for row in found if row["can"] == "no")


@pytest.mark.parametrize(
    ("rule", "name", "said"),
    [
        (LPL(), "apical_block", r"protocol apical_block: .* got one with no apical dendrites \(Needs.sources\)"),
        (SoftHebb(), "contiguity_swap", r"got one with no second glance at the same object \(Needs.presentation\)"),
        (GreedyInfoMax(), "scrambled_continuity", r"got one with several negatives, drawn from all other objects \(Needs.others\)"),
        (LPL(), "surprise", r"got one with no (score|contrast)"),
        (Clapp(), "top_down_lateral", r"got one with no setting `context`"),
    ],
)  # fmt: skip
def test_the_refusal_names_the_need(rule, name, said):
    with pytest.raises(ConfigError, match=said) as caught:
        fitted(rule, load(name))
    assert "\n" not in str(caught.value)


def test_conditions_measures_and_statements_without_a_subject_are_left_out_together():
    whole = load("orientation_development")
    cut, out = fitted(LPL(), whole)
    assert out == {"condition random_gamma": "no contrast that makes its neuromodulator of scores"}
    assert [c.label for c in cut.conditions] == ["seeing", "silenced"]
    assert [e.text for e in whole.expectations if "random_gamma" in e.text]
    assert not [e.text for e in cut.expectations if "random_gamma" in e.text]
    cut, out = fitted(LPL(), load("pattern_violation"))
    assert cut.head.measures == ["violation_rate", "moved"]
    assert set(cut.measured) == {"violation_rate", "moved"}
    assert all("apical" not in e.text for e in cut.expectations)


def test_a_protocol_of_a_score_alone_is_refused_and_of_an_until_too():
    only = build("mine", {"measures": ["score_same"], "conditions": {"one": {"events": [{"fixation": 1.0}, "probe"]}}})
    with pytest.raises(ConfigError, match=r"no score \(Needs.records\)"):
        fitted(LPL(), only)
    until = build(
        "mine",
        {
            "measures": ["moved"],
            "conditions": {"one": {"events": [{"fixation": {"share": 1.0, "until": 1.0}}, "probe"]}},
        },
    )
    with pytest.raises(ConfigError, match=r"no score \(Needs.records\)"):
        fitted(LPL(), until)
    assert fitted(SCFF(), until)[1] == {}


def test_a_factor_on_a_change_scales_all_of_it():
    from apical.plasticity import Signals

    rule = SoftHebb()
    signals = Signals(torch.zeros(2, 3), basal=torch.randn(2, 3, generator=torch.Generator().manual_seed(0)))
    whole, half, none = (manipulate(rule, by, {}).factors(signals) for by in (None, 0.5, 0.0))
    torch.testing.assert_close(half.drive, whole.drive / 2)
    torch.testing.assert_close(half.decay, whole.decay / 2)
    assert not none.drive.any()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    place = tmp_path_factory.mktemp("lesion-rules")
    return {
        "lpl": rule_run(place / "lpl", "lpl"), "clapp": rule_run(place / "clapp", "clapp"),
        "scff": rule_run(place / "scff", "scff"), "gim": rule_run(place / "gim", "gim", options={"others": 3}),
    }  # fmt: skip


SILENCED = """
title: A change that is scaled, down to silence
steps: 4
measures: [moved, rate, loss, update, step]
conditions:
  whole: {control: true, events: [{probe: before}, {fixation: 1.0}, {probe: after}]}
  silenced: {events: [{probe: before}, {gamma: {clamp: 0.0}}, {fixation: 1.0}, {probe: after}]}
expect: [silenced.moved = 0, whole.moved > 0]
"""
APICAL = SILENCED.replace("{gamma: {clamp: 0.0}}", "{apical: block}")


@pytest.mark.parametrize("name", ["lpl", "scff", "gim", "clapp"])
def test_every_rule_with_factors_learns_and_is_silenced(runs, tmp_path, name):
    file = tmp_path / "silenced.yaml"
    file.write_text(SILENCED)
    result = lesion(runs[name], str(file), seeds=(0,), progress=False)
    assert result["expected"], result["expectations"]
    assert result["left_out"] == {}
    assert all(
        np.isfinite(m["after"]["mean"]) for m in result["conditions"]["whole"]["measures"].values() if "after" in m
    )


@pytest.mark.parametrize("name", ["gim", "clapp"])
def test_a_blocked_tuft_learns_nothing_whatever_the_rule_makes_of_it(runs, tmp_path, name):
    file = tmp_path / "blocked.yaml"
    file.write_text(APICAL)
    assert lesion(runs[name], str(file), seeds=(0,), progress=False)["expected"]


def test_a_rule_without_a_tuft_is_refused_before_its_images_are_read(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("apical.protocols.runs.trained.load_stimulus", lambda *_, **__: pytest.fail("images were read"))
    file = tmp_path / "blocked.yaml"
    file.write_text(APICAL)
    with pytest.raises(ConfigError, match=r"no apical dendrites \(Needs.sources\)"):
        lesion(runs["lpl"], str(file), progress=False)


def test_the_list_of_a_run_tells_what_its_rule_allows(runs):
    told = CliRunner().invoke(main, ["lesion", str(runs["lpl"]), "--list", "--json"])
    assert told.exit_code == 0, told.stderr
    rows = {row["name"]: row for row in json.loads(told.stdout)["protocols"]}
    assert rows["apical_block"]["can"] == "no"
    assert rows["apical_block"]["why"] == "no apical dendrites (Needs.sources)"
    assert rows["pattern_violation"]["can"] == "in part"


def test_another_optimiser_is_refused_before_images_are_read(tmp_path, monkeypatch):
    run = rule_run(tmp_path / "hebb", "softhebb", optimiser={"name": "softhebb", "learning_rate": 0.1})
    monkeypatch.setattr("apical.protocols.runs.trained.load_stimulus", lambda *_, **__: pytest.fail("images were read"))
    with pytest.raises(ConfigError, match=r"optimiser.name: expected adamw, whose steps can be held, got 'softhebb'"):
        lesion(run, "orientation_development", progress=False)
