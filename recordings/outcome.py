"""What a training came to, population by population: the numbers that stand in the table of results."""

import numpy as np
import xarray as xr

from .figures import tables_of
from .plot_factors import separation
from .words import short, words_of

LATE = 0.1  # the part of the run whose mean stands in the table
Row = list[str]


def outcome(recording: xr.DataTree) -> xr.Dataset:
    """Numbers of every population, along `population`; NaN where it has none.

    Args:
        recording: of a training.
    """
    losses, updates = _losses(recording), tables_of(recording, "updates")
    names = list(dict.fromkeys([*updates, *losses]))
    columns: dict[str, list[float]] = {
        "loss_first": [losses.get(name, (np.nan, np.nan))[0] for name in names],
        "loss_last": [losses.get(name, (np.nan, np.nan))[1] for name in names],
    }
    for variable in ("gate_fixation", "gate_saccade", "basal_change", "apical_change"):
        columns[variable] = [_late(updates.get(name), variable) for name in names]
    columns["separation"] = [_separation(updates.get(name)) for name in names]
    return xr.Dataset(
        {name: ("population", np.array(values, dtype=np.float64)) for name, values in columns.items()},
        {"population": names},
    )


def results(recording: xr.DataTree) -> tuple[Row, list[Row]]:
    """Head and rows of the table of results, one row per population; a column without any value is left out."""
    found, words = outcome(recording), words_of(*tables_of(recording, "updates").values())
    first, second = short(words["first"]), short(words["second"])
    heads = {
        "loss_first": "loss, first",
        "loss_last": "loss, last",
        "gate_fixation": f"open gates, {first}",
        "gate_saccade": f"open gates, {second}",
        "basal_change": "|ΔW| of a step",
        "apical_change": "|ΔB| of a step",
        "separation": f"P({first} > {second})",
    }
    kept = [name for name in heads if np.isfinite(found[name].values).any()]
    rows = [
        [str(population), *(number(float(found[name][index])) for name in kept)]
        for index, population in enumerate(found["population"].values)
    ]
    return ["population", *(heads[name] for name in kept)], rows if kept else []


def _losses(recording: xr.DataTree) -> dict[str, tuple[float, float]]:
    """Mean loss of every population over the first and the last part of the run."""
    if "metrics" not in recording.children or not recording["metrics"].sizes["step"]:
        return {}
    loss = recording["metrics"].to_dataset()["loss"]
    count = max(1, round(LATE * loss.sizes["step"]))
    first, last = (loss.isel(step=part).values.mean(axis=0) for part in (slice(0, count), slice(-count, None)))
    names = [str(name) for name in loss["population"].values]
    return {name: (float(a), float(b)) for name, a, b in zip(names, first, last, strict=True)}


def _tail(table: xr.Dataset | None, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The last part of a variable, flat; empty where the table has none of it."""
    if table is None or name not in table:
        return np.empty(0)
    count = max(1, round(LATE * table.sizes["step"]))
    return np.asarray(table[name].isel(step=slice(-count, None)).values, dtype=np.float64).ravel()


def _late(table: xr.Dataset | None, name: str) -> float:
    values = _tail(table, name)
    return float(values.mean()) if values.size else np.nan


def _separation(table: xr.Dataset | None) -> float:
    fixation, saccade = _tail(table, "score_fixation"), _tail(table, "score_saccade")
    return separation(fixation, saccade) if fixation.size and saccade.size else np.nan


def number(value: float) -> str:
    """A number of a table, a dash where there is none."""
    return f"{value:.3g}" if np.isfinite(value) else "–"
