"""The figure of a population's kernels."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .errors import RecordingError
from .plot_style import new_figure, styled

MOST = 128  # kernels that a page shows
COLUMNS = 16


@styled
def kernels(weight: xr.DataArray) -> Figure:
    """Kernels of a population on images, each scaled to its own largest entry and ordered by norm: colour for three channels, else grey.

    Args:
        weight: (unit, channel, y, x), of one or three channels.

    Raises:
        RecordingError: another number of channels or of dimensions.
    """
    values = np.asarray(weight.values, dtype=float)
    if values.ndim != 4 or values.shape[1] not in (1, 3):
        raise RecordingError(
            f"kernels: expected (unit, channel, y, x) with 1 or 3 channels, got {values.shape}; give those of the first population"
        )
    order = np.argsort(-np.linalg.norm(values.reshape(len(values), -1), axis=1), kind="stable")[:MOST]
    columns = min(COLUMNS, len(order))
    rows = -(-len(order) // columns)
    figure = new_figure(0.45 * columns + 0.4, 0.45 * rows + 0.6)
    axes = figure.subplots(rows, columns, squeeze=False)
    for panel in axes.flat:
        panel.set_axis_off()
    for panel, unit in zip(axes.flat, order, strict=False):
        panel.imshow(_image(values[unit]), interpolation="nearest")
    shown = f"{len(order)} of {len(values)} kernels" if len(order) < len(values) else f"{len(values)} kernels"
    side = "×".join(map(str, values.shape[2:]))
    figure.suptitle(f"{weight.attrs.get('population', '')}: {shown}, {side}".lstrip(": "))
    return figure


def _image(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """As RGB between 0 and 1, grey where the kernel is zero; entries that are no numbers are black."""
    finite = np.nan_to_num(kernel, nan=0, posinf=0, neginf=0)
    scaled = 0.5 + 0.5 * finite / (np.abs(finite).max() or 1.0)
    scaled = np.where(np.isfinite(kernel), scaled, 0.0)
    return np.asarray(np.broadcast_to(scaled.transpose(1, 2, 0), (*kernel.shape[1:], 3)))
