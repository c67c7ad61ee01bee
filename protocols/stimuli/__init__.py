"""Stimuli: data sets, procedural objects, views.

The names below are resolved on first use: the file checks of ``apical data`` need no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import StimulusError
    from .images import ImageSet, Normalisation
    from .names import KNOWN
    from .stimulus import Stimulus
    from .table import load
    from .views.views import simclr_views

__all__ = ["KNOWN", "ImageSet", "Normalisation", "Stimulus", "StimulusError", "load", "simclr_views"]

_HOMES = {
    "KNOWN": "names",
    "ImageSet": "images",
    "Normalisation": "images",
    "Stimulus": "stimulus",
    "StimulusError": "errors",
    "load": "table",
    "simclr_views": "views.views",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
