"""`apical analyse RUN receptive-fields`: reverse correlation of noise."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from ...recordings.analysis import receptive_fields, side_by_side
from ...recordings.analysis.figures import fields
from . import hints
from .analysis import Analysis, Row, medians
from .options import Options
from .recorded import Recorded

P = 0.01


def missing(recorded: Recorded, options: Options) -> str:
    """Images of noise."""
    lacking = f"the images that were shown, table stimuli; {hints.NOISE}"
    return hints.trials(len(recorded.activity)) or ("" if recorded.images() is not None else lacking)


def measure(recorded: Recorded, options: Options) -> xr.Dataset:
    """Receptive field of every unit."""
    images = recorded.images()
    assert images is not None
    found = {
        name: receptive_fields(
            signal, images, rows=recorded.rows(signal, options), permutations=options.permutations, seed=options.seed
        )
        for name, signal in recorded.signals(options).items()
    }
    return side_by_side(found)


def draw(dataset: xr.Dataset) -> Figure:
    """Maps of the clearest units."""
    return fields(dataset)


def rows(dataset: xr.Dataset) -> list[Row]:
    """By population: units with a significant field, median size and signal-to-noise ratio of these."""
    seen = dataset["p"].values < P
    known = dataset.copy()
    for name in ("diameter", "snr", "peak_z"):
        known[name] = dataset[name].where(xr.DataArray(seen, dims="unit"))
    found = medians(known, {"diameter (pixels)": "diameter", "SNR": "snr", "|z|": "peak_z"}, quantiles=False)
    names = dataset["population"].values.astype(str)
    return [
        {
            "population": row["population"],
            "units": row["units"],
            f"p < {P}": int(seen[names == row["population"]].sum()),
        }
        | {key: value for key, value in row.items() if key not in ("population", "units")}
        for row in found
    ]


def told(dataset: xr.Dataset) -> tuple[str, ...]:
    """How many are seen."""
    p = dataset["p"].values
    trials = int(np.max(dataset["trials"].values))
    return (
        f"{int((p < P).sum())} of {len(p)} units have a receptive field with p < {P} after {trials} trials; by chance "
        f"{number_of(P * len(p))} would.",
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
        "Kernel h(x) = cov(s(x), r) / var(s(x)) of the units with the largest |z| of each population, around its centre: orange where a "
        "brighter pixel drives the unit, purple where a darker one does. The title of a map is the unit's channel, row and column, and the "
        "largest |z| of corr(s(x), r) √T."
    ),
)
