"""The README's Python runs as printed."""

import re
from pathlib import Path

import matplotlib
import pytest
from apical.protocols.settings.load import load
from apical.protocols.train.run import train

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
TINY = [
    "network.width=0.016", "training.epochs=1", "stimulus.n_train=64", "stimulus.n_test=32",
    "training.batch=8", "recording.every=1", "recording.rows=8", "probe.n_train=null",
]  # fmt: skip


def test_there_is_python_in_the_readme():
    assert len(BLOCKS) >= 2


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[0])
def test_a_block_runs(block, tmp_path, monkeypatch):
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    if "runs/demo-seed0" in block:
        train(load("demo", TINY), tmp_path / "runs" / "demo-seed0", progress=False)
    exec(compile(block, "README.md", "exec"), {})
