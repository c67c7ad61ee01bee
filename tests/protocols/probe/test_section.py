"""A read-out as a section and as a figure."""

import numpy as np
import pytest
from apical.protocols.probe.figure import read_outs
from apical.protocols.probe.section import dataset, section

LAYERS = {"conv1": {"accuracy": 40.0, "accuracy_random": 30.0}}
RESULT = {
    "accuracy": 50.0, "accuracy_random": 35.0, "accuracy_pixels": 25.0, "layers": LAYERS, "n_train": 5000, "n_test": 1000,
    "read_out": "linear (ridge)", "step": 624,
}  # fmt: skip


def test_every_layer_stands_beside_its_controls():
    found = section(RESULT | {"accuracy_head": 61.0})
    assert found.tables[0].rows == (
        ("conv1", "40.00", "30.00", "+10.00"),
        ("all layers", "50.00", "35.00", "+15.00"),
        ("pixels", "25.00", "–", "–"),
        ("the network's own output", "61.00", "–", "–"),
    )
    assert found.summary == (
        "50.00 % of the test images are told right (all layers; 35.00 % random weights, 25.00 % pixels).",
        "Test accuracy at step 624: linear (ridge) read-out; 5,000 training images; 1,000 test images.",
    )
    assert (found.name, found.order, [figure.name for figure in found.figures]) == ("probe", 10, ["read_outs"])


def test_a_read_out_by_goodness_has_no_pixels():
    rows = section(RESULT | {"accuracy_pixels": None, "accuracy_random": None}).tables[0].rows
    assert [row[0] for row in rows] == ["conv1", "all layers"]
    assert rows[-1] == ("all layers", "50.00", "–", "–")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "all layers"),
        ({"together": ["conv1"]}, "all layers"),
        ({"together": ["conv2"], "populations": ["conv1", "conv2"]}, "together: conv2"),
    ],
)
def test_layers_that_are_read_together_are_named_where_they_are_not_all(more, told):
    assert section(RESULT | more).tables[0].rows[1][0] == told
    assert dataset(RESULT | more)["layer"].values[-1] == told


def test_corruptions_are_rows_by_severity():
    corrupted = {"fog": [50.0, 40.0], "blur": [30.0, 20.0]}
    more = {"corrupted": corrupted, "accuracy_corrupted": 35.0, "accuracy_uncorrupted": 52.0, "n_corrupted": 1000}
    table = section(RESULT | more).tables[1]
    assert table.head == ("corruption", "severity 1 (%)", "severity 2 (%)")
    assert table.rows == (("all, mean", "40.00", "30.00"), ("fog", "50.00", "40.00"), ("blur", "30.00", "20.00"))
    assert "35.00 % on average, 52.00 %" in table.title


def test_the_figure_is_a_function_of_a_dataset():
    found = dataset(RESULT)
    assert all(variable.attrs["units"] == "%" and variable.attrs["long_name"] for variable in found.data_vars.values())
    figure = read_outs(found)
    np.testing.assert_allclose([bar.get_height() for bar in figure.axes[0].patches], [40, 50, 30, 35])
    assert figure.axes[0].lines[0].get_ydata()[0] == 25
    assert figure.axes[0].get_xticklabels()[-1].get_text() == "all layers"
    alone = read_outs(dataset({"accuracy": 50.0, "accuracy_random": None, "layers": {}, "together": ["conv3"]}))
    assert len(alone.axes[0].patches) == 1
