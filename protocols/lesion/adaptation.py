"""Stage `adaptation`: the network looks without learning, and its neurons adapt while images come one after the other.

Of the network's middle population, with what adapts written x, and w its adaptation:

    tau dw/dt = -w + max(0, x - strength w)

    output    x = a, basal potentials of all neurons;  r = max(0, x - strength w)          adaptation after spikes, as w_s
    input     x = z, what comes in;  r = rho(W max(0, x - strength w) + b)                 subunits that adapt each for itself

A response is the mean rate of all neurons over a frame; several streams of other images run side by side and are averaged.

    familiar  a set of images, again and again; after L times a novel image stands for one
    oddball   frames with grey between them: a standard with one deviant in ten, and the deviant among ten that are equally frequent
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...models.engine.sweep import forward
from ..errors import ConfigError
from .circuit import Found
from .events import Adaptation, Probe, Stream
from .protocol import Condition
from .subject import Subject

STREAMS = 8  # side by side
STEP = 0.1  # s, or a tenth of tau where that is less
AFTER = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)  # repetitions of a set after which a novel image is tried
LARGER = 4  # times as many images in the large set
TAUS = np.geomspace(0.05, 60, 400)  # s, that a fit may find
Array = NDArray[np.float64]


class Adapting:
    """One population that adapts, in several streams.

    Args:
        subject: its network; the middle population is looked at.
        how: site, time constant and strength.
    """

    def __init__(self, subject: Subject, how: Adaptation) -> None:
        self.network, self.how = subject.network, how
        self.index = len(self.network.populations) // 2
        self.state: Tensor | None = None

    @torch.no_grad()
    def drive(self, images: Tensor) -> Tensor:
        """What adapts under every image, (images, ...)."""
        pre = images
        for population in self.network.populations[: self.index]:
            pre = forward(population, pre, keep_basal=False).rate
        if self.how.site == "input":
            return pre
        found = forward(self.network.populations[self.index], pre, keep_basal=False, keep_potential=True).potential
        assert found is not None
        return found

    @torch.no_grad()
    def show(self, drive: Tensor, duration: float) -> Tensor:
        """One frame in every stream: the mean response, (streams,).

        Args:
            drive: of the image that each stream shows, (streams, ...).
            duration: s.
        """
        steps = max(1, round(duration / min(STEP, self.how.tau / 10)))
        share = -np.expm1(-duration / steps / self.how.tau)
        if self.state is None:
            self.state = torch.zeros_like(drive)
        total = torch.zeros(len(drive), dtype=drive.dtype)
        for _ in range(steps):
            left = (drive - self.how.strength * self.state).clamp_min(0)
            rate = left
            if self.how.site == "input":
                rate = forward(self.network.populations[self.index], left, keep_basal=False).rate
            total += rate.flatten(1).mean(1).cpu() / steps
            self.state = self.state + float(share) * (left - self.state)
        return total


def adapted(subject: Subject, condition: Condition, seed: int) -> dict[str, Found]:
    """What a condition finds at its probes."""
    found: dict[str, Found] = {}
    how, stream = Adaptation(), None
    for event in condition.events:
        if isinstance(event, Adaptation):
            how = event
        elif isinstance(event, Stream):
            stream = event
        elif isinstance(event, Probe):
            if stream is None:
                raise ConfigError(
                    f"conditions.{condition.label}: expected a stream before the probe, got none; add one"
                )
            run = familiar if stream.kind == "familiar" else oddball
            found[event.name] = run(subject, how, stream, seed)
    return found


def _images(subject: Subject, count: int) -> Tensor:
    """Objects that no other stream has, normalised, (streams * count, channels, height, width)."""
    looking = subject.looking
    index = torch.arange(STREAMS * count) % len(looking.batches.stimulus.train)
    return looking.seen(looking.familiar(index), "fovea").to(subject.run.device)


def familiar(subject: Subject, how: Adaptation, stream: Stream, seed: int) -> Found:
    """Excess response to a novel image by the repetitions of its set, and how the set's own response falls."""
    seconds, excess, own = _sets(subject, how, stream, stream.images)
    large = _sets(subject, how, stream, LARGER * stream.images)[1]
    values = {
        "excess": float(excess[-1]), "excess_large": float(large[-1]), "emergence": time_constant(seconds, excess),
        "decay": time_constant(np.arange(len(own)) * seconds[0], own), "ssa": np.nan, "deviance": np.nan,
    }  # fmt: skip
    return Found(values, seconds, excess)


def _sets(subject: Subject, how: Adaptation, stream: Stream, images: int) -> tuple[Array, Array, Array]:
    """Seconds of repetition, excess at those, and the set's response at every repetition, over its first response."""
    cells = Adapting(subject, how)
    drives = cells.drive(_images(subject, images + 1)).unflatten(0, (STREAMS, images + 1))
    fresh = [Adapting(subject, how).show(drives[:, k], stream.frame) for k in (0, images)]
    gap = float((fresh[1] - fresh[0]).mean())  # between the images themselves
    own, excess = list[float](), list[float]()
    for repetition in range(1, max(AFTER) + 1):
        shown = [cells.show(drives[:, k], stream.frame) for k in range(images)]
        own.append(float(torch.stack(shown).mean()))
        if repetition in AFTER:
            kept = cells.state
            novel = float(cells.show(drives[:, images], stream.frame).mean())
            cells.state = kept
            usual = float(cells.show(drives[:, 0], stream.frame).mean())
            cells.state = kept
            excess.append(novel - usual - gap)
    seconds = np.array(AFTER, dtype=np.float64) * images * stream.frame
    scale = float(fresh[0].mean())
    return seconds, np.array(excess) / scale, np.array(own) / scale


def oddball(subject: Subject, how: Adaptation, stream: Stream, seed: int) -> Found:
    """Response to one image as a deviant, as a standard, and among others that are equally frequent."""
    cells = Adapting(subject, how)
    drives = cells.drive(_images(subject, stream.images)).unflatten(0, (STREAMS, stream.images))
    looking = subject.looking.batches.stimulus
    grey = looking.still(torch.full((1, *looking.shape), 128, dtype=torch.uint8)).to(subject.run.device)
    between = cells.drive(grey).expand_as(drives[:, 0])
    draws = np.random.default_rng(seed)
    rare = draws.random(stream.frames) < 1 / stream.images
    orders = {
        "deviant": np.where(rare, 0, 1), "standard": np.where(rare, 1, 0),
        "control": _equal(stream.frames, stream.images, draws),
    }  # fmt: skip
    found = {
        name: _response(subject, how, stream, drives, between, order.tolist(), 0) for name, order in orders.items()
    }
    deviant, standard, control = found["deviant"], found["standard"], found["control"]
    values = {
        "ssa": (deviant - standard) / (deviant + standard), "deviance": (deviant - control) / (deviant + control),
        "excess": np.nan, "excess_large": np.nan, "emergence": np.nan, "decay": np.nan,
    }  # fmt: skip
    x: Array = np.arange(3, dtype=np.float64)
    y: Array = np.array([standard, control, deviant], dtype=np.float64) / control
    return Found(values, x, y)


def _equal(frames: int, images: int, draws: np.random.Generator) -> NDArray[np.int64]:
    """All images equally often, never one twice in a row."""
    found = np.zeros(frames, dtype=np.int64)
    for frame in range(1, frames):
        found[frame] = (found[frame - 1] + 1 + draws.integers(images - 1)) % images
    return found


def _response(
    subject: Subject, how: Adaptation, stream: Stream, drives: Tensor, between: Tensor, order: Sequence[int], asked: int
) -> float:
    """Mean response to one image in a stream of frames with grey between them, the first tenth left out."""
    cells, found = Adapting(subject, how), list[float]()
    for number, image in enumerate(order):
        response = float(cells.show(drives[:, image], stream.frame).mean())
        if image == asked and number >= len(order) // 10:
            found.append(response)
        cells.show(between, stream.gap or stream.frame)
    return float(np.mean(found)) if found else float("nan")


def time_constant(seconds: Array, values: Array) -> float:
    """tau of values = A + B exp(-t / tau), by least squares over a grid; NaN where nothing changes, or where the best lies beyond the grid."""
    if not np.ptp(values) > 1e-9:
        return float("nan")
    errors = []
    for tau in TAUS:
        known = np.stack([np.ones_like(seconds), np.exp(-seconds / tau)], 1)
        fitted = known @ np.linalg.lstsq(known, values, rcond=None)[0]
        errors.append(float(np.square(values - fitted).sum()))
    best = int(np.argmin(errors))
    return float(TAUS[best]) if 0 < best < len(TAUS) - 1 else float("nan")
