import json

import pytest
from apical.protocols.config import load
from apical.protocols.train import train

SMALL = {
    "name": "small",
    "stimulus": {"name": "shapes", "image_size": 16, "n_train": 64, "n_test": 32},
    "network": {"builder": "vgg6", "width": 0.0625},
    "rule": {"context": "dfb", "grids": [4, 2, 2, 2, 1, 1]},
    "training": {"epochs": 1, "batch": 8, "threads": 1, "device": "cpu"},
    "recording": {"enabled": False},
    "optimiser": {"learning_rate": 0.003},
}


@pytest.fixture(scope="session")
def make_run(tmp_path_factory):
    """A small trained run; changes such as rule={"context": "lateral"}."""

    def make(**changes):
        place = tmp_path_factory.mktemp("lesion")
        document = {group: {**SMALL[group], **changes.get(group, {})} for group in SMALL if group != "name"}
        (place / "small.yaml").write_text(json.dumps({"name": "small", **document}))
        train(load(str(place / "small.yaml")), place / "run", progress=False)
        return place / "run"

    return make


@pytest.fixture(scope="session")
def dfb(make_run):
    return make_run()


@pytest.fixture(scope="session")
def lateral(make_run):
    return make_run(rule={"context": "lateral"})
