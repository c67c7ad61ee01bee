"""The rate engine: forward sweep, apical sweep, plasticity step; end-to-end baselines; checkpoints."""

from ..networks.table import Architecture
from .backprop import BackpropEngine
from .block import BlockEngine
from .build import Engine, build_blocks, build_engine, build_network
from .feedback import FeedbackEngine
from .graphed import Graphed
from .kernels import Choice, choose, from_words
from .local import LocalEngine
from .memory import keep_freed_memory
from .observer import Observer
from .sweep import rates, settle

__all__ = [
    "Architecture",
    "BackpropEngine",
    "BlockEngine",
    "Choice",
    "Engine",
    "FeedbackEngine",
    "Graphed",
    "LocalEngine",
    "Observer",
    "build_blocks",
    "build_engine",
    "build_network",
    "choose",
    "from_words",
    "keep_freed_memory",
    "rates",
    "settle",
]
