"""The Brian2 bridge: circuits cut out of trained networks, replayed with spiking two-compartment neurons.

    circuit = extract(network, glances, pairing, rule, population="conv4")
    found = replay(circuit, level=2, pool=10, tau_a=50, tau_b=50)
    found.cosine, found.z, found.prediction      # to compare with circuit.eligibility(), circuit.rate, circuit.prediction

Brian2 is imported by `replay` and `clamp` alone.
"""

from .calibration import Calibration, calibrate
from .circuit import Circuit
from .clamp import Response, clamp
from .dale import DALE, Pathway, split
from .extract import extract
from .lived import circuit_sources
from .modulation import Modulation, modulate
from .neuron import BAC, LINEAR, PRESETS, Neuron
from .pairing import FORMS, Window, pairing_window
from .plan import Plan, plan_replay
from .population import Population, population_of, spiking_scores, unscored
from .replay import replay
from .result import Chunk, Replay, Sink, cosine

__all__ = [
    "BAC",
    "DALE",
    "FORMS",
    "LINEAR",
    "PRESETS",
    "Calibration",
    "Chunk",
    "Circuit",
    "Modulation",
    "Neuron",
    "Pathway",
    "Plan",
    "Population",
    "Replay",
    "Response",
    "Sink",
    "Window",
    "calibrate",
    "circuit_sources",
    "clamp",
    "cosine",
    "extract",
    "modulate",
    "pairing_window",
    "plan_replay",
    "population_of",
    "replay",
    "spiking_scores",
    "split",
    "unscored",
]
