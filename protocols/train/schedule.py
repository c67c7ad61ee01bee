"""Schedules: the learning rate over a run."""

import math

from ..settings.optimiser import OptimiserConfig


def learning_rate(settings: OptimiserConfig, step: int, steps: int, per_epoch: int) -> float:
    """Learning rate of one step.

    Args:
        settings: base rate, schedule and warm-up.
        step: number of the step, from 0.
        steps: steps of the whole run.
        per_epoch: steps of one epoch.
    """
    warm = settings.warmup_epochs * per_epoch
    if step < warm:
        return settings.learning_rate * (step + 1) / warm
    done = (step - warm) / max(steps - warm, 1)
    factor = 1.0
    if settings.schedule == "cosine":
        factor = 0.5 * (1 + math.cos(math.pi * done))
    elif settings.schedule == "cooldown":
        factor = min(1.0, 2 * (1 - done))
    elif settings.schedule == "exponential":
        factor = settings.decay ** (step // per_epoch)
    return settings.learning_rate * factor
