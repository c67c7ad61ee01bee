"""`apical replay`: does the rule of a trained network survive spikes, noise, pools, delays and leaky dendrites?"""

from .run import replay_run
from .settings import ReplaySettings

__all__ = ["ReplaySettings", "replay_run"]
