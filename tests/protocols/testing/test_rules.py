"""Every rule of the table passes the battery that is asked of rules from outside."""

import pytest
from apical.plasticity import LPL, RULES, ClappPP
from apical.testing import RuleTests, check_rule

# whose default is too large for a test, or whose loss is recorded and not descended
GIVEN = {
    word: {"features": 16, "projector": (8, 8)}
    for word in RULES
    if word.startswith("blockwise") or word in ("bp-barlow", "bp-simclr", "bp-vicreg")
}
ASKED = {"softhebb": {"descends": False}}


@pytest.mark.parametrize("word", RULES)
def test_a_rule_of_the_table_passes(word):
    assert check_rule(RULES[word](**GIVEN.get(word, {})), **ASKED.get(word, {})) == []


class TestWithAState(RuleTests):
    """As a user subclasses it."""

    rule = LPL(stale=True)


class TestWithTwoContexts(RuleTests):
    rule = ClappPP(context="both")
