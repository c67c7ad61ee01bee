"""Analyses of recordings: functions of lazy signals that return datasets of results. No torch.

>>> from apical import recordings
>>> from apical.recordings import analysis
>>> recording = recordings.open("runs/demo")                                                    # doctest: +SKIP
>>> analysis.class_selectivity(recording["activity/conv3"]["rate"])["best_d_prime"]             # doctest: +SKIP

Every function takes what a recording holds, (trial, unit) with parameters of the trials as coordinates, and reads it block by block: memory
is that of a few blocks and the result, whatever the length of the recording.
"""

from .blocks import blocks
from .cka import cka
from .compartments import apical_basal, errors_over_training, prediction_error, with_score
from .correlations import noise_correlations
from .described import side_by_side
from .drift import drift
from .frequency import frequency_tuning
from .gates import gates_of_trials, gates_of_updates
from .grouped import responses
from .invariance import invariance
from .orientation import orientation_tuning
from .portions import by_units
from .rank import effective_rank
from .receptive_fields import receptive_fields
from .selectivity import between, class_selectivity
from .similarity import compared, dissimilarity
from .sparsity import sparsity
from .spikes import spike_measures, trains
from .tuning import curve, phase_modulation, tuning_responses
from .windows import windows

__all__ = [
    "apical_basal",
    "between",
    "blocks",
    "by_units",
    "cka",
    "class_selectivity",
    "compared",
    "curve",
    "dissimilarity",
    "drift",
    "effective_rank",
    "errors_over_training",
    "frequency_tuning",
    "gates_of_trials",
    "gates_of_updates",
    "invariance",
    "noise_correlations",
    "orientation_tuning",
    "phase_modulation",
    "prediction_error",
    "receptive_fields",
    "responses",
    "side_by_side",
    "sparsity",
    "spike_measures",
    "trains",
    "tuning_responses",
    "windows",
    "with_score",
]
