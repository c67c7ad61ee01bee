"""The tables of a training run: ``metrics``, ``activity/<population>`` and ``updates/<population>``.

One trial is one glance. The apical potential e = B c of a trial was set by the glance before (``context_id``); the
basal potential a and the rate z belong to the glance now seen (``stimulus_id``). A fixation compares two glances at the
same object, a saccade two glances at different objects.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .errors import RecordingError
from .schema import Coordinate, Table, Variable
from .words import PLAIN, WORDS, flags, short, symbol

_DRIVE = {"description": "Euclidean norm of the change that the rule gives, before learning rate and optimiser"}
_CHANGE = {"description": "Euclidean norm of what the weights moved by in the step"}


def metrics_table(populations: Sequence[str], length: int, words: Mapping[str, str] = PLAIN) -> Table:
    """Table ``metrics``: one row per training step.

    Args:
        populations: names of the populations, the coordinate of ``loss``.
        length: number of steps of the whole run.
        words: as in `activity_table`.
    """
    names = np.array(list(populations), dtype=np.dtypes.StringDType())
    coords: dict[str, Coordinate] = {"population": (("population",), names, _said("population"))}
    return Table(
        path="metrics",
        dim="step",
        length=length,
        variables=(
            _coordinate("step", "int64", "training step"),
            _coordinate("epoch", "float64", "epoch"),
            _coordinate("samples", "int64", "samples seen"),
            Variable(name="learning_rate", dtype="float64", long_name="learning rate"),
            Variable(
                name="loss",
                dims=("population",),
                shape=(len(names),),
                long_name="loss",
                attributes=_told(words, "loss"),
            ),
        ),
        coords=coords,
        attributes={WORDS: dict(words)},
    )


def activity_table(
    population: str,
    length: int,
    unit_id: ArrayLike,
    shape: tuple[int, int, int],
    *,
    dtype: str = "float32",
    apical: bool = True,
    further: Sequence[str] = (),
    modulated: bool | None = None,
    words: Mapping[str, str] = PLAIN,
) -> Table:
    """Table ``activity/<population>``: one row per trial, potentials and rates of the chosen units.

    Args:
        population: name of the population.
        length: number of trials of the whole run.
        unit_id: the recorded units, (units,), as flat index into ``shape`` in C order.
        shape: (channels, rows, columns) of the population's rates; a dense population is (n, 1, 1).
        dtype: data type of the unit variables, float32 or float16.
        apical: whether the population has an apical dendrite (a network trained by backpropagation has none).
        further: names of further apical dendrites; the variables of each end in its name, as in ``apical_feedback``.
        modulated: whether it has a score and a neuromodulator; None: one for each apical dendrite.
        words: what the rule calls its signals, names as in `PLAIN`.

    Raises:
        RecordingError: a unit lies outside ``shape``, or ``further`` ones are asked for without ``apical``.
    """
    units = np.atleast_1d(np.asarray(unit_id, dtype=np.int64))
    if units.ndim != 1 or units.size == 0 or units.min() < 0 or units.max() >= math.prod(shape):
        raise RecordingError(
            f"activity/{population}.unit_id: expected indices from 0 to {math.prod(shape) - 1}, got "
            f"{np.array2string(units, threshold=6)}; choose units inside the shape {shape}"
        )
    per_unit: dict[str, Any] = {"dims": ("unit",), "shape": (units.size,), "dtype": dtype}
    variables = [
        _coordinate("stimulus_id", "int64", "stimulus of the glance"),
        _coordinate("context_id", "int64", "stimulus of the glance before (-1: no context)"),
        _coordinate("label", "int64", "class label (-1: unlabelled)"),
        _coordinate("epoch", "float64", "epoch"),
        _coordinate("step", "int64", "training step"),
        _coordinate("phase", "int8", "phase", **flags(words)),
        Variable(
            name="basal",
            long_name="basal potential",
            attributes={**_part("basal dendrite", "a"), **_told(words, "basal")},
            **per_unit,
        ),
        Variable(name="rate", long_name="rate", attributes={**_part("soma", "z"), **_told(words, "rate")}, **per_unit),
    ]
    for suffix, source in _dendrites(population, apical, further):
        variables.append(
            Variable(
                name=f"apical{suffix}",
                long_name=f"apical potential{source}",
                attributes={**_part("apical dendrite", "e"), **_told(words, "apical")},
                **per_unit,
            )
        )
    for suffix, source in _modulators(population, apical, further, modulated):
        variables += [
            Variable(
                name=f"neuromodulator{suffix}",
                long_name=f"neuromodulator{source}",
                attributes={"symbol": "γ", **_told(words, "modulator")},
            ),
            Variable(
                name=f"score{suffix}",
                long_name=f"score{source}",
                attributes={"symbol": symbol(words), **_told(words, "score")},
            ),
        ]
    return Table(
        path=f"activity/{population}",
        dim="trial",
        length=length,
        variables=tuple(variables),
        coords=_unit_coords(units, shape),
        attributes={"population": population, "population_shape": list(shape), WORDS: dict(words)},
    )


def updates_table(
    population: str,
    length: int,
    rows: int,
    *,
    apical: bool = True,
    further: Sequence[str] = (),
    modulated: bool | None = None,
    words: Mapping[str, str] = PLAIN,
    compartments: bool = True,
) -> Table:
    """Table ``updates/<population>``: one row per training step, what plasticity did.

    Args:
        population: name of the population.
        length: number of steps of the whole run.
        rows: rows of a batch, the size of the scores.
        apical: whether the population has an apical dendrite.
        further: names of further ones, as in `activity_table`.
        modulated, words: as in `activity_table`.
        compartments: whether its neurons have compartments; those of a block of layers have none.

    Raises:
        RecordingError: ``further`` ones are asked for without ``apical``.
    """
    basal = "basal weights" if compartments else "weights"
    variables = [
        _coordinate("step", "int64", "training step"),
        Variable(name="basal_drive", long_name=f"drive of the {basal}, W", attributes=_DRIVE),
        Variable(name="basal_change", long_name=f"change of the {basal}, |ΔW|", attributes=_CHANGE),
        Variable(name="basal_norm", long_name=f"norm of the {basal}, |W|"),
    ]
    for suffix, source in _dendrites(population, apical, further):
        variables += [
            Variable(
                name=f"apical_drive{suffix}", long_name=f"drive of the apical weights, B{source}", attributes=_DRIVE
            ),
            Variable(
                name=f"apical_change{suffix}",
                long_name=f"change of the apical weights, |ΔB|{source}",
                attributes=_CHANGE,
            ),
            Variable(name=f"apical_norm{suffix}", long_name=f"norm of the apical weights, |B|{source}"),
        ]
    for suffix, source in _modulators(population, apical, further, modulated):
        for phase, word in (("fixation", "first"), ("saccade", "second")):
            said = f"{short(words[word])}{source}"
            variables += [
                Variable(name=f"gate_{phase}{suffix}", long_name=f"share of open gates, {said}"),
                Variable(
                    name=f"score_{phase}{suffix}",
                    dims=("row",),
                    shape=(rows,),
                    long_name=f"score, {said}",
                    attributes=_told(words, "score"),
                ),
            ]
    return Table(
        path=f"updates/{population}",
        dim="step",
        length=length,
        variables=tuple(variables),
        attributes={"population": population, WORDS: dict(words)},
    )


def _dendrites(population: str, apical: bool, further: Sequence[str]) -> list[tuple[str, str]]:
    """Suffix of the variables and end of the long name for each apical dendrite."""
    if further and not apical:
        raise RecordingError(
            f"{population}.{further[0]}: expected an apical dendrite beside the {further[0]} one, got apical=False; "
            "set apical=True, or record a single dendrite as the apical one"
        )
    return [("", "")] * apical + [(f"_{name}", f" ({name})") for name in further]


def _modulators(population: str, apical: bool, further: Sequence[str], modulated: bool | None) -> list[tuple[str, str]]:
    """The same for each score and neuromodulator: one per dendrite, or one of a population without."""
    dendrites = _dendrites(population, apical, further)
    return dendrites if modulated is None else (dendrites or [("", "")]) * modulated


def _unit_coords(units: np.ndarray[Any, Any], shape: tuple[int, int, int]) -> dict[str, Coordinate]:
    channel, row, col = np.unravel_index(units, shape)
    values = {"unit_id": units, "channel": channel, "row": row, "col": col}
    names = {"unit_id": "unit", "channel": "channel", "row": "row of the unit", "col": "column of the unit"}
    return {name: (("unit",), array.astype(np.int64), _said(names[name])) for name, array in values.items()}


def _coordinate(name: str, dtype: str, long_name: str, **attributes: Any) -> Variable:
    return Variable(name=name, dtype=dtype, long_name=long_name, attributes=attributes, coordinate=True)


def _said(long_name: str) -> dict[str, str]:
    return {"units": "1", "long_name": long_name}


def _told(words: Mapping[str, str], name: str) -> dict[str, str]:
    return {"description": words[name]} if words.get(name) else {}


def _part(compartment: str, symbol: str) -> dict[str, str]:
    return {"compartment": compartment, "symbol": symbol}
