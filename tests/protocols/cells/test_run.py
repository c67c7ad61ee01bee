"""`apical cells`: verdicts, figures, refusals, and the eligibility on a trained circuit."""

import json

import numpy as np
import pytest
from apical.protocols.cells import check_cells, listed, unmet
from apical.protocols.cells.row import Row
from apical.protocols.cells.section import section
from apical.protocols.cells.sources import bursts_and_events
from apical.protocols.errors import ConfigError

pytest.importorskip("brian2", reason="the bridge needs brian2")


def test_a_part_is_run_drawn_and_judged(tmp_path):
    found = check_cells(tmp_path, ["urbanczik-senn"], progress=False)
    assert found["passed"]
    assert unmet(found) is None
    assert [row["part"] for row in found["rows"]] == ["urbanczik-senn"] * 2
    assert (tmp_path / "figures" / "cells_urbanczik_senn.png").stat().st_size > 1000
    assert json.loads((tmp_path / "cells.json").read_text())["rows"] == found["rows"]
    told = section(found)
    assert [row[0] for row in told.tables[0].rows] == ["urbanczik-senn"] * 2
    assert {row[-1] for row in told.tables[0].rows} == {"pass"}
    assert [figure.name for figure in told.figures] == ["cells_urbanczik_senn"]


def test_what_fails_is_said():
    row = Row(part="clopath", quantity="change of weight (%)", found=9.0, expected=3.0, at_most=2.0).as_dict()
    assert row["passed"] is False
    said = unmet({"rows": [row], "run": "runs/cells"})
    assert said == "cells.clopath: expected change of weight (%) within 2 of 3, got 9; see runs/cells/cells.json"
    assert Row(part="a", quantity="b", found=float("nan"), at_most=1.0).passed is False
    assert Row(part="a", quantity="b", found=1.0).passed is None


def test_all_presets_are_listed():
    found = listed()
    assert {"linear", "bac", "urbanczik-senn", "burst-poisson", "clopath"} <= set(found["cells"])
    assert {"urbanczik-senn", "burst-dependent", "clopath", "apical-pre-copy"} <= set(found["synapses"])
    assert all([*found["cells"].values(), *found["synapses"].values()])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"parts": ["clopaths"]}, r"cells\.part: expected one of calibration, .* got 'clopaths'; did you mean clopath"),
        ({"parts": ["eligibility"]}, r"cells\.run: expected a trained run for the part eligibility, got none"),
        ({"seeds": ()}, r"cells\.seeds: expected numbers from 0"),
    ],
)
def test_misuse_is_refused(words, said, tmp_path):
    with pytest.raises(ConfigError, match=said):
        check_cells(tmp_path / "out", progress=False, **words)
    assert not (tmp_path / "out").exists()


def test_bursts_are_counted_once():
    assert bursts_and_events(np.array([100.0, 110.0, 118.0, 200.0, 300.0, 310.0])) == (2, 3)
    assert bursts_and_events(np.zeros(0)) == (0, 0)
