"""Factors against derivatives: autograd of the rule's own objective, else finite differences of the loss that it reports."""

from dataclasses import replace
from typing import cast

import torch
from torch import Tensor

from ...plasticity import FeedbackRule, LocalRule, Rule
from ...plasticity.twin import WithObjective
from .findings import Broken, unasked
from .outputs import distance, numerical, output_error
from .problem import Problem, draw, lived

TOLERANCE = (
    1e-6  # of float64: rounding stays below 1e-9, and what a float32 constant costs is the business of the dtype check
)
NUMERICAL = 1e-4  # central differences of a step of 1e-6
SHAPES: tuple[tuple[int, ...], ...] = ((7,), (3, 4, 4))


def check_drive(rule: Rule, descends: bool | None) -> None:
    """Drive, or output error, against the derivative of the loss."""
    if rule.needs.engine == "feedback":
        _, error, gradient = output_error(cast(FeedbackRule, rule))
        _same(error, gradient, "error() to return the derivative of its loss", "return dL/doutput beside L")
        return
    local = _local(rule)
    for shape in SHAPES:
        problem = lived(local, draw(local, shape=shape))
        if isinstance(rule, WithObjective):
            _by_autograd(rule, local, problem)
        elif descends is False:
            raise unasked("the rule has no objective, and its loss is recorded alone (descends = False)")
        else:
            _by_differences(local, problem)


def _by_autograd(rule: WithObjective, local: LocalRule, problem: Problem) -> None:
    leaf = _place(local, problem).clone().requires_grad_()
    with torch.enable_grad():
        loss = rule.objective(_placed(local, problem, leaf).signals())
        (gradient,) = torch.autograd.grad(loss, leaf, allow_unused=True)
    with torch.no_grad():
        factors = local.factors(problem.signals())
    if gradient is None:
        raise Broken(
            "an objective of the population's own rates", "one that does not depend on them", "descend it by drive"
        )
    _same(factors.drive, -gradient, "drive = -dL/drate of its own objective (-dL/dbasal at site neuron)", "derive the factors anew; apical potentials, contexts and B^T z are constants")  # fmt: skip
    _same(factors.loss, loss.detach(), "Factors.loss to be the objective", "return objective(signals) as the loss")


def _by_differences(rule: LocalRule, problem: Problem) -> None:
    found = numerical(lambda moved: rule.factors(_placed(rule, problem, moved).signals()).loss, _place(rule, problem))
    with torch.no_grad():
        drive = rule.factors(problem.signals()).drive
    sizes = float(drive.norm()) * float(found.norm())
    cosine = float(-(drive * found).sum()) / sizes if sizes else float("nan")
    if not cosine > 1 - NUMERICAL:
        raise Broken(
            "drive along the falling gradient of Factors.loss, by finite differences", f"a cosine of {cosine:.6g}",
            "correct one of the two; give the rule an `objective(signals)` for a sharper check, or set descends = False "
            "where its loss is recorded and not descended",
        )  # fmt: skip


def check_predictions(rule: Rule) -> None:
    """Prediction terms against autograd by the apical weights."""
    local = _local(rule)
    if not rule.needs.sources:
        raise unasked("the rule has no apical dendrites")
    if not isinstance(rule, WithObjective):
        raise unasked("the rule has no objective; what its apical weights learn is its own business")
    problem = lived(local, draw(local))
    leaves = {s: matrix.clone().requires_grad_() for s, matrix in problem.matrices.items()}
    with torch.enable_grad():
        loss = rule.objective(replace(problem, matrices=leaves).signals())
        gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    with torch.no_grad():
        factors = local.factors(problem.signals())
    for source, gradient in zip(leaves, gradients, strict=True):
        if source not in factors.prediction:
            raise Broken(f"a prediction term for the source {source}", f"{', '.join(factors.prediction) or 'none'}", "give one for every source")  # fmt: skip
        change = factors.prediction[source].T @ problem.contexts[source]
        wanted = torch.zeros_like(change) if gradient is None else -gradient
        _same(change, wanted, f"prediction[{source!r}]^T c = -dL/dB of its own objective", "the term is gamma times the rate that the prediction met, at the row that predicted")  # fmt: skip


def check_second(rule: Rule) -> None:
    """The drive against neuromodulators times apical potentials, gathered at the rows that were met."""
    local, needs = _local(rule), rule.needs
    problem = draw(local)
    pairing = problem.pairing
    plain = needs.second == "apical" and needs.modulated and not needs.transport and not needs.backwards
    if not (needs.sources and plain) or pairing is None:
        raise unasked("the rule has no dendrites that predict forwards alone, or declares a second factor of its own")
    problem = lived(local, problem)
    with torch.no_grad():
        factors = local.factors(problem.signals())
    if set(needs.sources) - factors.phases.keys():
        raise unasked("phases of some source are missing, which the check of shapes tells")
    rows, drive = torch.arange(len(problem.rate)), torch.zeros_like(factors.drive)
    for source, apical in problem.signals().apical.items():
        phase, field = factors.phases[source], factors.met.get(source)
        if field is None:
            field = problem.rate.new_zeros(len(rows), len(rows))
            field[rows, pairing.fixation] += phase.gamma_fixation * pairing.fixation_weight
            field[rows, pairing.saccade] += phase.gamma_saccade * pairing.saccade_weight
        drive += field.T @ apical.potential
    _same(factors.drive, drive, "drive = neuromodulator times apical potential, at the row whose rate it meets, as needs.second = 'apical' claims", "declare second='own', or correct drive or phases")  # fmt: skip


def _local(rule: Rule) -> LocalRule:
    if rule.needs.engine != "local":
        raise unasked(f"a rule of engine {rule.needs.engine} has no factors of its own")
    return cast(LocalRule, rule)


def _place(rule: LocalRule, problem: Problem) -> Tensor:
    """What the drive is the derivative by."""
    if rule.needs.site == "unit":
        return problem.rate
    assert problem.basal is not None
    return problem.basal


def _placed(rule: LocalRule, problem: Problem, values: Tensor) -> Problem:
    if rule.needs.site == "unit":
        return replace(problem, rate=values)
    return replace(problem, basal=values)


def _same(found: Tensor, wanted: Tensor, what: str, remedy: str) -> None:
    if found.shape != wanted.shape:
        raise Broken(what, f"shapes {tuple(found.shape)} and {tuple(wanted.shape)}", remedy)
    if (gap := distance(found, wanted)) > TOLERANCE:
        raise Broken(what, f"a relative distance of {gap:.3g}", remedy)
