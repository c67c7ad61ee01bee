"""`apical analyse`: what single units and populations of a run answer to, from any of its recordings."""

from .options import Options
from .run import analyse, listed

__all__ = ["Options", "analyse", "listed"]
