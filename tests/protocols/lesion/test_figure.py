"""Panels of a protocol's figure."""

import math
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from apical.protocols.errors import ConfigError
from apical.protocols.lesion.figure import draw
from apical.protocols.lesion.protocol import build, load
from apical.protocols.lesion.table import dataset


def scores(largest: float) -> xr.Dataset:
    """Two conditions, two seeds, one probe, three populations."""
    values = np.random.default_rng(0).random((2, 2, 1, 3))
    values[1, 0, 0, 2] = largest
    names = {"condition": ["hinge", "no_gate"], "seed": [0, 1], "probe": ["after"], "population": ["a", "b", "c"]}
    found = xr.DataArray(values, names, list(names), attrs={"long_name": "score u", "units": "1"})
    return xr.Dataset({"score_same": found})


def test_the_last_probe_is_that_of_the_condition():
    """Whatever other conditions have behind it, and also where nothing was found there."""
    protocol = build(
        "mine",
        {
            "measures": ["accuracy"],
            "conditions": {
                "short": {"events": [{"probe": "before"}, {"probe": "after"}]},
                "long": {"events": [{"probe": "before"}, {"probe": "half"}, {"probe": "after"}]},
                "lost": {"events": [{"probe": "before"}, {"probe": "after"}]},
            },
        },
    )
    numbers = {
        "short": {"before": 1.0, "after": 2.0},
        "long": {"before": 3.0, "half": 4.0, "after": 5.0},
        "lost": {"before": 6.0, "after": math.nan},
    }
    results = {(label, 0): {p: {"accuracy": x} for p, x in at.items()} for label, at in numbers.items()}
    found = dataset(protocol, results, [0])
    assert list(found["probe"].values) == ["before", "half", "after"]
    lines = draw(protocol, found, []).axes[0].get_lines()
    discs = [
        float(line.get_xdata()[0])
        for line in lines
        if line.get_marker() == "o" and line.get_markerfacecolor() != "white"
    ]
    np.testing.assert_equal(discs, [2.0, 5.0, math.nan])
    rings = [float(line.get_xdata()[0]) for line in lines if line.get_markerfacecolor() == "white"]
    assert rings == [1.0, 3.0, 6.0]


def words(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_the_legend_says_what_every_mark_is():
    protocol = load("novelty_transient")
    labels = [condition.label for condition in protocol.conditions]

    def made(seeds):
        names = {"condition": labels, "seed": list(range(seeds)), "probe": ["after"]}
        told = {"long_name": "time constant", "units": "s"}
        return xr.Dataset({"decay": xr.DataArray(np.ones((len(labels), seeds, 1)), names, list(names), attrs=told)})

    head = protocol.head.model_copy(update={"stage": "network", "measures": ["decay"]})
    chosen = replace(protocol, head=head)
    for seeds, marks in ((3, ["mean of 3 seeds ± s.d.", "one seed", "published"]), (1, ["the seed", "published"])):
        figure = draw(chosen, made(seeds), [])
        assert words(figure) == marks
        dots = [line for line in figure.axes[0].get_lines() if line.get_marker() == "."]
        assert len(dots) == (len(labels) if seeds > 1 else 0)


def test_no_line_joins_populations():
    figure = draw(load("fixation_saccade"), scores(3.0), [])
    joined = [c[0].get_linestyle() for c in figure.axes[0].containers]
    assert joined == ["None"] * 2
    assert words(figure) == ["hinge", "no gate", "mean of 2 seeds ± s.d."]
    places = np.sort(np.concatenate([c[0].get_xdata() for c in figure.axes[0].containers]))
    assert np.diff(places).min() > 0.2


@pytest.mark.parametrize(("largest", "scale"), [(3.0, "linear"), (1e27, "symlog")])
def test_a_condition_that_diverges_leaves_the_others_legible(largest, scale):
    panel = draw(load("fixation_saccade"), scores(largest), []).axes[0]
    assert panel.get_yscale() == scale
    low, high = (panel.transData.transform((0, y))[1] for y in (0.0, 1.0))
    assert abs(high - low) > 0.05 * panel.bbox.height


def test_what_was_published_is_a_band_behind_its_measure():
    protocol = load("novelty_transient")
    labels = [condition.label for condition in protocol.conditions]
    names = {"condition": labels, "seed": [0, 1], "probe": ["after"]}
    told = {"long_name": "time constant", "units": "s"}
    values = xr.DataArray(np.ones((len(labels), 2, 1)), names, list(names), attrs=told)
    curve = xr.DataArray(
        np.ones((2, len(labels), 2)), {"seed": [0, 1], "condition": labels, "exposure": [1.0, 2.0]},
        ["seed", "condition", "exposure"], attrs={"long_name": "excess", "units": "1"},
    )  # fmt: skip
    curve["exposure"].attrs.update(long_name="repetition", units="s")
    axes = draw(protocol, xr.Dataset({"excess": values, "decay": values, "curve": curve}), []).axes
    assert len(axes[1].patches) == 0
    (band,) = axes[2].patches
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((1.0, 1.8))


def test_a_published_range_is_of_a_measure_and_goes_upwards():
    events = {"mine": {"events": ["probe"]}}
    for published, message in (({"acuracy": [0, 1]}, "acuracy"), ({"accuracy": [2, 1]}, "from low to high")):
        with pytest.raises(ConfigError, match=message):
            build("mine", {"measures": ["accuracy"], "conditions": events, "published": published})
