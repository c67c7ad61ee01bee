import pytest
from small_runs import make_run

SMALL = {"network__width": 0.0625, "recording__enabled": False, "optimiser__learning_rate": 0.003}


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A small trained run; changes such as rule__context="lateral"."""
    return lambda **changes: make_run(tmp_path_factory.mktemp("lesion") / "run", **{**SMALL, **changes})


@pytest.fixture(scope="session")
def dfb(trained):
    return trained()


@pytest.fixture(scope="session")
def lateral(trained):
    return trained(rule__context="lateral")
