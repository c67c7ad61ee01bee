"""Results of a protocol as numbers by condition, as an xarray Dataset, and as verdicts on what was expected."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from .circuit import Found
from .expectations import CHANGE, Lookup
from .measures import Value
from .protocol import Protocol
from .quantities import DERIVED

# by condition and seed, probe by probe
Results = dict[tuple[str, int], dict[str, Found | dict[str, Value]]]
CURVES = {
    "circuit": ("onset", "onset of the pulse, from the end of the fixation", "s"),
    "synapse": ("lag", "lag, post after pre", "ms"),
    "adaptation": ("exposure", "repetition of the set (oddball: 0 standard, 1 control, 2 deviant)", "s"),
    "bci": ("day", "day", "1"),
}
HEIGHTS = {
    "circuit": "change, over the peak's",
    "synapse": "change per pair",
    "adaptation": "excess over the first response (oddball: response over the control's)",
    "bci": "read-out, share of the way to the target",
}


def _measures(found: Found | dict[str, Value]) -> Mapping[str, Value]:
    return found.values if isinstance(found, Found) else found


def scalar(found: Mapping[str, Value], name: str) -> float:
    """One number: a measure, its mean over populations, or one derived from those (`_lower`, `_top`)."""
    if name in found:
        value = found[name]
        return float(np.mean(list(value.values()))) if isinstance(value, dict) else value
    base, _, end = name.rpartition("_")
    values = found[base]
    assert isinstance(values, dict)
    numbers = list(values.values())
    return numbers[-1] if end == "top" else float(np.mean(numbers[:-1])) if numbers[:-1] else math.nan


def lookup(results: Results, seed: int) -> Lookup:
    """Values of one seed, as expectations name them."""

    def look(condition: str, name: str, moment: str | None) -> float:
        probes = results[condition, seed]
        order = list(probes)
        last = scalar(_measures(probes[order[-1]]), name)
        if moment is None:
            return last
        if moment == CHANGE:
            return last - scalar(_measures(probes[order[0]]), name)
        return scalar(_measures(probes[moment]), name)

    return look


def verdicts(protocol: Protocol, results: Results, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Every statement, with every seed's verdict; it holds where it holds with all of them."""
    lines = []
    for expectation in protocol.expectations:
        held = [expectation.holds(lookup(results, seed)) for seed in seeds]
        lines.append({"text": expectation.text, "holds": all(held), "seeds": held})
    return lines


def numbers(protocol: Protocol, results: Results, seeds: Sequence[int]) -> dict[str, Any]:
    """By condition and measure: mean, standard deviation over seeds and values at every probe, and of the change from first to last."""
    conditions: dict[str, Any] = {}
    for condition in protocol.conditions:
        moments = [*condition.probes, *([CHANGE] if len(condition.probes) > 1 else [])]
        measures: dict[str, Any] = {}
        for name in _wanted(protocol):
            measures[name] = {
                moment: _summary([lookup(results, seed)(condition.label, name, moment) for seed in seeds])
                for moment in moments
            }
        conditions[condition.label] = {"control": condition.control, "wiring": condition.wiring, "measures": measures}
    return conditions


def _wanted(protocol: Protocol) -> list[str]:
    rows = protocol.measured.items()
    return [n for name, row in rows for n in (name, *(f"{name}_{end}" for end in DERIVED if row.per_population))]


def _summary(values: Sequence[float]) -> dict[str, Any]:
    array = np.array(values)
    return {
        "mean": float(array.mean()),
        "sd": float(array.std(ddof=1)) if len(array) > 1 else math.nan,
        "values": [float(value) for value in array],
    }


def in_order(probes: Sequence[Sequence[str]]) -> list[str]:
    """All names once, each behind those that come before it in a condition.

    >>> in_order([["before", "after"], ["before", "half", "after"]])
    ['before', 'half', 'after']
    """
    merged: list[str] = []
    for names in probes:
        place = 0
        for name in names:
            if name not in merged:
                merged.insert(place, name)
            place = merged.index(name) + 1
    return merged


def dataset(protocol: Protocol, results: Results, seeds: Sequence[int]) -> xr.Dataset:
    """Every measure with dimensions (seed, condition, probe) and, where it has them, population; and the curve of a circuit or synapse."""
    labels = [condition.label for condition in protocol.conditions]
    probes = in_order([condition.probes for condition in protocol.conditions])
    shape = (len(seeds), len(labels), len(probes))
    dims = ("seed", "condition", "probe")
    first = next(iter(results.values()))
    populations = next((list(v) for v in _measures(next(iter(first.values()))).values() if isinstance(v, dict)), [])
    variables: dict[str, Any] = {}
    for name, row in protocol.measured.items():
        each = row.per_population
        values = np.full((*shape, len(populations)) if each else shape, np.nan)
        for (label, seed), found in results.items():
            for probe, at in found.items():
                value = _measures(at)[name]
                place = seeds.index(seed), labels.index(label), probes.index(probe)
                values[place] = list(value.values()) if isinstance(value, dict) else value
        described = {"units": row.units, "long_name": row.label}
        variables[name] = ((*dims, "population") if each else dims, values, described)
    coordinates: dict[str, Any] = {
        "seed": ("seed", list(seeds), {"units": "1", "long_name": "seed"}),
        "condition": ("condition", labels, {"long_name": "condition"}),
        "probe": ("probe", probes, {"long_name": "moment of the measurement"}),
    }
    if populations:
        coordinates["population"] = ("population", populations, {"long_name": "population"})
    if protocol.head.stage in CURVES:
        _add_curve(variables, coordinates, protocol, results, seeds, labels)
    return xr.Dataset(variables, coordinates)


def _add_curve(
    variables: dict[str, Any], coordinates: dict[str, Any], protocol: Protocol, results: Results, seeds: Sequence[int],
    labels: list[str],
) -> None:  # fmt: skip
    """The curves of the last probes, on the abscissae of all conditions together."""
    name, long_name, units = CURVES[protocol.head.stage]
    curves = {key: list(found.values())[-1] for key, found in results.items()}
    x = sorted({float(value) for curve in curves.values() if isinstance(curve, Found) for value in curve.x})
    values = np.full((len(seeds), len(labels), len(x)), np.nan)
    for (label, seed), curve in curves.items():
        assert isinstance(curve, Found)
        values[seeds.index(seed), labels.index(label), [x.index(float(v)) for v in curve.x]] = curve.y
    variables["curve"] = (
        ("seed", "condition", name),
        values,
        {"units": "1", "long_name": HEIGHTS[protocol.head.stage]},
    )
    coordinates[name] = (name, x, {"units": units, "long_name": long_name})
