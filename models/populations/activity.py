"""What a population is doing in one sweep."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(slots=True)
class Activity:
    """Bottom-up activity of a population in one sweep.

    Attributes:
        pre: pre-synaptic rates, the population's input.
        rate: z, (rows, channels, height, width) or (rows, channels).
        winner: flat position of the winner of each max-pool group, int64, or its distance from the first place of the group where it was packed
            (`ConvPopulation.pack`); None without max-pool.
        basal: a of the neurons in `rate`, of an average pool the window's mean; None once freed.
        patches: pre-synaptic rates patch by patch, (rows * places, kernel places * inputs), where the sweep used them; else None.
        laid: whether the sweep used patches, which are laid out again where they were let go (`ConvPopulation.pack`).
        tile: side of the tiles in which the sweep cut the map, see `winograd.py`; 0 where it did not.
        potential: a of every neuron before the pool, where a rule of site `neuron` asked for it.
        unpooled: rate of every neuron before the pool, where the pooled rate does not tell rho'; else None.
        slope: a of every neuron before the pool, where rho' is read off it; else None.
        area: area of every row, int64 (rows,), in a population that is divided into areas.
    """

    pre: Tensor
    rate: Tensor
    winner: Tensor | None = None
    basal: Tensor | None = None
    patches: Tensor | None = None
    laid: bool = False
    tile: int = 0
    potential: Tensor | None = None
    unpooled: Tensor | None = None
    slope: Tensor | None = None
    area: Tensor | None = None
