"""Everything that a rule makes of signals, by name: what most checks compare."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor

from ...plasticity import EndToEndRule, FeedbackRule, LocalRule, Rule
from .findings import Broken, unasked
from .problem import CLASSES, Problem, draw, parts

Outputs = dict[str, Tensor]
# of these the first dimension is the row of the batch
BY_ROW = ("drive", "prediction", "phases", "gradient of rate", "output error")
HEADS = {"none": 0, "square": 1, "pair": 2}


def drawn(rule: Rule, **given: Any) -> Problem:
    """Signals for a rule of any engine but `block`, see `draw`; the head of an end-to-end rule stands among the matrices.

    Raises:
        SkipTest: the rule learns in blocks, which have no signals.
    """
    needs = rule.needs
    if needs.engine == "block":
        raise unasked("a rule in blocks has no signals of populations")
    made = draw(rule, **given)
    if needs.engine == "backprop" and needs.head != "none":
        units = made.rate.shape[1]
        rows = CLASSES if needs.head == "classes" else HEADS[needs.head] * units
        g = torch.Generator().manual_seed(1)
        head = torch.randn(rows, units, generator=g, dtype=torch.float64) / units**0.5
        made.matrices["head"] = head.to(made.rate.dtype)
    return made


def outputs(rule: Rule, problem: Problem) -> Outputs:
    """What the rule makes of a problem: factors of a rule that has them; objective, error and gradients of one at the top."""
    if rule.needs.engine == "backprop":
        return _objective(cast(EndToEndRule, rule), problem)
    with torch.no_grad():
        return dict(parts(cast(LocalRule, rule).factors(problem.signals())))


def _objective(rule: EndToEndRule, problem: Problem) -> Outputs:
    leaves = {"rate": problem.rate.detach().clone().requires_grad_()}
    if "head" in problem.matrices:
        leaves["head"] = problem.matrices["head"].detach().clone().requires_grad_()
    with torch.enable_grad():
        loss = rule.objective(leaves["rate"], leaves.get("head"), problem.pairing, problem.label)
        gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    found = {f"gradient of {name}": g for name, g in zip(leaves, gradients, strict=True)}
    unused = [name for name, gradient in found.items() if gradient is None]
    if unused:
        raise Broken(
            f"an objective with a {unused[0]}", "one that does not depend on it", "declare needs.head='none', or use it"
        )
    return {"objective": loss.detach(), **found}


def output_error(rule: FeedbackRule) -> tuple[Tensor, Tensor, Tensor]:
    """Loss, error and autograd's derivative of the loss, at random outputs (rows, classes)."""
    g = torch.Generator().manual_seed(2)
    output = torch.randn(6, CLASSES, generator=g, dtype=torch.float64).requires_grad_()
    label = torch.arange(6) % CLASSES
    with torch.enable_grad():
        loss, error = rule.error(output, label)
        if loss.requires_grad:
            (gradient,) = torch.autograd.grad(loss, output)
        else:
            gradient = numerical(lambda moved: rule.error(moved, label)[0], output.detach())
    return loss.detach(), error.detach(), gradient


def numerical(function: Callable[[Tensor], Tensor], at: Tensor, step: float = 1e-6) -> Tensor:
    """Gradient of a scalar function by central differences."""
    found = torch.zeros_like(at)
    with torch.no_grad():
        for i in range(at.numel()):
            above, below = at.clone(), at.clone()
            above.view(-1)[i] += step
            below.view(-1)[i] -= step
            found.view(-1)[i] = (function(above) - function(below)) / (2 * step)
    return found


def by_row(name: str) -> bool:
    """Whether the first dimension of an output is the row."""
    return name.startswith(BY_ROW)


def compare(
    one: Mapping[str, Tensor], two: Mapping[str, Tensor], what: str, remedy: str, *, exact: bool = False
) -> None:
    """Refuse two sets of outputs that differ.

    Raises:
        Broken: naming the first that does, and by how much.
    """
    if one.keys() != two.keys():
        raise Broken(what, f"{', '.join(sorted(one.keys() ^ two.keys()))} in one alone", remedy)
    for name, value in one.items():
        other = two[name]
        if value.shape != other.shape:
            raise Broken(what, f"{name} of shapes {tuple(value.shape)} and {tuple(other.shape)}", remedy)
        same = torch.equal(value, other) if exact else near(value, other)
        if not same:
            raise Broken(what, f"{name} that differs by {distance(value, other):.3g} of its size", remedy)


def near(one: Tensor, two: Tensor, tolerance: float = 1e-9) -> bool:
    """Whether two tensors are equal up to rounding of sums in float64."""
    return distance(one, two) <= tolerance


def distance(one: Tensor, two: Tensor) -> float:
    """|one - two| relative to the larger of the two; 0 where both are 0 and where no number is one in both."""
    a, b = one.double().flatten(), two.double().flatten()
    both = a.isnan() & b.isnan()
    a, b = a.masked_fill(both, 0), b.masked_fill(both, 0)
    scale = max(float(a.norm()), float(b.norm()))
    return float((a - b).norm()) / scale if scale else 0.0
