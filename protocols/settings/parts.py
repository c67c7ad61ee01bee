"""The parts of a run that was extended after its end: what it was in each of them, and when it can go on."""

from collections.abc import Iterator
from typing import Any

from ..errors import ConfigError
from .load import RunConfig, identity

# at the end of these the learning rate is 0: there is no rate with which to go on
ENDING = ("cosine", "cooldown")


def parts(config: RunConfig) -> Iterator[RunConfig]:
    """The settings, and before them those of every earlier part, first part first."""
    ends = config.training.extended
    for i, epochs in enumerate(ends):
        training = config.training.model_copy(update={"epochs": epochs, "extended": ends[:i]})
        yield config.model_copy(update={"training": training})
    yield config


def identities(config: RunConfig) -> set[str]:
    """What checkpoints of a run may have as the identity of their settings: that of any of its parts."""
    return {identity(part) for part in parts(config)}


def extended(config: RunConfig, epochs: int) -> RunConfig:
    """The settings of a run that goes on after its end.

    Args:
        config: of the run.
        epochs: of the whole run, those that are done included.

    Raises:
        ConfigError: fewer epochs, or a run whose learning rate or order of blocks is made for its length.
    """
    t, name = config.training, config.optimiser.schedule
    if epochs < t.epochs:
        raise ConfigError(
            f"training.epochs: expected at least {t.epochs}, those of the run, got {epochs}; --epochs counts the whole run, with what is done"
        )
    if name in ENDING:
        raise ConfigError(
            f"training.epochs: expected {t.epochs} for a run with optimiser.schedule {name}, whose learning rate comes to 0 at its end, got {epochs}; "
            "begin a new run with these weights: train PRESET --from RUN"
        )
    if config.rule.options.get("order") == "sequential":
        raise ConfigError(
            f"training.epochs: expected {t.epochs} for blocks that learn one after the other, each its share of the run, got {epochs}; "
            "begin a new run with these weights: train PRESET --from RUN"
        )
    training = t.model_copy(update={"epochs": epochs, "extended": (*t.extended, t.epochs)})
    return config.model_copy(update={"training": training})


def continued(config: RunConfig, begun: RunConfig) -> tuple[RunConfig, RunConfig]:
    """Settings with which a run goes on, in what they may leave open, and those that it is compared with.

    Args:
        config: as they were given: precision `auto` and no start are the run's own, and more epochs extend it.
        begun: of the run.

    Raises:
        ConfigError: epochs to which it cannot be extended.
    """
    if config.training.epochs != begun.training.epochs:
        begun = extended(begun, config.training.epochs)
    ours = begun.training
    told: dict[str, Any] = {"extended": ours.extended}
    if config.training.precision == "auto":
        told["precision"] = ours.precision
    if config.training.start is None:
        told |= {"start": ours.start, "start_moments": ours.start_moments}
    return config.model_copy(update={"training": config.training.model_copy(update=told)}), begun
