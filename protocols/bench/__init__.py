"""`apical bench`: speed, memory and recording overhead, as ratios within one run."""

from .on_device import device
from .overhead import recording
from .speed import engine
from .spikes import spikes

__all__ = ["device", "engine", "recording", "spikes"]
