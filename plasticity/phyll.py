"""PhyLL: physical local learning, a contrast of cosine goodness in two passes.

Source: Momeni et al. 2023, "Backpropagation-free training of deep physical neural networks", Science 382:1297, and the authors' code,
github.com/MomeniAli/PhyLL (commit e10480b; digital network in `DNNs`, acoustic one in `Acoustic`).

    g      = cos(z, xi)                               goodness: rate of the population against one fixed random direction
    L      = mean over objects of log(1 + exp(-theta (g+ - g-)))
    dW_ji  = gamma * (dg/dz)_j * rho'(a_j) * z_i      gamma = theta sigmoid(-theta (g+ - g-)) in the positive pass, its negative in the other
    dg/dz  = (xi - g z / |z|) / |z|                   for |xi| = 1

Only the difference of the two passes counts, so there is no threshold; the cosine is free of scale, so rates are handed on as they are.
z is the block-pooled rate after rho and the max-pool; a population that is silent on a row has goodness 0 there and learns nothing from it.
xi is drawn once for every population and stored with the weights. Positive and negative passes are as in Forward-Forward: `overlay`
(true or wrong label in the image, supervised), the only one of the authors; `hybrids`, without labels, is our own construction. Classes are
read out by the goodness of all populations together, the first included.

The authors' rho is never ReLU, which a cosine silences (of a convolutional VGG-6 nearly all neurons above the first population): it is GELU
in the digital network; in the acoustic one rates are handed on as they are and |.| stands in the goodness alone. With `gelu`, `abs` or
`leaky` as transfer function of the network the populations stay awake.

Apart from the authors' code: every population learns once a step, all from the rates of one sweep; there each learns 25 times on a batch of
10,000 before the next one begins (`training.repeats` shows a batch so many times). A step is Adam's, 1e-4, there as here. Loss and
gradient are theirs to rounding. Convolutional populations are our own construction.

Three-factor reading: gamma is a modulator that compares two passes, one number per population and object; xi stands where a dendritic
prediction B c would, the same for every input; rho'(a_j) z_i is Hebbian.

Not claimed: agreement with the paper's physical systems, whose nonlinearity is measured and not differentiated; here it is the network's
rho, whose derivative is known.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import torch
from torch import Tensor

from .contrast import LogisticDifference
from .errors import RuleError
from .goodness import Contrasted, check_above, check_contrasted, paired
from .needs import MODULATED, Needs
from .pairing import Pairing
from .scores import mean_loss
from .signals import Factors, Phase, Signals
from .words import Words

SILENT = 1e-12

WORDS = Words(
    score="g = cos(z, ξ), goodness: the rate of the population against one fixed random direction",
    modulator="γ = θ σ(−θ (g⁺ − g⁻)) in the positive pass and its negative in the other",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhyLL:
    """The PhyLL rule from explicit factors.

    Args:
        presentation: where the negative pass comes from: `overlay` (a wrong label, supervised) or `hybrids` (patchworks, unsupervised).
        theta: sharpness of the contrast, above 0.
        seed: of the directions xi, one for every population.

    Raises:
        RuleError: an unknown presentation, or numbers outside their range.
    """

    presentation: Contrasted = "overlay"
    theta: float = 4.0
    seed: int = 0

    sums_all: ClassVar[bool] = True  # read out by goodness, the bottom population counts as well

    def __post_init__(self) -> None:
        _check("PhyLL", self.presentation, self.theta, self.seed)

    @property
    def needs(self) -> Needs:
        """Positive and negative rows, labels where they are written into images."""
        return Needs(
            presentation=self.presentation,
            supervised=self.presentation == "overlay",
            negatives="opposite",
            alone=False,  # the difference of two goodnesses
            records=MODULATED,
            words=WORDS,
        )

    def start(self, shape: tuple[int, ...]) -> dict[str, Tensor]:
        """The direction xi of the bottom population, (units,), of unit length."""
        return self.start_at(shape, 0)

    def start_at(self, shape: tuple[int, ...], position: int) -> dict[str, Tensor]:
        """The direction xi of the population at a position, (units,), of unit length."""
        return {"direction": direction(shape[0], self.seed, position)}

    def goodness(self, signals: Signals) -> Tensor:
        """g of every row, (rows,)."""
        return cosine(signals.rate, self._direction(signals))[0]

    def factors(self, signals: Signals) -> Factors:
        """Neuromodulators and drive; computed without autograd."""
        pairing, xi = paired(signals.pairing, "PhyLL"), self._direction(signals)
        goodness, inverse = cosine(signals.rate, xi)
        phase = self._phase(goodness, pairing)
        gain = goodness.new_zeros(len(goodness))
        gain.index_add_(0, pairing.fixation, phase.gamma_fixation * pairing.fixation_weight)
        gain.index_add_(0, pairing.saccade, phase.gamma_saccade * pairing.saccade_weight)
        gain = gain * inverse
        drive = torch.outer(gain, xi) - (gain * goodness * inverse)[:, None] * signals.rate
        loss = contrast_loss(goodness, pairing, self.theta)
        return Factors(loss, drive, phases={"basal": phase}, state={"direction": xi})

    def objective(self, signals: Signals) -> Tensor:
        """The local objective, differentiable by `signals.rate`: what the explicit factors are tested against."""
        goodness = cosine(signals.rate, self._direction(signals))[0]
        return contrast_loss(goodness, paired(signals.pairing, "PhyLL"), self.theta)

    def _phase(self, goodness: Tensor, pairing: Pairing) -> Phase:
        positive, negative = goodness[pairing.fixation], goodness[pairing.saccade]
        up, down = LogisticDifference(theta=self.theta).modulators(positive, negative)
        return Phase(positive, negative, self.theta * up, self.theta * down)

    def _direction(self, signals: Signals) -> Tensor:
        if "direction" not in signals.state:
            raise RuleError("PhyLL.state: expected direction, got none; begin with start(shape)")
        return signals.state["direction"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BPPhyLL:
    """The objective of PhyLL at the top population alone, backpropagated through all populations.

    Args:
        presentation, theta, seed: as in `PhyLL`.

    Raises:
        RuleError: an unknown presentation, or numbers outside their range.
    """

    presentation: Contrasted = "overlay"
    theta: float = 4.0
    seed: int = 0

    def __post_init__(self) -> None:
        _check("BPPhyLL", self.presentation, self.theta, self.seed)

    @property
    def needs(self) -> Needs:
        """As `PhyLL`, and the engine for end-to-end rules."""
        return Needs(
            engine="backprop",
            presentation=self.presentation,
            supervised=self.presentation == "overlay",
            negatives="opposite",
        )

    def objective(
        self, rate: Tensor, head: Tensor | None, pairing: Pairing | None, label: Tensor | None = None
    ) -> Tensor:
        """L of `PhyLL`. Shapes: rate (rows, units); xi is that of a bottom population with as many units."""
        xi = _direction_on(rate.shape[1], self.seed, rate.device, rate.dtype)
        return contrast_loss(cosine(rate, xi)[0], paired(pairing, "BPPhyLL"), self.theta)


def direction(units: int, seed: int, position: int = 0) -> Tensor:
    """A random direction, uniform on the unit sphere, (units,), for the population at a position."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(units, generator=generator)
    for _ in range(position):  # those of the populations below
        drawn = torch.randn(units, generator=generator)
    found: Tensor = drawn / torch.linalg.vector_norm(drawn)
    return found


@lru_cache(maxsize=64)
def _direction_on(units: int, seed: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Moved once: a step would wait for the copy."""
    return direction(units, seed).to(device, dtype)


def cosine(rate: Tensor, xi: Tensor) -> tuple[Tensor, Tensor]:
    """cos(z, xi) and 1 / |z| of every row, (rows,); both 0 where z is silent. Shapes: rate (rows, units), xi (units,) of unit length."""
    square = torch.linalg.vecdot(rate, rate)
    heard = square > SILENT**2
    inverse = torch.where(heard, torch.where(heard, square, 1).rsqrt(), 0)
    return (rate @ xi) * inverse, inverse


def contrast_loss(goodness: Tensor, pairing: Pairing, theta: float) -> Tensor:
    """Mean over objects of log(1 + exp(-theta (g+ - g-)))."""
    contrast = LogisticDifference(theta=theta)
    return theta * mean_loss(contrast, goodness[pairing.fixation], goodness[pairing.saccade], pairing)


def _check(owner: str, presentation: str, theta: float, seed: int) -> None:
    check_contrasted(owner, presentation)
    check_above(f"{owner}.theta", theta, 4.0)
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise RuleError(f"{owner}.seed: expected an integer from 0 to 2^32 - 1, got {seed!r}; the default is 0")
