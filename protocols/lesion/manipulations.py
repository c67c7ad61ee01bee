"""A rule under manipulation: the same rule, told other things.

Nothing of a rule is written anew. A scaled apical input c -> s c scales what the rule is told of the apical potential, B (s c), and what the
apical synapses are told of their input; a manipulated neuromodulator is the rule's own contrast function with another modulator.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from ...plasticity import Contrast, Factors, LocalRule, Signals, Wrapped


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Modulated:
    """A contrast whose modulators are manipulated; its losses stay what they are.

    Attributes:
        contrast: the rule's own.
        scale: factor on the modulators.
        clamp: magnitude in place of the rule's, or None.
        positive: saccades are modulated as fixations are.
        fixation: saccades are not modulated.
        surprise: modulators are multiplied by the distance |1 -+ u| of the score from its margin.
        signs: sign of every row's modulators, (rows,); None for none.
        rows: rows that all this applies to, bool (rows,); None for all.
        silent: the other rows have no modulator, in place of the rule's.
    """

    contrast: Contrast
    scale: float = 1.0
    clamp: float | None = None
    positive: bool = False
    fixation: bool = False
    surprise: bool = False
    signs: Tensor | None = None
    rows: Tensor | None = None
    silent: bool = False
    separable: ClassVar[bool] = True

    def losses(self, fixation: Tensor, saccade: Tensor) -> tuple[Tensor, Tensor]:
        """Those of the rule."""
        return self.contrast.losses(fixation, saccade)

    def modulators(self, fixation: Tensor, saccade: Tensor) -> tuple[Tensor, Tensor]:
        """gamma+ and gamma- after the manipulation."""
        stay, jump = own = self.contrast.modulators(fixation, saccade)
        if self.clamp is not None:
            stay, jump = torch.full_like(stay, self.clamp), torch.full_like(jump, -self.clamp)
        if self.surprise:
            stay, jump = stay * (1 - fixation).abs(), jump * (1 + saccade).abs()
        if self.positive:
            stay, jump = stay.abs(), jump.abs()
        if self.fixation:
            jump = torch.zeros_like(jump)
        if self.signs is not None:
            stay, jump = stay * _rows(self.signs, stay).to(stay), jump * _rows(self.signs, jump).to(jump)
        stay, jump = self.scale * stay, self.scale * jump
        if self.rows is None:
            return stay, jump
        rows = self.rows.to(stay.device)
        other = [torch.zeros_like(gamma) if self.silent else gamma for gamma in own]
        return torch.where(_rows(rows, stay), stay, other[0]), torch.where(_rows(rows, jump), jump, other[1])


def _rows(values: Tensor, like: Tensor) -> Tensor:
    """One value a row, to go with scores of several negatives a row."""
    return values.view(-1, *(1,) * (like.dim() - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Manipulated(Wrapped):
    """A local rule whose apical input is scaled, population by population.

    Attributes:
        rule: the rule underneath.
        apical: factor on the apical input by context source, one number per population; 1 where a source is missing.
    """

    rule: LocalRule
    apical: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def start(self, shape: tuple[int, ...]) -> dict[str, Tensor]:
        """State of the rule."""
        return self.rule.start(shape)

    def factors(self, signals: Signals) -> Factors:
        """Factors of the rule, told of the scaled apical input."""
        scales = {source: self._scale(source, signals.position) for source in signals.apical}
        if all(scale == 1 for scale in scales.values()):
            return self.rule.factors(signals)
        apical = {
            source: replace(
                a,
                context=a.context * scales[source],
                potential=a.potential * scales[source],
                back=None if a.back is None else a.back * scales[source],
            )
            for source, a in signals.apical.items()
        }
        factors = self.rule.factors(replace(signals, apical=apical))
        # the engine pairs these with the unscaled context: dB = prediction^T c
        prediction = {source: scales[source] * p for source, p in factors.prediction.items()}
        return replace(factors, prediction=prediction)

    def _scale(self, source: str, position: int) -> float:
        scales = self.apical.get(source)
        return 1.0 if scales is None else scales[position]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed(Wrapped):
    """A local rule that is another one in some populations.

    Attributes:
        rule: everywhere else.
        there: in the populations.
        positions: of the populations.
    """

    rule: LocalRule
    there: LocalRule
    positions: frozenset[int]

    def start(self, shape: tuple[int, ...]) -> dict[str, Tensor]:
        """State of the rule."""
        return self.rule.start(shape)

    def factors(self, signals: Signals) -> Factors:
        """Factors of the one or of the other."""
        return (self.there if signals.position in self.positions else self.rule).factors(signals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled(Wrapped):
    """A local rule whose whole change is scaled: what a neuromodulator does to a rule that has none of its own, or none that scores decide.

    Attributes:
        rule: the rule underneath.
        factor: on its change.
    """

    rule: LocalRule
    factor: float

    def start(self, shape: tuple[int, ...]) -> dict[str, Tensor]:
        """State of the rule."""
        return self.rule.start(shape)

    def factors(self, signals: Signals) -> Factors:
        """Factors of the rule, times the factor."""
        found, by = self.rule.factors(signals), self.factor
        predictions = {source: by * value for source, value in found.prediction.items()}
        decay = None if found.decay is None else by * found.decay
        return replace(found, drive=by * found.drive, prediction=predictions, decay=decay)


def manipulate(
    rule: LocalRule,
    contrast: Modulated | float | None,
    apical: Mapping[str, tuple[float, ...]],
    positions: frozenset[int] | None = None,
) -> LocalRule:
    """The rule with another contrast, or its whole change times a factor, in the populations at some positions or in all, and scaled apical input; the rule itself where nothing is changed."""
    chosen = rule
    if isinstance(contrast, Modulated):
        chosen = cast(LocalRule, replace(cast(Any, rule), contrast=contrast))
    elif contrast is not None:
        chosen = cast(LocalRule, Scaled(rule=rule, factor=contrast))
    if positions is not None:
        chosen = cast(LocalRule, Placed(rule=rule, there=chosen, positions=positions))
    if all(scale == 1 for scales in apical.values() for scale in scales):
        return chosen
    return cast(LocalRule, Manipulated(rule=chosen, apical=apical))
