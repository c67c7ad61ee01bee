"""The analyses, a row each; an analysis is imported when it is asked for."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...models.imported import Unfit
from ...models.outside import Open, placed
from ..errors import ConfigError, nearest

if TYPE_CHECKING:
    from .analysis import Analysis

# name to the file beside this one that holds its `ANALYSIS`
ROWS: dict[str, str] = {
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


def _adopted(thing: Any, word: str) -> "Analysis":
    from .analysis import Analysis

    if isinstance(thing, Analysis):
        return thing
    raise Unfit(
        f"expected an analysis, got {word}, which is {type(thing).__name__}; make an `Analysis` of apical.protocols.analyse.analysis of it"
    )


ANALYSES: Open[Any] = Open(ROWS, group="apical.analyses", field="analyse.what", adopt=_adopted)


def analysis_of(name: str) -> "Analysis":
    """The analysis of a name.

    Raises:
        ConfigError: an unknown one.
    """
    name = placed(name, Path.cwd())
    if name not in ANALYSES:
        raise ConfigError(
            f"analyse.what: expected one of {', '.join(ANALYSES.words())}, got {name!r}{nearest(name, ANALYSES.words())}"
        )
    row = ANALYSES[name]
    found: Analysis = import_module(f".{row}", __package__).ANALYSIS if isinstance(row, str) else row
    return found
