"""`apical replay`: does the rule of a trained network survive spikes, noise, pools, delays and leaky dendrites?"""

from .brief import brief
from .run import replay_run
from .settings import ReplaySettings, parse_place

__all__ = ["ReplaySettings", "brief", "parse_place", "replay_run"]
