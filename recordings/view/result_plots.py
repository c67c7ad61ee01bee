"""What an analysis found of a unit, drawn by the shape of what it is: a number, a line, bars, or a map."""

from html import escape
from typing import Any

import numpy as np
from bokeh.models import ColorBar, Column, Div, HoverTool, LinearColorMapper
from bokeh.plotting import figure

from .traces import COLOURS
from .tuning import MOST_BARS, Piece


def drawn(piece: Piece) -> Any:
    """A model that shows a piece of a result."""
    values = piece.values
    head = f"<b>{escape(piece.title)}</b>" + (f"<br><small>{escape(piece.note)}</small>" if piece.note else "")
    if values.ndim == 0:
        said = "" if np.isnan(values) else f"<p class='value'>{float(values):.5g}</p>"
        return Div(text=head + said, sizing_mode="stretch_width")
    plot = _line(piece) if values.ndim == 1 else _image(piece)
    return Column(Div(text=head, sizing_mode="stretch_width"), plot, sizing_mode="stretch_width")


def _line(piece: Piece) -> Any:
    name, x = piece.axes[0]
    words = x.dtype.kind not in "fiub"
    plot = figure(
        height=280, sizing_mode="stretch_width", x_axis_label=name, y_axis_label=piece.label, min_border_left=62,
        tools="pan,wheel_zoom,box_zoom,reset", **({"x_range": list(dict.fromkeys(x[:MOST_BARS]))} if words else {}),
    )  # fmt: skip
    plot.toolbar.logo = None
    if words:
        plot.vbar(x=list(x[:MOST_BARS]), top=piece.values[:MOST_BARS], width=0.8, color=COLOURS[0])
    else:
        plot.line(x.astype(float), piece.values, color=COLOURS[0])
        plot.scatter(x.astype(float), piece.values, color=COLOURS[0], size=6)
    plot.add_tools(HoverTool(tooltips=[(name, "@x"), (piece.label, "@top" if words else "@y")]))
    return plot


def _image(piece: Piece) -> Any:
    (rows, y), (cols, x) = piece.axes
    height, width = piece.values.shape
    seen = piece.values[np.isfinite(piece.values)]
    most = float(np.abs(seen).max()) if seen.size else 1.0
    signed = bool(seen.size) and float(seen.min()) < 0
    low, high = (-most, most) if signed else (float(seen.min()) if seen.size else 0.0, most)
    mapper = LinearColorMapper(
        palette="RdBu11" if signed else "Viridis256", low=low, high=high if high > low else low + 1, nan_color="#dddddd"
    )
    plot = figure(
        frame_height=280, frame_width=min(max(280 * width // height, 120), 420), tools="pan,wheel_zoom,reset", min_border_left=50,
        x_range=(-0.5, width - 0.5), y_range=(height - 0.5, -0.5),  # the first row stands on top, as in an image
        x_axis_label=f"{cols}{_ends(x)}", y_axis_label=f"{rows}{_ends(y)}",
    )  # fmt: skip
    plot.toolbar.logo = None
    plot.image([piece.values.astype(np.float32)], x=-0.5, y=-0.5, dw=width, dh=height, color_mapper=mapper)
    plot.add_layout(ColorBar(color_mapper=mapper, title=piece.label, width=10), "right")
    plot.add_tools(HoverTool(tooltips=[(piece.label, "@image")]))
    return plot


def _ends(axis: Any) -> str:
    if not len(axis) or axis.dtype.kind not in "fiub":
        return ""
    return f" ({float(axis[0]):.3g} to {float(axis[-1]):.3g})"
