"""A small network whose every signal is a rate or a spike train: populations, basal weights W, apical weights B.

    a_l = W_l z_(l-1) + b_l,   z_l = relu(a_l),   u_l = z_l(now) . B_l c(the glance before),   c = z_l (lateral) or z_top (direct feedback)

The objective of a population is the mean over glances of max(0, 1 - sign u / margin), sign +1 at a fixation (the same object again) and -1 at a
saccade (another one): CLAPP++ (arXiv 2601.21683) with a fixation or a saccade at every glance, as in Illing et al. 2021.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import ModelError
from ..neuron import unknown
from .wiring import Array, Wiring, convolution, dense

CONTEXTS = ("lateral", "dfb")
POPULATIONS = (1, 4)
_LAYER = re.compile(r"^(?:(\d+)|conv(\d+)x(\d+)(?:s(\d+))?)$")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoopNetwork:
    """Weights of a network that can be run with rates or with spikes.

    Attributes:
        context: `lateral` or `dfb`.
        margin: score at which a glance is met.
        wiring: of every population from the one below.
        W: weights of every wiring, (weights,).
        bias: of every population, (units,).
        B: apical weights, (units, context units); all to all.
    """

    context: str
    margin: float
    wiring: tuple[Wiring, ...]
    W: tuple[Array, ...]
    bias: tuple[Array, ...]
    B: tuple[Array, ...]

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return self.wiring[0].pre

    @property
    def units(self) -> tuple[int, ...]:
        """Units of every population."""
        return tuple(w.post for w in self.wiring)

    def speaker(self, index: int) -> int:
        """Population whose rates are the context of population `index`."""
        return index if self.context == "lateral" else len(self.wiring) - 1

    def rates(self, inputs: Array) -> list[Array]:
        """z of every population, (rows, units) each, from inputs (rows, inputs)."""
        found, z = [], inputs
        for wiring, weights, bias in zip(self.wiring, self.W, self.bias, strict=True):
            z = np.maximum(z @ wiring.matrix(weights).T + bias, 0)
            found.append(z)
        return found

    def scores(self, before: Array, now: Array) -> Array:
        """u of every population for rows of two glances, (populations, rows)."""
        first, second = self.rates(before), self.rates(now)
        return np.stack(
            [(z * (first[self.speaker(k)] @ B.T)).sum(1) for k, (z, B) in enumerate(zip(second, self.B, strict=True))]
        )

    def but(self, W: Sequence[Array], B: Sequence[Array]) -> "LoopNetwork":
        """The same network with other weights."""
        return replace(self, W=tuple(W), B=tuple(B))


def objective(scores: Array, sign: Array, margin: float) -> Array:
    """Mean of max(0, 1 - sign u / margin) over rows, (populations,).

    Args:
        scores: (populations, rows).
        sign: +1 fixation, -1 saccade, (rows,).
        margin: score at which a glance is met.
    """
    loss: Array = np.maximum(0.0, 1 - sign * scores / margin).mean(1)
    return loss


def start(
    shape: tuple[int, int, int],
    layers: Sequence[str],
    examples: Array,
    *,
    context: str = "lateral",
    margin: float = 10.0,
    smooth: float = 1.0,
    apical: float = 0.3,
    seed: int = 0,
) -> LoopNetwork:
    """Random weights; potentials of every population centred and of unit spread over examples, as homoeostasis would leave them.

    Args:
        shape: channels, height and width of the inputs.
        layers: populations from below: `64` (dense) or `conv8x5s2` (channels x kernel, stride); after a dense one only dense ones.
        examples: inputs that set biases and scales, (rows, inputs).
        context: `lateral` or `dfb`.
        margin: score at which a glance is met.
        smooth: standard deviation in pixels of the blur of dense receptive fields on the inputs: neighbouring inputs are wired alike, which
            keeps the noise of single input spikes small beside the signal. 0 for none.
        apical: lateral B starts as this much of the identity (a unit predicts itself); direct feedback as random weights of that size.
        seed: of the draws.

    Raises:
        ModelError: an unknown context, no or too many populations, or a layer that cannot be read or does not fit.
    """
    _check(layers, context, margin, apical, smooth)
    draws = np.random.default_rng(seed)
    wirings: list[Wiring] = []
    W, biases = [], []
    map_shape: tuple[int, int, int] | None = shape
    z = examples
    for layer in layers:
        wiring, map_shape = _wire(layer, map_shape, z.shape[1])
        weights = draws.normal(size=wiring.weights)
        if not wirings and smooth and wiring.weights == wiring.pre * wiring.post:
            weights = _blurred(weights, shape, wiring.post, smooth)
        a = z @ wiring.matrix(weights).T
        weights = weights / a.std(0).mean()
        a = z @ wiring.matrix(weights).T
        centre = -a.mean(0)
        if map_shape is not None:  # one bias per channel, as its weights
            centre = np.repeat(centre.reshape(map_shape[0], -1).mean(1), map_shape[1] * map_shape[2])
        wirings.append(wiring)
        W.append(weights)
        biases.append(centre)
        z = np.maximum(a + centre, 0)
    units = [w.post for w in wirings]
    if context == "lateral":
        B = [apical * np.eye(n) for n in units]
    else:
        top = units[-1]
        B = [draws.normal(size=(n, top)) * apical / np.sqrt(top) for n in units[:-1]] + [apical * np.eye(top)]
    return LoopNetwork(
        context=context, margin=margin, wiring=tuple(wirings), W=tuple(W), bias=tuple(biases), B=tuple(B)
    )


def _check(layers: Sequence[str], context: str, margin: float, apical: float, smooth: float) -> None:
    if context not in CONTEXTS:
        raise unknown("loop.context", context, CONTEXTS)
    if not POPULATIONS[0] <= len(layers) <= POPULATIONS[1]:
        raise ModelError(
            f"loop.layers: expected {POPULATIONS[0]} to {POPULATIONS[1]} populations, got {len(layers)}; e.g. 64,32"
        )
    for name, value, least in (("margin", margin, 1e-9), ("apical", apical, 0.0), ("smooth", smooth, 0.0)):
        if not (np.isfinite(value) and value >= least):
            raise ModelError(f"loop.{name}: expected a number from {least:g}, got {value!r}; correct it")


def _wire(layer: str, below: tuple[int, int, int] | None, units: int) -> tuple[Wiring, tuple[int, int, int] | None]:
    read = _LAYER.match(layer)
    if read is None or not all(int(n) for n in read.groups() if n is not None):
        raise ModelError(
            f"loop.layers: expected a number of units (64) or conv8x5s2 (8 channels, kernel 5, stride 2), got {layer!r}; correct it"
        )
    dense_units, channels, kernel, stride = read.groups()
    if dense_units is not None:
        return dense(units, int(dense_units)), None
    if below is None:
        raise ModelError(f"loop.layers: expected a dense population above a dense one, got {layer!r}; put it below")
    return convolution(below, int(channels), int(kernel), int(stride or 1))


def _blurred(weights: Array, shape: tuple[int, int, int], post: int, width: float) -> Array:
    """Receptive fields (inputs x units) blurred over rows and columns of the inputs."""
    fields = weights.reshape(*shape, post)
    for axis, side in ((1, shape[1]), (2, shape[2])):
        place = np.arange(side)
        kernel = np.exp(-((place[:, None] - place) ** 2) / (2 * width**2))
        kernel /= kernel.sum(1, keepdims=True)
        fields = np.moveaxis(np.tensordot(kernel, fields, (1, axis)), 0, axis)
    return fields.reshape(-1)
