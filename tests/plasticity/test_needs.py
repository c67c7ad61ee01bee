"""What rules declare: defaults that differ from rule to rule alone, words that are checked, and the same through wrappers."""

from dataclasses import dataclass, replace

import pytest
from apical.plasticity import (
    RULES,
    SAL,
    SCFF,
    Backprop,
    ClappPP,
    ClappS,
    ForwardForward,
    LocalRule,
    Needs,
    PhyLL,
    RuleError,
    SoftHebb,
    Wrapped,
)


@dataclass(frozen=True, slots=True)
class Same(Wrapped):
    rule: LocalRule


@pytest.mark.parametrize("rule", [ClappPP(context="both"), ClappS(others=3), SCFF(), SoftHebb(), ForwardForward()])
def test_a_wrapper_needs_what_the_rule_underneath_needs(rule):
    assert Same(Same(rule)).needs == rule.needs


@pytest.mark.parametrize("rule", [ClappPP(context="both"), ClappS(others=3, presentation="patches")])
def test_a_twin_is_shown_and_paired_as_its_local_rule_and_has_no_dendrites(rule):
    told = Backprop(rule).needs
    assert told == replace(
        rule.needs,
        engine="backprop",
        head=told.head,
        sources=(),
        transport=False,
        records=("basal", "rate"),
        words=replace(rule.needs.words, loss="", apical="", score="", modulator="", gate=""),
    )
    assert told.head == {1: "square", 2: "pair"}[len(rule.needs.sources)]


def test_needs_follow_the_hyperparameters():
    assert [ClappPP(context=c).needs.sources for c in ("lateral", "dfb", "both")] == [
        ("lateral",), ("dfb",), ("dfb", "lateral"),
    ]  # fmt: skip
    assert ClappPP(negatives="random", phases="either").needs == replace(
        ClappPP().needs, negatives="random", phases="either"
    )
    assert [PhyLL(presentation=word).needs.supervised for word in ("overlay", "hybrids")] == [True, False]
    assert ClappS(others=5).needs.others == 5
    assert SAL().needs.routed


def test_a_record_of_nothing_is_a_local_rule_of_two_glances():
    assert Needs() == replace(RULES["lpl"]().needs, words=Needs().words)


@pytest.mark.parametrize(("word", "message"), [
    ({"engine": "locla"}, r"Needs\.engine: expected one of local, backprop, feedback, block, got 'locla'"),
    ({"site": "cell"}, r"Needs\.site: expected one of unit, neuron, got 'cell'"),
    ({"head": "round"}, r"Needs\.head: expected one of none, square, pair, classes, got 'round'"),
    ({"path": "around"}, r"Needs\.path: expected one of direct, chain, got 'around'"),
    ({"negatives": "none"}, r"Needs\.negatives: expected one of next, random, opposite, got 'none'"),
    ({"phases": "neither"}, r"Needs\.phases: expected one of both, either, got 'neither'"),
])  # fmt: skip
def test_unknown_words_are_refused_where_a_rule_declares_them(word, message):
    with pytest.raises(RuleError, match=message):
        Needs(**word)
