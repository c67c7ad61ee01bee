"""Code of somebody's own, of every kind that a word chooses, as small as each can be."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
import xarray as xr
from apical.models import DensePopulation, Network
from apical.plasticity import Factors, Hinge, Needs
from apical.protocols.analyse.analysis import Analysis
from apical.protocols.stimuli.presentations.table import Presentation
from apical.protocols.stimuli.shown.sequence import Parameter, Shown
from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Oja:
    """Oja's rule with a number of its own."""

    forgetting: float = 1.0
    needs: ClassVar[Needs] = Needs(presentation="images", site="neuron")

    def __post_init__(self):
        if self.forgetting < 0:
            raise ValueError(f"forgetting is {self.forgetting}")

    def start(self, shape):
        return {}

    def factors(self, signals):
        rate = signals.basal
        power = rate.transpose(0, 1).flatten(1).square().mean(1)
        return Factors(-0.5 * power.mean(), rate * (rate.shape[1] / rate.numel()), decay=self.forgetting * power)


MADE = Oja(forgetting=0.25)


def factory(*, forgetting):
    """A function that makes a rule; its number has no default."""
    return Oja(forgetting=forgetting)


class NoNeeds:
    """No rule."""


class NoFactors:
    """A rule that lacks its factors."""

    needs = Needs()

    def start(self, shape):
        return {}


class WrongNeeds:
    """A rule whose needs are something else."""

    needs = "glances"


class NoBlocks:
    """Something that learns in blocks and is not `Blockwise`."""

    needs = Needs(engine="block")


SHOWN = Presentation(1, False, lambda stimulus, index, generator: _shown(stimulus, index))


def _shown(stimulus, index):
    return stimulus.still(stimulus.train.images[index]) * 0.5, stimulus.train.labels[index]


@dataclass(frozen=True, kw_only=True)
class Dimly(Oja):
    """A rule with a presentation of its own."""

    needs: ClassVar[Needs] = Needs(presentation=SHOWN, site="neuron")


class Wide(Hinge):
    """A contrast of its own margin."""

    def __init__(self):
        super().__init__(margin=3.0)


def asks(margin):
    """A contrast that cannot be made without an argument."""
    return Hinge(margin=margin)


def two(shape, *, generator, hidden=(16, 8), scale=1.0):
    """A builder: two fully connected populations."""
    fan, populations = shape[0] * shape[1] * shape[2], []
    for i, units in enumerate(hidden, 1):
        weight = torch.empty(units, fan).uniform_(-(fan**-0.5), fan**-0.5, generator=generator) * scale
        populations.append(DensePopulation(f"d{i}", units, weight=weight, bias=torch.zeros(units)))
        fan = units
    return Network(shape, populations)


def without_generator(shape):
    """No builder: its weights are drawn from nowhere."""
    return two(shape, generator=None)


def raising(shape, *, generator):
    """A builder that fails."""
    raise LookupError("no such\nlayer")


def nothing(shape, *, generator):
    """A builder that builds nothing."""


def above(own, count):
    """A context source: the population above."""
    return min(own + 1, count - 1)


def beyond(own, count):
    """A context source that is nobody."""
    return count


class Signs:
    """An optimiser: w <- (1 - fade) w + lr sign(change)."""

    def __init__(self, *, learning_rate, factors, fade=0.0, momentum=0.9):
        self.learning_rate, self.fade, self.momentum = learning_rate, fade, momentum

    def register(self, name, weight):
        pass

    def advance(self):
        pass

    def tensors(self):
        return {}

    def restore(self, step):
        pass

    def apply(self, name, weight, change, block=None):
        target = weight if block is None else weight[block]
        target.mul_(1 - self.fade).add_(change.sign(), alpha=self.learning_rate)


class NoOptimiser:
    """Something that takes the arguments of an optimiser and is none."""

    def __init__(self, *, learning_rate, factors):
        if learning_rate > 1:
            raise LookupError("too fast")


def _part(count, seed, lighter):
    draws, labels = np.random.default_rng(seed), np.arange(count) % 2
    images = draws.integers(0, 64, (count, 8, 8, 1), dtype=np.uint8)
    images[labels == 1, :4] += lighter
    return images, labels


def halves(*, seed=0, lighter=120):
    """A data set of arrays: is the upper half lighter?"""
    return _part(40, seed, lighter), _part(20, seed + 1, lighter)


def nearest_mean(x, labels, x_test, labels_test):
    """A read-out: the class whose mean is nearest."""
    means = torch.stack([x[labels == k].mean(0) for k in range(int(labels.max()) + 1)])
    return torch.cdist(x_test, means).argmin(1)


def asks_for_more(x, labels, x_test, labels_test, *, distance):
    """A read-out with a setting that no probe has."""


def too_few(x, labels, x_test, labels_test):
    """A read-out that leaves images out."""
    return labels_test[:1]


@dataclass(frozen=True, kw_only=True)
class Bars:
    """A stimulus: a bright bar at every row of the image."""

    height: float = 1.0

    def show(self, eye):
        channels, rows, columns = eye.shape

        def draw(index):
            images = torch.zeros(len(index), channels, rows, columns)
            images[torch.arange(len(index)), :, index] = self.height
            return images

        places = np.arange(rows)
        parameters = {"row": Parameter(places, "row of the bar")}
        return Shown(draw, np.full(rows, -1), places, parameters, {"kind": "bars", "height": self.height})


def _spread(recorded, options):
    spread = {name: float(signal.std()) for name, signal in recorded.signals(options).items()}
    told = {"units": "1", "long_name": "standard deviation of all rates"}
    return xr.Dataset({"spread": ("population", list(spread.values()), told)}, {"population": list(spread)})


def _drawn(dataset):
    figure = Figure()
    figure.subplots().bar(dataset["population"].values, dataset["spread"].values)
    return figure


SPREAD = Analysis(
    title="Spread", says="standard deviation of all rates", missing=lambda recorded, options: "", measure=_spread, draw=_drawn,
    rows=lambda dataset: [{"population": str(name), "spread": float(dataset["spread"].sel(population=name))} for name in dataset["population"].values],
    told=lambda dataset: ("Of all trials.",), caption="By population.",
)  # fmt: skip
