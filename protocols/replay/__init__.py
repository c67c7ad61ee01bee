"""`apical replay`: does the rule of a trained network survive spikes, noise, pools, delays and leaky dendrites?"""

from .run import replay_run
from .settings import ReplaySettings, parse_place

__all__ = ["ReplaySettings", "parse_place", "replay_run"]
