"""Signals of one population for any local rule: random, of any size, dtype and device."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import cast as typed

import torch
from torch import Tensor

from ...plasticity import Apical, Factors, LocalRule, Pairing, Rule, Signals, pair
from ..stimuli.presentations.table import presentation

CLASSES = 3
CONTEXT = 5  # inputs of a context from elsewhere
OWN = ("lateral", "retro")  # sources that bring the population's own rates


@dataclass(frozen=True, slots=True)
class Problem:
    """What one population is given, apart.

    Attributes:
        rate: (rows, units).
        basal: of every neuron, (rows, channels, height, width) or (rows, neurons); None where the rule's site is the unit.
        matrices: apical weights B by source, (units, inputs).
        contexts: c by source, (rows, inputs).
        pairing: who follows whom, or None.
        label: of every row, or None.
        state: of the rule.
        transport: whether the rule is told B^T z.
    """

    rate: Tensor
    basal: Tensor | None
    matrices: dict[str, Tensor]
    contexts: dict[str, Tensor]
    pairing: Pairing | None
    label: Tensor | None
    state: dict[str, Tensor] = field(default_factory=dict)
    transport: bool = False

    def signals(self) -> Signals:
        """The signals; contexts carry no gradient."""
        apical = {}
        for source, matrix in self.matrices.items():
            context = self.contexts[source].detach()
            back = self.rate.detach() @ matrix if self.transport else None
            apical[source] = Apical(context, context @ matrix.T, back)
        return Signals(self.rate, apical, self.pairing, self.label, self.basal, self.state)

    def to(self, dtype: torch.dtype) -> "Problem":
        """All numbers in another dtype."""
        pairing = None if self.pairing is None else self.pairing.to(self.rate.device, dtype)
        return Problem(
            self.rate.to(dtype), None if self.basal is None else self.basal.to(dtype),
            {s: m.to(dtype) for s, m in self.matrices.items()}, {s: c.to(dtype) for s, c in self.contexts.items()},
            pairing, self.label, cast(self.state, dtype), self.transport,
        )  # fmt: skip

    def objects(self, order: Tensor) -> "Problem":
        """The same objects in another order, each with all its rows.

        Args:
            order: which object stands at each place, int64 (objects,).
        """
        count, objects = len(self.rate), len(order)
        rows = torch.cat([order + start for start in range(0, count, objects)])
        place = torch.empty_like(rows)
        place[rows] = torch.arange(count)
        pairing = self.pairing
        if pairing is not None:
            others = None if pairing.others is None else place[pairing.others[rows]]
            pairing = Pairing(
                place[pairing.fixation[rows]], place[pairing.saccade[rows]],
                pairing.fixation_weight[rows], pairing.saccade_weight[rows], others,
            )  # fmt: skip
        return replace(
            self, rate=self.rate[rows], basal=None if self.basal is None else self.basal[rows], pairing=pairing,
            contexts={s: c[rows] for s, c in self.contexts.items()}, label=None if self.label is None else self.label[rows],
        )  # fmt: skip


def draw(
    rule: Rule,
    *,
    seed: int = 0,
    objects: int = 6,
    shape: tuple[int, ...] = (7,),
    dtype: torch.dtype = torch.float64,
    size: float = 1.0,
) -> Problem:
    """Random signals of a population that has what the rule declares, and nothing else.

    Args:
        rule: of any engine but `block`.
        seed: of all draws.
        objects: shown.
        shape: of the neurons, (neurons,) or (channels, height, width); units are then the means of maps of 2 x 2 blocks.
        dtype: of all numbers.
        size: factor on the rates.
    """
    needs, g = rule.needs, torch.Generator().manual_seed(seed)
    shown = presentation(needs.presentation)
    rows = shown.rows * objects

    def numbers(*dims: int) -> Tensor:
        return torch.randn(*dims, generator=g, dtype=torch.float64)

    basal = numbers(rows, *shape) * size
    rate = basal.relu() + 0.1 * size  # no unit that is silent on all rows
    if len(shape) == 3:
        rate = torch.nn.functional.avg_pool2d(rate, 2)
    rate = rate.flatten(1)
    units = rate.shape[1]
    contexts = {s: rate if s in OWN else numbers(rows, CONTEXT) * size for s in needs.sources}
    matrices = {s: numbers(units, c.shape[1]) / 4 for s, c in contexts.items()}
    pairing = None
    if shown.paired:
        pairing = pair(objects, negatives=needs.negatives, phases=needs.phases, others=needs.others, generator=g)
    label = torch.arange(objects).remainder(CLASSES).repeat(shown.rows) if needs.supervised else None
    neurons = needs.site == "neuron"
    made = Problem(
        rate, basal if neurons else None, matrices, contexts, pairing, label,
        cast(begun(rule, shape if neurons else (units,)), torch.float64), needs.transport,
    )  # fmt: skip
    return made.to(dtype)


def begun(rule: Rule, shape: tuple[int, ...]) -> dict[str, Tensor]:
    """State of one population before the first step; only local rules have one."""
    return typed(LocalRule, rule).start(shape) if rule.needs.engine == "local" else {}


def cast(state: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """A state in another dtype; whole numbers stay what they are."""
    return {name: value.to(dtype if value.is_floating_point() else value.dtype) for name, value in state.items()}


def lived(rule: Rule, problem: Problem) -> Problem:
    """The same a step later: with the state that a first step left."""
    if not problem.state:
        return problem
    with torch.no_grad():
        left = typed(LocalRule, rule).factors(problem.signals()).state
    return replace(problem, state={**problem.state, **left})


def parts(factors: Factors) -> Iterator[tuple[str, Tensor]]:
    """Every tensor of the factors, by its name."""
    yield "loss", factors.loss
    yield "drive", factors.drive
    for source, value in factors.prediction.items():
        yield f"prediction[{source!r}]", value
    for source, phase in factors.phases.items():
        for name in ("score_fixation", "score_saccade", "gamma_fixation", "gamma_saccade"):
            yield f"phases[{source!r}].{name}", getattr(phase, name)
    for source, value in factors.met.items():
        yield f"met[{source!r}]", value
    if factors.decay is not None:
        yield "decay", factors.decay
    for name, value in factors.state.items():
        yield f"state[{name!r}]", value
