"""The analyses, a row each; an analysis is imported when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

from ..errors import ConfigError, nearest

if TYPE_CHECKING:
    from .analysis import Analysis

# name to the file beside this one that holds its `ANALYSIS`
ANALYSES: dict[str, str] = {
    "selectivity": "selectivity",
    "tuning": "tuning",
    "receptive-fields": "receptive_fields",
    "invariance": "invariance",
    "sparsity": "sparsity",
    "rank": "rank",
    "cka": "cka",
    "rsa": "rsa",
    "apical-basal": "apical_basal",
    "prediction-error": "prediction_error",
    "gates": "gates",
    "noise-correlations": "noise_correlations",
    "drift": "drift",
    "spikes": "spikes",
}


def analysis_of(name: str) -> "Analysis":
    """The analysis of a name.

    Raises:
        ConfigError: an unknown one.
    """
    if name not in ANALYSES:
        raise ConfigError(f"analyse.what: expected one of {', '.join(ANALYSES)}, got {name!r}{nearest(name, ANALYSES)}")
    found: Analysis = import_module(f".{ANALYSES[name]}", __package__).ANALYSIS
    return found
