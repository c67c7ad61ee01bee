"""`apical replay`: does the rule of a trained network survive spikes, noise, pools, delays and leaky dendrites?"""

from .run import replay_run
from .settings import ReplaySettings
from .summary import brief

__all__ = ["ReplaySettings", "brief", "replay_run"]
