"""What the README and the first pages say is done as they say it, command by command, in an empty folder."""

import sys
from pathlib import Path

import matplotlib
import pytest
from pages import ROOT, blocks, commands, follow

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]  # of Brian2, on import


@pytest.fixture
def empty(tmp_path, monkeypatch):
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    known = set(sys.modules)
    yield tmp_path
    import matplotlib.pyplot as plt

    plt.close("all")
    for name in set(sys.modules) - known:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.mark.parametrize("page", ["docs/tutorials/ten-minutes.md", "docs/tutorials/own-rule.md", "docs/tasks.md"])
def test_a_page_is_followed(page, empty):
    assert follow(ROOT / page, {}) >= 7
    assert any(Path("runs").iterdir())


def test_the_readme_is_followed(empty):
    told = [
        line
        for block in blocks((ROOT / "README.md").read_text())
        if block.language == "bash"
        for line in commands(block.text)
    ]
    if not told:
        pytest.skip("no block of README.md is marked bash")
    follow(ROOT / "README.md", {})
