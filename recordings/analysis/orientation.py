"""Orientation and direction tuning: vector measures and von Mises fits.

    1 - CV = | sum r(t) exp(2 i t) | / sum r(t)            (Ringach, Shapley and Hawken 2002, J. Neurosci. 22:5639)
    OSI    = (r_pref - r_orth) / (r_pref + r_orth)
    DSI    = (r_pref - r_null) / (r_pref + r_null),   1 - DCV = | sum r(t) exp(i t) | / sum r(t)
    f(t)   = b + A exp( k (cos 2(t - p) - 1) )                                                            orientation
    f(t)   = b + A_1 exp( k (cos(t - p) - 1) ) + A_2 exp( k (cos(t - p - 180 deg) - 1) )                  direction
                                                           (Swindale 1998, Biol. Cybern. 78:45)

Vector measures, OSI and DSI are of rates, which are not negative; NaN where one is.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import RecordingError
from .curves import Fit, fit
from .described import result, variable

LEAST_ANGLES = 4
SHARPEST = 60.0  # k: half-width of 6 degrees in orientation

Array = NDArray[np.float64]


def orientation_tuning(curves: xr.DataArray, dim: str = "orientation") -> xr.Dataset:
    """Measures and fit of tuning curves over orientation, or over direction where the angles go beyond 180 degrees.

    Args:
        curves: mean rates (`dim`, unit), angles in degrees.
        dim: name of the angle.

    Returns:
        preferred_orientation (degrees, 0 to 180), half_width (degrees at half of the height), selectivity (1 - CV), osi, fit_r2, amplitude,
        baseline; fitted (fine angle, unit); preferred_direction, dsi and direction_selectivity where directions were shown.

    Raises:
        RecordingError: fewer than 4 angles.
    """
    angles = np.asarray(curves[dim].values, dtype=np.float64)
    rates = curves.transpose("unit", dim).values.astype(np.float64)
    if len(angles) < LEAST_ANGLES:
        raise RecordingError(
            f"analysis.{dim}: expected at least {LEAST_ANGLES} angles, got {len(angles)}; record gratings of more"
        )
    directed = bool(angles.max() - angles.min() >= 180)
    radians = np.deg2rad(angles)
    found = _fitted(radians, rates, directed)
    doubled = _vector(rates, radians, 2)
    preferred = np.rad2deg(found.p)
    of_orientation = np.mod(preferred, 180)
    fine = np.linspace(0, 360 if directed else 180, 181 if not directed else 361)
    drawn = _curve(found, np.deg2rad(fine), directed)
    units = str(curves.attrs.get("units", "1"))
    variables = {
        "preferred_orientation": variable(("unit",), of_orientation, "preferred orientation", units="degree"),
        "half_width": variable(("unit",), _half_width(found.q, directed), "half-width of the tuning at half of its height", units="degree"),
        "selectivity": variable(("unit",), np.abs(doubled), "orientation selectivity, 1 - circular variance", symbol="1 - CV"),
        "vector_orientation": variable(("unit",), np.mod(np.rad2deg(np.angle(doubled)) / 2, 180), "orientation of the resultant vector", units="degree"),
        "osi": variable(("unit",), _index(rates, drawn, fine, of_orientation, 90), "orientation selectivity index", symbol="OSI"),
        "fit_r2": variable(("unit",), found.r2, "variance over angles that the fit explains", symbol="R²"),
        "amplitude": variable(("unit",), found.amplitudes.max(axis=1), "amplitude of the fit", units=units),
        "baseline": variable(("unit",), found.baseline, "baseline of the fit", units=units),
        "fitted": variable(("angle", "unit"), drawn.T, "fitted tuning curve", units=units),
    }  # fmt: skip
    if directed:
        stronger = np.where(found.amplitudes[:, 0] >= found.amplitudes[:, 1], preferred, preferred + 180)
        direction = np.mod(stronger, 360)
        variables |= {
            "preferred_direction": variable(("unit",), direction, "preferred direction", units="degree"),
            "dsi": variable(("unit",), _index(rates, drawn, fine, direction, 180), "direction selectivity index", symbol="DSI"),
            "direction_selectivity": variable(("unit",), np.abs(_vector(rates, radians, 1)), "direction selectivity, length of the resultant"),
        }  # fmt: skip
    flat = ~np.isfinite(found.r2)
    for name in ("preferred_orientation", "half_width", "osi", "vector_orientation", "preferred_direction", "dsi"):
        if name in variables:
            # a unit that answers all angles alike prefers none
            variables[name] = variables[name].copy(data=np.where(flat, np.nan, variables[name].values))
    return result(curves, variables, angle=variable(("angle",), fine, "angle of the fitted curve", units="degree"))


def _fitted(radians: Array, rates: Array, directed: bool) -> Fit:
    def single(p: Array, q: Array) -> Array:
        return np.asarray(np.exp(np.exp(q) * (np.cos(2 * (radians - p)) - 1))[..., None, :])

    def double(p: Array, q: Array) -> Array:
        there = [np.exp(np.exp(q) * (np.cos(radians - p - turn) - 1)) for turn in (0.0, np.pi)]
        return np.stack(there, axis=-2)

    # beyond this a curve lies between two angles and its width is no longer measured
    spacing = float(np.min(np.diff(np.sort(radians)))) * (1 if directed else 2)
    sharpest = min(SHARPEST, float(np.log(2) / (1 - np.cos(spacing / 2))))
    whole = np.nan_to_num(rates)
    span = np.pi  # a curve of direction has its two peaks half a turn apart
    return fit(
        double if directed else single, whole, (0.0, span), (np.log(0.05), np.log(max(sharpest, 0.2))), periodic=True
    )


def _curve(found: Fit, radians: Array, directed: bool) -> Array:
    turn = 1 if directed else 2
    values = found.baseline[:, None] + np.zeros(len(radians))
    for k, shift in enumerate((0.0, np.pi)[: found.amplitudes.shape[1]]):
        shape = np.exp(np.exp(found.q)[:, None] * (np.cos(turn * (radians - found.p[:, None]) - shift) - 1))
        values = values + found.amplitudes[:, k, None] * shape
    return np.asarray(values)


def _half_width(log_k: Array, directed: bool) -> Array:
    """Angle from the peak to half of its height above the far side, in degrees."""
    k = np.exp(log_k)
    half = (1 + np.exp(-2 * k)) / 2  # a broad curve does not fall to 0 on the far side
    angle = np.arccos(np.clip(1 + np.log(half) / k, -1, 1))
    return np.asarray(np.rad2deg(angle) / (1 if directed else 2))


def _vector(rates: Array, radians: Array, turns: int) -> NDArray[np.complex128]:
    """Resultant of the rates at angles, relative to their sum; NaN where a rate is negative or all are 0."""
    total = rates.sum(axis=1)
    valid = (rates.min(axis=1) >= 0) & (total > 0)
    resultant = rates @ np.exp(1j * turns * radians)
    return np.asarray(np.where(valid, resultant / np.where(valid, total, 1), np.nan))


def _index(rates: Array, drawn: Array, fine: Array, preferred: Array, away: float) -> Array:
    """(r(preferred) - r(preferred + away)) / sum, of the fitted curve held at 0 from below; NaN where a rate is negative."""
    period = fine[-1]
    at = _at(drawn, fine, np.mod(preferred, period)), _at(drawn, fine, np.mod(preferred + away, period))
    top, low = (np.clip(value, 0, None) for value in at)
    valid = (rates.min(axis=1) >= 0) & (top + low > 0)
    return np.asarray(np.where(valid, (top - low) / np.where(valid, top + low, 1), np.nan))


def _at(drawn: Array, fine: Array, where: Array) -> Array:
    return np.array([np.interp(x, fine, row) for x, row in zip(where, drawn, strict=True)])
