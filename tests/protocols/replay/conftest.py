import sys
from pathlib import Path

import pytest

# made_replays.py is shared by several test files
sys.path.insert(0, str(Path(__file__).parent))
from small_runs import make_run


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A trained run with direct feedback."""
    return make_run(tmp_path_factory.mktemp("replay") / "dfb")
