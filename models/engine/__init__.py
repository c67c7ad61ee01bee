"""The rate engine: forward sweep, apical sweep, plasticity step; end-to-end baselines; checkpoints."""

from .backprop import BackpropEngine
from .build import Architecture, Engine, build_engine, build_network
from .local import LocalEngine, Observer
from .memory import keep_freed_memory
from .sweep import rates

__all__ = [
    "Architecture",
    "BackpropEngine",
    "Engine",
    "LocalEngine",
    "Observer",
    "build_engine",
    "build_network",
    "keep_freed_memory",
    "rates",
]
