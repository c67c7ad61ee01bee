"""The figure says what the dataset says."""

import numpy as np
import pytest
from apical.protocols.align.figure import alignment
from apical.protocols.align.measure import Alignment
from apical.protocols.align.table import dataset

LAYERS = ["conv1", "conv2", "conv3"]


def made(steps, fits=("none",), empty=False):
    """Numbers that differ by fit and step; with `empty` no change at all."""
    found = {}
    for i, (fit, step) in enumerate([(fit, step) for step in steps for fit in fits]):
        cosine = [np.nan] * 3 if empty else [0.1 + 0.05 * i, 0.2, 1.0]
        ratio = [np.nan] * 3 if empty else [40.0 + i, 3.0, 1.0]
        found[fit, step] = Alignment([cosine, cosine], [ratio, [2 * r for r in ratio]], [[1.0] * 3] * 2)
    return dataset(found, LAYERS)


def test_one_line_per_run_and_fit_at_both_ends():
    runs = [("DFB", made((0, 10, 20), ("none", "backprop"))), ("lateral", made((0, 20)))]
    figure = alignment(runs)
    assert [axes.get_title() for axes in figure.axes[:2]] == ["initialisation", "after 20 steps"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "DFB",
        "DFB, B fitted to backprop",
        "lateral",
    ]
    for column, position in ((0, 0), (1, -1)):
        for row, name in ((0, "cosine"), (1, "norm_ratio")):
            containers = figure.axes[2 * row + column].containers
            assert len(containers) == 3
            assert {container[0].get_linestyle() for container in containers} == {"None"}  # nothing joins populations
            assert [container[0].get_marker() for container in containers] == ["o", "^", "o"]
            expected = runs[0][1][name].sel(fit_b="backprop").isel(step=position)
            np.testing.assert_allclose(containers[1][0].get_ydata(), expected)
    assert figure.axes[2].get_yscale() == "log"
    assert [tick.get_text() for tick in figure.axes[2].get_xticklabels()] == LAYERS


@pytest.mark.parametrize(
    ("runs", "titles"),
    [
        ([("a", made((0,)))], ["initialisation"]),
        ([("a", made((0, 20))), ("b", made((0, 30)))], ["initialisation", "last checkpoint"]),
        ([("a", made((0, 20), empty=True))], ["initialisation", "after 20 steps"]),
        ([("a", made((0,))), ("b", made((0, 30)))], ["initialisation", "after 30 steps"]),
    ],
    ids=["untrained", "other lengths", "no change", "one untrained"],
)
def test_runs_of_every_kind_are_drawn(runs, titles, tmp_path):
    figure = alignment(runs)
    figure.savefig(tmp_path / "x.png", dpi=30)
    assert [axes.get_title() for axes in figure.axes[: len(titles)]] == titles
