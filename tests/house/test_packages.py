"""What is declared in pyproject.toml is what lies on disk: a forgotten package is missing from the wheel alone."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("plasticity", "models", "protocols", "recordings")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]


# the face of `import apical` is mapped to the name itself
NAME = {"protocols.face": "apical"}


def test_declared_packages_are_the_folders_on_disk():
    found = {
        ".".join(init.parent.relative_to(ROOT).parts) for room in ROOMS for init in (ROOT / room).rglob("__init__.py")
    }
    assert {NAME.get(name, f"apical.{name}") for name in found} == set(SETTINGS["packages"])


def test_every_module_lies_in_a_package():
    folders = {path.parent for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_rooms_are_mapped_to_their_folders():
    assert SETTINGS["package-dir"] == {"apical": "protocols/face"} | {f"apical.{room}": room for room in ROOMS}


@pytest.mark.parametrize("room", ROOMS)
def test_room_is_typed(room):
    assert (ROOT / room / "py.typed").exists()


def test_every_data_file_is_packaged():
    """Files other than Python in a room reach the wheel only if a pattern names them."""
    for room in ROOMS:
        patterns = [*SETTINGS["package-data"]["*"], *SETTINGS["package-data"].get(f"apical.{room}", [])]
        for path in (ROOT / room).rglob("*"):
            if path.is_file() and path.suffix not in (".py", ".pyc"):
                name = path.relative_to(ROOT / room).as_posix()
                face = f"{room}.{path.parent.name}" in NAME and path.name in SETTINGS["package-data"]["*"]
                assert face or any(fnmatch(name, pattern) for pattern in patterns), f"{room}/{name}"


def test_no_folder_bears_the_name_of_the_namespace():
    assert not (ROOT / "apical").exists()
