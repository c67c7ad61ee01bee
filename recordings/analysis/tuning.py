"""Tuning curves to gratings, from a recording of them."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .described import variable
from .grouped import responses

PARAMETERS = ("orientation", "spatial_frequency", "spatial_phase", "contrast", "diameter")
WHOLE = 0.0  # diameter of a grating that fills the image, which is recorded as not a number


def tuning_responses(signal: xr.DataArray, by: Sequence[str], *, rows: NDArray[np.bool_] | None = None) -> xr.Dataset:
    """Responses to every combination of those parameters that were varied, see `responses`; gratings that fill the image have a diameter of 0."""
    if "diameter" in by and "diameter" in signal.coords:
        diameter = signal.coords["diameter"]
        signal = signal.assign_coords(diameter=diameter.fillna(WHOLE).assign_attrs(diameter.attrs))
    varied = [name for name in by if name in signal.coords and len(np.unique(signal.coords[name].values)) > 1]
    return responses(signal, varied or by[:1], rows=rows)


def curve(found: xr.Dataset, along: str, phase: str = "spatial_phase") -> xr.DataArray:
    """Tuning curve of every unit along one parameter: over phases the mean, of the other parameters each unit's best.

    Args:
        found: of `responses`, with dimension `along`.
        along: the parameter of the curve.
        phase: the parameter that is averaged, where there is one.

    Returns:
        (along, unit).
    """
    mean = found["mean"]
    if phase in mean.dims:
        mean = mean.mean(phase, keep_attrs=True)
    others = [str(dim) for dim in mean.dims if dim not in (along, "unit")]
    if others:
        flat = mean.stack(rest=others).transpose("rest", along, "unit")
        best = np.argmax(np.nan_to_num(flat.max(along).values, nan=-np.inf), axis=0)
        values = flat.values[best, :, np.arange(len(best))].T
        mean = xr.DataArray(
            values, {along: mean[along], **_places(mean)}, (along, "unit"), name="mean", attrs=mean.attrs
        )
    return mean.transpose(along, "unit")


def phase_modulation(found: xr.Dataset, phase: str = "spatial_phase") -> xr.DataArray:
    """F1/F0 of every unit: first harmonic over phases of its best grating relative to the mean over them.

        F1 = 2/n | sum r(ph) exp(i ph) |,   F0 = mean r      (Skottun et al. 1991, Vision Res. 31:1079)

    Above 1 for simple, below for complex cells; 0 of a unit that does not see the phase. NaN where F0 is not above 0.

    Args:
        found: of `responses`, with phases in degrees, at least 3 of them equally spaced.
        phase: name of the phase.
    """
    mean = found["mean"]
    others = [str(dim) for dim in mean.dims if dim not in (phase, "unit")]
    if others:
        mean = mean.stack(rest=others).transpose("rest", phase, "unit")
        best = np.argmax(np.nan_to_num(mean.mean(phase).values, nan=-np.inf), axis=0)
        values = mean.values[best, :, np.arange(len(best))]
    else:
        values = mean.transpose("unit", phase).values
    angles = np.deg2rad(found[phase].values)
    harmonic = 2 / len(angles) * np.abs(values @ np.exp(1j * angles))
    level = values.mean(axis=1)
    ratio = np.where(level > 0, harmonic / np.where(level > 0, level, 1), np.nan)
    made = variable(("unit",), ratio, "phase modulation", symbol="F1/F0")
    return xr.DataArray(made, coords=_places(found["mean"]), name="phase_modulation")


def _places(mean: xr.DataArray) -> dict[str, xr.DataArray]:
    return {str(name): coordinate for name, coordinate in mean.coords.items() if coordinate.dims == ("unit",)}
