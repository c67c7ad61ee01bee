"""What holds for every rule."""

import dataclasses
import json

import pytest
import torch
from apical.plasticity import (
    RULES,
    Apical,
    BPClappPP,
    BPInfoNCE,
    ClappPP,
    LogisticDifference,
    RuleError,
    Signals,
    Softplus,
    pair,
)
from cases import CONTRASTS, END_TO_END_RULES, LOCAL_RULES

UNITS, CONTEXT, OBJECTS = 7, 5, 6


def problem(rule, seed=0, objects=OBJECTS):
    """Random weights and signals of one dense population without transfer function: rate = x W^T."""
    g = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=g, dtype=torch.float64)  # noqa: E731
    pre, weight = draw(2 * objects, 4), draw(UNITS, 4) / 2
    rate = pre @ weight.T
    contexts = {s: rate if s == "lateral" else draw(2 * objects, CONTEXT) for s in rule.sources}
    apical = {s: draw(UNITS, c.shape[1]) / 4 for s, c in contexts.items()}
    pairing = pair(objects, negatives=rule.negatives, phases=rule.phases, generator=g)
    return pre, weight, apical, contexts, pairing


def signals_of(rate, apical, contexts, pairing):
    return Signals(
        rate, {s: Apical(contexts[s].detach(), contexts[s].detach() @ b.T) for s, b in apical.items()}, pairing
    )


@pytest.mark.parametrize("name", LOCAL_RULES)
def test_explicit_factors_equal_autograd_of_the_objective(name):
    rule = LOCAL_RULES[name]
    pre, weight, apical, contexts, pairing = problem(rule)
    leaves = [weight.requires_grad_(), *(b.requires_grad_() for b in apical.values())]
    loss = rule.objective(signals_of(pre @ weight.T, apical, contexts, pairing))
    expected = torch.autograd.grad(loss, leaves)
    with torch.no_grad():
        factors = rule.factors(signals_of(pre @ weight.T, apical, contexts, pairing))
    found = [factors.drive.T @ pre, *(factors.prediction[s].T @ contexts[s] for s in apical)]
    torch.testing.assert_close(factors.loss, loss.detach(), rtol=1e-12, atol=0)
    for change, gradient in zip(found, expected, strict=True):
        assert (change + gradient).norm() <= 1e-9 * gradient.norm()


@pytest.mark.parametrize("name", LOCAL_RULES)
def test_factors_carry_no_graph(name):
    rule = LOCAL_RULES[name]
    pre, weight, apical, contexts, pairing = problem(rule)
    factors = rule.factors(signals_of(pre @ weight.T, apical, contexts, pairing))
    assert not factors.drive.requires_grad
    assert all(p.grad_fn is None for p in factors.prediction.values())


@pytest.mark.parametrize("name", LOCAL_RULES)
def test_silence_changes_nothing(name):
    rule = LOCAL_RULES[name]
    _, _, apical, contexts, pairing = problem(rule)
    silent = torch.zeros(2 * OBJECTS, UNITS, dtype=torch.float64)
    factors = rule.factors(signals_of(silent, apical, {s: torch.zeros_like(c) for s, c in contexts.items()}, pairing))
    assert factors.drive.abs().max() == 0
    assert all(p.abs().max() == 0 for p in factors.prediction.values())
    # with all scores at zero the loss is that of the contrast alone
    zero = torch.zeros(1, dtype=torch.float64)
    base = [part.item() for part in rule.contrast.losses(zero, zero)]
    expected = len(apical) * (base[0] * pairing.fixation_weight.sum() + base[1] * pairing.saccade_weight.sum())
    assert factors.loss.item() == pytest.approx(float(expected))


@pytest.mark.parametrize("name", [n for n in LOCAL_RULES if "next both" in n])
def test_rolling_the_batch_rolls_the_factors(name):
    """`next` pairs rows around a circle of both glances; exchanging the two glances is the permutation that keeps it."""
    rule = LOCAL_RULES[name]
    pre, weight, apical, contexts, pairing = problem(rule)
    swap = torch.arange(2 * OBJECTS).roll(OBJECTS)
    straight = rule.factors(signals_of(pre @ weight.T, apical, contexts, pairing))
    swapped = rule.factors(
        signals_of((pre @ weight.T)[swap], apical, {s: c[swap] for s, c in contexts.items()}, pairing)
    )
    torch.testing.assert_close(swapped.drive, straight.drive[swap])
    torch.testing.assert_close(swapped.loss, straight.loss)


@pytest.mark.parametrize("name", [n for n in LOCAL_RULES if "either" not in n])
def test_batch_is_the_mean_of_its_rows(name):
    rule = LOCAL_RULES[name]
    pre, weight, apical, contexts, pairing = problem(rule)
    whole = rule.factors(signals_of(pre @ weight.T, apical, contexts, pairing))
    rows, total = 2 * OBJECTS, torch.zeros_like(whole.drive)
    for i in range(rows):
        only = torch.zeros(rows, dtype=torch.float64)
        only[i] = 1
        single = dataclasses.replace(pairing, fixation_weight=only, saccade_weight=only)
        total += rule.factors(signals_of(pre @ weight.T, apical, contexts, single)).drive
    torch.testing.assert_close(whole.drive, total / rows)


@pytest.mark.parametrize("name", LOCAL_RULES)
def test_a_few_small_steps_lower_the_objective(name):
    rule = LOCAL_RULES[name]
    pre, weight, apical, contexts, pairing = problem(rule, seed=3)
    contexts = {s: c.clone() for s, c in contexts.items()}
    losses = []
    for _ in range(30):
        factors = rule.factors(signals_of(pre @ weight.T, apical, contexts, pairing))
        losses.append(factors.loss.item())
        weight = weight + 0.01 * factors.drive.T @ pre
        apical = {s: b + 0.01 * factors.prediction[s].T @ contexts[s] for s, b in apical.items()}
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    "rule", [*LOCAL_RULES.values(), *END_TO_END_RULES.values()], ids=[*LOCAL_RULES, *END_TO_END_RULES]
)
def test_rules_are_values(rule):
    fields = {f.name: getattr(rule, f.name) for f in dataclasses.fields(rule)}
    twin = type(rule)(**fields)
    assert twin == rule
    assert hash(twin) == hash(rule)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(rule, dataclasses.fields(rule)[0].name, None)
    document = json.loads(
        json.dumps({k: dataclasses.asdict(v) if dataclasses.is_dataclass(v) else v for k, v in fields.items()})
    )
    back = {k: type(fields[k])(**v) if isinstance(v, dict) else v for k, v in document.items()}
    assert type(rule)(**back) == rule


def test_every_rule_of_the_table_is_tested():
    tested = {type(rule) for rule in (*LOCAL_RULES.values(), *END_TO_END_RULES.values())}
    assert tested == set(RULES.values())


@pytest.mark.parametrize("name", END_TO_END_RULES)
def test_end_to_end_objectives_are_differentiable_and_finite(name):
    g = torch.Generator().manual_seed(0)
    rate = torch.randn(8, 5, generator=g, dtype=torch.float64, requires_grad=True)
    head = torch.randn(5, 5, generator=g, dtype=torch.float64, requires_grad=True)
    loss = END_TO_END_RULES[name].objective(rate, head, pair(4, generator=g))
    gradients = torch.autograd.grad(loss, (rate, head))
    assert all(torch.isfinite(x).all() and x.abs().max() > 0 for x in gradients)


def test_infonce_of_identical_glances_and_one_direction_is_the_closed_form():
    """Two objects on orthogonal axes, projected by the identity: L = log(1 + exp(-1 / temperature))."""
    rate = torch.eye(2, dtype=torch.float64).repeat(2, 1)
    loss = BPInfoNCE(temperature=0.5).objective(rate, torch.eye(2, dtype=torch.float64), pair(2))
    assert loss.item() == pytest.approx(torch.log1p(torch.exp(torch.tensor(-2.0, dtype=torch.float64))).item())


@pytest.mark.parametrize(("build", "message"), [
    (lambda: ClappPP(context="latral"), r"ClappPP.context: expected one of lateral, dfb, both, got 'latral'"),
    (lambda: ClappPP(contrast=LogisticDifference(), phases="either"), r"ClappPP.phases: expected 'both'"),
    (lambda: BPClappPP(contrast=LogisticDifference(), phases="either"), r"BPClappPP.phases: expected 'both'"),
    (lambda: BPInfoNCE(temperature=0), r"BPInfoNCE.temperature: expected a finite number above 0, got 0"),
    (lambda: ClappPP().factors(Signals(torch.zeros(4, 2))), r"ClappPP.factors: expected signals with a pairing"),
])  # fmt: skip
def test_misuse_is_refused(build, message):
    with pytest.raises(RuleError, match=message):
        build()


def test_an_outsiders_contrast_works_in_the_rule():
    """A contrast written elsewhere, f(x) = exp(-x), enters by its two functions alone."""

    @dataclasses.dataclass(frozen=True)
    class Exponential:
        separable = True

        def losses(self, fixation, saccade):
            return torch.exp(-fixation), torch.exp(saccade)

        def modulators(self, fixation, saccade):
            return torch.exp(-fixation), -torch.exp(saccade)

    rule = ClappPP(contrast=Exponential())
    pre, weight, apical, contexts, pairing = problem(rule)
    loss = rule.objective(signals_of(pre @ weight.requires_grad_().T, apical, contexts, pairing))
    (gradient,) = torch.autograd.grad(loss, weight)
    with torch.no_grad():
        factors = rule.factors(signals_of(pre @ weight.T, apical, contexts, pairing))
    torch.testing.assert_close(factors.drive.T @ pre, -gradient)
    assert CONTRASTS["softplus"] == Softplus()
