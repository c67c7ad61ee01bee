"""One subject: a copy of a run's network that lives through the events of a condition.

It learns with the run's own engine and rule, from the newest checkpoint or from the random initialisation; nothing of the run is written.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from ...models import AdamW, Network
from ...models.engine import LocalEngine, rates
from ...models.networks.contexts import whose
from ...models.optimisers.frozen_steps import Held
from ...models.optimisers.measured import Move
from ...models.populations.conv import Activity, Population
from ...plasticity import Factors, LocalRule, Signals
from ..errors import ConfigError, ProtocolError
from ..runs.streams import stream
from ..runs.trained import Trained
from .events import Act, Apical, Contingency, Fixation, Gamma, Saccade
from .foreign import asked
from .glances import Glances, Looking
from .manipulations import Modulated, manipulate

FAMILIAR_STEPS = 4  # over which a score is averaged before a fixation ends by it


class Diverged(ProtocolError):
    """A subject whose numbers have become too large to go on with."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What learning has made of a subject.

    Attributes:
        tensors: weights, buffers and moments.
        optimiser: steps done by AdamW, whether adaptive, and held step sizes.
    """

    tensors: dict[str, Tensor]
    optimiser: tuple[int, bool, dict[str, float]]


class Familiarity:
    """Observer of an engine that keeps the mean score of what follows within a fixation, step by step."""

    def __init__(self) -> None:
        self._scores: list[float] = []
        self._steps: deque[float] = deque(maxlen=FAMILIAR_STEPS)

    def local(
        self, population: Population, activity: Activity, signals: Signals, factors: Factors, moves: Mapping[str, Move]
    ) -> None:
        """See `Observer`."""
        self._scores += [float(phase.score_fixation.mean()) for phase in factors.phases.values()]

    def backprop(self, population: Population, activity: Activity, moves: Mapping[str, Move]) -> None:
        """Not called by a local engine."""

    def block(self, name: str, move: Move, norm: Tensor) -> None:
        """Not called by a local engine."""

    def reached(self, score: float) -> bool:
        """End a step; whether the mean of the last ones, over populations, is at the score."""
        self._steps.append(sum(self._scores) / len(self._scores))
        self._scores = []
        return len(self._steps) == FAMILIAR_STEPS and sum(self._steps) / FAMILIAR_STEPS >= score


class Subject:
    """A network and what is done to it at the moment.

    Args:
        run: where it comes from.
        wiring: context of its apical dendrites, `own` for the run's.
        start: the checkpoint that it starts from; None for the random initialisation.
        looking: what it is shown.
        learning_rate: times the run's.

    Raises:
        ConfigError: the run's checkpoint does not allow it.
    """

    def __init__(
        self, run: Trained[LocalRule], wiring: str, start: Path | None, looking: Looking, learning_rate: float
    ) -> None:
        wired = run if wiring == "own" else run.rewired(wiring)
        config, self.rule = wired.config, wired.rule
        self.run, self.config, self.looking, self.steps_done = run, config, looking, 0
        if start is not None and config.rule.context != run.config.rule.context:
            raise ConfigError(
                f"conditions.wiring: expected {run.config.rule.context!r} from a checkpoint of that context, got {wiring!r}; "
                "set start: initial"
            )
        o = config.optimiser
        self.network = cast(Network, wired.initial())
        self.learning_rate = o.learning_rate * learning_rate
        self.optimiser = Held(
            AdamW(learning_rate=self.learning_rate, weight_decay=0.0, beta1=o.beta1, beta2=o.beta2, eps=o.eps)
        )
        self.engine = LocalEngine(self.network, self.rule, self.optimiser)
        if start is not None:
            run.restore(self.engine, start)
        self.gamma, self.contingency, self.saccade = Gamma(), Contingency(), Saccade(to=rule_negatives(self.rule))
        self._held = self.optimiser.has_steps
        self._cut = self._intact()
        self._scaled = dict[tuple[str, tuple[str, ...] | None], float]()  # by the word for the source and populations

    def set(self, event: Gamma | Apical | Contingency | Saccade) -> None:
        """Things are so from here on."""
        if isinstance(event, Gamma):
            self.gamma = event
        elif isinstance(event, Contingency):
            self.contingency = event
        elif isinstance(event, Saccade):
            self.saccade = event
        elif event.lesion is not None:
            self._cut = self._combined(self._cut, self._factors(event.lesion, 0.0, event.populations))
        else:
            self._scaled[event.source, event.populations] = event.scale

    def happen(self, event: Act) -> None:
        """An event from outside.

        Raises:
            OutsideError: it raised.
        """
        asked(type(event).__name__, "events", lambda: event.act(self), "done")
        self.engine.refresh()

    @property
    def apical(self) -> dict[str, tuple[float, ...]]:
        """Factor on the apical input by context source, one number per population."""
        factors = self._cut
        for (word, populations), scale in self._scaled.items():
            factors = self._combined(factors, self._factors(word, scale, populations))
        return factors

    def fixate(self, event: Fixation, steps: int, advance: Any) -> None:
        """A stretch of the stream, with plasticity.

        Args:
            event: how.
            steps: plasticity steps.
            advance: called after each.

        Raises:
            ConfigError: step sizes are to be held where there are none.
            Diverged: losses, weights or rates are no longer finite.
        """
        held = self._held if event.optimiser is None else event.optimiser == "held"
        if held and not self.optimiser.has_steps:
            raise ConfigError("fixation.optimiser: expected adaptive in an untrained network, got held; adapt first")
        self.optimiser.adaptive = not held
        self.optimiser.learning_rate = self.learning_rate * event.rate
        watch = None if event.until is None else Familiarity()
        for number in range(steps):
            seen = self.glances("fixation", self.steps_done)
            self.engine.rule = self.manipulated(seen, self.steps_done)
            losses = self.engine.step(seen.images, seen.pairing, watch, label=self.told(seen))
            self.steps_done += 1
            if not bool(losses.isfinite().all()):
                raise Diverged(f"lesion.loss: expected finite losses, got {losses.tolist()}; lower learning_rate")
            advance()
            if watch is not None and event.until is not None and watch.reached(event.until):
                for _ in range(number + 1, steps):
                    advance()
                break
        self._check_finite()

    @torch.no_grad()
    def _check_finite(self) -> None:
        """The last step has no loss after it."""
        found = rates(self.network, self.glances("fixation", self.steps_done).images)
        if not all(bool(rate.isfinite().all()) for rate in found):
            raise Diverged("lesion.rates: expected finite rates, got others; lower learning_rate")

    def glances(self, purpose: str, step: int, contingency: Contingency | None = None) -> Glances:
        """One batch under the contingency of the moment, or under another."""
        found = self.looking.glances(purpose, step, contingency or self.contingency, self.saccade.to)
        return replace(found, images=found.images.to(self.run.device))

    def told(self, seen: Glances) -> Tensor | None:
        """Classes of the rows, for a rule that learns from them."""
        if seen.label is None or not self.rule.needs.supervised:
            return None
        return seen.label.to(self.run.device)

    def manipulated(self, seen: Glances, step: int) -> LocalRule:
        """The rule as it is at the moment, for one batch."""
        g, rows = self.gamma, len(seen.images)
        contrast: Modulated | float | None = None
        own = getattr(self.rule, "contrast", None)
        if g != Gamma() and own is None:
            contrast = g.scale if g.clamp is None else 0.0  # of such a rule `asked` allows these alone
        elif g != Gamma() and own is not None:
            signs = _signs(self.looking.batches.seed, step, rows) if g.sign == "random" else None
            on = {
                "all": None, "predicted": ~seen.substituted, "substituted": seen.substituted, "rewarded": seen.rewarded,
            }[g.trials]  # fmt: skip
            contrast = Modulated(
                contrast=own, scale=g.scale, clamp=g.clamp, positive=g.sign == "positive",
                fixation=g.sign == "fixation",
                surprise=g.magnitude == "surprise", signs=signs, rows=on,
                silent=g.others == "silent",
            )  # fmt: skip
        return manipulate(self.rule, contrast, self.apical, self._places(g.populations))

    def _intact(self) -> dict[str, tuple[float, ...]]:
        return {source: (1.0,) * len(self.network.populations) for source in self.rule.needs.sources}

    def _places(self, populations: tuple[str, ...] | None) -> frozenset[int] | None:
        """Positions of populations; None for all."""
        return None if populations is None else frozenset(map(self.network.names.index, populations))

    def _factors(self, word: str, scale: float, populations: tuple[str, ...] | None) -> dict[str, tuple[float, ...]]:
        """Where a source of input arrives: at the top population its own rates are what the top sends."""
        count, places = len(self.network.populations), self._places(populations)

        def met(source: str, i: int) -> bool:
            if places is not None and i not in places:
                return False
            return word == "all" or (word == "lateral") == (whose(source, i, count) == i)

        return {s: tuple(scale if met(s, i) else 1.0 for i in range(count)) for s in self.rule.needs.sources}

    def _combined(
        self, first: dict[str, tuple[float, ...]], second: dict[str, tuple[float, ...]]
    ) -> dict[str, tuple[float, ...]]:
        return {s: tuple(a * b for a, b in zip(first[s], second[s], strict=True)) for s in first}

    def copy(self) -> Copy:
        """Weights, buffers and moments, and where the optimiser stands."""
        return Copy({name: tensor.clone() for name, tensor in self._tensors().items()}, self.optimiser.state())

    def become(self, other: Copy) -> None:
        """Take over what `copy` gave; settings are not part of it."""
        for name, tensor in self._tensors().items():
            tensor.copy_(other.tensors[name])
        self.optimiser.recall(other.optimiser)
        self.engine.refresh()

    def _tensors(self) -> dict[str, Tensor]:
        moments = {f"moments.{name}": tensor for name, tensor in self.optimiser.tensors().items()}
        return {**self.network.weights(), **self.network.buffers, **moments}

    def weights(self) -> dict[str, Tensor]:
        """Copies of the basal weights by population."""
        return {p.name: p.weight.clone() for p in self.network.populations}


def rule_negatives(rule: LocalRule) -> Any:
    """Where the rule's saccades go."""
    return "random" if rule.needs.negatives == "random" else "next"


def _signs(seed: int, step: int, rows: int) -> Tensor:
    return torch.randint(0, 2, (rows,), generator=stream(seed, "lesion-signs", step)).mul_(2).sub_(1).float()
