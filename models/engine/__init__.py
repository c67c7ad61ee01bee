"""The rate engine: forward sweep, apical sweep, plasticity step; end-to-end baselines; checkpoints."""

from .backprop import BackpropEngine
from .block import BlockEngine
from .build import Architecture, Engine, build_blocks, build_engine, build_network
from .feedback import FeedbackEngine
from .local import LocalEngine, Observer
from .memory import keep_freed_memory
from .sweep import rates, settle

__all__ = [
    "Architecture",
    "BackpropEngine",
    "BlockEngine",
    "Engine",
    "FeedbackEngine",
    "LocalEngine",
    "Observer",
    "build_blocks",
    "build_engine",
    "build_network",
    "keep_freed_memory",
    "rates",
    "settle",
]
