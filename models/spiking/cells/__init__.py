r"""Neurons and plastic synapses given by Brian2 equations: one's own, and presets from the literature.

    cell = Cell(name="leaky", model="dv/dt = (-v + R*I_s)/tau : volt\nI_s : amp", threshold="v > 15*mV", reset="v = 0*mV",
                namespace={"tau": "10 ms", "R": "50 Mohm"}, roles={"soma": "v", "current": "I_s"}, inputs={"I_s": "pA"})
    found = drive(cell, inputs={"I_s": [300.0, 400.0]}, cells=2, duration=500.0)
    measure(cell).gain      # Hz per pA, by simulation of single cells

Brian2 is imported by `check`, `drive` and `measure` alone.
"""

from .cell import ROLES, Cell, Synapse
from .check import check
from .circuits import Traced, replay_synapse
from .drive import drive
from .driven import Driven
from .measure import Measured, measure
from .table import CELLS, SYNAPSES
from .two_compartment import from_neuron

__all__ = [
    "CELLS",
    "ROLES",
    "SYNAPSES",
    "Cell",
    "Driven",
    "Measured",
    "Synapse",
    "Traced",
    "check",
    "drive",
    "from_neuron",
    "measure",
    "replay_synapse",
]
