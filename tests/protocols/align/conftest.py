import sys
from pathlib import Path

import pytest

# tiny_networks.py is shared by several test files
sys.path.insert(0, str(Path(__file__).parent))
from small_runs import make_run


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A run with direct feedback and two checkpoints, one without spatial dependency or recording, and one by backprop."""
    place = tmp_path_factory.mktemp("runs")
    often = {"training__checkpoint_every": 4, "stimulus__n_test": 16}
    flat = {"rule__context": "lateral", "rule__grids": [1] * 6, "recording__enabled": False}
    return {
        "dfb": make_run(place / "dfb", **often),
        "flat": make_run(place / "flat", **often, **flat),
        "bp": make_run(place / "bp", **often, rule__name="bp-clapp++", rule__context="lateral"),
    }
