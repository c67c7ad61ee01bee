"""Every rule of the table passes the battery that is asked of rules from outside."""

import pytest
from apical.plasticity import LPL, RULES, ClappPP
from apical.protocols.testing.training import architectures
from apical.testing import RuleTests, check_rule

# whose default is too large for a test, or whose loss is recorded and not descended
GIVEN = {
    word: {"features": 16, "projector": (8, 8)}
    for word in RULES
    if word.startswith("blockwise") or word in ("bp-barlow", "bp-simclr", "bp-vicreg")
}
ASKED = {"softhebb": {"descends": False}}


# of several rules of one kind, twins and objectives that differ in a formula alone, one is asked by default
SLOW = {word for word in RULES if word.startswith("bp-")} - {"bp-clapp++", "bp-classifier", "bp-lpl"}
SLOW |= {"blockwise-simclr", "blockwise-vicreg", "hinge-cpc"}


@pytest.mark.parametrize("word", [pytest.param(w, marks=pytest.mark.slow) if w in SLOW else w for w in RULES])
def test_a_rule_of_the_table_passes(word):
    rule = RULES[word](**GIVEN.get(word, {}))
    # one network a rule: maps and dense populations of every rule are tested in tests/models
    assert check_rule(rule, architectures=tuple(architectures(rule)[:1]), **ASKED.get(word, {})) == []


class TestWithAState(RuleTests):
    """As a user subclasses it."""

    rule = LPL(stale=True)


class TestWithTwoContexts(RuleTests):
    rule = ClappPP(context="both")
