"""One subject: a copy of a run's network that lives through the events of a condition.

It learns with the run's own engine and rule, from the newest checkpoint or from the random initialisation; nothing of the run is written.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...models import AdamW, Network
from ...models.engine import LocalEngine, checkpoint, rates
from ...models.optimisers.frozen_steps import Held
from ...plasticity import ClappPP, LocalRule
from ..errors import ConfigError, ProtocolError
from ..runs.network import fresh_network
from ..runs.streams import stream
from ..runs.trained import clapp_rule
from ..settings.load import RunConfig, validate
from ..settings.yaml import merge
from ..stimuli import Stimulus
from .events import Apical, Contingency, Fixation, Gamma, Saccade
from .glances import Glances, Looking
from .manipulations import Modulated, manipulate


class Diverged(ProtocolError):
    """A subject whose numbers have become too large to go on with."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where subjects come from.

    Attributes:
        config: settings of the run.
        checkpoint: the newest, or None.
        stimulus: the run's.
        device: where it computes.
    """

    config: RunConfig
    checkpoint: Path | None
    stimulus: Stimulus
    device: torch.device

    def wired(self, wiring: str) -> RunConfig:
        """Settings of the run with another context."""
        if wiring in ("own", self.config.rule.context):
            return self.config
        return validate(merge(self.config.model_dump(mode="json"), {"rule": {"context": wiring}}))


class Subject:
    """A network and what is done to it at the moment.

    Args:
        source: where it comes from.
        wiring: context of its apical dendrites, `own` for the run's.
        start: `checkpoint` or `initial`.
        looking: what it is shown.
        learning_rate: times the run's.

    Raises:
        ConfigError: the run's rule, optimiser or checkpoint does not allow it.
    """

    def __init__(self, source: Source, wiring: str, start: str, looking: Looking, learning_rate: float) -> None:
        config = source.wired(wiring)
        self.source, self.looking, self.steps_done = source, looking, 0
        rule = clapp_rule(config.rule, "lesion.run")
        if config.optimiser.name != "adamw":
            raise ConfigError(
                f"optimiser.name: expected adamw, got {config.optimiser.name!r}; give a run trained with it"
            )
        if start == "checkpoint" and config.rule.context != source.config.rule.context:
            raise ConfigError(
                f"conditions.wiring: expected {source.config.rule.context!r} from a checkpoint of that context, got {wiring!r}; "
                "set start: initial"
            )
        self.config, self.rule = config, rule
        o = config.optimiser
        self.network: Network = fresh_network(config, source.stimulus, rule).to(source.device)
        self.learning_rate = o.learning_rate * learning_rate
        self.optimiser = Held(
            AdamW(learning_rate=self.learning_rate, weight_decay=0.0, beta1=o.beta1, beta2=o.beta2, eps=o.eps)
        )
        self.engine = LocalEngine(self.network, rule, self.optimiser)
        if start == "checkpoint":
            if source.checkpoint is None:
                raise ProtocolError("checkpoints: expected a checkpoint, got none; train further or set start: initial")
            checkpoint.load(source.checkpoint, self.engine)
        self.gamma, self.contingency, self.saccade = Gamma(), Contingency(), Saccade(to=rule_negatives(rule))
        self._held = self.optimiser.has_steps
        self._cut = self._intact()
        self._scaled = dict[str, float]()  # by the word for the source

    def set(self, event: Gamma | Apical | Contingency | Saccade) -> None:
        """Things are so from here on."""
        if isinstance(event, Gamma):
            self.gamma = event
        elif isinstance(event, Contingency):
            self.contingency = event
        elif isinstance(event, Saccade):
            self.saccade = event
        elif event.lesion is not None:
            self._cut = self._combined(self._cut, self._factors(event.lesion, 0.0))
        else:
            self._scaled[event.source] = event.scale

    @property
    def apical(self) -> dict[str, tuple[float, ...]]:
        """Factor on the apical input by context source, one number per population."""
        factors = self._cut
        for word, scale in self._scaled.items():
            factors = self._combined(factors, self._factors(word, scale))
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
        for _ in range(steps):
            seen = self.glances("fixation", self.steps_done)
            self.engine.rule = self.manipulated(seen, self.steps_done)
            losses = self.engine.step(seen.images, seen.pairing)
            self.steps_done += 1
            if not bool(losses.isfinite().all()):
                raise Diverged(f"lesion.loss: expected finite losses, got {losses.tolist()}; lower learning_rate")
            advance()
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
        return Glances(found.images.to(self.source.device), found.pairing, found.substituted)

    def manipulated(self, seen: Glances, step: int) -> LocalRule:
        """The rule as it is at the moment, for one batch."""
        g, rows = self.gamma, len(seen.pairing.fixation)
        contrast = None
        if g != Gamma():
            signs = _signs(self.looking.seed, step, rows) if g.sign == "random" else None
            on = {"all": None, "predicted": ~seen.substituted, "substituted": seen.substituted}[g.trials]
            contrast = Modulated(
                contrast=self.rule.contrast, scale=g.scale, clamp=g.clamp, positive=g.sign == "positive",
                surprise=g.magnitude == "surprise", signs=signs, rows=on,
            )  # fmt: skip
        return manipulate(self.rule, contrast, self.apical)

    def _intact(self) -> dict[str, tuple[float, ...]]:
        return {source: (1.0,) * len(self.network.populations) for source in self.rule.sources}

    def _factors(self, word: str, scale: float) -> dict[str, tuple[float, ...]]:
        """Where a source of input arrives: at the top population its own rates are what the top sends."""
        count = len(self.network.populations)
        below, top = (1.0,) * (count - 1), (scale,)
        feedback = {"all": (scale,) * count, "top": (scale,) * (count - 1) + (1.0,), "lateral": below + top}[word]
        lateral = (1.0,) * count if word == "top" else (scale,) * count
        both = {"dfb": feedback, "lateral": lateral}
        return {source: both[source] for source in self.rule.sources}

    def _combined(
        self, first: dict[str, tuple[float, ...]], second: dict[str, tuple[float, ...]]
    ) -> dict[str, tuple[float, ...]]:
        return {s: tuple(a * b for a, b in zip(first[s], second[s], strict=True)) for s in first}

    def weights(self) -> dict[str, Tensor]:
        """Copies of the basal weights by population."""
        return {p.name: p.weight.clone() for p in self.network.populations}


def rule_negatives(rule: ClappPP) -> Any:
    """Where the rule's saccades go."""
    return "random" if rule.negatives == "random" else "next"


def _signs(seed: int, step: int, rows: int) -> Tensor:
    return torch.randint(0, 2, (rows,), generator=stream(seed, "lesion-signs", step)).mul_(2).sub_(1).float()
