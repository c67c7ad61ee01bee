"""`apical analyse RUN receptive-fields`: reverse correlation of noise."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...recordings.analysis import by_units, receptive_fields, side_by_side
from ...recordings.analysis.figures import fields
from . import hints
from .analysis import Analysis, Row, medians
from .options import Options
from .recorded import Recorded

P = 0.01
BYTES = 80  # of a unit and pixel: its sums, and the maps that are made of them


def missing(recorded: Recorded, options: Options) -> str:
    """Images of noise."""
    lacking = f"the images that were shown, table stimuli; {hints.NOISE}"
    return hints.trials(len(recorded.activity)) or ("" if recorded.images() is not None else lacking)


def measure(recorded: Recorded, options: Options) -> xr.Dataset:
    """Receptive field of every unit."""
    images = recorded.images()
    assert images is not None
    shown = images.load()
    pixels = shown.shape[-2] * shown.shape[-1]
    found = {}
    for name, signal in recorded.signals(options).items():
        rows_used = recorded.rows(signal, options)

        def fields_of(part: xr.DataArray, rows_used: NDArray[np.bool_] | None = rows_used) -> xr.Dataset:
            return receptive_fields(part, shown, rows=rows_used, permutations=options.permutations, seed=options.seed)

        found[name] = by_units(fields_of, signal, pixels * BYTES * (1 + options.permutations))
    return side_by_side(found)


def draw(dataset: xr.Dataset) -> Figure:
    """Maps of the clearest units."""
    return fields(dataset)


def rows(dataset: xr.Dataset) -> list[Row]:
    """By population: units with a field (a significant one, where p is told), median size and signal-to-noise ratio of these."""
    p = dataset["p"].values
    heading = f"p < {P}" if np.isfinite(p).any() else "with a field"
    seen = p < P if np.isfinite(p).any() else np.isfinite(dataset["centre_x"].values)
    known = dataset.copy()
    for name in ("diameter", "snr"):
        known[name] = dataset[name].where(xr.DataArray(seen, dims="unit"))
    names = dataset["population"].values.astype(str)
    return [
        {"population": row["population"], "units": row["units"], heading: int(seen[names == row["population"]].sum()), **{k: row[k] for k in list(row)[2:]}}
        for row in medians(known, {"diameter (pixels)": "diameter", "SNR": "snr"}, quantiles=False)
    ]  # fmt: skip


def told(dataset: xr.Dataset) -> tuple[str, ...]:
    """How many are seen, and by which right."""
    p, trials, shown = dataset["p"].values, int(np.max(dataset["trials"].values)), int(np.min(dataset["shown"].values))
    if np.isfinite(p).any():
        return (
            f"{int((p < P).sum())} of {len(p)} units have a receptive field with p < {P} after {trials} trials; by chance "
            f"{number_of(P * len(p))} would.",
        )
    seen = int(np.isfinite(dataset["centre_x"].values).sum())
    return (
        f"{seen} of {len(p)} units answer some place. A pixel was changed in {shown} of the {trials} trials or a few more, too few for p; a network "
        "without noise of its own needs none.",
    )


def number_of(value: float) -> str:
    """A small count."""
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


ANALYSIS = Analysis(
    title="Receptive fields",
    says="rate-triggered average of noise: kernel, ON and OFF maps, centre, diameter, p, by unit",
    missing=missing,
    measure=measure,
    draw=draw,
    rows=rows,
    told=told,
    caption=(
        "Kernel h(x) = cov(s(x), r) / var(s(x)) of the strongest units of each population, each of another channel, around its centre: orange where a "
        "brighter pixel drives the unit, purple where a darker one does. Each map is on its own "
        "scale."
    ),
)
