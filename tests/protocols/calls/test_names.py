"""Names in one text between commas mean in Python what they mean on the command line."""

import apical
import pytest
from apical.protocols.errors import ConfigError
from small_runs import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("names") / "run")


def test_texts_are_split_at_commas(run):
    tree = apical.load(run).present(
        "own", count=4, populations="conv1, conv2", variables="rate,basal", reductions="mean,norm"
    )
    assert list(tree["activity"].children) == ["conv1", "conv2"]
    assert sorted(tree["activity/conv1"].data_vars) == [
        f"{name}{end}" for name in ("basal", "rate") for end in ("", "_mean", "_norm")
    ]
    made = apical.record(
        run, "own", units="conv1=3,5,conv3=all", variables="rate", settings={"count": 4}, progress=False
    )
    assert sorted(made.units) == ["conv1", "conv3"]
    assert made.units["conv1"] == 2
    assert list(made.variables) == ["rate"]


def test_an_empty_name_is_refused(run):
    with pytest.raises(ConfigError, match=r"record\.variables: expected names between commas, got 'rate,'"):
        apical.load(run).present("own", variables="rate,")
