"""Closed loop: a whole small network of spiking two-compartment neurons looks about and learns, without a rate network that helps.

network = start((1, 14, 14), ("64", "32"), examples)
learnt = live(network, glances, Loop(), copies=16, glances=200)
twin = learn_with_rates(network, glances, eta_basal=1.0, eta_apical=0.3)      # the same with rates
"""

from .live import LoopDivergedError, Seen, check_loop_memory, live, predicted_bytes
from .network import CONTEXTS, LoopNetwork, objective, start
from .settings import CUTS, DALE, GATES, MEMORIES, MODULATORS, Loop
from .stream import Glance
from .twin import changes, learn_with_rates, modulator
from .wiring import Wiring, convolution, dense

__all__ = [
    "CONTEXTS",
    "CUTS",
    "DALE",
    "GATES",
    "MEMORIES",
    "MODULATORS",
    "Glance",
    "Loop",
    "LoopDivergedError",
    "LoopNetwork",
    "Seen",
    "Wiring",
    "changes",
    "check_loop_memory",
    "convolution",
    "dense",
    "learn_with_rates",
    "live",
    "modulator",
    "objective",
    "predicted_bytes",
    "start",
]
