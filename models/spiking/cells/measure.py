"""A calibration that is measured: f-I curve, gain, rheobase and the pull of the tuft, by single cells where there is no closed form."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import ModelError
from ..calibration import Calibration, calibrate
from ..circuit import Circuit
from .cell import Cell
from .drive import drive
from .driven import Driven

Array = NDArray[np.float64]
FITTED = 0.1  # of the highest rate: gain and rheobase are fitted from there, as noise rounds the kink below
SEARCHED = np.concatenate(([0.0], np.geomspace(1.0, 1e5, 47)))  # pA
SETTLE = 200.0  # ms


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """What single cells say of a neuron.

    Attributes:
        name: of the cell.
        current: asked for, pA, ascending, (currents,).
        rate: mean over cells and time, Hz, (currents,).
        gain: slope of the rate on the current from a tenth of the highest rate to all of it, Hz per pA.
        rheobase: current at which that line meets 0, pA.
        distance: largest distance of the rate from the line's relu up to the highest rate, Hz.
        basal_gain: basal potential per current, mV per pA; NaN for a cell without one.
        apical_gain: apical potential per apical current, mV per pA; NaN without a tuft that takes current.
        apical_bend: largest distance of the apical potential from that line, relative to its range.
    """

    name: str
    current: Array
    rate: Array
    gain: float
    rheobase: float
    distance: float
    basal_gain: float
    apical_gain: float
    apical_bend: float

    @property
    def charge(self) -> float:
        """Charge per spike on the straight part, fC: 1 / gain."""
        return 1e3 / self.gain

    def calibration(self, circuit: Circuit, *, apical_sd: float = 5.0) -> Calibration:
        """The scales of a circuit with this cell; gains measured where `calibrate` has closed forms.

        Args:
            circuit: the intact circuit.
            apical_sd: apical deviation per standard deviation of B c, mV.

        Raises:
            ModelError: the cell has no basal potential or no tuft, or as `calibrate`.
        """
        for role, value in (("basal", self.basal_gain), ("apical", self.apical_gain)):
            if not np.isfinite(value):
                raise ModelError(
                    f"measured.{role}_gain: expected a cell whose {role} potential answers a current, got {self.name}; name its "
                    f"{role} potential and current in the cell's roles"
                )
        scales = calibrate(circuit, apical_sd=apical_sd)
        return replace(
            scales, basal_gain=scales.post_rate / self.gain * self.basal_gain,
            basal_charge=scales.post_rate / (self.gain * scales.pre_rate), bias_current=scales.post_rate / self.gain,
            apical_charge=scales.apical_gain / self.apical_gain / scales.context_rate,
            apical_current=scales.apical_gain / self.apical_gain,
        )  # fmt: skip


def measure(
    cell: Cell, *, currents: int = 21, cells: int = 20, duration: float = 1000.0, top: float = 100.0, apical: float = 10.0, dt: float = 0.1, seed: int = 0
) -> Measured:  # fmt: skip
    """Measure a cell: a coarse search for the current of the highest rate, a fine f-I curve up to it, small currents into the tuft.

    Args:
        cell: with the role `current`; `apical` and `apical_current` where its tuft is measured.
        currents: of the f-I curve.
        cells: for each current.
        duration: ms after 200 ms of settling.
        top: highest rate of the fit, Hz; the f-I curve is measured up to it.
        apical: largest deviation of the tuft that is asked for, mV.
        dt, seed: as in `drive`.

    Raises:
        ModelError: a cell without current input, or one that no current up to 0.1 uA brings to the highest rate.
    """
    name = cell.roles.get("current", "")
    if name not in cell.inputs:
        raise ModelError(
            f"cell.roles.current: expected an input of {cell.name}, got {name or None!r}; an f-I curve needs a current into the soma"
        )
    scale = _in_pA(cell, name)
    end = SETTLE + duration
    coarse = drive(
        cell, cells=len(SEARCHED), duration=end, inputs={name: SEARCHED / scale}, every=end, dt=dt, seed=seed
    )
    fast = np.flatnonzero(coarse.rate(SETTLE) > top)
    still = np.flatnonzero(coarse.rate(SETTLE) > 1.0)
    if not fast.size:
        raise ModelError(
            f"cell.model: expected at least {top:g} Hz at some current up to {SEARCHED[-1]:g} pA, got at most "
            f"{coarse.rate(SETTLE).max():.3g} Hz; see the cell's threshold and the unit of {name}"
        )
    low, high = SEARCHED[max(still[0] - 1, 0)], SEARCHED[fast[0]]
    asked = np.linspace(low - 0.1 * (high - low), high, currents)
    fine = drive(
        cell,
        cells=currents * cells,
        duration=end,
        inputs={name: np.repeat(asked, cells) / scale},
        every=1.0,
        dt=dt,
        seed=seed + 1,
    )
    rate = fine.rate(SETTLE).reshape(currents, cells).mean(1)
    inside = (rate >= FITTED * top) & (rate <= top)
    if inside.sum() < 3:
        raise ModelError(
            f"measure.currents: expected three or more rates from {FITTED * top:g} to {top:g} Hz, got {inside.sum()}; ask for more currents"
        )
    gain, offset = np.polyfit(asked[inside], rate[inside], 1)
    straight = np.maximum(gain * asked + offset, 0)
    counted = straight <= top
    tuft, bend = _tuft(cell, apical, cells, dt, seed)
    return Measured(
        name=cell.name, current=asked, rate=rate, gain=float(gain), rheobase=float(-offset / gain),
        distance=float(np.abs(rate - straight)[counted].max()), basal_gain=_slope(fine, "basal", asked, cells),
        apical_gain=tuft, apical_bend=bend,
    )  # fmt: skip


def _slope(found: Driven, role: str, asked: Array, cells: int) -> float:
    if role not in found.potentials:
        return float("nan")
    late = found.potentials[role][:, found.time >= SETTLE].mean(1).reshape(len(asked), cells).mean(1)
    return float(np.polyfit(asked, late, 1)[0])


def _tuft(cell: Cell, deviation: float, cells: int, dt: float, seed: int) -> tuple[float, float]:
    """mV per pA of the tuft and its largest relative distance from a line; soma without current."""
    name = cell.roles.get("apical_current", "")
    if name not in cell.inputs or "apical" not in cell.roles:
        return float("nan"), float("nan")
    scale = _in_pA(cell, name)

    def potentials(asked: Array) -> Array:
        found = drive(
            cell,
            cells=len(asked) * cells,
            duration=2 * SETTLE,
            inputs={name: np.repeat(asked, cells) / scale},
            dt=dt,
            seed=seed,
        )
        return np.asarray(found.potentials["apical"][:, found.time >= SETTLE].mean(1).reshape(-1, cells).mean(1))

    first = np.array([-100.0, 100.0])  # pA, above the noise of a tuft
    per_pA = float(np.diff(potentials(first))[0] / np.ptp(first))
    if not (np.isfinite(per_pA) and per_pA > 0):
        return float("nan"), float("nan")
    asked = np.linspace(-deviation, deviation, 9) / per_pA
    seen = potentials(asked)
    gain, offset = np.polyfit(asked, seen, 1)
    return float(gain), float(np.abs(seen - gain * asked - offset).max() / np.ptp(seen))


def _in_pA(cell: Cell, name: str) -> float:
    """pA in the unit of an input."""
    units = {"pA": 1.0, "nA": 1e3, "uA": 1e6, "amp": 1e12}
    unit = cell.inputs[name]
    if unit not in units:
        raise ModelError(
            f"cell.inputs.{name}: expected one of {', '.join(units)} to measure with, got {unit!r}; give it in pA"
        )
    return units[unit]
