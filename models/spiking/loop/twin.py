"""The rate twin: the same network, stream of glances and rule with rates in place of spikes; what spikes are measured against.

    dW = eta_W mean gamma (B c)_j rho'(a_j) z_i,   dB = eta_B mean gamma z_j c_k,   gamma = sign / margin while sign u < margin, else 0

Means run over the copies that look side by side; a weight of a convolution takes the sum over its places.
"""

from collections.abc import Callable, Iterable

import numpy as np

from .network import LoopNetwork
from .stream import Glance
from .wiring import Array


def learn_with_rates(
    network: LoopNetwork, stream: Iterable[Glance], *, eta_basal: float, eta_apical: float,
    each: Callable[[int, LoopNetwork], None] = lambda index, network: None,
) -> LoopNetwork:  # fmt: skip
    """What the rate rule makes of a network.

    Args:
        network: at the start.
        stream: glances; the first of all has no glance before it and changes nothing.
        eta_basal, eta_apical: step sizes of W and B.
        each: called after every glance with its index and the network.
    """
    before: list[Array] | None = None
    for index, glance in enumerate(stream):
        z = network.rates(glance.inputs)
        if before is not None:
            W, B = changes(network, before, glance, z)
            network = network.but(
                [w + eta_basal * change for w, change in zip(network.W, W, strict=True)],
                [b + eta_apical * change for b, change in zip(network.B, B, strict=True)],
            )
        before = z
        each(index, network)
    return network


def changes(
    network: LoopNetwork, before: list[Array], glance: Glance, z: list[Array], *, gated: bool = True
) -> tuple[list[Array], list[Array]]:
    """dW and dB of one glance for steps of size 1.

    Args:
        network: at the glance.
        before: rates of the glance before, (copies, units) by population.
        glance: now.
        z: rates now.
        gated: whether rho' is a factor; without it this is a wrong rule to compare with.
    """
    W, B, pre = [], [], glance.inputs
    for k, rate in enumerate(z):
        context = before[network.speaker(k)]
        prediction = context @ network.B[k].T
        gamma = modulator((rate * prediction).sum(1), glance.sign, network.margin) / len(rate)
        drive = gamma[:, None] * prediction * ((rate > 0) if gated else 1)
        W.append(network.wiring[k].total(drive.T @ pre))
        B.append((gamma[:, None] * rate).T @ context)
        pre = rate
    return W, B


def modulator(score: Array, sign: Array, margin: float) -> Array:
    """gamma of every row: sign / margin while the margin is not met, else 0."""
    found: Array = np.where(sign * score < margin, sign / margin, 0.0)
    return found
