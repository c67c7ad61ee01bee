"""`apical analyse RUN apical-basal`: whether the two dendrites of a unit go together."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from ...recordings.analysis import apical_basal, side_by_side
from ...recordings.analysis.figures import distributions
from . import hints
from .analysis import TRIALS, Analysis, Row, medians
from .options import Options
from .recorded import Recorded, phases


def missing(recorded: Recorded, options: Options) -> str:
    """Apical and basal potentials."""
    lacking = f"apical and basal potentials; {hints.APICAL}"
    return hints.trials(len(recorded.activity)) or ("" if recorded.dendrites(options) else lacking)


def measure(recorded: Recorded, options: Options) -> xr.Dataset:
    """Correlation by unit and phase."""
    found = {}
    for name, (table, suffix) in recorded.dendrites(options).items():
        kept = recorded.rows(table["basal"], options)
        names, codes = phases(table)
        codes = np.zeros(len(codes), np.int64) if not names else codes
        codes = codes if kept is None else np.where(kept, codes, -1)
        found[name] = apical_basal(table[f"apical{suffix}"], table["basal"], codes, names)
    return side_by_side(found)


def draw(dataset: xr.Dataset) -> Figure:
    """Correlations by population, a panel per phase."""
    apart = dataset.drop_vars("correlation")
    names = []
    for group in map(str, dataset["group"].values):
        one = dataset["correlation"].sel(group=group).drop_vars("group")
        said = one.attrs["long_name"] + ("" if group == "all" else f", {group}s")
        apart[f"correlation_{group}"] = one.assign_attrs(long_name=said, symbol="")
        names.append(f"correlation_{group}")
    return distributions(apart, names, levels=dict.fromkeys(names, 0))


def rows(dataset: xr.Dataset) -> list[Row]:
    """Medians by population and phase."""
    apart = dataset.copy()
    columns = {}
    for group in map(str, dataset["group"].values):
        apart[f"r_{group}"] = dataset["correlation"].sel(group=group).drop_vars("group")
        columns[f"r {group}"] = f"r_{group}"
    return medians(apart, columns, quantiles=False)


def told(dataset: xr.Dataset) -> tuple[str, ...]:
    """How many units agree."""
    values = dataset["correlation"].sel(group="all").values
    known = values[np.isfinite(values)]
    return (f"Of {len(known)} units, {int((known > 0).sum())} have a positive correlation over all trials.",)


ANALYSIS = Analysis(
    title="Apical and basal potentials",
    says="correlation over trials of the two potentials of a unit, by phase",
    missing=missing,
    reads=(*TRIALS, "source"),
    measure=measure,
    draw=draw,
    rows=rows,
    told=told,
    caption=(
        "Pearson's r over trials of the apical potential <var>e</var> and the basal potential <var>a</var> of a unit, for all trials and for those "
        "of each phase. Units as dots, quartiles as boxes; a unit whose potential does not vary has none."
    ),
)
