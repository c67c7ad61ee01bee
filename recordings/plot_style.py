"""How every figure looks: colours safe for colour-blind readers, labels with units, saving as PNG and PDF."""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .atomic import replacing
from .errors import RecordingError

# Okabe and Ito, Color Universal Design (2008); yellow is left out, it is lost on white
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#000000")
FIXATION, SACCADE = COLOURS[0], COLOURS[3]
GREY = "#8A8A8A"
SHADE = "#E6E6E6"
SMOOTHED = 100  # points from which a curve over training is a running mean
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.titlesize": 10,
    "lines.linewidth": 1.4,
    "pdf.fonttype": 42,  # text stays text
    "mathtext.default": "regular",
}

P = ParamSpec("P")
R = TypeVar("R")


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Run a drawing function under the style of this room, whatever the user's own settings are."""

    @functools.wraps(draw)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(STYLE)
            return draw(*args, **kwargs)

    return wrapped


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that size in inches, outside pyplot's global state."""
    return Figure(figsize=(width, height), layout="constrained")


def panels(count: int, *, columns: int = 3, width: float = 2.6, height: float = 2.1) -> tuple[Figure, list[Axes]]:
    """A figure of small multiples and their axes, row by row."""
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    figure = new_figure(width * max(columns, 2), height * rows + 0.6)
    axes = figure.subplots(rows, columns, squeeze=False)
    for spare in axes.flat[count:]:
        spare.set_visible(False)
    return figure, list(axes.flat[:count])


def colours(count: int) -> list[str]:
    """One colour per population: Okabe and Ito's while they last, else a dark-to-light scale."""
    if count <= len(COLOURS):
        return list(COLOURS[:count])
    scale = mpl.colormaps["cividis"](np.linspace(0, 0.95, count))
    return [mpl.colors.to_hex(colour) for colour in scale]


def label(variable: xr.DataArray) -> str:
    """Long name, symbol and units of a variable, e.g. ``apical potential e (mV)``."""
    return " ".join(part for part in _parts(variable) if part)


def stacked_label(variable: xr.DataArray) -> str:
    """The same on several short lines, for low panels."""
    name, symbol, units = _parts(variable)
    name, _, rest = name.partition(" (")  # "apical potential (feedback)"
    name, comma, formula = name.partition(", ")  # "change of the basal weights, |ΔW|"
    second = ", ".join(part for part in (symbol, formula if comma else "", rest.rstrip(")")) if part)
    return "\n".join(part for part in (name, second, units) if part)


def _parts(variable: xr.DataArray) -> tuple[str, str, str]:
    units = str(variable.attrs.get("units", "1"))
    name = str(variable.attrs.get("long_name", variable.name))
    return name, str(variable.attrs.get("symbol", "")), "" if units == "1" else f"({units})"


def trend(axes: Axes, x: NDArray[np.floating], y: NDArray[np.floating], **line: str) -> None:
    """A quantity over training: every value faintly, its running mean over a fiftieth of the run on top."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    if len(x) > 2000:  # more points than a figure can show
        x, y = _means(x, len(x) // 1000), _means(y, len(y) // 1000)
    window = max(1, 2 * len(x) // SMOOTHED)
    if window > 1:
        axes.plot(x, y, alpha=0.22, linewidth=0.6, color=line.get("color"))
        x, y = _means(x, window), _means(y, window)
    axes.plot(x, y, color=line.get("color"), label=line.get("label"), linestyle=line.get("linestyle", "-"))


def _means(values: NDArray[np.floating], window: int) -> NDArray[np.floating]:
    whole = len(values) // window * window
    with np.errstate(all="ignore"):  # a run that has diverged is drawn too
        return np.asarray(values[:whole].reshape(-1, window).mean(axis=1))


def needed(dataset: xr.Dataset, where: str, names: Sequence[str], rows: int = 1) -> None:
    """Check that a table holds what a figure shows.

    Raises:
        RecordingError: a variable is missing, or fewer than ``rows`` rows are committed.
    """
    missing = [name for name in names if name not in dataset.variables]
    if missing:
        raise RecordingError(
            f"{where}.{missing[0]}: expected this variable, got none in the recording; this figure needs a rule and a "
            "network that have it"
        )
    present = dataset.sizes[dataset[names[0]].dims[0]]
    if present < rows:
        raise RecordingError(f"{where}: expected at least {rows} committed rows, got {present}; record more of them")


def having(tables: Mapping[str, xr.Dataset], kind: str, names: Sequence[str], rows: int = 1) -> dict[str, xr.Dataset]:
    """The populations whose table holds what a figure shows; one without a second dendrite has no second panel.

    Raises:
        RecordingError: no population has it, or one has fewer than ``rows`` rows.
    """
    if not tables:
        raise RecordingError(f"recording.{kind}: expected at least one population, got none; record it for this figure")
    chosen = {name: table for name, table in tables.items() if set(names) <= set(table.variables)}
    for name, table in (chosen or tables).items():
        needed(table, f"{kind}/{name}", names, rows)
    return chosen


def save(figure: Figure, stem: Path) -> Path:
    """Write ``stem.png`` and ``stem.pdf``; returns the path of the PNG. The same figure gives the same bytes."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    path = stem.with_name(f"{stem.name}.png")
    with mpl.rc_context(
        {"pdf.fonttype": STYLE["pdf.fonttype"], "figure.autolayout": False, "figure.constrained_layout.use": False}
    ):
        if (
            layout := figure.get_layout_engine()
        ) is not None:  # once; a figure with an engine is drawn twice for each file
            layout.execute(figure)
            figure.set_layout_engine(None)
        with replacing(path) as partial:
            figure.savefig(partial, format="png", dpi=150, metadata={"Software": None})
        with replacing(stem.with_name(f"{stem.name}.pdf")) as partial:
            figure.savefig(partial, format="pdf", metadata={"CreationDate": None})
    return path
