"""All cells and synapses that are given by equations, by name."""

from . import clopath, payeur, two_compartment, urbanczik
from .cell import Cell, Synapse

CELLS: dict[str, Cell] = {
    **two_compartment.CELLS,
    "urbanczik-senn": urbanczik.CELL,
    "burst-poisson": payeur.CELL,
    "clopath": clopath.CELL,
}
SYNAPSES: dict[str, Synapse] = {
    **two_compartment.SYNAPSES,
    "urbanczik-senn": urbanczik.SYNAPSE,
    "burst-dependent": payeur.SYNAPSE,
    "clopath": clopath.SYNAPSE,
}
