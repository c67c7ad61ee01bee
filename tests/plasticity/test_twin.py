"""Backprop twins: one objective, two ways of credit assignment."""

import pytest
import torch
from apical.plasticity import (
    LPL,
    RULES,
    Apical,
    Backprop,
    BPClappPP,
    Clapp,
    ClappPP,
    ClappS,
    GreedyInfoMax,
    Needs,
    RuleError,
    Signals,
    Softplus,
    TwinOf,
    hyperparameters,
    pair,
)

RULES_WITH_A_TWIN = {
    "clapp++": ClappPP(contrast=Softplus()),
    "clapp++ both": ClappPP(context="both", contrast=Softplus()),
    "clapp": Clapp(contrast=Softplus()),
    "clapp-s": ClappS(contrast=Softplus(), others=3),
    "gim": GreedyInfoMax(others=3),
    "lpl": LPL(),
    "lpl stop": LPL(past="stop"),
}


def problem(rule, objects=4, units=5):
    g = torch.Generator().manual_seed(0)
    rate = torch.randn(2 * objects, units, generator=g, dtype=torch.float64)
    heads = torch.randn(max(len(rule.needs.sources), 1) * units, units, generator=g, dtype=torch.float64) / 3
    pairing = pair(
        objects, negatives=rule.needs.negatives, phases=rule.needs.phases, others=rule.needs.others, generator=g
    )
    return rate, heads if rule.needs.sources else None, pairing


@pytest.mark.parametrize("name", RULES_WITH_A_TWIN)
def test_at_the_top_the_twin_is_the_local_rule(name):
    """Gradient at the top's rate = minus the local drive; gradient of the head = minus the change of the apical matrices."""
    rule = RULES_WITH_A_TWIN[name]
    rate, head, pairing = problem(rule)
    leaves = [rate.requires_grad_()] + ([head.requires_grad_()] if head is not None else [])
    loss = Backprop(rule).objective(rate, head, pairing)
    gradients = torch.autograd.grad(loss, leaves)
    with torch.no_grad():
        matrices = head.chunk(len(rule.needs.sources)) if head is not None else ()
        apical = {s: Apical(rate, rate @ m.T, rate @ m) for s, m in zip(rule.needs.sources, matrices, strict=True)}
        factors = rule.factors(Signals(rate, apical, pairing))
        changes = [factors.drive]
        if rule.needs.sources:
            changes.append(torch.cat([factors.prediction[s].T @ rate for s in rule.needs.sources]))
    torch.testing.assert_close(loss.detach(), factors.loss, rtol=1e-12, atol=0)
    for change, gradient in zip(changes, gradients, strict=True):
        assert (change + gradient).norm() <= 1e-9 * gradient.norm()


def test_the_twin_of_clapp_pp_is_bp_clapp_pp():
    rate, head, pairing = problem(ClappPP())
    twin, known = Backprop(ClappPP()), BPClappPP()
    assert twin.objective(rate, head, pairing) == known.objective(rate, head, pairing)
    for word in ("engine", "presentation", "supervised", "relay", "head", "records", "negatives", "phases"):
        assert getattr(twin.needs, word) == getattr(known.needs, word), word


def test_a_twin_asks_for_the_heads_of_its_contexts():
    heads = {name: Backprop(rule).needs.head for name, rule in RULES_WITH_A_TWIN.items()}
    assert heads == {
        "clapp++": "square", "clapp++ both": "pair", "clapp": "pair", "clapp-s": "square", "gim": "square", "lpl": "none", "lpl stop": "none",
    }  # fmt: skip
    rate, _, pairing = problem(ClappS())
    with pytest.raises(RuleError, match=r"Backprop.objective: expected a head, got None"):
        Backprop(ClappS()).objective(rate, None, pairing)


def test_factories_take_the_hyperparameters_of_the_local_rule():
    for name, factory in RULES.items():
        if isinstance(factory, TwinOf):
            assert isinstance(factory(), Backprop), name
            assert hyperparameters(factory) == hyperparameters(factory.kind)
    assert RULES["bp-lpl"](decorrelation=3.0) == Backprop(LPL(decorrelation=3.0))
    assert RULES["bp-gim"](others=2).needs.others == 2


class Mute:
    """A local rule whose factors are the gradient of nothing."""

    needs = Needs()

    def start(self, shape):
        return {}


class Deep(Mute):
    needs = Needs(site="neuron")

    def objective(self, signals):
        return signals.rate.sum()


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Backprop(Mute()), r"Backprop.rule: expected a local rule with an objective, got Mute"),
    (lambda: Backprop(Deep()), r"Backprop.rule: expected a rule of site unit, got Deep of site neuron"),
    (lambda: Backprop(LPL(stale=True)), r"Backprop.rule: expected a rule without a state, got LPL"),
])  # fmt: skip
def test_rules_without_a_twin_are_refused(make, message):
    with pytest.raises(RuleError, match=message):
        make()
