"""`apical analyse RUN noise-correlations`: what two units share beyond the stimulus."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from ...recordings.analysis import noise_correlations, side_by_side
from ...recordings.analysis.described import PLACES
from ...recordings.analysis.figures import distributions
from . import hints
from .analysis import Analysis, Row, medians
from .invariance import _by
from .options import Options
from .recorded import Recorded

PAIRS = 20000  # of a population that are kept: quartiles of more are the same


def missing(recorded: Recorded, options: Options) -> str:
    """Repeats."""
    lacking = f"conditions with repeats; {hints.REPEATS}"
    known = recorded.has(_by(recorded, options), varied=True)
    return hints.trials(len(recorded.activity)) or ("" if known else lacking)


def measure(recorded: Recorded, options: Options) -> xr.Dataset:
    """Correlations of the pairs of units."""
    by = _by(recorded, options)
    found = {}
    for name, signal in recorded.signals(options).items():
        one = noise_correlations(
            signal, by, rows=recorded.rows(signal, options), most_units=min(options.most_units, 512), seed=options.seed
        )
        found[name] = _pairs(one, options.seed)
    return side_by_side(found, dim="pair").assign_attrs(by=by)


def _pairs(one: xr.Dataset, seed: int) -> xr.Dataset:
    """The pairs of two different units in a row, a sample of them where there are too many."""
    i, j = np.triu_indices(one.sizes["unit"], 1)
    if len(i) > PAIRS:
        chosen = np.sort(np.random.default_rng(seed).choice(len(i), PAIRS, replace=False))
        i, j = i[chosen], j[chosen]
    made = {name: xr.Variable(("pair",), one[name].values[i, j], one[name].attrs) for name in ("noise", "signal")}
    units = one["unit_id"].values if "unit_id" in one.coords else np.arange(one.sizes["unit"])
    told = {name: ("pair", units[k], {"units": "1", "long_name": said}) for name, k, said in (("first_unit", i, "unit"), ("second_unit", j, "other unit"))}  # fmt: skip
    return xr.Dataset({**made, "conditions": one["conditions"], "repeats": one["repeats"]}, told).drop_vars(
        PLACES, errors="ignore"
    )


def draw(dataset: xr.Dataset) -> Figure:
    """Noise and signal correlations by population."""
    return distributions(dataset.rename(pair="unit"), ["noise", "signal"], levels={"noise": 0, "signal": 0})


def rows(dataset: xr.Dataset) -> list[Row]:
    """Medians by population."""
    found = medians(dataset, {"noise r": "noise", "signal r": "signal"})
    for row in found:
        row["pairs"] = row.pop("units")
    return [{"population": row["population"], "pairs": row["pairs"], **row} for row in found]


def told(dataset: xr.Dataset) -> tuple[str, ...]:
    """What varies."""
    conditions, repeats = int(dataset["conditions"].values.max()), float(dataset["repeats"].values.mean())
    return (
        f"{conditions} values of {dataset.attrs['by']} with {repeats:.3g} trials each. A network without noise of its own differs between them "
        "by the view and by the glance before alone.",
    )


ANALYSIS = Analysis(
    title="Noise and signal correlations",
    says="correlation of pairs of units within conditions (repeats) and across them",
    missing=missing,
    measure=measure,
    draw=draw,
    rows=rows,
    told=told,
    caption=(
        "Pairs of units as dots, quartiles as boxes. Left: Pearson's r over trials when the mean of each condition is taken away. Right: Pearson's "
        "r over conditions of the means."
    ),
)
