"""What the page on sweeps shows is a sweep."""

import re
from pathlib import Path

import yaml
from apical.protocols.sweep.spec import load

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "sweep.md"
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)]


def test_the_first_sweep_has_the_cells_that_it_says():
    assert len(load(BLOCKS[0]).cells()) == 18


def test_every_kind_of_axis_is_understood(tmp_path, monkeypatch):
    (tmp_path / "my_rule.py").write_text(
        "from apical.plasticity import ClappPP\n\n\nclass MyRule(ClappPP):\n    'Mine.'\n"
    )
    monkeypatch.chdir(tmp_path)
    plan = load({"base": "demo", **BLOCKS[1]})
    assert [(axis.kind, len(axis.values)) for axis in plan.axes] == [
        ("grid", 2),
        ("list", 2),
        ("random", 8),
        ("entries", 2),
    ]
