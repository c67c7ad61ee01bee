"""Dale's law: how signed weights become excitatory and inhibitory pathways.

none      signed synapses, one delay
split     W = W+ - W-: each synapse excitatory or inhibitory, the inhibitory ones later by a relay (default; the same as a relay
that never fails)
relay     the same through explicit interneurons, one per source, that fire once per spike of their source
blanket   W + w0 >= 0 excitatory, and one inhibitory pool of its own noise that gives -w0 times the summed activity
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .neuron import Neuron, unknown

Array = NDArray[np.float64]
DALE = ("none", "split", "relay", "blanket")
Origin = Literal["source", "relay", "pool"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pathway:
    """One kind of synapse between the sources and the units.

    Attributes:
        name: `signed`, `excitatory` or `inhibitory`.
        sign: +1, or -1 where the magnitudes are taken away.
        weights: weights (signed) or magnitudes, (units, sources).
        present: which synapses exist, bool (units, sources).
        delay: synaptic delay, ms; from a relay, the part after the relay.
        origin: what fires: the source, its relay interneuron, or the inhibitory pool.
        plastic: whether its synapses carry the eligibility; every (unit, source) has exactly one plastic synapse.
    """

    name: str
    sign: int
    weights: Array
    present: NDArray[np.bool_]
    delay: float
    origin: Origin = "source"
    plastic: bool = True


def split(weights: Array, option: str, neuron: Neuron) -> tuple[Pathway, ...]:
    """Pathways of a signed weight matrix.

    Args:
        weights: W or B, (units, sources).
        option: one of `DALE`.
        neuron: gives the delays.

    Raises:
        ModelError: an unknown option.
    """
    if option not in DALE:
        raise unknown("replay.dale", option, DALE)
    everywhere = np.ones(weights.shape, dtype=bool)
    late, relay = neuron.delay_inh, min(neuron.delay_exc, neuron.delay_inh)
    if option == "none":
        return (Pathway(name="signed", sign=1, weights=weights, present=everywhere, delay=neuron.delay_exc),)
    if option == "blanket":
        floor = max(0.0, -float(weights.min(initial=0.0)))
        above = Pathway(name="excitatory", sign=1, weights=weights + floor, present=everywhere, delay=neuron.delay_exc)
        if not floor:
            return (above,)
        blanket = np.full(weights.shape, floor)
        pool = Pathway(
            name="inhibitory", sign=-1, weights=blanket, present=everywhere, delay=late, origin="pool", plastic=False
        )
        return above, pool
    negative = weights < 0
    excitatory = Pathway(
        name="excitatory", sign=1, weights=np.maximum(weights, 0), present=~negative, delay=neuron.delay_exc
    )
    inhibitory = Pathway(
        name="inhibitory", sign=-1, weights=np.maximum(-weights, 0), present=negative,
        delay=late - relay if option == "relay" else late, origin="relay" if option == "relay" else "source",
    )  # fmt: skip
    return tuple(pathway for pathway in (excitatory, inhibitory) if pathway.present.any())
