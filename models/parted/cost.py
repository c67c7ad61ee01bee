"""What a step of local learning costs, as formulas: operations, bytes of memory, and bytes on the wire.

With n rows of the batch, populations i of d_i channels whose kernels read f_i rates at p_i places, u_i units, B_i of u_i x c_i for every
context, and R ranks:

    operations   4 n p_i f_i d_i   of the sweep and the change of W        + 4 n u_i c_i    of the potential and the change of B
    wire         (R - 1) / R  n u_i e           rates of a population that is a context of some, 1 / R of it for any other
                 (R - 1) / R^2  n u_i e         drives; of a rule whose units cannot be shared out (R - 1) / R  n u_i e  potentials of every
                                                context in their place, and all rates
                 2 (R - 1) / R  2 n e           scores of every context
                 2 (R - 1) / R  (f_i d_i + d_i) e       changes of W and b
    instead of   2 (R - 1) / R  u_i c_i e                                  changes of B, which are never sent

per population and rank, e bytes a number. Neither rates nor potentials grow with R, and a rank's operations are a share of 1 / R of those above.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ...plasticity.needs import Needs
from ..networks.contexts import whose
from ..networks.network import Network
from ..populations.conv import ConvPopulation
from ..ranks.ranks import BACKWARDS, CHANGES, DRIVES, POTENTIALS, RATES, SCORES, Ranks


@dataclass(frozen=True, slots=True)
class Size:
    """One population in numbers.

    Attributes:
        places: p, of the kernel on the map; 1 of a dense population.
        inputs: f, rates that a neuron reads.
        channels: d.
        units: u, where apical dendrites end.
        contexts: c, inputs of each of its B.
    """

    places: int
    inputs: int
    channels: int
    units: int
    contexts: tuple[int, ...]


def sizes(network: Network, sources: Sequence[str]) -> list[Size]:
    """Its populations in numbers, bottom first.

    Args:
        network: of one convolution or dense layer per population; wired or not, no weight is read.
        sources: context sources of the rule.
    """
    found, count = [], len(network.populations)
    for i, population in enumerate(network.populations):
        places = population.neurons[1] * population.neurons[2] if isinstance(population, ConvPopulation) else 1
        weight = population.weight
        contexts = tuple(network.populations[whose(source, i, count)].units for source in sources)
        found.append(Size(places, weight[0].numel(), len(weight), population.units, contexts))
    return found


def operations(of: Sequence[Size], rows: int) -> float:
    """Floating-point operations of a step of all ranks: products of sweeps, potentials and changes."""
    return float(sum(4 * rows * (s.places * s.inputs * s.channels + s.units * sum(s.contexts)) for s in of))


def sent(
    of: Sequence[Size], rows: int, ranks: Ranks, *, needs: Needs, bytes_: int = 4, half: bool = False
) -> dict[str, int]:
    """Bytes that a rank sends in a step that is not recorded, by what they are, as `Processes` counts them.

    Args:
        of: from `sizes`.
        rows: of the batch of all ranks, a multiple of their number.
        ranks: how many there are.
        needs: of the rule.
        bytes_: of a number of the master weights.
        half: whether sweeps are in bfloat16, as rates and drives then travel.
    """
    others, size, short = ranks.size - 1, ranks.size, 2 if half else bytes_
    senders = {whose(source, i, len(of)) for source in needs.sources for i in range(len(of))}
    gathered = [not needs.parted or i in senders for i in range(len(of))]
    rates = sum(
        rows // size * (s.units if all_rows else ranks.each(s.units)) for s, all_rows in zip(of, gathered, strict=True)
    )
    blocks = sum(ranks.each(s.units) for s in of)
    found = {
        RATES: others * rates * short,
        POTENTIALS: 0 if needs.parted else others * blocks * rows * len(needs.sources) * bytes_,
        DRIVES: others * blocks * rows // size * short if needs.parted else 0,
        SCORES: len(of) * len(needs.sources) * (2 * others * 2 * rows * bytes_ // size) if needs.parted else 0,
        CHANGES: sum(2 * others * (s.inputs + 1) * s.channels * bytes_ // size for s in of),
    }
    if needs.transport:
        found[BACKWARDS] = sum(2 * others * rows * width * bytes_ // size for s in of for width in s.contexts)
    return {what: each for what, each in found.items() if each}


def instead(of: Sequence[Size], ranks: Ranks, *, bytes_: int = 4) -> int:
    """Bytes that a rank would send to add up the changes of every B."""
    return sum(2 * (ranks.size - 1) * s.units * width * bytes_ // ranks.size for s in of for width in s.contexts)


def apical_bytes(of: Sequence[Size], ranks: Ranks, *, bytes_: int = 4) -> int:
    """Bytes of every B and its two moments at the rank that holds most."""
    return sum(3 * ranks.each(s.units) * width * bytes_ for s in of for width in s.contexts)
