"""Networks: populations in a row, and the wiring of their apical dendrites."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..errors import ModelError
from ..outside import short
from ..populations.apical import ApicalProjection
from ..populations.conv import Population
from ..populations.residual import ResidualBlock
from ..ranks.ranks import ALONE, Ranks
from .contexts import whose
from .initial import uniform


@dataclass(slots=True)
class Network:
    """Populations from the input upwards, and their apical projections.

    Attributes:
        shape: input shape (channels, height, width).
        populations: from the bottom to the top.
        apical: per context source, a word of `CONTEXTS`, one projection per population.
        head: projection of an end-to-end objective at the top, or None.
        buffers: what is not learnt by an optimiser but belongs to the network, by `<population>.<name>`: states of the rule, running
            statistics of relays.
    """

    shape: tuple[int, int, int]
    populations: list[Population]
    apical: dict[str, list[ApicalProjection]] = field(default_factory=dict)
    head: Tensor | None = None
    buffers: dict[str, Tensor] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Names of the populations, bottom first."""
        return [p.name for p in self.populations]

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.populations[0].weight.device

    def weights(self) -> dict[str, Tensor]:
        """Every plastic weight by name, in a fixed order; the tensors themselves, not copies."""
        found: dict[str, Tensor] = {}
        for population in self.populations:
            found[f"{population.name}.weight"] = population.weight
            if population.biased:
                found[f"{population.name}.bias"] = population.bias
            if isinstance(population, ResidualBlock):
                found |= {f"{population.name}.{name}": weight for name, weight in population.inner.items()}
        for projections in self.apical.values():
            found |= {f"{p.name}.apical": p.weight for p in projections}
        if self.head is not None:
            found["head"] = self.head
        return found

    @property
    def follows(self) -> bool:
        """Whether running statistics follow what is shown."""
        relays = (p.relay for p in self.populations)
        blocks = (p for p in self.populations if isinstance(p, ResidualBlock))
        return any(r is not None and r.buffers for r in relays) or any(b.buffers for b in blocks)

    def shared(self) -> dict[str, ApicalProjection]:
        """Projections of whose weights other ranks hold rows, by the name of the weight; none where one process has the network."""
        every = (p for projections in self.apical.values() for p in projections)
        return {f"{p.name}.apical": p for p in every if p.ranks.size > 1}

    def state(self, population: str) -> dict[str, Tensor]:
        """Buffers of one population, by name; the tensors themselves, not copies."""
        start = f"{population}."
        return {name.removeprefix(start): b for name, b in self.buffers.items() if name.startswith(start)}

    def to(self, device: torch.device, dtype: torch.dtype = torch.float32) -> "Network":
        """Move every weight in place; convolution kernels channels-last."""
        for population in self.populations:
            layout = torch.channels_last if population.weight.dim() == 4 else torch.contiguous_format
            population.weight = population.weight.to(device, dtype, memory_format=layout)
            population.bias = population.bias.to(device, dtype)
            if isinstance(population, ResidualBlock):
                for name, weight in population.inner.items():
                    layout = torch.channels_last if weight.dim() == 4 else torch.contiguous_format
                    population.inner[name] = weight.to(device, dtype, memory_format=layout)
        for projection in (p for projections in self.apical.values() for p in projections):
            projection.weight = projection.weight.to(device, dtype)
        if self.head is not None:
            self.head = self.head.to(device, dtype)
        self.buffers = {n: b.to(device, dtype if b.is_floating_point() else None) for n, b in self.buffers.items()}
        for population in self.populations:
            if population.relay is not None:
                population.relay.buffers = {n: self.buffers[f"{population.name}.{n}"] for n in population.relay.buffers}
            population.routing = {n: self.buffers[f"{population.name}.{n}"] for n in population.routing}
            if isinstance(population, ResidualBlock):
                population.buffers = {n: self.buffers[f"{population.name}.{n}"] for n in population.buffers}
        return self


def wire(network: Network, sources: Sequence[str], *, generator: torch.Generator, ranks: Ranks = ALONE) -> Network:
    """Give every population one apical projection per context source.

    Args:
        network: the network; changed in place and returned.
        sources: words of `CONTEXTS`.
        generator: CPU generator of the initial B.
        ranks: who holds which rows of each B; all draw the same and keep their own.

    Raises:
        ModelError: an unknown source, or two of one name.
    """
    if len({short(source) for source in sources}) < len(sources):
        raise ModelError(f"network.sources: expected sources of different names, got {', '.join(sources)}; rename one")
    sizes = [population.units for population in network.populations]
    for source in sources:
        projections = []
        for i, population in enumerate(network.populations):
            inputs = sizes[whose(source, i, len(sizes))]
            weight = uniform((population.units, inputs), inputs, generator)
            units = len(weight)
            own = weight if ranks.size == 1 else weight[ranks.own(units)].clone()
            projections.append(ApicalProjection(f"{population.name}.{short(source)}", own, None, ranks, units))
        network.apical[source] = projections
    return network
