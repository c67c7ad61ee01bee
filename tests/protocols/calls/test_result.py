"""Results: mappings with attributes, readable at a prompt and in a notebook."""

import json
from pathlib import Path

import pytest
import torch
from apical import Result

DOCUMENT = {
    "run": Path("runs/x"),
    "accuracy": 79.123456,
    "loss": float("nan"),
    "layers": {
        "conv1": {"accuracy": 60.0, "accuracy_random": 50.0},
        "conv10": {"accuracy": 7.5, "accuracy_random": None},
    },
    "rows": [{"rule": "a<b>", "x": 1}, {"rule": "b", "x": 20}],
    "weights": torch.tensor([1.0, 2.0]),
}


def test_it_is_what_json_prints():
    result = Result("probe", DOCUMENT)
    assert json.loads(json.dumps(result.to_dict())) == result.to_dict() == dict(result)
    assert (result["run"], result["loss"], result["weights"]) == ("runs/x", None, [1.0, 2.0])
    assert len(result) == len(DOCUMENT)


def test_keys_are_attributes():
    result = Result("probe", DOCUMENT)
    assert result.layers.conv1.accuracy == 60.0
    assert "accuracy" in dir(result)
    with pytest.raises(AttributeError, match=r"probe\.acuracy: expected one of run, accuracy"):
        result.acuracy  # noqa: B018


def test_a_copy_cannot_change_it():
    result = Result("probe", DOCUMENT)
    result.to_dict()["layers"]["conv1"]["accuracy"] = 0.0
    assert result.layers.conv1.accuracy == 60.0


def test_it_reads_as_the_terminal_shows_it():
    assert repr(Result("probe", DOCUMENT)).splitlines() == [
        "<probe>",
        "run                  runs/x",
        "accuracy             79.12",
        "loss                 -",
        "layers  accuracy  accuracy_random",
        "conv1         60               50",
        "conv10       7.5                -",
        "rows",
        "  rule   x",
        "  a<b>   1",
        "  b     20",
        "weights              1, 2",
    ]


def test_what_has_tables_is_shown_by_them():
    layers = {"conv1": {"accuracy": 60.0, "accuracy_random": 50.0}}
    found = Result(
        "probe", {"run": "runs/x", "accuracy": 79.12, "accuracy_random": 60.0, "layers": layers, "together": ["conv1"]}
    )
    shown = repr(found).splitlines()
    assert shown[:2] == ["<probe>", "Read-outs"]
    assert shown[-6:] == [
        "",
        "layer       accuracy (%)  with random weights (%)  gain (points)",
        "conv1              60.00                    50.00         +10.00",
        "all layers         79.12                    60.00         +19.12",
        "",
        "run                  runs/x",
    ]


def test_a_long_one_is_cut():
    shown = repr(Result("x", {f"key{i}": i for i in range(200)})).splitlines()
    assert len(shown) == 62
    assert shown[-1].startswith("... 140 more lines")


def test_notebooks_get_a_table_without_markup_of_ours():
    html = Result("probe", DOCUMENT)._repr_html_()
    assert "a&lt;b&gt;" in html
    assert html.count("<table>") == html.count("</table>") >= 3
