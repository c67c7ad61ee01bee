"""Read-outs of a run as the report and the terminal show them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from ...recordings import Drawing, Section, TextTable
from ..sections import NONE, number

FIGURE = "read_outs"
PROBES = "probes"  # folder of results on other data
PLACE = 10
_CAPTION = (
    "Test accuracy of a read-out fitted to the frozen rates <var>z</var> of each layer and of several layers together (named where they are "
    "not all), beside two controls: the same network with the random weights it started from, and the pixels."
)
HEAD = ("layer", "accuracy (%)", "with random weights (%)", "gain (points)")


def section(result: Mapping[str, Any]) -> Section:
    """What `probe` found.

    Args:
        result: as `probe` gives it; of earlier versions without `together`, `populations` and `read_out`.
    """
    rows = [_row(name, values) for name, values in (*result.get("layers", {}).items(), (together(result), result))]
    if result.get("accuracy_pixels") is not None:
        rows.append(("pixels", _percent(result["accuracy_pixels"]), NONE, NONE))
    if "accuracy_head" in result:
        rows.append(("the network's own output", _percent(result["accuracy_head"]), NONE, NONE))
    tables = (TextTable(head=HEAD, rows=tuple(rows)), *_corrupted(result))
    data: Mapping[str, Any] = result.get("data", {})
    title = f"Read-outs on {data['name']}" if data else "Read-outs"
    drawing = Drawing(name=figure_of(result), title=title, caption=_CAPTION)
    at = f" at step {result['step']:,}" if "step" in result else ""
    return Section(
        name=f"probe-{data['slug']}" if data else "probe", title=title,
        summary=(_finding(result), f"Test accuracy{at}: {size(result)}.", *_elsewhere(data)), tables=tables, figures=(drawing,),
        order=PLACE + (1 if data else 0),
    )  # fmt: skip


def figure_of(result: Mapping[str, Any]) -> str:
    """Name of the figure: of a read-out on other data one of its own."""
    return f"{FIGURE}_{result['data']['slug']}" if "data" in result else FIGURE


def _elsewhere(data: Mapping[str, Any]) -> tuple[str, ...]:
    """What a reader has to know of other data."""
    if not data:
        return ()
    own = "the run's own images" if data["normalisation"] == "run" else "these images"
    resized = ", resized" if data["resized"] else ""
    return (
        f"The network, trained on {data['trained_on']}, stayed as it was; the read-out was fitted on training images of {data['name']} ({data['classes']} "
        f"classes, {data['pixels'][2]} x {data['pixels'][1]} pixels{resized}), normalised by mean and deviation of {own}.",
    )


def _finding(result: Mapping[str, Any]) -> str:
    """The accuracy of several together beside the controls."""
    controls = [("random weights", result.get("accuracy_random")), ("pixels", result.get("accuracy_pixels"))]
    beside = ", ".join(f"{_percent(value)} % {name}" for name, value in controls if value is not None)
    return f"{_percent(result['accuracy'])} % of the test images are told right ({together(result)}{'; ' + beside if beside else ''})."


def dataset(result: Mapping[str, Any]) -> xr.Dataset:
    """Accuracies along layer, several together last, for the figure.

    Args:
        result: as in `section`.
    """
    rows = {str(name): values for name, values in result.get("layers", {}).items()} | {together(result): result}
    variables: dict[str, Any] = {
        name: ("layer", [_number(values.get(name)) for values in rows.values()], {"units": "%", "long_name": said})
        for name, said in (("accuracy", "test accuracy"), ("accuracy_random", "test accuracy with random weights"))
    }
    if result.get("accuracy_pixels") is not None:
        said = {"units": "%", "long_name": "test accuracy of the pixels"}
        variables["accuracy_pixels"] = ((), float(result["accuracy_pixels"]), said)
    return xr.Dataset(variables, {"layer": ("layer", list(rows))}, {"read_out": size(result)})


def size(result: Mapping[str, Any]) -> str:
    """Which read-out, fitted and tested on how many images."""
    counts = [
        f"{result[key]:,} {what} images" for key, what in (("n_train", "training"), ("n_test", "test")) if key in result
    ]
    return "; ".join([f"{result.get('read_out', 'linear')} read-out", *counts])


def together(result: Mapping[str, Any]) -> str:
    """What the read-out of several layers together is called: by their names, unless they are all.

    >>> together({"together": ["conv1", "conv2"], "populations": ["conv1", "conv2"]})
    'all layers'
    >>> together({"together": ["conv3"], "populations": ["conv1", "conv2", "conv3"]})
    'together: conv3'
    """
    every = [str(name) for name in result.get("populations", result.get("layers", {}))]
    names = [str(name) for name in result.get("together", every)]
    return "all layers" if names == every else f"together: {', '.join(names)}"


def _row(name: Any, values: Mapping[str, Any]) -> tuple[str, ...]:
    own, random = values["accuracy"], values.get("accuracy_random")
    gain = None if own is None or random is None else own - random
    return str(name), _percent(own), _percent(random), number(gain, "+.2f")


def _corrupted(result: Mapping[str, Any]) -> tuple[TextTable, ...]:
    """Means over kinds and severities, and every kind by severity."""
    if "corrupted" not in result:
        return ()
    means = (
        "all, mean",
        *(_percent(float(np.mean(column))) for column in zip(*result["corrupted"].values(), strict=True)),
    )
    rows = [means, *((name, *map(_percent, values)) for name, values in result["corrupted"].items())]
    head = ("corruption", *(f"severity {number} (%)" for number in range(1, len(means))))
    title = (
        f"Corrupted test images ({result['n_corrupted']:,}): {result['accuracy_corrupted']:.2f} % on average, "
        f"{result['accuracy_uncorrupted']:.2f} % of the same images as they are"
    )
    return (TextTable(head=head, rows=tuple(rows), title=title),)


def _percent(value: float | None) -> str:
    return number(value, ".2f")


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
