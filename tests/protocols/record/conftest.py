import shutil

import pytest
from small_runs import make_run


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("record") / "run", rule__context="both")


@pytest.fixture
def run(trained, tmp_path):
    """A copy, so that recordings of one test are not there in another."""
    return shutil.copytree(trained, tmp_path / "run")
