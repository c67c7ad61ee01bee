"""What is published: versions agree, the citation has what its format asks, the Containerfile copies what there is."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
CONTAINER = (ROOT / "Containerfile").read_text()


def test_one_version():
    told = re.findall(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert CITATION["version"] == PROJECT["version"] and PROJECT["version"] in told


def test_the_citation_has_what_its_format_asks():
    assert CITATION["cff-version"] == "1.2.0" and CITATION["license"] == PROJECT["license"]
    assert {"message", "title", "authors", "type"} <= CITATION.keys()
    assert all({"name"} <= author.keys() or {"family-names"} <= author.keys() for author in CITATION["authors"])


def test_the_container_copies_what_there_is():
    copied = [
        line.split()[1:-1] for line in CONTAINER.splitlines() if line.startswith("COPY ") and "--from" not in line
    ]
    paths = [name for line in copied for name in line]
    assert {"pyproject.toml", "README.md", "LICENSE", "plasticity", "models", "protocols", "recordings"} == set(paths)
    assert all((ROOT / name).exists() for name in paths)
    (extras,) = re.findall(r"'\.\[([\w,]+)\]'", CONTAINER)
    assert set(extras.split(",")) <= PROJECT["optional-dependencies"].keys()


def test_extras_are_told():
    told = (ROOT / "docs" / "install.md").read_text()
    names = set(PROJECT["optional-dependencies"])
    assert [name for name in names if f"apical[{name}]" not in told and f"`{name}`" not in told] == []


def test_oldest_versions_are_the_lower_bounds(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tests"))
    import versions

    pins = versions.lowest(PROJECT)
    assert any(pin.startswith("torch==") for pin in pins) and len(pins) >= len(PROJECT["dependencies"])


@pytest.mark.parametrize("target", ["docs", "release", "test-versions"])
def test_targets_of_make_exist(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M)
