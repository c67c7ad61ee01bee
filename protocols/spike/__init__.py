"""`apical spike`: a small network of spiking neurons looks about and learns by itself, against its rate twin and against controls."""

from .run import spike
from .settings import SpikeSettings

__all__ = ["SpikeSettings", "spike"]
