"""Loss and speed of a training run in its bar, as it goes."""

import time
from collections.abc import Callable, Mapping
from typing import Any

SECONDS = 1.0  # between two looks: whoever asks a device for the loss makes it wait


class Shown:
    """What stands behind the bar.

    Args:
        bar: of the run.
        batch: objects of a step.
        per_epoch: steps of an epoch.
        step: done before.
        clock: seconds.
    """

    def __init__(
        self, bar: Any, batch: int, per_epoch: int, step: int, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._bar, self._batch, self._per_epoch, self._clock = bar, batch, per_epoch, clock
        self._mark = (clock(), step)

    def step(self, step: int, losses: Callable[[], Mapping[str, float]]) -> None:
        """A step is done; once a second its loss is asked for.

        Args:
            step: done so far.
            losses: by name; called only where they are shown.
        """
        now = self._clock()
        if not self._bar.disable and now - self._mark[0] >= SECONDS:
            values = losses()
            speed = (step - self._mark[1]) * self._batch / (now - self._mark[0])
            loss = sum(values.values()) / len(values)
            words = f"epoch {step / self._per_epoch:.1f}, loss {loss:.3f}, {speed:.0f} images/s"
            self._bar.set_postfix_str(words, refresh=False)
            self._mark = (now, step)
        self._bar.update()
