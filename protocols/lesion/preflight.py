"""What a protocol needs of a run and of itself, known before any images are read."""

from ...plasticity import LocalRule
from ..errors import ConfigError
from ..runs.trained import Described
from .events import Contingency, Fixation, Gamma, Saccade
from .protocol import Condition, Protocol


def check(run: Described[LocalRule], protocol: Protocol) -> None:
    """Refuse a run on which a protocol has no meaning.

    Raises:
        ConfigError: as said, with the runs that it needs.
    """
    name = run.config.optimiser.name
    if name != "adamw" and protocol.head.stage != "synapse":
        raise ConfigError(
            f"optimiser.name: expected adamw, whose steps can be held, got {name!r}; give a run trained with it"
        )
    for condition in protocol.conditions:
        _check_saccades(condition, run.rule.needs.negatives)
        if protocol.head.stimuli.objects != "textures" and any(
            isinstance(event, Gamma) and event.trials == "rewarded" for event in condition.events
        ):
            raise ConfigError(
                f"conditions.{condition.label}.gamma.trials: expected all, predicted or substituted where no texture is rewarded, got "
                "rewarded; set stimuli.objects: textures"
            )
    for name, row in protocol.measured.items():
        need, stage = row.stimuli, row.stage
        if stage != protocol.head.stage:
            raise ConfigError(
                f"measures: expected those of stage {protocol.head.stage}, got {name} of stage {stage}; leave it out"
            )
        if need and protocol.head.stimuli.objects != need:
            raise ConfigError(
                f"stimuli.objects: expected {need} for {name}, got {protocol.head.stimuli.objects!r}; change it or leave {name} out"
            )


def _check_saccades(condition: Condition, negatives: str) -> None:
    """In a sequence they go to a third one, or what a substitute teaches would be taken back by some of them."""
    to, follows = negatives, "same"
    for number, event in enumerate(condition.events):
        to = event.to if isinstance(event, Saccade) else to
        follows = event.follows if isinstance(event, Contingency) else follows
        if to == "random" and follows == "sequence":
            raise ConfigError(
                f"conditions.{condition.label}.events[{number}]: expected saccades to next in a sequence, got random; "
                "put saccade: next before it"
            )


def steps_of(condition: Condition, steps: int) -> list[int]:
    """Plasticity steps of every event; shares are added up before they are rounded, so that parts are together as long as the whole.

    Raises:
        ConfigError: a fixation without a single step.
    """
    counts: list[int] = []
    share = 0.0
    for number, event in enumerate(condition.events):
        count = 0
        if isinstance(event, Fixation):
            share += event.share
            count = round(round(share * steps, 6)) - sum(counts)
            if event.share and not count:
                raise ConfigError(
                    f"conditions.{condition.label}.events[{number}].fixation.share: expected a step or more of {steps}, "
                    f"got {event.share:g} of them; raise the steps"
                )
        counts.append(count)
    return counts
