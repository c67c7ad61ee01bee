"""A run goes on with the settings and images that it began with, or says that it does not."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from apical.models.engine.checkpoint import State
from apical.protocols.errors import ConfigError, ProtocolError
from apical.protocols.runs.unchanged import fingerprints, same_data, same_settings
from apical.protocols.settings.load import identity, load


def stimulus(train="a", test="b"):
    return SimpleNamespace(train=SimpleNamespace(fingerprint=train), test=SimpleNamespace(fingerprint=test))


def state(mark="", **data):
    return State(7, 0.0, {}, "", mark, data)


def test_other_settings_are_refused():
    config = load("demo")
    same_settings(config, state(identity(config)), Path("config.yaml"))
    same_settings(config, state(), Path("config.yaml"))  # an old checkpoint does not tell
    with pytest.raises(ConfigError, match=r"config.yaml: expected the settings that step 7 was trained with.*edited"):
        same_settings(load("demo", ["seed=1"]), state(identity(config)), Path("config.yaml"))


@pytest.mark.parametrize("name", ["folder:x", "npz:x"])
@pytest.mark.parametrize(
    ("stored", "told"),
    [({"train": "?", "test": "b"}, "train"), ({"test": "?"}, "test"), ({"train": "?", "test": "?"}, "train and test")],
)
def test_other_images_of_the_user_are_refused(name, stored, told):
    config = load("demo", [f"stimulus.name='{name}'"])
    same_data(config, stimulus(), state(**fingerprints(stimulus())))
    same_data(config, stimulus(), state())
    with pytest.raises(ProtocolError, match=rf"expected the {told} images of the training, got others from {name}"):
        same_data(config, stimulus(), state(**stored))


def test_pixels_that_another_machine_rounds_otherwise_are_told(capsys):
    same_data(load("demo"), stimulus(), state(**fingerprints(stimulus())))
    assert capsys.readouterr().err == ""
    same_data(load("demo"), stimulus(), state(train="?"))
    told = capsys.readouterr().err
    assert told.startswith("Note: stimulus.name: expected the train images of the training, got others from shapes")
    assert told.count("\n") == 1
