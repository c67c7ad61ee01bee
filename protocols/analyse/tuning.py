"""`apical analyse RUN tuning`: orientation, spatial frequency and phase tuning to gratings."""

from math import prod

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...recordings.analysis import (
    by_units,
    curve,
    frequency_tuning,
    orientation_tuning,
    phase_modulation,
    side_by_side,
    tuning_responses,
)
from ...recordings.analysis.figures import tuned
from ...recordings.analysis.frequency import LEAST as LEAST_FREQUENCIES
from ...recordings.analysis.orientation import LEAST_ANGLES
from ...recordings.analysis.tuning import PARAMETERS
from . import hints
from .analysis import Analysis, Row, medians, number
from .options import Options
from .recorded import Recorded

LEAST_PHASES = 3
BYTES = 48  # of a unit and grating: mean and variance while they are summed and as they are returned


def missing(recorded: Recorded, options: Options) -> str:
    """Gratings of several orientations."""
    lacking = f"trials with the parameter orientation, {LEAST_ANGLES} or more of them; {hints.GRATINGS}"
    return hints.trials(len(recorded.activity)) or ("" if recorded.has("orientation", varied=True) else lacking)


def measure(recorded: Recorded, options: Options) -> xr.Dataset:
    """Tuning of every unit: along orientation with its fit, along spatial frequency where there are enough, F1/F0 where there are phases."""
    found = {name: tuning(signal, recorded.rows(signal, options)) for name, signal in recorded.signals(options).items()}
    return side_by_side(found)


def tuning(signal: xr.DataArray, rows: NDArray[np.bool_] | None = None) -> xr.Dataset:
    """All of it for one population, some units after the other where many gratings were shown to many units.

    Args:
        signal: (trial, unit), with the parameters of gratings.
        rows: trials to use.
    """
    by = [name for name in PARAMETERS if name in signal.coords]
    gratings = prod(len(np.unique(signal.coords[name].values)) for name in by)
    return by_units(lambda part: _tuning(part, by, rows), signal, gratings * BYTES)


def _tuning(signal: xr.DataArray, by: list[str], rows: NDArray[np.bool_] | None) -> xr.Dataset:
    answers = tuning_responses(signal, by, rows=rows)
    curves = curve(answers, "orientation").assign_attrs(signal.attrs)
    found = orientation_tuning(curves).assign(curve=curves)
    if answers.sizes.get("spatial_frequency", 0) >= LEAST_FREQUENCIES:
        of_frequency = curve(answers, "spatial_frequency").assign_attrs(signal.attrs)
        tuned_to = frequency_tuning(of_frequency)
        named = {str(name): each for name, each in tuned_to.data_vars.items()}
        found = found.assign(named | {"frequency_curve": of_frequency})
    if answers.sizes.get("spatial_phase", 0) >= LEAST_PHASES:
        found = found.assign(phase_modulation=phase_modulation(answers))
    return found


def rows(dataset: xr.Dataset) -> list[Row]:
    """Medians by population."""
    columns = {
        "1-CV": "selectivity", "OSI": "osi", "half-width": "half_width", "F1/F0": "phase_modulation",
        "frequency": "preferred_frequency", "R2": "fit_r2",
    }  # fmt: skip
    return medians(dataset, columns, quantiles=False)


def told(dataset: xr.Dataset) -> tuple[str, ...]:
    """How many are tuned."""
    selectivity = dataset["selectivity"].values
    known = selectivity[np.isfinite(selectivity)]
    if not len(known):
        return ("Selectivity is defined for rates, which are not negative: none of these units has one.",)
    tuned_units = int((known > 1 / 3).sum())
    return (
        f"Of {len(known)} units that answer, {tuned_units} have 1 − CV above 1/3 (of a curve 1 + m cos 2θ it is m/2); "
        f"the largest is {number(known.max())}.",
    )


ANALYSIS = Analysis(
    title="Tuning to gratings",
    says="orientation (von Mises fit, 1 - CV, OSI), spatial frequency (log-Gaussian fit), F1/F0, by unit",
    missing=missing,
    measure=measure,
    draw=tuned,
    rows=rows,
    told=told,
    caption=(
        "A row per population. Left: units with the largest 1 − CV of those that answer well, each of another channel: mean response over phases and repeats at each unit's best of the other "
        "parameters (dots), fit b + A exp(k(cos 2(θ − p) − 1)) (line) and preferred orientation p (dashed); above each unit its channel, row and "
        "column. θ is the direction in which a grating varies, so that bars of θ = 0 stand upright. Right: all recorded units."
    ),
)
