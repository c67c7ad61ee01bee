"""Neurons and plastic synapses given by equations, beside the numbers of their sources: `apical cells`."""

from .run import check_cells, listed, unmet

__all__ = ["check_cells", "listed", "unmet"]
