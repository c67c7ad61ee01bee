"""Tuning to spatial frequency: a Gaussian over its logarithm.

f(s) = b + A exp( -log2(s / s_0)^2 / (2 w^2) ),   bandwidth = 2 w sqrt(2 log 2) octaves at half of the height
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import RecordingError
from .curves import fit
from .described import result, variable

LEAST = 4
WIDEST = 3.0  # octaves
FULL_WIDTH = 2 * float(np.sqrt(2 * np.log(2)))


def frequency_tuning(curves: xr.DataArray, dim: str = "spatial_frequency") -> xr.Dataset:
    """Preferred spatial frequency and bandwidth of every unit.

    Args:
        curves: mean rates (`dim`, unit), frequencies above 0.
        dim: name of the frequency.

    Returns:
        preferred_frequency, bandwidth (octaves), frequency_r2, and the fitted curve (frequency, unit). A peak is sought from the lowest to the
        highest frequency that was shown: one that lies at the border has its true peak there or beyond.

    Raises:
        RecordingError: fewer than 4 frequencies, or one that is not above 0.
    """
    shown = np.asarray(curves[dim].values, dtype=np.float64)
    if len(shown) < LEAST or not (shown > 0).all():
        raise RecordingError(
            f"analysis.{dim}: expected at least {LEAST} frequencies above 0, got {shown.tolist()}; record gratings of more"
        )
    octaves = np.log2(shown)
    rates = np.nan_to_num(curves.transpose("unit", dim).values.astype(np.float64))

    def columns(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.exp(-((octaves - p) ** 2) / (2 * np.exp(2 * q)))[..., None, :])

    narrowest = float(np.min(np.diff(np.sort(octaves)))) / 2
    low, high = float(octaves.min()), float(octaves.max())
    found = fit(columns, rates, (low, high), (np.log(narrowest), np.log(max(WIDEST, 2 * narrowest))))
    fine = np.linspace(low, high, 121)
    shape = np.exp(-((fine - found.p[:, None]) ** 2) / (2 * np.exp(2 * found.q)[:, None]))
    drawn = found.baseline[:, None] + found.amplitudes[:, :1] * shape
    flat = ~np.isfinite(found.r2)
    units = str(curves[dim].attrs.get("units", "1"))
    of_curve = str(curves.attrs.get("units", "1"))
    variables = {
        "preferred_frequency": variable(("unit",), np.where(flat, np.nan, np.exp2(found.p)), "preferred spatial frequency", units=units),
        "bandwidth": variable(("unit",), np.where(flat, np.nan, FULL_WIDTH * np.exp(found.q)), "bandwidth at half of the height", units="octave"),
        "frequency_r2": variable(("unit",), found.r2, "variance over frequencies that the fit explains", symbol="R²"),
        "fitted_frequency": variable(("frequency", "unit"), drawn.T, "fitted tuning curve", units=of_curve),
    }  # fmt: skip
    axis = variable(("frequency",), np.exp2(fine), "spatial frequency of the fitted curve", units=units)
    return result(curves, variables, frequency=axis)
