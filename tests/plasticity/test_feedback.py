"""Output error and drive of the supervised rules."""

import pytest
import torch
import torch.nn.functional as F
from apical.plasticity import Apical, BPClassifier, RuleError, Signals
from cases import FEEDBACK_RULES
from hypothesis import given
from hypothesis import strategies as st

ROWS, CLASSES, UNITS = 6, 4, 5


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", FEEDBACK_RULES)
@given(seed=st.integers(0, 2**16), scale=st.sampled_from([0.0, 1.0, 300.0]))
def test_error_is_the_gradient_of_the_cross_entropy(name, seed, scale):
    output = (scale * draw(ROWS, CLASSES, seed=seed)).requires_grad_()
    label = torch.randint(CLASSES, (ROWS,), generator=torch.Generator().manual_seed(seed))
    loss = F.cross_entropy(output, label)
    (gradient,) = torch.autograd.grad(loss, output)
    with torch.no_grad():
        found, error = FEEDBACK_RULES[name].error(output, label)
    torch.testing.assert_close(found, loss.detach(), rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(error, gradient, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("name", FEEDBACK_RULES)
def test_errors_of_a_batch_are_the_mean_of_its_rows(name):
    rule, output, label = FEEDBACK_RULES[name], draw(ROWS, CLASSES), torch.arange(ROWS) % CLASSES
    loss, error = rule.error(output, label)
    singles = [rule.error(output[i : i + 1], label[i : i + 1]) for i in range(ROWS)]
    torch.testing.assert_close(loss, torch.stack([one for one, _ in singles]).mean())
    torch.testing.assert_close(error, torch.cat([one for _, one in singles]) / ROWS)


@pytest.mark.parametrize("name", FEEDBACK_RULES)
def test_drive_is_the_apical_potential_with_the_other_sign(name):
    potential = draw(ROWS, UNITS)
    factors = FEEDBACK_RULES[name].factors(Signals(draw(ROWS, UNITS), {"error": Apical(draw(ROWS, 2), potential)}))
    assert torch.equal(factors.drive, -potential)
    assert not factors.prediction
    assert not factors.phases


def test_the_reference_is_the_cross_entropy_of_the_head():
    rate, head, label = draw(ROWS, UNITS), draw(CLASSES, UNITS, seed=1), torch.arange(ROWS) % CLASSES
    found = BPClassifier().objective(rate, head, None, label)
    torch.testing.assert_close(found, F.cross_entropy(rate @ head.T, label))


@pytest.mark.parametrize(
    ("misuse", "message"),
    [
        (lambda rule: rule.error(draw(ROWS, CLASSES), None), "error: expected the class of every row, got no labels"),
        (lambda rule: rule.error(draw(ROWS, CLASSES), torch.zeros(2, dtype=torch.int64)), "error: expected 6 labels"),
        (lambda rule: rule.factors(Signals(draw(2, 2))), "factors: expected an apical potential from the error"),
    ],
)
@pytest.mark.parametrize("name", FEEDBACK_RULES)
def test_misuse_is_refused(name, misuse, message):
    rule = FEEDBACK_RULES[name]
    with pytest.raises(RuleError, match=f"{type(rule).__name__}.{message}"):
        misuse(rule)


@pytest.mark.parametrize(("head", "label", "message"), [
    (None, torch.zeros(ROWS, dtype=torch.int64), "objective: expected a head, got None"),
    (draw(CLASSES, UNITS), None, "objective: expected the class of every row, got no labels"),
])  # fmt: skip
def test_the_reference_needs_head_and_labels(head, label, message):
    with pytest.raises(RuleError, match=f"BPClassifier.{message}"):
        BPClassifier().objective(draw(ROWS, UNITS), head, None, label)
