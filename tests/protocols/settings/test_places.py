"""Where the user's own images lie is no part of what a run is."""

from pathlib import Path

import pytest
from apical.protocols.errors import ConfigError
from apical.protocols.settings.load import identity, load, resume, stored_text
from apical.protocols.settings.places import at, located, moved_to


def on(name):
    return load("cifar10", [f"stimulus.name='{name}'"])


@pytest.mark.parametrize("kind", ["folder", "npz"])
def test_a_moved_folder_makes_no_run_another_one(kind, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    config = on(f"{kind}:images")
    placed = located(config)
    assert placed.stimulus.name == f"{kind}:{tmp_path / 'images'}"
    assert located(placed) == placed
    assert identity(placed) == identity(config) == identity(on(f"{kind}:/elsewhere/images"))
    assert identity(config) != identity(on("folder:x" if kind == "npz" else "npz:x"))
    assert identity(config) != identity(on("cifar100"))


def test_home_is_a_place():
    assert located(on("npz:~/a.npz")).stimulus.name == f"npz:{Path.home() / 'a.npz'}"


def test_data_sets_of_a_name_have_no_place():
    config = load("cifar10")
    assert located(config) == config
    assert moved_to(config, None) == config
    with pytest.raises(ConfigError, match=r"--data: expected none for a run on cifar10, got 'npz:x'.*--data-dir"):
        moved_to(config, "npz:x")


def test_images_of_another_kind_are_not_those_of_the_run():
    config = on("npz:/a.npz")
    assert moved_to(config, "npz:/b.npz") == at(config, "npz:/b.npz")
    for data in ("folder:/b", "cifar10", "npz:"):
        with pytest.raises(ConfigError, match=r"--data: expected npz:PATH, as the run was trained on npz:/a.npz, got"):
            moved_to(config, data)


def test_a_run_goes_on_at_another_place_of_the_same_kind_alone(tmp_path):
    (tmp_path / "config.yaml").write_text(stored_text(on("npz:/a.npz")))
    assert resume(tmp_path, options={"stimulus.name": "npz:/b.npz"}).stimulus.name == "npz:/b.npz"
    for other in ("folder:/b", "cifar10"):
        with pytest.raises(ConfigError, match=r'stimulus.name: expected "npz:/a.npz" as in'):
            resume(tmp_path, options={"stimulus.name": other})
