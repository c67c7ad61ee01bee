"""`apical record`: a frozen network is shown stimuli, and what its compartments answer is kept."""

from .run import present, record
from .settings import VARIABLES, RecordSettings, listed

__all__ = ["VARIABLES", "RecordSettings", "listed", "present", "record"]
