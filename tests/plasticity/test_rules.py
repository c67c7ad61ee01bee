"""What holds for every rule."""

import dataclasses
import json
import math

import pytest
import torch
from apical.plasticity import (
    LPL,
    RULES,
    SCFF,
    Apical,
    Backprop,
    Blockwise,
    BPClappPP,
    BPInfoNCE,
    BurstDependent,
    ClappPP,
    DendriticPrediction,
    ForwardForward,
    GreedyInfoMax,
    LogisticDifference,
    PhyLL,
    RuleError,
    Signals,
    Softplus,
    TwinOf,
    Variant,
    at,
    pair,
)
from cases import BLOCK_RULES, CONTRASTS, END_TO_END_RULES, FEEDBACK_RULES, LOCAL_RULES, WITHOUT_OBJECTIVE

UNITS, CONTEXT, OBJECTS = 7, 5, 6
TABLES = (LOCAL_RULES, WITHOUT_OBJECTIVE, END_TO_END_RULES, FEEDBACK_RULES, BLOCK_RULES)


def problem(rule, seed=0, objects=OBJECTS):
    """Random weights and signals of one dense population without transfer function: rate = x W^T."""
    g = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=g, dtype=torch.float64)  # noqa: E731
    pre, weight = draw(2 * objects, 4), draw(UNITS, 4) / 2
    rate = pre @ weight.T
    contexts = {s: draw(2 * objects, CONTEXT) if s == "dfb" else rate for s in rule.needs.sources}
    apical = {s: draw(UNITS, c.shape[1]) / 4 for s, c in contexts.items()}
    others = rule.needs.others
    pairing = pair(objects, negatives=rule.needs.negatives, phases=rule.needs.phases, others=others, generator=g)
    return pre, weight, apical, contexts, pairing


def fresh_state(rule):
    return {name: value.double() for name, value in rule.start((UNITS,)).items()}


def state_of(rule):
    """What a first step left behind."""
    state = fresh_state(rule)
    if not state:
        return {}
    pre, weight, apical, contexts, pairing = problem(rule, seed=9)
    rate = pre @ weight.T
    compartments = {s: Apical(contexts[s], contexts[s] @ b.T) for s, b in apical.items()}
    return dict(rule.factors(Signals(rate, compartments, pairing, basal=rate, state=state)).state)


def signals_of(rule, rate, apical, contexts, pairing):
    compartments = {
        s: Apical(contexts[s].detach(), contexts[s].detach() @ b.T, rate.detach() @ b) for s, b in apical.items()
    }
    return Signals(rate, compartments, pairing, basal=rate, state=state_of(rule))


def silent_loss(rule, pairing):
    """Loss of a silent population: all scores are zero."""
    if isinstance(rule, GreedyInfoMax):
        return math.log(1 + rule.others)
    if isinstance(rule, ForwardForward):
        threshold = UNITS * rule.threshold
        return (math.log1p(math.exp(threshold)) + math.log1p(math.exp(-threshold))) / 2
    if isinstance(rule, PhyLL):
        return math.log(2)
    if isinstance(rule, SCFF):
        wanted, unwanted = (at(t, 0) for t in (rule.threshold_positive, rule.threshold_negative))
        return math.log1p(math.exp(wanted)) + math.log1p(math.exp(-unwanted))
    if isinstance(rule, LPL):
        return 0.0 if rule.stale else -rule.hebbian * math.log(rule.floor)
    zero = torch.full((1,), rule.threshold if isinstance(rule, DendriticPrediction) else 0.0, dtype=torch.float64)
    stay, jump = (part.item() for part in rule.contrast.losses(zero, zero))
    return len(rule.needs.sources) * float(stay * pairing.fixation_weight.sum() + jump * pairing.saccade_weight.sum())


@pytest.mark.parametrize("name", LOCAL_RULES)
def test_explicit_factors_equal_autograd_of_the_objective(name):
    rule = LOCAL_RULES[name]
    pre, weight, apical, contexts, pairing = problem(rule)
    leaves = [weight.requires_grad_(), *(b.requires_grad_() for b in apical.values())]
    loss = rule.objective(signals_of(rule, pre @ weight.T, apical, contexts, pairing))
    expected = torch.autograd.grad(loss, leaves)
    with torch.no_grad():
        factors = rule.factors(signals_of(rule, pre @ weight.T, apical, contexts, pairing))
    found = [factors.drive.T @ pre, *(factors.prediction[s].T @ contexts[s] for s in apical)]
    torch.testing.assert_close(factors.loss, loss.detach(), rtol=1e-12, atol=0)
    for change, gradient in zip(found, expected, strict=True):
        assert (change + gradient).norm() <= 1e-9 * gradient.norm()


@pytest.mark.parametrize("name", [*LOCAL_RULES, *WITHOUT_OBJECTIVE])
def test_factors_carry_no_graph(name):
    rule = (LOCAL_RULES | WITHOUT_OBJECTIVE)[name]
    pre, weight, apical, contexts, pairing = problem(rule)
    factors = rule.factors(signals_of(rule, pre @ weight.T, apical, contexts, pairing))
    assert not factors.drive.requires_grad
    assert all(p.grad_fn is None for p in factors.prediction.values())


@pytest.mark.parametrize("name", LOCAL_RULES)
def test_silence_changes_nothing(name):
    rule = LOCAL_RULES[name]
    _, _, apical, contexts, pairing = problem(rule)
    silent = torch.zeros(2 * OBJECTS, UNITS, dtype=torch.float64)
    quiet = signals_of(rule, silent, apical, {s: torch.zeros_like(c) for s, c in contexts.items()}, pairing)
    factors = rule.factors(dataclasses.replace(quiet, state=fresh_state(rule)))
    assert factors.drive.abs().max() < 1e-15
    assert all(p.abs().max() == 0 for p in factors.prediction.values())
    assert factors.loss.item() == pytest.approx(silent_loss(rule, pairing), abs=1e-12)


@pytest.mark.parametrize("name", [n for n in LOCAL_RULES if "next both" in n])
def test_rolling_the_batch_rolls_the_factors(name):
    """`next` pairs rows around a circle of both glances; exchanging the two glances is the permutation that keeps it."""
    rule = LOCAL_RULES[name]
    pre, weight, apical, contexts, pairing = problem(rule)
    swap = torch.arange(2 * OBJECTS).roll(OBJECTS)
    straight = rule.factors(signals_of(rule, pre @ weight.T, apical, contexts, pairing))
    swapped = rule.factors(
        signals_of(rule, (pre @ weight.T)[swap], apical, {s: c[swap] for s, c in contexts.items()}, pairing)
    )
    torch.testing.assert_close(swapped.drive, straight.drive[swap])
    torch.testing.assert_close(swapped.loss, straight.loss)


# statistics of the batch, or of the rows that happen to be drawn for a phase, belong to no single row
@pytest.mark.parametrize("name", [n for n in LOCAL_RULES if not {"either", "lpl", "peers"} & set(n.split())])
def test_batch_is_the_mean_of_its_rows(name):
    rule = LOCAL_RULES[name]
    pre, weight, apical, contexts, pairing = problem(rule)
    whole = rule.factors(signals_of(rule, pre @ weight.T, apical, contexts, pairing))
    rows, total = 2 * OBJECTS, torch.zeros_like(whole.drive)
    for i in range(rows):
        only = torch.zeros(rows, dtype=torch.float64)
        only[i] = 1
        single = dataclasses.replace(pairing, fixation_weight=only, saccade_weight=only)
        total += rule.factors(signals_of(rule, pre @ weight.T, apical, contexts, single)).drive
    torch.testing.assert_close(whole.drive, total / rows)


@pytest.mark.parametrize("name", LOCAL_RULES)
def test_a_few_small_steps_lower_the_objective(name):
    rule = LOCAL_RULES[name]
    pre, weight, apical, contexts, pairing = problem(rule, seed=3)
    contexts = {s: c.clone() for s, c in contexts.items()}
    losses = []
    for _ in range(30):
        factors = rule.factors(signals_of(rule, pre @ weight.T, apical, contexts, pairing))
        losses.append(factors.loss.item())
        if not isinstance(rule, ClappPP | DendriticPrediction | BurstDependent):  # both sides of the score move
            contexts = dict.fromkeys(contexts, pre @ weight.T)
        weight = weight + 0.01 * factors.drive.T @ pre
        apical = {s: b + 0.01 * factors.prediction[s].T @ contexts[s] for s, b in apical.items()}
    # the least fall is a hundredth (SCFF): thirty steps of these sums move the loss by 1e-13 from machine to machine
    assert losses[-1] < losses[0] - 1e-3


@pytest.mark.parametrize(
    "rule",
    [rule for table in TABLES for rule in table.values()],
    ids=[name for table in TABLES for name in table],
)
def test_rules_are_values(rule):
    fields = {f.name: getattr(rule, f.name) for f in dataclasses.fields(rule)}
    same = type(rule)(**fields)
    assert same == rule
    assert hash(same) == hash(rule)
    for name in list(fields)[:1]:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(rule, name, None)
    assert rebuilt(rule, json.loads(json.dumps(dataclasses.asdict(rule)))) == rule


def rebuilt(like, document):
    """A value of the same kinds of dataclass as `like`, from plain mappings."""
    values = {n: rebuilt(getattr(like, n), v) if isinstance(v, dict) else v for n, v in document.items()}
    return type(like)(**values)


def test_every_rule_of_the_table_is_tested():
    assert {factory_of(rule) for table in TABLES for rule in table.values()} == set(RULES.values())


def factory_of(rule):
    """The entry of the table that makes rules of this kind."""
    if isinstance(rule, Backprop):
        return TwinOf(type(rule.rule))
    return Variant(type(rule.objective), rule.end_to_end) if isinstance(rule, Blockwise) else type(rule)


@pytest.mark.parametrize("name", END_TO_END_RULES)
def test_end_to_end_objectives_are_differentiable_and_finite(name):
    g = torch.Generator().manual_seed(0)
    rate = torch.randn(8, 5, generator=g, dtype=torch.float64, requires_grad=True)
    rule = END_TO_END_RULES[name]
    shape = (10, 5) if rule.needs.head == "pair" else (5, 5)
    head = torch.randn(shape, generator=g, dtype=torch.float64, requires_grad=True)
    loss = rule.objective(rate, head, pair(4, others=rule.needs.others, generator=g), torch.arange(8) % 5)
    gradients = torch.autograd.grad(loss, (rate,) if rule.needs.head == "none" else (rate, head))
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
    (lambda: BPClappPP(phases="neither"), r"BPClappPP.phases: expected one of both, either, got 'neither'"),
    (lambda: BPClappPP(negatives="opposite"), r"BPClappPP.negatives: expected one of next, random, got 'opposite'"),
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
    loss = rule.objective(signals_of(rule, pre @ weight.requires_grad_().T, apical, contexts, pairing))
    (gradient,) = torch.autograd.grad(loss, weight)
    with torch.no_grad():
        factors = rule.factors(signals_of(rule, pre @ weight.T, apical, contexts, pairing))
    torch.testing.assert_close(factors.drive.T @ pre, -gradient)
    assert CONTRASTS["softplus"] == Softplus()
