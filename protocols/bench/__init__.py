"""`apical bench`: speed, memory and recording overhead, as ratios within one run."""

from .footprint import memory
from .on_device import device
from .overhead import recording
from .speed import engine
from .spikes import spikes

__all__ = ["device", "engine", "memory", "recording", "spikes"]
