import pytest
from apical.plasticity import RULES, Needs
from apical.plasticity.words import Words
from apical.recordings import PLAIN

MADE = {name: factory() for name, factory in RULES.items() if name != "sal"}


def test_recordings_know_the_same_words():
    assert set(Needs().told) == set(PLAIN)


@pytest.mark.parametrize("name", MADE)
def test_every_rule_names_what_it_records(name):
    needs, told = MADE[name].needs, MADE[name].needs.told
    assert told["first"] and told["second"] and told["loss"] and told["basal"] and told["rate"]
    assert bool(told["apical"]) == bool(needs.sources)
    modulated = "neuromodulator" in needs.records
    assert bool(told["score"]) == bool(told["modulator"]) == modulated
    assert modulated or not told["gate"]


def test_phases_are_named_after_what_is_shown():
    kinds = {name: (rule.needs.told["first"], rule.needs.told["second"]) for name, rule in MADE.items()}
    assert kinds["clapp++"] == ("fixation", "saccade")
    assert kinds["forward-forward"] == kinds["phyll"] == ("positive", "negative")
    assert "pair of equals" in kinds["scff"]


def test_a_rule_that_says_nothing_claims_nothing():
    told = Words().told(engine="local", negatives="next", sources=False)
    assert (told["basal"], told["rate"]) == (PLAIN["basal"], PLAIN["rate"])
    assert told["score"] == told["modulator"] == told["gate"] == told["apical"] == ""
