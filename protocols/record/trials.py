"""The trials of a recording: which stimulus is shown when, what went before it, and every parameter, all known before the first glance."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...recordings import PLAIN
from ...recordings.words import flags
from ..errors import ConfigError
from ..runs.room import size
from ..runs.streams import stream
from ..stimuli.shown.sequence import MOST, Parameter, Shown


@dataclass(frozen=True, slots=True)
class Trials:
    """Glances in the order in which they are lived.

    Attributes:
        stimulus: shown at each, int64 (trials,).
        context: whose context its dendrites receive, -1 for none, int64 (trials,).
        stays: whether that shows the same object: its phase is a fixation, bool (trials,).
        repeat: which showing of all stimuli it is part of, int64 (trials,).
        shown: the stimuli.
    """

    stimulus: NDArray[np.int64]
    context: NDArray[np.int64]
    stays: NDArray[np.bool_]
    repeat: NDArray[np.int64]
    shown: Shown

    def __len__(self) -> int:
        return len(self.stimulus)

    def batches(self, rows: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Images, normalised, and whether each is a fixation, batch by batch."""
        for start in range(0, len(self), rows):
            part = slice(start, start + rows)
            yield self.shown.draw(torch.from_numpy(self.stimulus[part])), torch.from_numpy(self.stays[part])

    def coordinates(self) -> dict[str, Parameter]:
        """What is known of every trial."""
        told = {
            "stimulus_id": Parameter(self.stimulus, "stimulus of the glance"),
            "context_id": Parameter(self.context, "stimulus of the context (-1: none)"),
            "label": Parameter(self.shown.label[self.stimulus], "class label (-1: unlabelled)"),
            "phase": Parameter((~self.stays).astype(np.int8), "phase"),
            "repeat": Parameter(self.repeat, "which showing of all stimuli"),
        }
        return told | {
            name: Parameter(p.values[self.stimulus], p.long_name, p.units) for name, p in self.shown.parameters.items()
        }


def check_trials(stimuli: int, repeats: int, once: int) -> None:
    """Refuse more glances than one recording can hold, before they are laid out.

    Args:
        stimuli: how many.
        repeats: how often all are shown.
        once: bytes of one showing of all.

    Raises:
        ConfigError: too many.
    """
    if stimuli * repeats > MOST:
        raise ConfigError(
            f"record.repeats: expected at most {MOST:,} glances in one recording, got {stimuli * repeats:,} ({stimuli:,} stimuli "
            f"{repeats:,} times), {size(once * repeats)}; show fewer, or make several recordings"
        )


def lay_out(
    shown: Shown, context: str, *, predicts: bool, paired: bool, repeats: int, shuffle: bool, seed: int
) -> Trials:
    """Trials of some stimuli.

    Args:
        shown: the stimuli.
        context: `before`, `same`, `none`, or the number of a stimulus.
        predicts: whether there are dendrites that receive a context.
        paired: whether glances follow each other in the eyes of the rule; else every one is in its first phase, such as the positive
            presentation of a rule that contrasts two kinds.
        repeats: how often all are shown.
        shuffle: whether each time in another random order; objects stay together.
        seed: of the orders.

    Raises:
        ConfigError: no such stimulus.
    """
    count = len(shown)
    orders = [_order(shown.object, seed, number) if shuffle else np.arange(count) for number in range(repeats)]
    stimulus = np.concatenate(orders).astype(np.int64)
    before = np.concatenate([[-1], stimulus[:-1]]).astype(np.int64)
    if context.isdecimal():
        if int(context) >= count:
            raise ConfigError(f"record.context: expected the number of a stimulus from 0 to {count - 1}, got {context}")
        before = np.full_like(stimulus, int(context))
    elif context == "same":
        before = stimulus
    stays = (before >= 0) & (shown.object[stimulus] == shown.object[before]) | (not paired)
    kept = before if predicts and context != "none" else np.full_like(stimulus, -1)
    return Trials(stimulus, kept, stays, np.repeat(np.arange(repeats), count), shown)


def _order(objects: NDArray[np.int64], seed: int, number: int) -> NDArray[np.int64]:
    """Objects in a random order, the stimuli of each as they follow each other."""
    begins = np.flatnonzero(np.diff(objects, prepend=objects[0] - 1))
    ends = np.append(begins[1:], len(objects))
    drawn = torch.randperm(len(begins), generator=stream(seed, "record-order", number)).numpy()
    return np.concatenate([np.arange(begins[i], ends[i]) for i in drawn])


def variables_of(
    parameters: Mapping[str, Parameter], dim: str, words: Mapping[str, str] = PLAIN
) -> dict[str, tuple[Any, NDArray[Any], dict[str, Any]]]:
    """Coordinates of a table along its growing dimension, phases in the words of the rule."""
    told = {}
    for name, p in parameters.items():
        more = flags(words) if name == "phase" else {}
        told[name] = ((dim,), np.ascontiguousarray(p.values), {"units": p.units, "long_name": p.long_name, **more})
    return told
